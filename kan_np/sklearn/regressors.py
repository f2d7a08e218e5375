"""Regressors: KANs, and the MLPs that they are compared with."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.mlp import MLP
from kan_np.objective.loss import SQUARES
from kan_np.sklearn.network_estimator import AUTO, NetworkEstimator, kan_maker, kan_shapes, mlp_shapes

#: What error bars of estimators rest on.
ERROR_BARS = ("laplace", "jackknife+")
_JACKKNIFE_FOLDS = 10


class _NetworkRegressor(RegressorMixin, NetworkEstimator):
    """Fit and prediction of numbers."""

    error_bars: Any

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose the shape by cross-validation, and fit it to all rows.

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like of shape (n_samples,), optional
            A row of weight 2 is one that is there twice.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For data or parameters that cannot be used.
        """
        x, labels = validate_data(self, X, y, dtype=np.float64, y_numeric=True, multi_output=True)
        if self.error_bars is not None:
            _validate.choice("error_bars", self.error_bars, ERROR_BARS)
        self._is_column = labels.ndim == 1
        targets = np.asarray(labels, dtype=np.float64).reshape(len(x), -1)
        model, sample = self._search(x, targets, sample_weight, SQUARES)
        self.n_outputs_ = targets.shape[1]
        if self.error_bars is not None:
            data = {"train_input": sample.x, "train_label": sample.y, "scaler": model.scaler}
            if sample.weight is not None:
                data["train_weight"] = sample.weight
            again = self._again(self.best_, x.shape[1], targets.shape[1], SQUARES)
            parts = min(_JACKKNIFE_FOLDS, max(len(sample.x), 2))
            with np.errstate(all="ignore"):  # labels without noise have errors near 0
                model.calibrate(data, self.error_bars, folds=parts, refit=again)
        return self

    def predict(
        self, X: Any, return_std: bool = False, interval: float | None = None
    ) -> FloatArray | tuple[FloatArray, ...]:
        """Predictions, and on request how far they may be off.

        Inputs outside the range of the training rows are predicted as if they lay at its end or a little
        beyond, as cross-validation says; an `ExtrapolationWarning` counts those that are far out.

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)
        return_std : bool
            Also return the standard deviation of a new measurement; needs ``error_bars="laplace"``.
        interval : float, optional
            Also return both ends of the interval that holds a new measurement with this probability; needs
            `error_bars`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), or tuple of such
            The prediction, the deviation if wanted, both ends of the interval if wanted.

        Raises
        ------
        ValueError
            For error bars of an estimator that has none, and for rows that cannot be used.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        if not return_std and interval is None:
            return self._shaped(self.model_.predict(x))
        if self.error_bars is None:
            raise ValueError(
                f"this {type(self).__name__} has no error bars; expected one that was made with "
                "error_bars='laplace', or for intervals only 'jackknife+'."
            )
        found = self.model_.predict(x, return_std=return_std, interval=interval)
        return tuple(self._shaped(part) for part in found)

    def _shaped(self, out: FloatArray) -> FloatArray:
        return out[:, 0] if self._is_column else out


class KANRegressor(_NetworkRegressor):
    """Regression by a Kolmogorov-Arnold network whose shape cross-validation chooses.

    An additive model f(x) = sum_i phi_i(x_i) is tried first, then networks with hidden nodes, each with a
    prior that keeps edges smooth and whose weight is chosen by the same folds, so that noise is smoothed and
    a table of few rows does not lead to absurd predictions (`kan_np.schedule.cross_validated`).

    Parameters
    ----------
    hidden : "auto", int or sequence of int
        Nodes of the hidden layers; () is the additive model.
    grid : "auto" or int
        Number of intervals of the grids of splines; "auto" begins with few and refines where that pays.
    k : int
        Order of the splines.
    edges : str or sequence of str
        Family of the edges, as for `KAN`.
    folds : int
        Of the cross-validation.
    error_bars : {None, "laplace", "jackknife+"}
        For ``predict(X, return_std=True)`` ("laplace") and ``predict(X, interval=0.9)`` (both; see
        ``KAN.calibrate``).
    random_state : int, RandomState instance or None
        Of the random starts. The same number and rows give the same bits.

    Attributes
    ----------
    model_ : KAN
        In the units of the table by ``model_.predict``; saved by ``model_.save``, drawn by ``model_.plot``.
    best_ : TriedModel
        The shape that was chosen, its weight of the prior and its error by cross-validation, 1 - R^2.
    tried_ : list of TriedModel
        All shapes that were tried.
    n_params_ : int
    n_outputs_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        One an input, where X has names.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.model_selection import cross_val_score
    >>> from kan_np.sklearn import KANRegressor
    >>> X, y = make_friedman1(300, noise=1.0, random_state=0)
    >>> bool(cross_val_score(KANRegressor(hidden=3), X, y, cv=3).mean() > 0.85)
    True

    Error bars:

    >>> model = KANRegressor(hidden=(), error_bars="laplace").fit(X, y)
    >>> mean, std = model.predict(X[:2], return_std=True)
    >>> mean.shape, std.shape
    ((2,), (2,))
    """

    def __init__(
        self,
        hidden: Any = AUTO,
        *,
        grid: Any = AUTO,
        k: int = 3,
        edges: Any = "bspline",
        folds: int = 5,
        error_bars: str | None = None,
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.grid = grid
        self.k = k
        self.edges = edges
        self.folds = folds
        self.error_bars = error_bars
        self.random_state = random_state

    def _maker(self, n_in: int, n_out: int) -> Any:
        return kan_maker(n_in, n_out, self.k, self.edges)

    def _shapes(self) -> list[tuple[tuple[int, ...], int]]:
        return kan_shapes(self.hidden, self.grid)

    def _refines(self) -> bool:
        return isinstance(self.grid, str)

    def _has_usual_weight(self) -> bool:
        return True


class MLPBaselineRegressor(_NetworkRegressor):
    """Regression by a multilayer perceptron that is trained and chosen by the rules of `KANRegressor`.

    The baseline for comparisons: the same folds, optimizers, weights of a prior (here on the squares of the
    weights) and clipping of inputs, so that what differs is the network.

    Parameters
    ----------
    hidden : "auto", int or sequence of int
        Nodes of the hidden layers.
    activation : {"tanh", "relu", "silu"}
    folds, error_bars, random_state
        As for `KANRegressor`.

    Attributes
    ----------
    model_ : MLP
    best_, tried_, n_params_, n_outputs_, n_features_in_, feature_names_in_
        As of `KANRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.sklearn import MLPBaselineRegressor
    >>> X = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> bool(MLPBaselineRegressor(hidden=5).fit(X, X[:, 0] * X[:, 1]).score(X, X[:, 0] * X[:, 1]) > 0.99)
    True
    """

    def __init__(
        self,
        hidden: Any = AUTO,
        *,
        activation: str = "tanh",
        folds: int = 5,
        error_bars: str | None = None,
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.folds = folds
        self.error_bars = error_bars
        self.random_state = random_state

    def _maker(self, n_in: int, n_out: int) -> Any:
        return lambda hidden, grid, rng: MLP([n_in, *hidden, n_out], self.activation, seed=rng)

    def _shapes(self) -> list[tuple[tuple[int, ...], int]]:
        return mlp_shapes(self.hidden)

    def _begins_anew(self) -> bool:
        return True
