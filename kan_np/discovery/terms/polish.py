"""From terms to a formula: all its numbers fitted to the labels themselves, and what that formula costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kan_np._time_limit import last_in_time
from kan_np._validate import FloatArray
from kan_np.symbolic.constants import MARGIN
from kan_np.symbolic.exact_constants import with_exact_numbers
from kan_np.symbolic.normal_form import normal_form
from kan_np.symbolic.parametric_formula import Skeleton
from kan_np.symbolic.simplify import simplified

#: RMSE below this part of the spread of the labels may be rounding.
EXACT = 1e-10
_STEPS = 40
#: Formulas of more numbers are left as they are.
_MOST_NUMBERS = 10
_BITS_PER_OPERATION = 3.0


@dataclass(frozen=True)
class SumFormula:
    """A formula that was found, in symbols x_1, x_2, ... of the inputs.

    Attributes
    ----------
    expression : sympy.Expr
    train_rmse, val_rmse : float
        In the units of the labels.
    bits : float
        Of a message with the formula and the residuals of all samples: less is better.
    exact : bool
        Whether it leaves no more than rounding, with fewer numbers than samples.
    settled : bool
        Whether no term that was tried explains anything of what it leaves, which then is noise.
    """

    expression: Any
    train_rmse: float
    val_rmse: float
    bits: float
    exact: bool
    settled: bool = False


def input_symbols(n_in: int) -> list[Any]:
    """Symbols of the inputs."""
    import sympy

    return [sympy.Symbol(f"x_{i + 1}", real=True) for i in range(n_in)]


class Samples:
    """What formulas are fitted to and judged by.

    Parameters
    ----------
    x, y, val_x, val_y : ndarray of shape (n, d), (n,), ...
    noise : float
        Deviation of the labels that is known.
    symbols : sequence of sympy.Symbol, optional
        Of the inputs; x_1, x_2, ... if None.
    """

    def __init__(
        self,
        x: FloatArray,
        y: FloatArray,
        val_x: FloatArray,
        val_y: FloatArray,
        noise: float,
        symbols: Sequence[Any] | None = None,
    ) -> None:
        self.x, self.y, self.val_x, self.val_y, self.noise = x, y, val_x, val_y, noise
        self.all_x, self.all_y = np.concatenate([x, val_x]), np.concatenate([y, val_y])
        largest = float(np.abs(self.all_y).max(initial=0.0)) or 1.0
        self.spread = float(np.std(self.all_y / largest)) * largest
        self.rounding = 1e-15 * largest
        self.symbols = input_symbols(x.shape[1]) if symbols is None else list(symbols)

    def fitted(self, expression: Any, steps: int = _STEPS) -> tuple[Any, float]:
        """The expression with its numbers fitted to the training samples, and its RMSE on them."""
        skeleton = Skeleton(expression, self.symbols)
        found = skeleton.fit(self.x, self.y, steps=steps)
        return skeleton.with_numbers({}, found.theta), found.rmse

    def residuals(self, expression: Any) -> FloatArray:
        """Formula minus labels on the training samples."""
        skeleton = Skeleton(expression, self.symbols)
        return np.asarray(skeleton(self.x, skeleton.theta) - self.y)

    def formula(self, expression: Any) -> SumFormula:
        """The expression as it is, judged."""
        import sympy

        train, val = (self._rmse(expression, x, y) for x, y in ((self.x, self.y), (self.val_x, self.val_y)))
        floor = max(self.rounding, self.noise)
        constants = len(expression.atoms(sympy.Float))
        n, n_train = len(self.all_y), len(self.y)
        error = pooled((train, val), (n_train, n - n_train))
        bits = n * float(np.log2(max(error, floor))) if np.isfinite(error) else np.inf
        bits += _BITS_PER_OPERATION * float(expression.count_ops()) + constants / 2 * float(np.log2(n))
        numbers = sum(1 for p in sympy.preorder_traversal(expression) if p.is_number and not p.args)
        near = max(train, val) <= max(EXACT * self.spread, 4 * self.rounding)
        return SumFormula(expression, train, val, bits, bool(near and numbers + 2 <= len(self.all_y)))

    def finished(
        self,
        expression: Any,
        simplify: bool,
        over: Callable[[], bool] = lambda: False,
        margin: float = MARGIN,
    ) -> SumFormula:
        """The expression fitted to all samples, with the numbers that it can mean, written short.

        As far as there is time: `over` says when there is none. `margin` is of `recognise`.
        """
        import sympy

        if len(expression.atoms(sympy.Float)) > _MOST_NUMBERS:
            return self.formula(expression)
        return self.formula(last_in_time(self._shorter(expression, simplify, margin), over)[0])

    def _shorter(self, expression: Any, simplify: bool, margin: float) -> Iterator[Any]:
        yield expression
        expression, _ = with_exact_numbers(
            normal_form(expression), self.symbols, self.all_x, self.all_y, noise=self.noise, margin=margin
        )
        yield expression
        if simplify:
            yield simplified(expression, self.symbols, self.all_x)

    def _rmse(self, expression: Any, x: FloatArray, y: FloatArray) -> float:
        skeleton = Skeleton(expression, self.symbols)
        largest = float(np.abs(y).max(initial=0.0)) or 1.0
        rest = (skeleton(x, skeleton.theta) - y) / largest
        with np.errstate(all="ignore"):
            rmse = float(np.sqrt(np.mean(np.square(rest)))) * largest
        return rmse if np.isfinite(rmse) else np.inf


def pooled(errors: Sequence[float], counts: Sequence[int]) -> float:
    """The RMSE on all samples, given those on parts of them and their counts."""
    largest = max(errors)
    if not 0.0 < largest < np.inf:
        return largest
    squares = sum(n * (error / largest) ** 2 for error, n in zip(errors, counts, strict=True))
    return largest * float(np.sqrt(squares / sum(counts)))


def written(terms: Sequence[Any], coefficients: Sequence[float], constant: float) -> Any:
    """constant + sum of coefficients times terms, the numbers as Floats."""
    import sympy

    parts = [sympy.Float(c, 17) * term for c, term in zip(coefficients, terms, strict=True)]
    return sympy.Add(*parts, sympy.Float(constant, 17)) if constant != 0.0 else sympy.Add(*parts)
