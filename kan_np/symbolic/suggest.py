"""suggest_symbolic: which functions an edge may be, best first.

The default criterion counts bits. With m independent residuals, k constants of c f(a x + b) + d that the
symmetries of f leave free, and C the complexity of the symbol,

    score = m/2 log2 max((1 - R^2) m / (m - k), e) + 2 C + k/2 log2 m

is, up to a constant, the length of a message that gives the symbol, its constants to the precision that m
values support, and the residuals (Schwarz 1978; Rissanen 1978). m / (m - k) makes the variance of few
residuals unbiased, and 2 bits for a unit of C make 2^-2C nearly a probability over pykan's table. Two
things make it fit for edges:

    e   the part of the variance that means nothing: (noise / spread of y)^2, or the rounding of float64 if
        no noise is given. Fits below it are equal, and the simplest wins.
    m   is not the number of samples. A spline departs from the function it has learned smoothly, so a
        thousand samples of it are some dozens of independent values. m is 1 + 2 (sign changes along x) of
        the residuals of the best fit: about n for white noise, few for a smooth departure.

Sources: Schwarz, Ann. Statist. 6 (1978), 461-464; the runs of Wald and Wolfowitz, Ann. Math. Statist. 11
(1940), 147-162. pykan's criterion, w C + (1 - w) log2(1 + 1e-5 - R^2), is an option.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np.functions.library import SymbolLibrary, checked_library
from kan_np.functions.symbol import Symbol
from kan_np.symbolic.canonical import canonical_line
from kan_np.symbolic.fit_symbol import SymbolFit, fit_found, fit_on_line
from kan_np.symbolic.samples import Samples, make_samples
from kan_np.symbolic.search import search
from kan_np.symbolic.small_formulas import small_formulas

CRITERIA = ("bits", "pykan")

#: Formulas g with f(u) = +-g(u - shift) + const, so that they fit the same functions as f: the f and shift of
#: each g, and the constant whose size says which of the two reads better.
_TWINS: dict[str, tuple[str, float, Callable[[SymbolFit], float]]] = {
    "cos(x)": ("sin(x)", np.pi / 2, lambda fit: abs(fit.b)),
    "acos(x)": ("asin(x)", 0.0, lambda fit: abs(fit.d)),
}
#: So many more than are asked for are refined to the end.
_SPARE = 5
#: What a unit of complexity costs.
_BITS_PER_UNIT = 2.0
_PYKAN_FLOOR = 1e-5
#: Errors of this many times the noise are noise.
_AS_NOISE = 1.5
#: Complexity of symbols beside which nothing else is tried where they fit.
_USUAL = 2.0


def suggest_symbolic(
    x: ArrayLike,
    y: ArrayLike,
    *,
    library: SymbolLibrary | None = None,
    lib: Sequence[str] | None = None,
    top: int = 5,
    noise: float | None = None,
    weight: ArrayLike | None = None,
    criterion: str = "bits",
    weight_simple: float = 0.8,
    compose: bool = False,
) -> list[SymbolFit]:
    """Fit many symbols to samples of an edge and rank them by fit and complexity.

    Parameters
    ----------
    x, y : array_like of shape (n,)
    library : SymbolLibrary, optional
        `default_library()` if None.
    lib : sequence of str, optional
        Names to try; all if None. Of sin and cos, and of arcsin and arccos, which fit the same functions,
        only the one with the smaller shift is returned.
    top : int
        How many to return.
    noise : float, optional
        Standard deviation of y below which differences mean nothing, such as the error of the model on
        validation data, carried to this edge.
    weight : array_like of shape (n,), optional
    criterion : {"bits", "pykan"}
        See `kan_np.symbolic.suggest`.
    weight_simple : float
        w of pykan's criterion, from 0 (fit only) to 1 (complexity only).
    compose : bool
        Where no symbol fits down to the noise, try sums and products of a few functions as well, such as
        x^3 - x, x exp(-x) or sin(x^2) cos(x) - 1 (`kan_np.symbolic.small_formulas`). Tens of milliseconds.

    Returns
    -------
    list of SymbolFit
        Best first, at most `top`; `SymbolFit.score` is what they are ranked by.

    Raises
    ------
    ValueError, TypeError
        For unknown names, no names, or samples that are not finite or not as many.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 200)
    >>> best, *others = suggest_symbolic(x, 2 * np.exp(-1.5 * x) + 1)
    >>> best.name, round(best.a, 9), round(best.c, 9), round(best.d, 9)
    ('exp', -1.5, 2.0, 1.0)
    >>> [fit.name for fit in suggest_symbolic(x, 3 - 2 * x, top=1)]
    ['x']
    >>> best, *_ = suggest_symbolic(x, x**3 - 0.25 * x, compose=True)
    >>> best.name, round(best.a, 9), round(best.c, 9)
    ('x**3 - x', 2.0, 0.125)
    """
    top = _validate.integer("top", top, 1)
    floor = None if noise is None else _validate.real("noise", noise, 0.0)
    _validate.choice("criterion", criterion, CRITERIA)
    weight_simple = _validate.real("weight_simple", weight_simple, 0.0, 1.0)
    symbols = checked_library(library).select(lib)
    if not symbols:
        raise ValueError("lib has no names; expected at least one, or None for all.")
    samples = make_samples(x, y, weight)
    # pykan's criterion may put a simple symbol that fits badly before all others
    fits = _fits(symbols, samples, top + _SPARE if criterion == "bits" else len(symbols))
    if compose:
        fits += _composed(fits, samples, floor, top, symbols)
    scores = bits(fits, samples, floor) if criterion == "bits" else _pykan(fits, weight_simple)
    ranked = [replace(fit, score=score) for fit, score in zip(fits, scores, strict=True)]
    ranked.sort(key=lambda fit: (fit.score, fit.symbol.n_free, fit.symbol.complexity, fit.one_minus_r2))
    return ranked[:top]


def _fits_down_to(fits: Sequence[SymbolFit], samples: Samples, noise: float | None) -> bool:
    """Whether the best leaves no more than noise or rounding."""
    return min(fit.one_minus_r2 for fit in fits) <= _AS_NOISE**2 * _least(samples, noise)


def _composed(
    fits: Sequence[SymbolFit],
    samples: Samples,
    noise: float | None,
    top: int,
    symbols: Sequence[Symbol],
) -> list[SymbolFit]:
    """Formulas of a few terms, of the functions of these symbols, that are no symbols themselves.

    Where a symbol fits nothing else is tried; beside one that is rare, sums of powers, which take no time.
    """
    best, _ = min(zip(fits, bits(fits, samples, noise), strict=True), key=lambda pair: pair[1])
    fit_already = _fits_down_to(fits, samples, noise)
    if fit_already and best.symbol.complexity <= _USUAL:
        return []
    known = {fit.symbol.expression for fit in fits}
    names = frozenset(symbol.name for symbol in symbols)
    found = small_formulas(samples, noise, top, names=names, only_powers=fit_already)
    return [fit for fit in found if fit.symbol.expression not in known]


def _least(samples: Samples, noise: float | None) -> float:
    """The part of the variance that means nothing."""
    least = samples.rounding
    if noise is not None and samples.spread > 0:
        least = min(1.0, max(least, (noise / samples.spread) ** 2))
    return least


def _pykan(fits: Sequence[SymbolFit], w: float) -> list[float]:
    return [
        w * fit.symbol.complexity + (1.0 - w) * float(np.log2(_PYKAN_FLOOR + fit.one_minus_r2))
        for fit in fits
    ]


def _fits(symbols: Sequence[Symbol], samples: Samples, most: int) -> list[SymbolFit]:
    """Fits of constants and straight lines, and of the `most` other symbols that come nearest."""
    by_formula = {symbol.expression: symbol for symbol in symbols}
    paired = [text for text, twin in _TWINS.items() if {text, twin[0]} <= by_formula.keys()]
    twins = {text: by_formula.pop(text) for text in paired}
    found = [(symbol, search(symbol, samples)) for symbol in by_formula.values()]
    found.sort(key=lambda pair: pair[1].cost if pair[1].found else -1.0)
    straight = sum(not result.found for _, result in found)
    fits = [fit_found(symbol, result, samples) for symbol, result in found[: straight + most]]
    for text, twin in twins.items():
        first, shift, size = _TWINS[text]
        for i, fit in enumerate(fits):
            if fit.symbol.expression == first:
                beta = fit.a * samples.middle + fit.b - shift
                a, b = canonical_line(twin, fit.a * samples.half, beta, samples)
                fits[i] = min(fit, fit_on_line(twin, a, b, samples, fit.n_fev), key=size)
    return fits


def bits(fits: Sequence[SymbolFit], samples: Samples, noise: float | None = None) -> list[float]:
    """The default scores of fits of the same samples.

    Parameters
    ----------
    fits : sequence of SymbolFit
    samples : Samples
    noise : float, optional
        As in `suggest_symbolic`.
    """
    least = _least(samples, noise)
    count = min(fits, key=lambda fit: fit.one_minus_r2).n_effective
    return [
        count / 2 * float(np.log2(max(fit.one_minus_r2 * count / max(count - fit.symbol.n_free, 1.0), least)))
        + _BITS_PER_UNIT * fit.symbol.complexity
        + fit.symbol.n_free / 2 * float(np.log2(count))
        for fit in fits
    ]
