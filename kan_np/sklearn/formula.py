"""Regression by formulas: `discover` as an estimator."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kan_np._validate import FloatArray
from kan_np.discovery.border import LEAST_SAMPLES
from kan_np.discovery.call import discover
from kan_np.discovery.candidate import Candidate, Discovery
from kan_np.surgery.formula import Formula
from kan_np.training.training_range import training_range


class FormulaRegressor(RegressorMixin, BaseEstimator):
    """Regression by a formula that `discover` finds: the shortest that the held out rows ask for.

    Of what is found the formula with the shortest message is taken, also where a network of splines would be
    more accurate; at least a constant and a straight line are always tried. Every output has a formula of its
    own.

    Parameters
    ----------
    seconds : float
        Budget of every output, in processor time. The same rows and `random_state` give the same formula
        where it is not reached.
    most_steps : int, optional
        Budget in steps of the optimizer, which gives the same formula on every machine.
    lib : sequence of str, optional
        Names of the symbols to use, as for `discover`; all if None.
    random_state : int, RandomState instance or None

    Attributes
    ----------
    formulas_ : list of Formula
        One an output: ``formulas_[0].expressions[0]`` is a sympy expression of the columns' names, or of x_1,
        x_2, ...; ``.latex()`` and ``.numpy()`` write it otherwise.
    discoveries_ : list of Discovery
        All candidates of every output, from simple to accurate.
    exact_ : list of bool
        Whether a formula meets the labels up to the last of their digits.
    n_outputs_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        One an input, where X has names.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.sklearn import FormulaRegressor
    >>> X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    >>> model = FormulaRegressor().fit(X, 2 * X[:, 0] / X[:, 1])
    >>> model.formula(), model.exact_
    ([2*x_1/x_2], [True])
    """

    def __init__(
        self,
        *,
        seconds: float = 60.0,
        most_steps: int | None = None,
        lib: Any = None,
        random_state: Any = 0,
    ) -> None:
        self.seconds = seconds
        self.most_steps = most_steps
        self.lib = lib
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Search for a formula of every output.

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)
            At least four rows.
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For data or parameters that cannot be used.
        """
        x, labels = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=LEAST_SAMPLES
        )
        self._is_column = labels.ndim == 1
        targets = np.asarray(labels, dtype=np.float64).reshape(len(x), -1)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.n_outputs_ = targets.shape[1]
        self.discoveries_: list[Discovery] = []
        self.formulas_: list[Formula] = []
        self.exact_: list[bool] = []
        self._mean, self._range = targets.mean(axis=0), training_range(x)
        for target in targets.T:
            found = discover(
                {"train_input": x, "train_label": target[:, None]},
                var=self._variables(),
                lib=self.lib,
                seconds=self.seconds,
                most_steps=self.most_steps,
                seed=seed,
            )
            assert isinstance(found, Discovery)  # noqa: S101  of one label column
            chosen = _formula_of(found)
            self.discoveries_.append(found)
            self.formulas_.append(chosen.formula)
            self.exact_.append(chosen.exact)
        return self

    def formula(self) -> list[Any]:
        """The formula of every output, as sympy expressions."""
        check_is_fitted(self)
        return [formula.expressions[0] for formula in self.formulas_]

    def predict(self, X: Any) -> FloatArray:
        """What the formulas give.

        Where a formula is not a number, as a root of a negative one, its value at the nearest end of the
        training range is taken, and where that is none the mean of the training labels.

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        out = np.empty((len(x), self.n_outputs_))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            for column, formula in enumerate(self.formulas_):
                function = formula.numpy()
                values = function(x)[:, 0]
                bad = ~np.isfinite(values)
                if bad.any():
                    values[bad] = function(np.clip(x[bad], *self._range))[:, 0]
                    values = np.where(np.isfinite(values), values, self._mean[column])
                out[:, column] = values
        return out[:, 0] if self._is_column else out

    def _variables(self) -> list[str] | None:
        """Names of the columns, where there are some that differ."""
        names = [str(name) for name in getattr(self, "feature_names_in_", [])]
        return names if names and len(set(names)) == len(names) else None


def _formula_of(found: Discovery) -> Candidate:
    """The best candidate, or where splines are left in it the shortest message among formulas."""
    if found.best.symbolic:
        return found.best
    formulas = [candidate for candidate in found.candidates if candidate.symbolic]
    return min(formulas, key=lambda candidate: candidate.length)
