"""Whether a formula is the one that made the data; the package's docstring has the definitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy

from benchmarks.formula.srbench.constants import Adjustable
from benchmarks.formula.srbench.equations import Equation, Rows, function_of
from kan_np.symbolic.simplify import size

#: Raised when a definition changes, so that no former verdict is used again.
JUDGE = 2
#: Errors in units of the labels' spread.
EXACT, SOLUTION, CLAIM, ROUNDING = 1e-6, 1e-7, 1e-8, 1e-12
#: A coefficient of determination above this is good.
GOOD_R2 = 0.999
#: A number of a solution may move by this factor; a solution has at most so many times the truth's length, or
#: that of a short formula.
MOVES, LONGER, SHORT = 2.0, 3.0, 10.0
#: Terms this many times larger than their sum varies cancel: 1e7 cos(4e-4 x) - 1e7 is a parabola as a limit.
CANCELS = 1e4
#: Fresh rows, and how far ranges go on for the wider ones, in widths.
_FRESH, _MARGIN = 1000, 0.5
#: On wider rows so many may be off by this part of size or spread: of a formula called exact, and of one with
#: an error below EXACT, which need not have all digits.
_MAY_BE_OFF, _OFF_CLAIM, _OFF_EXACT = 0.01, 1e-6, 1e-3
#: Standard errors that right constants may be off.
_STANDARD_ERRORS = 3.0


@dataclass(frozen=True)
class Verdict:
    """What a formula is worth.

    Attributes
    ----------
    error : float
        RMSE on fresh rows in units of their spread; infinite where the formula is not real.
    r2 : float
    exact, solution, right_constants : bool
    complexity : float
    """

    error: float
    r2: float
    exact: bool
    solution: bool
    right_constants: bool
    complexity: float


def judged(equation: Equation, found: sympy.Expr, data_seed: int, sigma: float, n: int) -> Verdict:
    """The verdict on a formula in x_1, x_2, ...

    Parameters
    ----------
    equation : Equation
    found : sympy.Expr
    data_seed : int
        Fresh rows are others for each.
    sigma : float
        Standard deviation of the noise of the labels.
    n : int
        Rows that the formula was found from.
    """
    x = equation.rows(_FRESH, data_seed, "fresh")
    y = equation.function(x)
    error = relative_error(function_of(found, len(equation.variables))(x), y)
    exact = error < ROUNDING or (error < EXACT and _holds_outside(equation, found, data_seed, _OFF_EXACT))
    solution, plain = is_solution(equation, found, data_seed)
    free = len(found.atoms(sympy.Float))
    within = EXACT + _STANDARD_ERRORS * sigma / float(np.std(y)) * np.sqrt(free / n)
    right = bool(plain and error <= within)
    return Verdict(error, 1.0 - error**2, bool(exact), solution, right, size(found))


def is_solution(equation: Equation, found: sympy.Expr, data_seed: int) -> tuple[bool, bool]:
    """Whether a formula is a solution in SRBench's sense, and whether it is one without a further number."""
    if size(found) > max(LONGER * size(equation.truth), SHORT):
        return False, False
    x = equation.rows(_FRESH, data_seed, "refit")
    if _has_terms_that_cancel(found, x):
        return False, False
    y = equation.function(x)
    n = len(equation.variables)
    for options in ({}, {"offset": True}, {"factor": True}):
        # a number that the formula itself adds to all is part of the constant difference
        adjustable = Adjustable(found - _added(found) if "offset" in options else found, n)
        numbers, values = adjustable.fitted(x, y, **options)
        if relative_error(values, y) < SOLUTION and _are_needed(adjustable, numbers, x):
            return True, not options
    return False, False


def _are_needed(adjustable: Adjustable, numbers: Rows, x: Rows) -> bool:
    """Whether all numbers stayed where they were found, more or less, and the values depend on each."""
    before = adjustable.numbers
    moved = np.abs(numbers / before)
    if ((moved > MOVES) | (moved < 1 / MOVES) | (numbers * before < 0)).any():
        return False
    values = adjustable.values(x, numbers)
    changed = (np.where(np.arange(len(numbers)) == i, 2 * numbers, numbers) for i in range(len(numbers)))
    return all(relative_error(adjustable.values(x, other), values) > EXACT for other in changed)


def _has_terms_that_cancel(expression: sympy.Expr, x: Rows) -> bool:
    """Whether a sum in the formula varies much less than the largest of its terms is."""
    n = x.shape[1]
    for part in sympy.preorder_traversal(expression):
        if part.is_Add and part.free_symbols:
            with np.errstate(all="ignore"):
                sizes = [float(np.max(np.abs(function_of(term, n)(x)))) for term in part.args]
                if max(sizes) > CANCELS * float(np.std(function_of(part, n)(x))):
                    return True
    return False


def _added(expression: sympy.Expr) -> sympy.Expr:
    """The number that an expression adds to all the rest."""
    return expression.as_coeff_Add()[0]


def is_wrong_claim(equation: Equation, found: sympy.Expr, data_seed: int) -> bool:
    """Whether a formula that was called exact is not the truth."""
    x = equation.rows(_FRESH, data_seed, "fresh")
    error = relative_error(function_of(found, len(equation.variables))(x), equation.function(x))
    if error < ROUNDING:
        return False
    return bool(error > CLAIM) or not _holds_outside(equation, found, data_seed, _OFF_CLAIM)


def relative_error(values: Rows, y: Rows) -> float:
    """RMSE in units of the spread of `y`; infinite if a value is not finite."""
    if not np.isfinite(values).all():
        return float("inf")
    largest = float(np.abs(values - y).max()) or 1.0
    return float(np.sqrt(np.mean(np.square((values - y) / largest)))) * largest / float(np.std(y))


def _holds_outside(equation: Equation, found: sympy.Expr, data_seed: int, off: float) -> bool:
    """Whether a formula is the truth on nearly all rows of wider ranges on which both are real."""
    x = equation.rows(_FRESH, data_seed, "wider", _MARGIN)
    y = equation.function(x)
    values = function_of(found, len(equation.variables))(x)
    real = np.isfinite(values)
    if real.mean() < 0.5:
        return False
    differs = np.abs(values - y)[real] > off * (np.abs(y[real]) + float(np.median(np.abs(y))))
    return bool(differs.mean() <= _MAY_BE_OFF)
