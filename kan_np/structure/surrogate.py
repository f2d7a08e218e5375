"""Surrogate: a Gaussian process through samples, whose derivatives are known in closed form.

    f ~ GP(mean, k),   k(x, x') = s^2 exp(-1/2 sum_i (u_i - u'_i)^2 / l_i^2),   y = f(x) + noise

with one length l_i for every variable, u_i = x_i or log x_i, and y or log y. Lengths, size and noise maximise
the evidence of some of the samples; which logarithms are taken is decided by the leave-one-out error. The
smooth kernel suits what formulas make: its error falls faster than any power of the number of samples.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), eqs. 2.25, 2.30, 5.9, 5.12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives

#: Samples by which lengths and noise are chosen, those by which logarithms are, and steps of each.
_CHOSEN, _COMPARED, _STEPS, _FEW_STEPS, _FEWER_STEPS = 240, 120, 60, 20, 10
#: Samples that the surrogate is made of.
_MOST = 1000
#: Bounds of the logarithms of lengths, in deviations of the variables, of noise and size, in that of y.
_LENGTHS, _NOISE, _SIZE = (-2.5, 6.0), (-16.0, 0.0), (-2.0, 4.0)
#: A surrogate with more than this part of the labels' deviation as error says nothing.
LEARNED = 0.3
#: Lengths that the choice begins with: functions that bend once, and those that oscillate.
_FIRST_LENGTHS = (0.7, -1.0)
#: Noise relative to the size of the process, below which no factorisation is exact.
_JITTER = 1e-13
#: Ranges this many times the smallest value make logarithms worth a try.
_WIDE = 1.5


@dataclass(frozen=True)
class _Warp:
    """Which variables, and whether the labels, are taken as logarithms; their middle and width."""

    logs: np.ndarray
    log_label: bool
    sign: float
    middle: FloatArray
    width: FloatArray
    label_middle: float
    label_width: float

    def inputs(self, x: FloatArray) -> FloatArray:
        u = np.where(self.logs, np.log(np.where(self.logs, x, 1.0)), x)
        return (u - self.middle) / self.width

    def labels(self, y: FloatArray) -> FloatArray:
        z = np.log(self.sign * y) if self.log_label else y
        return (z - self.label_middle) / self.label_width


class Surrogate:
    """A Gaussian process that was fitted to samples.

    Attributes
    ----------
    error : float
        Leave-one-out error of the labels, in their units: root mean square.
    noise : float
        Standard deviation of the noise of the labels that the evidence prefers, in their units.
    """

    def __init__(self, x: FloatArray, y: FloatArray, warp: _Warp, theta: FloatArray) -> None:
        from scipy.linalg import cho_factor, cho_solve

        self._x, self._y, self._warp, self._theta = x, y, warp, theta
        self._u = warp.inputs(x)
        d = self._u.shape[1]
        self._inverse = np.exp(-2.0 * theta[:d])
        self._square = float(np.exp(2.0 * theta[d]))
        kernel = self._kernel(self._u)
        kernel[np.diag_indices_from(kernel)] += np.exp(2.0 * theta[d + 1]) + _JITTER * self._square
        with one_thread():
            factor = cho_factor(kernel, lower=True)
            self._weights = cho_solve(factor, warp.labels(y))
            variance = np.diag(cho_solve(factor, np.eye(len(y))))
        left = self._weights / variance * warp.label_width
        if warp.log_label:
            left = left * np.abs(y)
        self.error = float(np.sqrt(np.mean(np.square(left))))
        size = float(np.sqrt(np.mean(np.square(y)))) if warp.log_label else 1.0
        self.noise = float(np.exp(theta[d + 1])) * warp.label_width * size

    def _kernel(self, u: FloatArray) -> FloatArray:
        """Between points (m, d) in own units and the samples."""
        a, b = u * np.sqrt(self._inverse), self._u * np.sqrt(self._inverse)
        square = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2.0 * (a @ b.T)
        return self._square * np.exp(-0.5 * np.maximum(square, 0.0))

    def __call__(self, x: FloatArray) -> FloatArray:
        """Values (m,) at points (m, d)."""
        z = self._kernel(self._warp.inputs(x)) @ self._weights
        z = z * self._warp.label_width + self._warp.label_middle
        return np.asarray(self._warp.sign * np.exp(z) if self._warp.log_label else z)

    def derivatives(self, x: FloatArray) -> Derivatives:
        """Value, gradient and Hessian at points (m, d)."""
        warp, d = self._warp, x.shape[1]
        u = warp.inputs(x)
        weighted = self._kernel(u) * self._weights
        value = weighted.sum(axis=1)
        gradient, hessian = np.zeros((len(x), d)), np.zeros((len(x), d, d))
        moved = [(u[:, [i]] - self._u[:, i]) * -self._inverse[i] for i in range(d)]
        for i in range(d):
            own = weighted * moved[i]
            gradient[:, i] = own.sum(axis=1)
            for j in range(i + 1):
                hessian[:, i, j] = hessian[:, j, i] = np.einsum("mn,mn->m", own, moved[j])
            hessian[:, i, i] -= self._inverse[i] * value
        return self._in_units(x, value, gradient, hessian)

    def _in_units(self, x: FloatArray, z: FloatArray, slope: FloatArray, bend: FloatArray) -> Derivatives:
        """The chain rule for logarithms and units."""
        warp = self._warp
        first = np.where(warp.logs, 1.0 / np.where(warp.logs, x, 1.0), 1.0) / warp.width
        second = np.where(warp.logs, -1.0 / np.square(np.where(warp.logs, x, 1.0)), 0.0) / warp.width
        hessian = bend * first[:, :, None] * first[:, None, :]
        diagonal = np.arange(x.shape[1])
        hessian[:, diagonal, diagonal] += slope * second
        value = z * warp.label_width + warp.label_middle
        found = Derivatives(x, value, slope * first * warp.label_width, hessian * warp.label_width)
        if not warp.log_label:
            return found
        raised = warp.sign * np.exp(value)
        return Derivatives(x, raised, *found.transformed(raised, raised, raised))

    def halved(self) -> tuple[Surrogate, Surrogate]:
        """Surrogates of every second sample each, with the same lengths and noise."""
        first, second = (Surrogate(self._x[k::2], self._y[k::2], self._warp, self._theta) for k in range(2))
        return first, second

    def compared(self, x: FloatArray) -> Derivatives:
        """Derivatives at points, with those of the two halves beside them.

        Of a surrogate that has learned nothing the halves agree, on nothing: NaN stands for them.
        """
        own = self.derivatives(x)
        if not self.error <= LEARNED * float(np.std(self._y)):
            value, gradient, hessian = (
                np.full_like(part, np.nan) for part in (own.value, own.gradient, own.hessian)
            )
            return replace(own, others=(Derivatives(x, value, gradient, hessian),))
        return replace(own, others=tuple(half.derivatives(x) for half in self.halved()))


def fit_surrogate(x: FloatArray, y: FloatArray, stop: Callable[[], bool] = lambda: False) -> Surrogate | None:
    """A Gaussian process through samples.

    Parameters
    ----------
    x : ndarray of shape (n, d)
        Every column varies.
    y : ndarray of shape (n,)
    stop : callable
        Asked after every step; True ends the choice of lengths with what there is.

    Returns
    -------
    Surrogate or None
        None if no factorisation succeeds.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(0, 2, (200, 2))
    >>> surrogate = fit_surrogate(x, np.sin(x[:, 0]) * x[:, 1])
    >>> surrogate.error < 1e-3
    True
    """
    rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), _MOST)).astype(int))
    x, y = x[rows], y[rows]
    few = np.unique(np.linspace(0, len(y) - 1, min(len(y), _COMPARED)).astype(int))
    some = np.unique(np.linspace(0, len(y) - 1, min(len(y), _CHOSEN)).astype(int))
    best: tuple[float, _Warp, FloatArray] | None = None
    with one_thread(), np.errstate(all="ignore"):
        for warp in _warps(x, y):
            for length in _FIRST_LENGTHS:
                theta = _chosen(warp, x[few], y[few], _start(x.shape[1], length), _FEW_STEPS, stop)
                made = None if theta is None else _made(x[few], y[few], warp, theta)
                if theta is not None and made is not None and (best is None or made.error < best[0]):
                    best = made.error, warp, theta
                if stop():
                    break
        if best is None:
            return None
        theta = _chosen(best[1], x[some], y[some], best[2], _STEPS, stop)
        return None if theta is None else _made(x, y, best[1], theta)


def rough_error(x: FloatArray, y: FloatArray) -> float:
    """Leave-one-out error of a surrogate of these samples whose lengths were chosen in a few steps.

    To compare variables with others that may stand for them; infinite where there is none.
    """
    best = np.inf
    with one_thread(), np.errstate(all="ignore"):
        warp = _warps(x, y)[0]
        for length in _FIRST_LENGTHS:
            theta = _chosen(warp, x, y, _start(x.shape[1], length), _FEWER_STEPS, lambda: False)
            made = None if theta is None else _made(x, y, warp, theta)
            best = min(best, np.inf if made is None else made.error)
    return best


def _start(d: int, length: float) -> FloatArray:
    return np.concatenate([np.full(d, length), [0.5, -5.0]])


def _made(x: FloatArray, y: FloatArray, warp: _Warp, theta: FloatArray) -> Surrogate | None:
    """The surrogate, if its matrix is positive definite in floats and its error finite."""
    try:
        made = Surrogate(x, y, warp, theta)
    except (np.linalg.LinAlgError, ValueError):
        return None
    return made if np.isfinite(made.error) else None


def _warps(x: FloatArray, y: FloatArray) -> list[_Warp]:
    """With and without logarithms of the variables that are positive and wide, and of the labels."""
    positive = (x > 0).all(axis=0)
    wide = np.zeros(x.shape[1], dtype=bool)
    wide[positive] = x[:, positive].max(axis=0) > _WIDE * x[:, positive].min(axis=0)
    same = bool((y > 0).all() or (y < 0).all())
    found = []
    for logs in [np.zeros_like(wide), *([wide] if wide.any() else [])]:
        for log_label in (False, True) if same else (False,):
            u = np.where(logs, np.log(np.where(logs, x, 1.0)), x)
            sign = -1.0 if same and y[0] < 0 else 1.0
            z = np.log(sign * y) if log_label else y
            width, spread = u.std(axis=0), float(z.std())
            found.append(
                _Warp(
                    logs,
                    log_label,
                    sign,
                    u.mean(axis=0),
                    np.where(width > 0, width, 1.0),
                    float(z.mean()),
                    spread if spread > 0 else 1.0,
                )
            )
    return found


def _chosen(
    warp: _Warp,
    x: FloatArray,
    y: FloatArray,
    start: FloatArray,
    steps: int,
    stop: Callable[[], bool],
) -> FloatArray | None:
    """Logarithms of lengths, size and noise of most evidence."""
    from scipy.optimize import minimize

    u, z = warp.inputs(x), warp.labels(y)
    if not (np.isfinite(u).all() and np.isfinite(z).all()):
        return None
    apart = np.square(u[:, None, :] - u[None, :, :]).transpose(2, 0, 1).copy()

    def halt(_: FloatArray) -> None:
        if stop():
            raise StopIteration

    found = minimize(
        lambda theta: _minus_evidence(theta, apart, z),
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[*[_LENGTHS] * u.shape[1], _SIZE, _NOISE],
        callback=halt,
        options={"maxiter": steps},
    )
    return np.asarray(found.x)


def _minus_evidence(theta: FloatArray, apart: FloatArray, z: FloatArray) -> tuple[float, FloatArray]:
    """-log p(z) and its derivatives by the logarithms of lengths, size and noise."""
    from scipy.linalg import cho_factor, cho_solve

    d, n = len(apart), len(z)
    inverse, square, noise = np.exp(-2.0 * theta[:d]), np.exp(2.0 * theta[d]), np.exp(2.0 * theta[d + 1])
    smooth = square * np.exp(-0.5 * np.tensordot(inverse, apart, 1))
    kernel = smooth.copy()
    diagonal = np.diag_indices(n)
    kernel[diagonal] += noise + _JITTER * square
    try:
        factor = cho_factor(kernel, lower=True, overwrite_a=True)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(theta)
    weights = cho_solve(factor, z)
    value = 0.5 * float(z @ weights) + float(np.log(np.diag(factor[0])).sum()) + n / 2 * np.log(2 * np.pi)
    inner = cho_solve(factor, np.eye(n)) - np.outer(weights, weights)
    product = inner * smooth
    gradient = np.empty_like(theta)
    gradient[:d] = 0.5 * inverse * np.tensordot(apart, product, 2)
    trace = float(np.trace(inner))
    gradient[d] = float(product.sum()) + _JITTER * square * trace
    gradient[d + 1] = noise * trace
    return value, gradient
