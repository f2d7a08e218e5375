"""fit_symbol: the best c f(a x + b) + d for samples of an edge, and SymbolFit, its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray
from kan_np.functions.library import SymbolLibrary, checked_library
from kan_np.functions.symbol import Symbol
from kan_np.symbolic.canonical import canonical_line
from kan_np.symbolic.samples import Samples, make_samples
from kan_np.symbolic.search import Search, search

if TYPE_CHECKING:
    import sympy

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class SymbolFit:
    """y = c f(a x + b) + d, fitted.

    Attributes
    ----------
    symbol : Symbol
    a, b, c, d : float
        In the canonical form of `kan_np.symbolic.canonical`.
    r2 : float
        1 - <residual^2> / <(y - <y>)^2>, <> being weighted means.
    one_minus_r2 : float
        The same without cancellation: down to 1e-30 where `r2` is 1. 0 for constant y.
    rmse : float
        sqrt(<residual^2>).
    n_fev : int
        Lines a x + b that were tried.
    stderr : tuple of float
        Standard errors of a, b, c, d; 0 for what the canonical form fixes.
    n_effective : float
        Number of independent residuals, 1 + 2 (sign changes) up to n: about n for white noise, and about the
        number of wiggles where a spline departs smoothly from the function. `stderr` counts these.
    score : float
        Rank of `suggest_symbolic`, in bits: less is better. NaN before ranking.
    """

    symbol: Symbol
    a: float
    b: float
    c: float
    d: float
    r2: float
    one_minus_r2: float
    rmse: float
    n_fev: int
    stderr: tuple[float, float, float, float]
    n_effective: float
    score: float = np.nan

    @property
    def name(self) -> str:
        """Name of the symbol."""
        return self.symbol.name

    def __call__(self, x: ArrayLike) -> FloatArray:
        """c f(a x + b) + d, guarded, at `x` of any shape."""
        points = np.asarray(x, dtype=np.float64)
        (value,) = self.symbol.guarded(self.a * points + self.b, order=0)
        return self.c * value + self.d

    def expression(self, x: Any = None) -> sympy.Expr:
        """The formula at a sympy expression; at the symbol x if None.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np.symbolic import fit_symbol
        >>> x = np.linspace(-1, 1, 50)
        >>> fit_symbol(x, 2 * (x - 0.5) ** 2 + 3, "x^2").expression().n(6)
        2.0*(x - 0.5)**2 + 3.0
        """
        from sympy import Symbol as Name

        argument = Name("x") if x is None else x
        line = _number(self.a) * argument + _number(self.b)
        return _number(self.c) * self.symbol.sympy(line) + _number(self.d)


def fit_symbol(
    x: ArrayLike,
    y: ArrayLike,
    symbol: str | Symbol,
    *,
    weight: ArrayLike | None = None,
    library: SymbolLibrary | None = None,
) -> SymbolFit:
    """Least-squares fit of c f(a x + b) + d, from many starts to the rounding of float64.

    c and d are solved for (variable projection); a and b come from a search whose grid follows the samples
    and the symmetries and domain of f, then from Levenberg-Marquardt with exact derivatives. Samples stay
    inside the domain of f.

    Parameters
    ----------
    x, y : array_like of shape (n,)
    symbol : str or Symbol
    weight : array_like of shape (n,), optional
    library : SymbolLibrary, optional
        Where a name is looked up; `default_library()` if None.

    Returns
    -------
    SymbolFit

    Raises
    ------
    ValueError, TypeError
        For an unknown name, or samples that are not finite or not as many.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 200)
    >>> fit = fit_symbol(x, 5 * np.sin(3 * x + 1) + 0.7, "sin")
    >>> [round(value, 9) for value in (fit.a, fit.b, fit.c, fit.d)]
    [3.0, 1.0, 5.0, 0.7]
    >>> fit.one_minus_r2 < 1e-28
    True
    """
    if not isinstance(symbol, Symbol):
        symbol = checked_library(library)[symbol]
    return fit_samples(symbol, make_samples(x, y, weight))


def fit_samples(symbol: Symbol, samples: Samples) -> SymbolFit:
    """`fit_symbol` for checked samples."""
    return fit_found(symbol, search(symbol, samples), samples)


def fit_found(symbol: Symbol, found: Search, samples: Samples) -> SymbolFit:
    """The fit that a search leads to, refined on all samples."""
    best = found.finished(symbol, samples)
    if best.cost.size == 0:
        a, b = canonical_line(symbol, 0.0, _inside(symbol), samples)
    else:
        line = best.chart.lines(best.theta)
        a, b = canonical_line(symbol, float(line.alpha[0]), float(line.beta[0]), samples)
    return fit_on_line(symbol, a, b, samples, best.n_fev)


def fit_on_line(symbol: Symbol, a: float, b: float, samples: Samples, n_fev: int = 1) -> SymbolFit:
    """The fit with a and b given: c and d by linear least squares, 0 and the mean where f is not finite."""
    x, y, weight = samples.x, samples.y, samples.weight
    line = a * x + b
    (f,) = symbol.guarded(line, order=0)
    c, d, rest = _linear(f, samples)
    if not symbol.contains(line).all():
        c, d, rest = 0.0, samples.mean, y - samples.mean
    rmse = _rms(rest, samples)
    unexplained = (rmse / samples.spread) ** 2 if samples.spread > 0 else 0.0
    count = effective_count(rest, weight)
    errors = _standard_errors((symbol, a, b, c), samples, rest, count)
    return SymbolFit(symbol, a, b, c, d, 1.0 - unexplained, unexplained, rmse, n_fev, errors, count)


def _inside(symbol: Symbol) -> float:
    """A point where f is finite."""
    tried = np.array([0.5, 1.5, -0.5, 2.5, -1.5])
    good = tried[symbol.contains(tried)]
    low, high = symbol.domain
    return float(good[0] if good.size else np.clip(0.5, low + 0.25, high - 0.25))


def _linear(f: FloatArray, samples: Samples) -> tuple[float, float, FloatArray]:
    """c, d and y - (c f + d) by weighted least squares, corrected once for rounding."""
    weight, y = samples.weight, samples.y
    mean = float(weight @ f)
    centred = f - mean
    size = float(np.abs(centred).max())
    if size <= 16 * _EPS * np.abs(f).max():
        return 0.0, samples.mean, y - samples.mean
    unit = centred / size
    length = float(np.square(unit) @ weight)
    amplitude = float((weight * (y - samples.mean)) @ unit) / length
    offset = samples.mean
    for _ in range(2):
        rest = y - (amplitude * unit + offset)
        amplitude += float((weight * rest) @ unit) / length
        offset += float(weight @ rest)
    c = amplitude / size
    d = offset - c * mean
    return c, d, y - (c * f + d)


def _rms(values: FloatArray, samples: Samples) -> float:
    """sqrt(<values^2>), whatever their size."""
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(samples.weight @ np.square(values / largest))) if largest > 0 else 0.0


def effective_count(rest: FloatArray, weight: FloatArray) -> float:
    """1 + 2 (sign changes of the residuals in order of x), at most 1 / sum(weight^2): n for equal weights."""
    most = 1.0 / float(weight @ weight)
    signs = np.sign(rest[rest != 0.0])
    if signs.size == 0:  # exact: no trend is left
        return most
    return min(most, 1.0 + 2.0 * int((signs[1:] != signs[:-1]).sum()))


def _standard_errors(
    fit: tuple[Symbol, float, float, float], samples: Samples, rest: FloatArray, count: float
) -> tuple[float, float, float, float]:
    """Square roots of the diagonal of s^2 (J^T W J)^-1, s^2 the variance of one independent residual.

    Where f is a step, its place is somewhere between two samples: half their distance.
    """
    symbol, a, b, c = fit
    errors = np.zeros(4)
    line = a * samples.x + b
    f, slope = symbol.guarded(line)
    if symbol.expression == "0" or c == 0.0:
        free = [3]
    else:
        free = [0] * (not symbol.scale_free) + [1] * (not symbol.shift_free) + [2, 3]
        if not slope.any():
            errors[1] = np.abs(line).min()
            free = [2, 3]
    n, k = samples.n, len(free)
    root = np.sqrt(samples.weight)
    with np.errstate(over="ignore", invalid="ignore"):
        columns = np.stack([c * slope * samples.x, c * slope, f, np.ones(n)], 1)[:, free] * root[:, None]
    if not np.isfinite(columns).all():  # values near the largest double: nothing can be said
        errors[free] = np.inf
        return tuple(errors.tolist())  # type: ignore[return-value]
    # without the division the squares could overflow; a column of zeros says nothing
    largest = np.abs(columns).max(axis=0)
    largest[largest == 0.0] = 1.0
    columns /= largest
    length = np.maximum(np.linalg.norm(columns, axis=0), 1.0)
    inverse = np.linalg.pinv(columns / length, rcond=1e-14)
    # residuals cannot tell less than the rounding of y, and of the line where f is steep
    rounding = np.abs(samples.y) + np.abs(c * slope) * (np.abs(line - b) + abs(b))
    deviation = np.hypot(_rms(rest, samples) * np.sqrt(n / max(n - k, 1)), _EPS * _rms(rounding, samples))
    errors[free] = np.sqrt(np.square(inverse).sum(axis=1) / count) * (deviation / largest / length)
    return tuple(float(e) for e in errors)  # type: ignore[return-value]


def _number(value: float) -> Any:
    """A whole number as sympy's Integer, so that 1 x + 0 is written x; any other as its Float."""
    import sympy

    return sympy.Integer(int(value)) if value.is_integer() and abs(value) < 1e15 else sympy.Float(value, 17)
