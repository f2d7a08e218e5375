"""Which of the numbers of a fitted formula are exact ones, judged together.

Parts that no sample sees are taken out first. Of numbers along which no sample moves one is set to the
nearest whole number after the other: another number makes up for each. Then a number is taken for the
integer, fraction or multiple of pi, e or a root that `recognise` finds within its standard error, or for 0
within three; all others are fitted again. A step stands if the formula stays as good on the samples
(`kan_np.symbolic.criterion`), so that nothing is replaced that they can tell from it. What stays decimal is
written with the digits that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.symbolic.constants import MARGIN, recognise
from kan_np.symbolic.criterion import Criterion
from kan_np.symbolic.idle_parts import without_idle_parts
from kan_np.symbolic.parametric_formula import Skeleton

if TYPE_CHECKING:
    import sympy

#: A network may come with constants that are far from settled.
_FIRST_STEPS = 500
#: Relative uncertainty of numbers that the samples do not determine, when no whole number will do.
_LOOSE = 1e-4
#: Larger whole numbers are no simpler than others.
_LARGEST_WHOLE = 1e4
#: Formulas of more numbers are left as they are: nobody reads them, and every number is some fits of all.
#: The toys and the Feynman formulas have 10 at most.
_MOST_NUMBERS = 40
#: Numbers within so many standard errors of 0 are not told from it.
_NOTHING = 3.0
#: Decimal digits that any float64 keeps.
_DIGITS = 15
#: Decimals are cut where that moves a number by no more than this part of its standard error.
_CUT = 0.5
#: So many times a digit more is tried where a number stands for others, too.
_FINER = 4
_TINY = float(np.finfo(np.float64).tiny)


def with_exact_numbers(
    expression: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: FloatArray,
    y: FloatArray,
    *,
    noise: float = 0.0,
    functions: Mapping[str, Callable[[FloatArray], FloatArray]] | None = None,
    margin: float = MARGIN,
) -> tuple[sympy.Expr, float]:
    """The expression fitted to samples, with the numbers that it can mean, and its RMSE.

    Parameters
    ----------
    expression : sympy.Expr
        Its Floats are the numbers in question; see `kan_np.symbolic.normal_form`. With more than 40 of them
        it is returned as it is.
    variables : sequence of sympy.Symbol
    x : ndarray of shape (n, n_var)
    y : ndarray of shape (n,)
    noise : float
        Standard deviation of y below which differences mean nothing.
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.
    margin : float
        Bits by which a number must be known beyond the length of a simple one, see `recognise`.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> points = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    >>> near = 2.001 * sympy.exp(-0.4999 * x**2) + 0.0002
    >>> with_exact_numbers(near, [x], points, 2 * np.exp(-(points[:, 0] ** 2) / 2))[0]
    2*exp(-x**2/2)
    """
    import sympy

    criterion = Criterion(variables, x, y, noise, functions)
    if len(expression.atoms(sympy.Float)) <= _MOST_NUMBERS:
        expression = _Judge(expression, criterion, margin).judged()
    with np.errstate(all="ignore"):
        largest = float(np.abs(y).max(initial=0.0)) or 1.0
        rest = (criterion.skeleton(expression)(x, criterion.skeleton(expression).theta) - y) / largest
        rmse = float(np.sqrt(np.mean(np.square(rest)))) * largest
    return expression, rmse if np.isfinite(rmse) else np.inf


class _Judge:
    """The numbers of a skeleton that are settled, and the fit of the others."""

    def __init__(self, expression: sympy.Expr, criterion: Criterion, margin: float = MARGIN) -> None:
        self.criterion, self.margin = criterion, margin
        self._take(expression, criterion.skeleton(expression))
        self.fitted = criterion.fit(self.skeleton, steps=_FIRST_STEPS)

    def _take(self, expression: sympy.Expr, skeleton: Skeleton) -> None:
        self.expression, self.skeleton = expression, skeleton
        self.numbers: dict[int, Any] = {}

    def judged(self) -> sympy.Expr:
        """The expression without idle parts, its numbers recognised, the others with the digits they have."""
        if np.isfinite(self.fitted.rmse):
            self.fitted = self.criterion.weigh(self.skeleton, self.fitted)
            self._take_out()
            self.settle_undetermined()
            self.recognise_all()
            self._take_out()
            self.cut_decimals()
        return self.skeleton.with_numbers(self.numbers, self.fitted.theta)

    def _take_out(self) -> None:
        if self.criterion.functions or not np.isfinite(self.fitted.rmse):
            return
        # of what is settled only whole numbers and the like are no parameters any more
        written = self.skeleton.with_numbers(self.numbers, self.fitted.theta)
        skeleton = self.criterion.skeleton(written)
        fitted = self.criterion.fit(skeleton, steps=0)
        self._take(*without_idle_parts(written, self.criterion, fitted)[:2])
        self.fitted = self.criterion.fit(self.skeleton)

    def settle_undetermined(self) -> None:
        """Set numbers that others make up for, until the samples determine all that are left."""
        import sympy

        # 0 first: it is the one number that means the same in all units
        not_zero: set[int] = set()
        while np.isfinite(self.fitted.rmse):
            loose = np.flatnonzero(np.isinf(self.fitted.stderr)).tolist()
            if not loose:
                return
            untried = [k for k in loose if k not in not_zero]
            if untried:
                k = min(untried, key=lambda k: abs(float(self.fitted.theta[k])))
                not_zero.add(k)
                self._accept({k: sympy.Integer(0)})
                continue
            k = int(min(loose, key=lambda k: _distance_to_whole(float(self.fitted.theta[k]))))
            value = float(self.fitted.theta[k])
            if not self._accept({k: _whole(value)}):
                self._accept({k: recognise(value, _LOOSE * abs(value))})
            if k not in self.numbers:
                self._cut(k, value, _LOOSE * abs(value))
            if k not in self.numbers:
                self.numbers[k] = sympy.Float(value, 17)
                held = {q: float(number) for q, number in self.numbers.items()}
                self.fitted = self.criterion.fit(self.skeleton, self.fitted.theta, held)

    def recognise_all(self) -> None:
        """Replace all numbers that can be, at once or else one by one."""
        refused: set[int] = set()
        while True:
            found = self._recognised(refused)
            if not found or not np.isfinite(self.fitted.rmse):
                return
            if self._accept(found):
                continue
            for k, number in found.items():  # of which the first is the surest
                if not self._accept({k: number}):
                    refused.add(k)
                break

    def _recognised(self, refused: set[int]) -> dict[int, Any]:
        import sympy

        found: dict[int, tuple[float, Any]] = {}
        for k, (value, sigma) in enumerate(zip(self.fitted.theta, self.fitted.stderr, strict=True)):
            if k in self.numbers or k in refused or not np.isfinite(sigma):
                continue
            number = _recognised(float(value), float(sigma), self.margin)
            if not isinstance(number, sympy.Float):
                found[k] = (sigma / max(abs(value), 1.0), number)
        return {k: number for k, (_, number) in sorted(found.items(), key=lambda item: item[1][0])}

    def _accept(self, numbers: Mapping[int, Any]) -> bool:
        proposed = {**self.numbers, **numbers}
        held = {k: float(number) for k, number in proposed.items()}
        new = self.criterion.fit(self.skeleton, self.fitted.theta, held)
        if not self.criterion.as_good(new, self.fitted, len(numbers)):
            return False
        self.numbers, self.fitted = proposed, new
        return True

    def cut_decimals(self) -> None:
        """Write numbers with no more decimals than they need, the least certain first.

        After each the others are fitted again, and so are their standard errors: numbers that make up for
        each other get their digits one after the other.
        """
        left = [k for k in range(self.skeleton.theta.size) if k not in self.numbers]
        while left and np.isfinite(self.fitted.rmse):
            size = np.maximum(np.abs(self.fitted.theta), _TINY)
            k = left.pop(int(np.argmax((self.fitted.stderr / size)[left])))
            value, sigma = float(self.fitted.theta[k]), float(self.fitted.stderr[k])
            self._cut(k, value, _CUT * sigma if np.isfinite(sigma) else _LOOSE * abs(value))

    def _cut(self, k: int, value: float, within: float) -> None:
        """Take the shortest decimal so near to number k that the formula stays as good."""
        tried: set[float] = set()
        for _ in range(_FINER):
            number = _shortest(value, within)
            if float(number) not in tried and self._accept({k: number}):
                return
            tried.add(float(number))
            within /= 10.0


def _recognised(value: float, sigma: float, margin: float) -> Any:
    """As `recognise`; what is not told from 0 is 0, in any units."""
    import sympy

    return sympy.Integer(0) if abs(value) <= _NOTHING * sigma else recognise(value, sigma, margin=margin)


def _shortest(value: float, within: float) -> Any:
    """The decimal number of fewest digits that is so near, as a Float, or 1 or -1."""
    import sympy

    for digits in range(1, _DIGITS + 1):
        near = float(f"{value:.{digits - 1}e}")
        if abs(near - value) <= within:
            # a factor of 1 is none
            return sympy.Integer(int(near)) if abs(near) == 1.0 else sympy.Float(near, _DIGITS)
    return sympy.Float(value, 17)


def _whole(value: float) -> Any:
    import sympy

    simple = 0.5 <= abs(value) < _LARGEST_WHOLE
    return sympy.Integer(round(value)) if simple else sympy.Integer(1 if value > 0 else -1)


def _distance_to_whole(value: float) -> float:
    return abs(value - float(_whole(value))) / max(abs(value), 1.0)
