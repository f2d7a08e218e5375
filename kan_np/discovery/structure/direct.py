"""Formulas of a part that is not taken apart: constants, sums of products, functions of one column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.structure.one_quantity import one_quantity
from kan_np.discovery.structure.problem import WIDER, Part, Problem
from kan_np.discovery.terms import find_sums
from kan_np.functions.expression import numeric_of
from kan_np.functions.library import SymbolLibrary
from kan_np.symbolic.exact_constants import with_exact_numbers
from kan_np.symbolic.normal_form import normal_form
from kan_np.symbolic.suggest import suggest_symbolic

#: Formulas of each kind that go on.
_KEPT, _SYMBOLS = 3, 2
#: Rows that are enough for it, and numbers of formulas that are recognised.
_ROWS, _MOST_NUMBERS = 400, 5
#: Fewer rows say nothing.
_FEWEST = 20
#: Labels that vary by less than this part of their size are a constant.
_CONSTANT = 1e-11
_BITS_PER_UNIT = 3.0


def direct(
    problem: Problem,
    library: SymbolLibrary,
    seconds: float,
    stop: Callable[[], bool],
    more: Callable[[], bool],
    accepts: Callable[[Any], bool],
) -> list[Part]:
    """The best formulas of a part, those of the fewest bits first.

    Parameters
    ----------
    problem : Problem
    library : SymbolLibrary
        For functions of one column.
    seconds : float
        Processor time.
    stop, more : callable
        As in `find_sums`.
    accepts : callable
        Takes an expression.
    """
    if len(problem.y) < _FEWEST or not np.isfinite(problem.y).all() or not np.isfinite(problem.x).all():
        return []
    constant = constant_of(problem)
    if constant is not None:
        return [constant]
    varying = problem.varying
    found: list[Part] = []
    if len(varying) == 1:
        u = problem.x[:, varying[0]]
        found = of_one_column(problem, u, problem.symbols[varying[0]], problem.y, None, library)
        if found and problem.fits(found[0].error):
            return found
    some = problem.rows(np.unique(np.linspace(0, len(problem.y) - 1, min(len(problem.y), _ROWS)).astype(int)))
    sums = find_sums(
        *some.halves(),
        noise=WIDER * problem.noise,
        seconds=seconds,
        stop=stop,
        more=more,
        symbols=problem.symbols,
        accepts=accepts,
        finished=0,
    )
    for own in sums[:_KEPT]:
        if own.expression.free_symbols:
            expression = own.expression if own.exact else _recognised(own.expression, some)
            found.append(Part(problem.meant(expression), own.val_rmse, own.bits))
    return sorted(found, key=lambda part: part.bits)


def _recognised(expression: Any, problem: Problem) -> Any:
    """The expression with the numbers that it can mean, where labels are read from a surrogate."""
    import sympy

    if problem.noise == 0.0 or len(expression.atoms(sympy.Float)) > _MOST_NUMBERS:
        return expression
    noise = problem.noise
    return with_exact_numbers(normal_form(expression), problem.symbols, problem.x, problem.y, noise=noise)[0]


def constant_of(problem: Problem) -> Part | None:
    """The constant, where the labels are one as far as their noise tells."""
    import sympy

    size = float(np.abs(problem.y).max(initial=0.0))
    if problem.spread <= max(problem.noise, _CONSTANT * size):
        return Part(sympy.Float(float(problem.y.mean()), 17), problem.spread, 0.0)
    return None


def of_one_column(
    problem: Problem,
    u: FloatArray,
    meaning: Any,
    z: FloatArray,
    factor: FloatArray | None,
    library: SymbolLibrary,
) -> list[Part]:
    """g(u) for labels z; with a factor F, errors are those of F g(u).

    Parameters
    ----------
    problem : Problem
        Whose noise is that of F z.
    u, z : ndarray of shape (n,)
    meaning : sympy.Expr
        u in the problem's symbols.
    factor : ndarray of shape (n,), optional
    library : SymbolLibrary
    """
    size = 1.0 if factor is None else float(np.sqrt(np.mean(np.square(factor))))
    if size == 0.0 or np.ptp(u) == 0.0 or not np.isfinite(z).all():
        return []
    found = []
    weight = np.ones_like(z) if factor is None else np.square(factor / size)
    for inverse in (False, True):
        if inverse and ((z > 0).all() or (z < 0).all()):
            # noise of one size in z is noise of 1 / z^2 times that in 1 / z
            z, weight = 1.0 / z, weight * np.square(np.square(z) / float(np.mean(np.square(z))))
        elif inverse:
            break
        noise = problem.noise / size if problem.noise > 0 and not inverse else None
        fits = suggest_symbolic(u, z, library=library, top=_SYMBOLS, noise=noise, weight=weight, compose=True)
        for fit in fits:
            expression = fit.expression(meaning)
            expression = 1 / expression if inverse else expression
            values = values_of(expression, problem.symbols, problem.x)
            rest = values * (1.0 if factor is None else factor) - problem.y
            error = float(np.sqrt(np.mean(np.square(rest))))
            bits = fit.symbol.complexity * _BITS_PER_UNIT + 3.0 * inverse
            bits += len(problem.y) * float(np.log2(max(error, WIDER * problem.noise, 1e-15 * size, 1e-300)))
            if np.isfinite(error):
                found.append(Part(problem.meant(expression), error, bits))
        if found and problem.fits(min(part.error for part in found)):
            break
    return sorted(found, key=lambda part: part.bits)


def functions_of_one_quantity(
    problem: Problem, library: SymbolLibrary, stop: Callable[[], bool]
) -> list[Part]:
    """Formulas F g(u) with a factor F and one quantity u, the best first.

    Parameters
    ----------
    problem : Problem
    library : SymbolLibrary
    stop : callable
    """
    found = list[Part]()
    for own in one_quantity(problem, stop):
        if stop() or (found and problem.fits(min(part.error for part in found))):
            break
        factor = problem.meant(own.factor)
        for part in of_one_column(
            problem, own.u, own.quantity, problem.y / own.factors, own.factors, library
        ):
            found.append(Part(part.expression * factor, part.error, part.bits + own.cost))
    return sorted(found, key=lambda part: part.bits)


def values_of(expression: Any, symbols: list[Any], x: FloatArray) -> FloatArray:
    """Values (n,) on samples (n, d); NaN where it is not real."""
    with np.errstate(all="ignore"):
        return np.broadcast_to(
            np.asarray(numeric_of(symbols, expression)(*x.T), dtype=np.float64), (len(x),)
        ).copy()
