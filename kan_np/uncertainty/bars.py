"""The error bars of each method: what is kept of the data, and how it becomes intervals.

All numbers are those that a network sees and gives; `kan_np.uncertainty.prediction` brings them to the units
of the data.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.model_file import SCALER_PREFIX
from kan_np.training.estimator import Estimator
from kan_np.uncertainty.laplace import Laplace
from kan_np.uncertainty.outside import Outside
from kan_np.uncertainty.quantiles import normal_quantile, rank, student_quantile
from kan_np.uncertainty.samples import label_scale, outputs, outputs_of

#: Probability within one standard deviation of a normal distribution.
ONE_SIGMA = math.erf(math.sqrt(0.5))
#: Most numbers of an array of rows times residuals; chosen by judgement.
_CHUNK = 2**22


class ErrorBars(ABC):
    """How far predictions of a model may be off, by one method.

    Parameters
    ----------
    model : Estimator
        The model that the error bars are of, with the network that it has now.
    outside : Outside
        The widening outside the training range.

    Attributes
    ----------
    method : str
        "laplace", "conformal", "jackknife+" or "ensemble".
    network : Network or MlpNetwork
        The network that the error bars are of: another one needs others.
    """

    method: str

    def __init__(self, model: Estimator, outside: Outside) -> None:
        self.network, self.outside = model._network, outside
        self._unit = label_scale(model)

    @abstractmethod
    def std(self, model: Estimator, x: FloatArray) -> FloatArray:
        """Standard deviation of a new label at x: (n_samples, n_in) -> (n_samples, n_out)."""

    @abstractmethod
    def interval(self, model: Estimator, x: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, (n_samples, n_out) each, of intervals that hold new labels so often."""

    def draws(self, model: Estimator, x: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
        """Functions that the data allow, at x: (n, n_samples, n_out)."""
        raise ValueError(
            f"error bars by {self.method!r} are intervals and know no functions that could be drawn; "
            "calibrate with method='laplace' or 'ensemble'."
        )

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is written to the file of the model; `kan_np.uncertainty.state` reads it."""

    def described(self) -> dict[str, Any]:
        """What the header of the file says: the method, and what the further fits are."""
        members = [{"kind": type(one).__name__, "config": one._config()} for one in self._further_fits]
        return {"method": self.method, "members": members}

    @property
    def _further_fits(self) -> list[Estimator]:
        return []

    def _common_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that all methods have, and those of the further fits."""
        found: dict[str, NDArray[Any]] = {"limits": self.outside.limits, "spread": self.outside.spread}
        for number, one in enumerate(self._further_fits):
            own: dict[str, Any] = dict(one._arrays())
            if one._followed is not None:
                own["followed_range"] = one._followed
            if one.scaler is not None:
                own |= {SCALER_PREFIX + name: values for name, values in one.scaler.to_arrays().items()}
            found |= {f"{number}_{name}": values for name, values in own.items()}
        return found

    def _drawn_outside(self, x: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
        """Deviations of drawn functions outside the training range."""
        size = rng.standard_normal((n, 1, self.outside.spread.size))
        return size * self.outside.std(x)

    def __repr__(self) -> str:
        """The method, and how large the noise is where the method knows it."""
        return f"<error bars by {self.method!r}{self._told()}>"

    def _told(self) -> str:
        return ""


class LaplaceBars(ErrorBars):
    """Normal distribution of the parameters; intervals by Student's t, since the noise is estimated.

    Parameters
    ----------
    model, outside
        See `ErrorBars`.
    laplace : Laplace
    """

    method = "laplace"

    def __init__(self, model: Estimator, outside: Outside, laplace: Laplace) -> None:
        super().__init__(model, outside)
        self.laplace = laplace

    def std(self, model: Estimator, x: FloatArray) -> FloatArray:
        """Root of the variances of the function, the noise and the widening outside."""
        return expected_deviation(model, x, self.laplace, self.outside)

    def interval(self, model: Estimator, x: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """Prediction -+ the quantile of Student's t with n - gamma degrees of freedom times the deviation."""
        half = student_quantile(level, self.laplace.freedom) * self.std(model, x)
        center = outputs(model, x)
        return center - half, center + half

    def draws(self, model: Estimator, x: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
        """Functions for parameters drawn from the distribution, by the linear approximation."""
        normal = rng.standard_normal((n, self.laplace.root.shape[1]))
        deviations = self.laplace.draws(self.network, model._within(x), normal)
        return outputs(model, x) + deviations + self._drawn_outside(x, n, rng)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of all methods, and of the distribution."""
        return self._common_arrays() | self.laplace.arrays()

    def _told(self) -> str:
        noise = ", ".join(f"{own:.3g}" for own in self._unit * np.sqrt(self.laplace.noise_variance))
        return f", noise {noise}"


class EnsembleBars(ErrorBars):
    """Spread of fits from several random starts, with noise of one size.

    Parameters
    ----------
    model, outside
        See `ErrorBars`.
    members : sequence of Estimator
        The other fits.
    noise_variance, freedom : ndarray of shape (n_out,)
        Of `Laplace`.
    """

    method = "ensemble"

    def __init__(
        self,
        model: Estimator,
        outside: Outside,
        members: Sequence[Estimator],
        noise_variance: FloatArray,
        freedom: FloatArray,
    ) -> None:
        super().__init__(model, outside)
        self.members, self.noise_variance, self.freedom = list(members), noise_variance, freedom

    def std(self, model: Estimator, x: FloatArray) -> FloatArray:
        """Root of the variances among the fits, of the noise and of the widening outside."""
        among = np.var(self._functions(model, x), axis=0, ddof=1)
        return np.asarray(np.sqrt(among + self.noise_variance + self.outside.std(x) ** 2))

    def interval(self, model: Estimator, x: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """Prediction -+ the quantile of Student's t times the deviation."""
        half = student_quantile(level, self.freedom) * self.std(model, x)
        center = outputs(model, x)
        return center - half, center + half

    def draws(self, model: Estimator, x: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
        """Some of the fits, chosen at random."""
        functions = self._functions(model, x)
        return functions[rng.integers(len(functions), size=n)] + self._drawn_outside(x, n, rng)

    def _functions(self, model: Estimator, x: FloatArray) -> FloatArray:
        return np.stack([outputs(model, x), *(outputs_of(member, model, x) for member in self.members)])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of all methods, and of the noise."""
        return self._common_arrays() | {"noise": self.noise_variance, "freedom": self.freedom}

    @property
    def _further_fits(self) -> list[Estimator]:
        return self.members

    def _told(self) -> str:
        return f", {len(self.members) + 1} fits"


class ConformalBars(ErrorBars):
    """Split conformal prediction: residuals of held-out rows, in units of the deviation that Laplace expects.

    The interval is f(x) -+ q s(x) with s the standard deviation of `LaplaceBars`, and q the residual
    |y - f| / s of rank ceil(level (n + 1)) among the n held-out rows.

    Parameters
    ----------
    model, outside
        See `ErrorBars`.
    laplace : Laplace
        Says s.
    scores : ndarray of shape (n_rows, n_out)
        Residuals in units of s, sorted.

    Notes
    -----
    J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman (2018), Distribution-free predictive
    inference for regression, JASA 113, 1094, section 5.2.
    """

    method = "conformal"

    def __init__(self, model: Estimator, outside: Outside, laplace: Laplace, scores: FloatArray) -> None:
        super().__init__(model, outside)
        self.laplace, self.scores = laplace, scores

    def std(self, model: Estimator, x: FloatArray) -> FloatArray:
        """Half the interval that holds 68.3 % of new labels, as one standard deviation does."""
        return self._half(model, x, ONE_SIGMA)

    def interval(self, model: Estimator, x: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """Prediction -+ q s."""
        half, center = self._half(model, x, level), outputs(model, x)
        return center - half, center + half

    def _half(self, model: Estimator, x: FloatArray, level: float) -> FloatArray:
        quantile = self.scores[rank(level, len(self.scores)) - 1]
        return quantile * expected_deviation(model, x, self.laplace, self.outside)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of all methods, of the distribution, and the scores."""
        return self._common_arrays() | self.laplace.arrays() | {"scores": self.scores}

    def _told(self) -> str:
        return f", {len(self.scores)} held-out rows"


class JackknifeBars(ErrorBars):
    """CV+ (jackknife+ with folds): every row is predicted by a fit that did not see its fold.

    With f_s the fit without the fold of row s, and R_s = |y_s - f_s(x_s)| the n residuals, the interval goes
    from the n + 1 - k smallest of f_s(x) - R_s to the k smallest of f_s(x) + R_s, k = ceil(level (n + 1)).

    Parameters
    ----------
    model, outside
        See `ErrorBars`.
    members : sequence of Estimator
        The fit without each fold.
    fold : ndarray of int of shape (n_rows,)
        Fold of every row.
    residuals : ndarray of shape (n_rows, n_out)
        R.

    Notes
    -----
    R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani (2021), Predictive inference with the
    jackknife+, Annals of Statistics 49, 486, section 3. The intervals of a level 1 - a hold with a
    probability of 1 - 2 a at least, of about 1 - a in practice.
    """

    method = "jackknife+"

    def __init__(
        self,
        model: Estimator,
        outside: Outside,
        members: Sequence[Estimator],
        fold: NDArray[np.intp],
        residuals: FloatArray,
    ) -> None:
        super().__init__(model, outside)
        self.members, self.fold, self.residuals = list(members), fold, residuals

    def std(self, model: Estimator, x: FloatArray) -> FloatArray:
        """Half the interval that holds 68.3 % of new labels, as one standard deviation does."""
        low, high = self.interval(model, x, ONE_SIGMA)
        return 0.5 * (high - low)

    def interval(self, model: Estimator, x: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        """See the class; outside the training range both ends move away by the widening there."""
        n_rows, n_out = self.residuals.shape
        k = rank(level, n_rows)
        by_fold = np.stack([outputs_of(member, model, x) for member in self.members])
        low, high = np.empty((2, len(x), n_out))
        n_part = max(_CHUNK // n_rows, 1)
        for first in range(0, len(x), n_part):
            rows = slice(first, first + n_part)
            for output in range(n_out):
                center = by_fold[self.fold, rows, output]  # (n_rows, n)
                residual = self.residuals[:, output, None]
                low[rows, output] = np.partition(center - residual, n_rows - k, axis=0)[n_rows - k]
                high[rows, output] = np.partition(center + residual, k - 1, axis=0)[k - 1]
        wider = normal_quantile(level) * self.outside.std(x)
        return low - wider, high + wider

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of all methods, and the residuals with their folds."""
        fold = self.fold.astype(np.int64)
        return self._common_arrays() | {"fold": fold, "residuals": self.residuals}

    @property
    def _further_fits(self) -> list[Estimator]:
        return self.members

    def _told(self) -> str:
        return f", {len(self.members)} folds of {len(self.fold)} rows"


def expected_deviation(model: Estimator, x: FloatArray, laplace: Laplace, outside: Outside) -> FloatArray:
    """Root of the variances of the function, the noise and the widening outside, (n_samples, n_out)."""
    variance = laplace.function_variance(model._network, model._within(x))
    return np.asarray(np.sqrt(variance + laplace.noise_variance + outside.std(x) ** 2))
