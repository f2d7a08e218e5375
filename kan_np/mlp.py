"""Multilayer perceptron: the baseline, with the same interface, optimizers and files as KAN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._arguments import MODEL, explained, explained_fit
from kan_np._memory import check_memory
from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.data.check import Dataset
from kan_np.data.scaler import Scaler
from kan_np.network.mlp_network import ACTIVATIONS, MlpNetwork
from kan_np.network.state import check_config, check_vector
from kan_np.network.width import check_width
from kan_np.objective.loss import Loss
from kan_np.objective.loss_fn import chosen_loss
from kan_np.objective.mlp_objective import mlp_objective
from kan_np.objective.objective import SampledObjective
from kan_np.objective.shrinkage import Shrunk
from kan_np.objective.smoothing import AUTO
from kan_np.objective.sparsity_penalty import Penalty, scheduled_penalties
from kan_np.objective.weight_decay import WeightPrior
from kan_np.optimize.first_order import StepOptions
from kan_np.optimize.status import FitResult
from kan_np.training.anchor import Anchor
from kan_np.training.anchoring import anchored
from kan_np.training.estimator import Estimator
from kan_np.training.fit import Callback, FitOptions, fit_checked
from kan_np.training.folds import Sample
from kan_np.training.metrics import checked_metrics
from kan_np.uncertainty import calibration, prediction
from kan_np.uncertainty.bars import ErrorBars
from kan_np.uncertainty.refits import Refit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class MLP(Estimator):
    """Multilayer perceptron h_{l+1} = a(h_l W_l + b_l), with a linear last layer.

    Parameters
    ----------
    width : sequence of int
        Nodes of each layer, inputs first: [2, 20, 20, 1].
    activation : {"tanh", "relu", "silu"}
    seed : int or numpy.random.Generator
        Weights start uniform in +-sqrt(6 / (n_in + n_out)) (Glorot and Bengio 2010, eq. (16)), for relu and
        silu in +-sqrt(6 / n_in) (He et al. 2015, eq. (10)); biases uniform in +-1 / sqrt(n_in).

    Attributes
    ----------
    n_params : int
        Weights and biases.
    scaler : Scaler or None
        Between the units of the data, which it takes and gives, and the numbers of the network, of which
        weights are; chosen by the first fit, None where these are the same.

    Raises
    ------
    ValueError, TypeError
        For an invalid width or activation.

    Examples
    --------
    >>> from kan_np import MLP, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> result = MLP([2, 10, 1], activation="tanh", seed=0).fit(dataset, steps=20)
    >>> bool(result["test_loss"][-1] < 0.05)
    True
    """

    _network: MlpNetwork
    _start: MlpNetwork

    @explained(MODEL)
    def __init__(
        self, width: Sequence[int], activation: str = "tanh", *, seed: int | np.random.Generator = 0
    ) -> None:
        layers = check_width(width)
        activation = _validate.choice("activation", activation, ACTIVATIONS)
        self.scaler = None
        n_params = sum((a + 1) * b for a, b in zip(layers[:-1], layers[1:], strict=True))
        check_memory(f"an MLP of {n_params} parameters", 16 * n_params, "Use fewer nodes.")
        rng = _validate.generator("seed", seed)
        parts = []
        for n_in, n_out in zip(layers[:-1], layers[1:], strict=True):
            spread = np.sqrt(6.0 / (n_in + n_out if activation == "tanh" else n_in))
            parts.append(rng.uniform(-spread, spread, n_in * n_out))
            parts.append(rng.uniform(-1.0, 1.0, n_out) / np.sqrt(n_in))
        self._network = self._start = MlpNetwork(tuple(layers), activation, np.concatenate(parts))

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike],
        activation: str = "tanh",
        scaler: Scaler | None = None,
    ) -> Self:
        """Return an MLP with given weights, for instance from another library.

        Parameters
        ----------
        weights : sequence of array_like, shape (n_in, n_out)
            W_l of every layer; ``MLPRegressor.coefs_`` of scikit-learn has this form.
        biases : sequence of array_like, shape (n_out,)
            b_l of every layer.
        activation : {"tanh", "relu", "silu"}
        scaler : Scaler, optional
            The standardisation of the samples that the weights are for; inputs and outputs of the model are
            then in the units of the data.

        Raises
        ------
        ValueError, TypeError
            If the shapes of consecutive layers do not match.

        Examples
        --------
        >>> line = MLP.from_weights([[[2.0]]], [[1.0]])
        >>> line([[3.0]]).tolist()
        [[7.0]]
        """
        matrices = [_validate.matrix(f"weights[{i}]", w) for i, w in enumerate(weights)]
        vectors = [_validate.vector(f"biases[{i}]", b) for i, b in enumerate(biases)]
        if not matrices or len(matrices) != len(vectors):
            raise ValueError(
                f"weights has {len(matrices)} layers and biases {len(vectors)}; expected as many, at least 1."
            )
        width = [matrices[0].shape[0], *(w.shape[1] for w in matrices)]
        for i, (w, b) in enumerate(zip(matrices, vectors, strict=True)):
            if w.shape[0] != width[i] or b.size != width[i + 1]:
                raise ValueError(
                    f"layer {i} has weights of shape {w.shape} and {b.size} biases; expected "
                    f"({width[i]}, {b.size}), as the layer before it has {width[i]} nodes."
                )
        model = cls(width, activation)
        parts = [part.ravel() for pair in zip(matrices, vectors, strict=True) for part in pair]
        model._network = model._network.with_theta(np.concatenate(parts))
        model.scaler = scaler
        return model

    @property
    def width(self) -> list[int]:
        """Nodes of each layer, inputs first."""
        return list(self._network.width)

    @property
    def activation(self) -> str:
        """Name of the activation a."""
        return str(self._network.activation)

    @explained_fit
    def fit(
        self,
        dataset: Dataset,
        opt: str = "LBFGS",
        steps: int = 50,
        *,
        lamb: float | Sequence[float] = 0.0,
        lamb_l1: float = 1.0,
        weight_decay: float | str = AUTO,
        lr: float | None = None,
        batch: int | None = None,
        momentum: float | None = None,
        seed: int | np.random.Generator = 0,
        standardize: bool | None = None,
        loss: object = "squares",
        loss_fn: Callable[..., Any] | None = None,
        metrics: Sequence[str | Callable[..., Any]] = (),
        anchor: Anchor | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> FitResult:
        """Train in place on mean squared error + ``weight_decay`` P + ``lamb`` ``lamb_l1`` sum abs(W).

        With `loss` another one takes the place of the first. Otherwise as ``KAN.fit``. P is a weighted sum of
        squares of the weights (`kan_np.objective.weight_decay`).

        Parameters
        ----------
        dataset : dict
            train_input, train_label, and optionally test_* and val_*. With ``train_weight`` (n,) the mean
            squared error is a weighted mean; likewise for the others.
        opt : {"LBFGS", "LM", "auto", "Adam", "SGD"} or str
            One step of "LBFGS" is up to 20 iterations; one of "LM" is one accepted iteration. "LM"
            (Levenberg-Marquardt) minimises sums of squares and needs ``lamb=0``; "auto" chooses it for few
            parameters and ``lamb=0``, as in ``KAN.fit``, else "LBFGS". SciPy's minimisers have their names
            there.
        steps : int
        lamb, lamb_l1
            Penalty on the weights; biases are not penalised. ``lamb`` may be a sequence, as in ``KAN.fit``.
        weight_decay : "auto" or float
            "auto" is 0 with three or more labels for every parameter, with ``lamb`` > 0, with "Adam" and
            "SGD", and for a model whose weights were given or read from a file. With fewer labels the weight
            (or infinity: the mean of the labels) is chosen by cross-validation in the first fit, and is
            ``result.shrinkage``. That takes about ten to thirty times as long as one fit, and the callback is
            called after every iteration. It prevents absurd predictions for noisy tables; without noise least
            squares from few samples may be more accurate. A number is used for any number of samples; 0 is
            least squares.
        lr, batch, momentum, seed
            Of "Adam" and "SGD", as in ``KAN.fit``.
        standardize : bool, optional
            As in ``KAN.fit``.
        loss : str or object
            What is minimised the mean of: "squares"; "cross_entropy" (classes; labels are their numbers, or
            a column a class); "poisson" (counts; outputs are logarithms of rates); "huber" (squares which
            large residuals do not dominate); "quantile" (the median); `CrossEntropy`, `Poisson`, `Huber` and
            `Quantile` with options; or a loss of your own: a function (y, f) of labels and outputs,
            (n_samples, n_out) each, that returns values (n_samples,), their gradient by f and, for "LM",
            "Newton-CG" and "trust-ncg", their Hessian by f, or an object with methods value, gradient and
            hessian (`kan_np.objective.own_loss`). Labels and outputs that a loss sees, its options and what
            `FitResult` has of it are in the units of the data. Labels of classes and counts are not
            standardised, those of a loss of your own with ``standardize=True`` only, since its outputs may be
            something else than predictions of labels. Where samples are few, for classes with fewer than ten
            labels a parameter, a prior is chosen as it is with squares, by the mean loss.
        loss_fn : callable, optional
            The loss as pykan takes it, in place of `loss`: a function of predictions and labels,
            (n_samples, n_out) each, that returns values (n_samples,). Its derivatives are found by a complex
            step or differences (`kan_np.objective.loss_fn`), or it returns a pair of values and their
            gradient by the predictions. One number, the mean over the samples, does as well, but then it is
            called sample by sample.
        metrics : sequence of str or callable
            Recorded after every step: "accuracy", "r2", "mae" (in the units of the labels), under
            "train_accuracy" and so on for every split, and functions without arguments or of the model, as in
            pykan, under their names.
        anchor : Anchor, optional
            What earlier samples say of the weights, as in ``KAN.fit``; `weight_decay` is then 0 unless it is
            a number.
        progress : bool
            Show a bar on a terminal.
        callback : callable
            Called with a `Progress` after every iteration; returning True stops the fit.

        Returns
        -------
        FitResult

        Raises
        ------
        ValueError, TypeError
            For data or options that cannot be used; the model is then unchanged.
        """
        decay: float | str = AUTO
        if not isinstance(weight_decay, str) or weight_decay != AUTO:
            if isinstance(weight_decay, str) or weight_decay is None:
                told = _validate.shown(weight_decay)
                error = ValueError if isinstance(weight_decay, str) else TypeError
                raise error(f"weight_decay is {told}; expected 'auto' or a number >= 0.")
            decay = _validate.real("weight_decay", weight_decay, 0.0)
        options = FitOptions(
            opt,
            steps,
            update_grid=False,
            progress=progress,
            smoothing=decay,
            step_options=StepOptions(lr, batch, momentum, seed),
            standardize=standardize,
            loss=chosen_loss(loss, loss_fn),
            metrics=checked_metrics(metrics),
            anchor=anchor,
        )
        penalties = scheduled_penalties(lamb, lamb_l1=lamb_l1, lamb_entropy=0.0)
        return fit_checked(self, dataset, options, penalties, callback)

    train = fit

    def anchor(self, dataset: Dataset, previous: Anchor | None = None, *, ridge: float = 0.0) -> Anchor:
        """What the samples of the last fit say of the weights, for fits to other samples; as ``KAN.anchor``.

        Parameters
        ----------
        dataset : dict
            The dataset of the last fit.
        previous : Anchor, optional
            That of the phases before it.
        ridge : float
            Part of the mean diagonal element that is added to all of the diagonal.

        Returns
        -------
        Anchor

        Raises
        ------
        ValueError, TypeError
            As ``KAN.anchor``.

        Examples
        --------
        >>> from kan_np import MLP, create_dataset
        >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, ranges=[-1, 0], train_num=60, seed=0)
        >>> model = MLP([1, 5, 1], seed=0)
        >>> result = model.fit(dataset, "LM")
        >>> model.anchor(dataset)
        Anchor(1 phase, samples of weight 60, 16 parameters)
        """
        return anchored(self, dataset, previous, ridge)

    @overload
    def predict(
        self, x: ArrayLike, batch_size: int = ..., *, return_std: Literal[False] = ..., interval: None = ...
    ) -> FloatArray: ...

    @overload
    def predict(
        self, x: ArrayLike, batch_size: int = ..., *, return_std: bool = ..., interval: float | None = ...
    ) -> tuple[FloatArray, ...]: ...

    def predict(
        self,
        x: ArrayLike,
        batch_size: int = 65536,
        *,
        return_std: bool = False,
        interval: float | None = None,
    ) -> FloatArray | tuple[FloatArray, ...]:
        """Predictions in the units of the data, and after `calibrate` how far they may be off.

        As ``KAN.predict``; see `Estimator.predict`.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table
        batch_size : int
            Rows at a time.
        return_std : bool
            Also return the standard deviation of a new label, noise included.
        interval : float, optional
            A level such as 0.9: also return the ends of intervals that hold so many of new labels.

        Returns
        -------
        ndarray of shape (n_samples, n_out), or tuple of such
            The prediction; with `return_std` followed by the standard deviation, with `interval` by the lower
            and the upper end.

        Raises
        ------
        ValueError
            As ``model(x)``; for error bars of a model that was not calibrated, or was changed since.
        """
        x = self._select("x", x)
        y = super().predict(x, batch_size)
        if not return_std and interval is None:
            return y
        return prediction.with_error_bars(self, x, y, return_std, interval, batch_size)

    def calibrate(
        self,
        dataset: Dataset,
        method: str = "laplace",
        *,
        members: int = 5,
        folds: int = 10,
        refit: Refit | None = None,
        seed: int = 0,
    ) -> ErrorBars:
        """Learn from the data of the fit how far predictions may be off; as ``KAN.calibrate``.

        Parameters
        ----------
        dataset : dict
            The dataset of the fit, or its samples in the units of the data.
        method : {"laplace", "conformal", "jackknife+", "ensemble"}
        members, folds, refit, seed
            As of ``KAN.calibrate``.

        Returns
        -------
        ErrorBars

        Raises
        ------
        ValueError, TypeError
            For options and data that cannot be used.

        Examples
        --------
        >>> from kan_np import MLP, create_dataset
        >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=60, seed=0)
        >>> model = MLP([1, 5, 1], seed=0)
        >>> result = model.fit(dataset, "LM")
        >>> bars = model.calibrate(dataset)
        >>> y, std = model.predict([[0.5]], return_std=True)
        >>> bool(std > 0)
        True
        """
        options: dict[str, Any] = {"members": members, "folds": folds, "refit": refit, "seed": seed}
        self._error_bars = calibration.calibrated(self, dataset, method, **options)
        return self._error_bars

    @property
    def error_bars(self) -> ErrorBars | None:
        """What the last `calibrate` found; None without one. A model that is changed needs another."""
        return self._error_bars

    def sample_predictions(
        self, x: ArrayLike, n: int = 10, seed: int | np.random.Generator = 0
    ) -> FloatArray:
        """Functions that the data allow, at the rows of x; as ``KAN.sample_predictions``.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table
        n : int
        seed : int or numpy.random.Generator

        Returns
        -------
        ndarray of shape (n, n_samples, n_out)

        Raises
        ------
        ValueError
            Without error bars by "laplace" or "ensemble".
        """
        return prediction.drawn(self, x, n, seed)

    def plot(self) -> Figure:
        """Draw the network, weights as line widths; see `kan_np.plot.plot_mlp`."""
        from kan_np.plot import plot_mlp

        return plot_mlp(self._network)

    def _objective(
        self,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty,
        weight: FloatArray | None = None,
        smoothing: float | str = 0.0,
        loss: Loss | None = None,
    ) -> SampledObjective:
        loss = self._loss if loss is None else loss
        plain = mlp_objective(self._network, x, y, penalty, weight, loss=loss)
        if not smoothing:
            return plain
        return Shrunk(plain, self._prior(x, weight, Sample(x, y, weight, loss).spread), float(smoothing))

    def _anew(self, seed: int) -> Self:
        fresh = type(self)(self.width, self.activation, seed=seed)
        fresh.scaler = self.scaler
        return fresh

    def _prior(self, x: FloatArray, weight: FloatArray | None, label_variance: float) -> WeightPrior:
        return WeightPrior(self._network, x, weight, label_variance)

    def _constant_network(self, values: FloatArray) -> MlpNetwork:
        net = self._network
        for output, value in enumerate(values.tolist()):
            net = net.with_constant_output(output, value)
        return net

    def _config(self) -> dict[str, Any]:
        return {"width": self.width, "activation": self.activation}

    def _arrays(self) -> dict[str, FloatArray]:
        return {"theta": self._network.theta}

    @classmethod
    def _check_arrays(cls, config: dict[str, Any], declared: Mapping[str, Declared]) -> list[int]:
        check_config(config, declared)
        width, _ = cls._parsed(config)
        if other := set(declared) - {"theta"}:
            raise ValueError(f"there is an array {min(other)[:40]!r}, which no MLP has")
        check_vector("theta", declared["theta"], sum((n + 1) * m for n, m in pairwise(width)))
        return width

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, FloatArray]) -> Self:
        width, model = cls._parsed(config)
        _validate.finite("theta", arrays["theta"])
        model._network = MlpNetwork(tuple(width), model.activation, arrays["theta"])
        return model

    @classmethod
    def _parsed(cls, config: dict[str, Any]) -> tuple[list[int], Self]:
        """Width of a configuration, and the smallest model of its other settings."""
        return check_width(config["width"]), cls(**{**config, "width": [1, 1]})

    def __repr__(self) -> str:
        """Shape, activation and number of parameters."""
        return f"MLP({self.width}, activation={self.activation!r}, n_params={self.n_params})"
