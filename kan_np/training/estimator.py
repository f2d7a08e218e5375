"""What KAN and MLP share: training, prediction, saving. The two differ in their numbers, not in their use."""

from __future__ import annotations

import copy as copying
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _html, _validate
from kan_np._validate import FloatArray
from kan_np._warnings import ExtrapolationWarning, Finding, warn
from kan_np.archive import Declared
from kan_np.data.check import Dataset
from kan_np.data.columns import in_order, without_tables
from kan_np.data.scaler import Scaler
from kan_np.model_file import BARS_PREFIX, SCALER_PREFIX, write_model
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.objective.loss import SQUARES, Loss
from kan_np.objective.loss_in_units import network_loss
from kan_np.objective.losses import loss_of
from kan_np.objective.objective import SampledObjective
from kan_np.objective.shrinkage import Prior
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.training.derivatives import HasDerivatives
from kan_np.training.named_columns import NamedColumns
from kan_np.training.predicted_labels import PredictsLabels
from kan_np.training.training_range import FAR_PREDICTED, FarRows, far_rows, in_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Estimator(NamedColumns, HasDerivatives, PredictsLabels, ABC):
    """A model that is fitted to samples, predicts, and is saved."""

    #: Between the units of the data and the numbers of the network; None where these are the same.
    scaler: Scaler | None
    #: Lowest and highest training inputs, as the network sees them; None before a fit and of older files.
    _training_range: FloatArray | None = None
    #: Parameters and arithmetic: never changed, only replaced.
    _network: Network | MlpNetwork
    #: The network of the random start, to which a fit may go back.
    _start: Network | MlpNetwork
    #: That of a fit to few samples that left the mean of the labels.
    _constant: Network | MlpNetwork | None = None
    #: Weight of the prior of `kan_np.objective.shrinkage` that a fit to few samples chose, for the fits that
    #: follow.
    _shrinkage: float | None = None
    #: What a fit found, too: how far outside the range of its samples edges are followed
    #: (`kan_np.training.training_range.with_leeway`), and the ends of that, (2, n_in); None without ends.
    _leeway: float = np.inf
    _followed: FloatArray | None = None
    #: Error bars of `kan_np.uncertainty`, with the network that they are of.
    _error_bars: Any = None
    #: How the present network was made of the start, if one fit made it; rows of the last fit. Not in files.
    _recipe: Any = None
    _n_fitted: int | None = None

    @property
    @abstractmethod
    def width(self) -> list[int]:
        """Nodes of each layer, inputs first."""

    @property
    def loss(self) -> Loss:
        """The loss of the last fit, which says what outputs are: values, logits of classes, or log rates."""
        return self._loss

    @property
    def n_params(self) -> int:
        """Number of trainable scalars: the x-axis of every frontier."""
        return self._network.n_params

    @property
    def theta(self) -> FloatArray:
        """All trainable scalars as one vector of length `n_params`, a copy; it can be set.

        With `loss_and_gradient` for a training loop of one's own.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 5, 1], seed=0)
        >>> model.theta = 0.5 * model.theta
        """
        return self._theta.copy()

    @theta.setter
    def theta(self, theta: ArrayLike) -> None:
        vector = _validate.vector("theta", theta)
        if vector.size != self.n_params:
            raise ValueError(
                f"theta has {vector.size} numbers; expected {self.n_params}, one for every trainable "
                "parameter, as the property of the same name returns them."
            )
        self._theta = vector.copy()

    @property
    def training_range(self) -> FloatArray | None:
        """Lowest and highest value of every input in the last fit, in the units of the data: (2, n_in).

        None before a fit, and of files of versions that did not keep it.
        """
        if self._training_range is None:
            return None
        columns = [in_units(self.scaler, i, column) for i, column in enumerate(self._training_range.T)]
        return np.stack(columns, axis=1)

    @property
    def _is_untrained(self) -> bool:
        """Whether a fit may choose the weight of a prior: it then begins from the random start."""
        return self._network is self._start or self._network is self._constant

    @property
    def _goes_on_smoothly(self) -> bool:
        """Whether there are splines that go on outside their grids; then fits say how far."""
        return False

    @property
    def _knots_follow_samples(self) -> bool:
        """Whether splines have most of their knots where most of the samples are."""
        return False

    @property
    def _n_straight(self) -> int:
        """Parameters that are left where every edge is a straight line, which smoothing does not limit."""
        return self.n_params

    def _restart(self) -> None:
        """Go back to the random start, after a fit that could say no more than the mean of the labels."""
        self._network = self._start

    def _keep_shrinkage(self, weight: float) -> None:
        self._shrinkage = weight
        if np.isinf(weight):  # a constant cannot be trained on: a fit to more samples begins anew
            self._constant = self._network

    def _scale_grid(self, scaler: Scaler) -> None:
        """Bring grids that were given in the units of the data to the numbers of the network."""

    @abstractmethod
    def _anew(self, seed: int) -> Self:
        """The model before its first fit, with another random start; ValueError if it cannot be made."""

    @abstractmethod
    def _prior(self, x: FloatArray, weight: FloatArray | None, label_variance: float) -> Prior:
        """What keeps parameters small where samples x with labels of this variance are few."""

    @abstractmethod
    def _constant_network(self, values: FloatArray) -> Network | MlpNetwork | None:
        """The network that gives these outputs everywhere, (n_out,); None if this kind cannot."""

    @property
    def _theta(self) -> FloatArray:
        return self._network.theta

    @_theta.setter
    def _theta(self, theta: FloatArray) -> None:
        self._network = self._network.with_theta(theta)

    @abstractmethod
    def _objective(
        self,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty,
        weight: FloatArray | None,
        smoothing: float | str,
        loss: Loss | None = None,
    ) -> SampledObjective:
        """What a fit minimises; `loss` is that of the model if None."""

    @abstractmethod
    def _config(self) -> dict[str, Any]:
        """Constructor arguments, as plain values."""

    @abstractmethod
    def _arrays(self) -> dict[str, FloatArray]:
        """What is learned, as arrays."""

    @classmethod
    @abstractmethod
    def _check_arrays(cls, config: dict[str, Any], declared: Mapping[str, Declared]) -> list[int]:
        """The width; ValueError unless the arrays of a file, before they are read, fit its configuration."""

    @classmethod
    @abstractmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, FloatArray]) -> Self: ...

    @abstractmethod
    def plot(self) -> Figure:
        """Draw the model as a matplotlib Figure."""

    def _repr_html_(self) -> str:
        """For notebooks: shape and number of parameters, and the drawing."""
        return _html.paragraph(repr(self)) + _html.drawing(self.n_params, self.plot)

    def _move_grid(self, x: FloatArray, slack: float = 0.0) -> None:
        """Fit the grids to the samples."""

    def _mean_loss(
        self,
        x: FloatArray,
        y: FloatArray,
        weight: FloatArray | None = None,
        unit: FloatArray | float = 1.0,
    ) -> float:
        """What histories say of samples of the network: the RMSE, or the mean of another loss.

        In units of which a label of the network is so many.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status, not a warning
            return self._loss.mean(y, self._network.forward(self._within(x)), weight, unit)

    def _rmse(
        self,
        x: FloatArray,
        y: FloatArray,
        weight: FloatArray | None = None,
        unit: FloatArray | float = 1.0,
    ) -> float:
        """RMSE of samples of the network, in units of which a label of the network is so many."""
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status, not a warning
            return SQUARES.mean(y, self._network.forward(self._within(x)), weight, unit)

    def _forward(self, x: FloatArray, first_row: int = 0) -> FloatArray:
        self._network.check_inputs(x, first_row)
        return self._network.forward(self._within(x))

    def _within(self, x: FloatArray) -> FloatArray:
        """Inputs with those outside where the edges are followed brought back to its ends."""
        return x if self._followed is None else np.clip(x, *self._followed)

    def _samples(self, x: ArrayLike, first_row: int = 0) -> FloatArray:
        """Inputs in the units of the data as the network takes them."""
        samples = _validate.matrix("x", self._select("x", x), self.width[0], first_row)
        return samples if self.scaler is None else self.scaler.scale_input(samples)

    def _outputs(self, values: FloatArray) -> FloatArray:
        """Outputs of the network in the units of the data."""
        with np.errstate(over="ignore", invalid="ignore"):  # far outside: `predict` says so
            return values if self.scaler is None else self.scaler.unscale_label(values)

    def __call__(self, x: ArrayLike) -> FloatArray:
        """Outputs for inputs, both in the units of the data: (n_samples, n_in) -> (n_samples, n_out).

        Raises
        ------
        ValueError
            For a wrong number of columns, for NaN or infinite values, for a table whose columns have other
            names than the model's, and outside the grid of a model with ``extrapolation="error"``.
        """
        return self._outputs(self._forward(self._samples(x)))

    def predict(self, x: ArrayLike, batch_size: int = 65536) -> FloatArray:
        """Predictions in the units of the data: (n_samples, n_in) -> (n_samples, n_out).

        As ``model(x)``, and an `ExtrapolationWarning` counts the rows that lie by more than a quarter of the
        training range outside it. Where the edges of a KAN are no longer followed outside
        (`kan_np.training.leeway`), rows are predicted as if they lay at the end of that. Rows are converted
        and checked `batch_size` at a time, so that an array on disk (``numpy.memmap``) is never in memory as
        a whole.

        A table with named columns (a data frame, a dict of columns, a list of dicts) is matched by the
        `feature_names` of the model: the order of its columns does not matter, others than those are left
        out, and columns of classes and dates are read as they were for the training. Rows with text, such as
        ``[[80, 6, "THF"]]``, have a cell for each of `input_columns`.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table
        batch_size : int
            Rows at a time; up to rounding the result does not depend on it.

        Raises
        ------
        ValueError
            As ``model(x)``.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> KAN([2, 3, 1], seed=0).predict(np.zeros((5, 2))).shape
        (5, 1)
        """
        batch_size = _validate.integer("batch_size", batch_size, 1)
        x = self._select("x", x)
        rows: Any = np.atleast_1d(x if isinstance(x, np.ndarray) else np.asarray(x))  # a memmap stays one
        parts = []
        far: FarRows | None = None
        for low in range(0, max(len(rows), 1), batch_size):
            part = self._samples(rows[low : low + batch_size], low)
            parts.append(self._outputs(self._forward(part, low)))
            if self._training_range is not None:
                here = far_rows(part, self._training_range, FAR_PREDICTED)
                far = here if far is None else far if here is None else far.joined(here)
        if far is not None:
            told = replace(far, n_rows=sum(map(len, parts))).sentence("rows", self.scaler, self.feature_names)
            warn([Finding(told, ExtrapolationWarning)])
        return np.concatenate(parts)

    def loss_and_gradient(
        self, x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, *, loss: object = "squares"
    ) -> tuple[float, FloatArray]:
        """The mean squared error of ``model(x)``, or another mean loss, and its gradient by `theta`.

            L(theta) = sum_s w_s |(f(x_s) - y_s) / u|^2 / (n_out sum_s w_s)

        with u the ``label_scale`` of the model's `scaler`, an output each, and 1 without one. "huber" and
        "quantile" are of residuals in these units, too; other losses are of labels and ``model(x)`` as they
        are.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)
        y : array_like of shape (n_samples, n_out)
        weight : array_like of shape (n_samples,), optional
            w; equal weights if not given.
        loss : str or object
            As for ``fit``, with labels as there.

        Returns
        -------
        float, ndarray of shape (n_params,)

        Raises
        ------
        ValueError
            As ``model(x)``, for labels and weights that do not fit the samples, and for negative weights.

        Examples
        --------
        Gradient descent as a loop of one's own:

        >>> import numpy as np
        >>> from kan_np import KAN
        >>> x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
        >>> y, model = x[:, :1] * x[:, 1:], KAN([2, 2, 1], seed=0)
        >>> first, _ = model.loss_and_gradient(x, y)
        >>> for _ in range(20):
        ...     loss, gradient = model.loss_and_gradient(x, y)
        ...     model.theta -= 0.1 * gradient
        >>> loss < first
        True
        """
        samples = self._samples(x)
        self._network.check_inputs(samples)
        own = loss_of(loss)
        labels = _validate.matrix("y", own.labels("y", y, self.width[-1]), self.width[-1])
        if self.scaler is not None:
            labels = self.scaler.scale_label(labels)
            own = network_loss(own, self.scaler.label_shift, self.scaler.label_scale)
        if len(labels) != len(samples):
            raise ValueError(f"x has {len(samples)} rows and y {len(labels)}; expected as many.")
        weights = None if weight is None else _validate.vector("weight", weight)
        if weights is not None and (weights.size != len(labels) or weights.min() < 0 or not weights.any()):
            raise ValueError(
                f"weight is {_validate.shown(weight)}; expected {len(labels)} numbers >= 0, one for each "
                "sample, not all of them 0."
            )
        within = self._within(samples)
        own = own.checked(labels, self._network.forward(within))
        return self._objective(within, labels, Penalty(), weights, 0.0, own)(self._theta)

    def copy(self) -> Self:
        """Return an independent model with the same function."""
        return copying.deepcopy(self)

    def save(self, file: str | PathLike[str] | BinaryIO) -> None:
        """Write the model to one .npz file, atomically: arrays and a JSON header, no pickle.

        A path either keeps its old content or holds the whole new model, also when the process is killed.
        ``kan_np.load_model`` reads it back to the same bits.

        Parameters
        ----------
        file : path or writable binary file

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        OSError
            If the file cannot be written.
        """
        header: dict[str, Any] = {"kind": type(self).__name__, "config": self._config()}
        if not self._loss.is_squares:
            header["loss"] = self._loss.described()  # which readers of earlier versions leave out
        if columns := self._columns.described():
            header["columns"] = columns  # which readers of earlier versions leave out
        ranges = {"training_range": self._training_range, "followed_range": self._followed}
        arrays = self._arrays() | {name: limits for name, limits in ranges.items() if limits is not None}
        if self.scaler is not None:
            arrays |= {SCALER_PREFIX + name: values for name, values in self.scaler.to_arrays().items()}
        bars = self._error_bars
        if bars is not None and bars.network is self._network:  # others would be those of another model
            header["error_bars"] = bars.described()
            arrays |= {BARS_PREFIX + name: values for name, values in bars.arrays().items()}
        write_model(file, header, arrays)

    def _matched(self, dataset: Dataset) -> Dataset:
        """The dataset as arrays, with the inputs in the order of the model's names where both have names."""
        dataset = without_tables(dataset)
        known, given = self.feature_names, dataset.get("feature_names")
        same = known is not None and given is not None and len(given) == len(known)
        return in_order(dataset, known) if known is not None and same else dataset
