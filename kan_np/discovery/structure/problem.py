"""A search for one part of a formula: its columns, what they stand for, and its labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.terms.polish import input_symbols

#: Of these rows, evenly, every fifth judges.
_JUDGE = 5
#: A formula that leaves so many times the noise of its labels fits them: errors of a surrogate are smooth,
#: can be fitted, and are larger than its halves tell: true parts left 2.0 to 5.4 times as much (seed 100).
WIDER = 5.0
#: What is below this part of the deviation of labels is rounding.
_ROUNDING = 1e-11


@dataclass(frozen=True)
class Problem:
    """Labels and the columns that they may depend on.

    Attributes
    ----------
    x : ndarray of shape (n, d)
    y : ndarray of shape (n,)
    meanings : tuple of sympy.Expr
        What each column stands for, in the symbols of the whole search.
    noise : float
        Deviation of the labels from what they should be: that of the surrogate they were read from; 0 for
        labels that were given, whatever their own noise.
    """

    x: FloatArray
    y: FloatArray
    meanings: tuple[Any, ...]
    noise: float = 0.0
    symbols: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        """Symbols of its own columns."""
        object.__setattr__(self, "symbols", input_symbols(self.x.shape[1]))

    @property
    def spread(self) -> float:
        """Standard deviation of the labels."""
        return float(np.std(self.y))

    @property
    def varying(self) -> list[int]:
        """Columns that are not constant."""
        return np.flatnonzero(np.ptp(self.x, axis=0) > 0).tolist()

    def halves(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Samples to fit to and to judge by."""
        judges = np.arange(len(self.y)) % _JUDGE == _JUDGE - 1
        return self.x[~judges], self.y[~judges], self.x[judges], self.y[judges]

    def without(self, columns: Sequence[int], y: FloatArray, noise: float = 0.0) -> Problem:
        """Other labels, that do not depend on some columns."""
        left = [k for k in range(self.x.shape[1]) if k not in columns]
        return Problem(self.x[:, left], y, tuple(self.meanings[k] for k in left), noise)

    def merged(self, columns: Sequence[int], values: FloatArray, expression: Any) -> Problem:
        """The same labels with one new column in place of some; `expression` is in the problem's symbols."""
        left = [k for k in range(self.x.shape[1]) if k not in columns]
        return Problem(
            np.column_stack([self.x[:, left], values]),
            self.y,
            (*(self.meanings[k] for k in left), self.meant(expression)),
            self.noise,
        )

    def rows(self, chosen: np.ndarray) -> Problem:
        """Some of the rows."""
        return Problem(self.x[chosen], self.y[chosen], self.meanings, self.noise)

    def meant(self, expression: Any) -> Any:
        """An expression in the problem's symbols in those of the whole search."""
        return expression.xreplace(dict(zip(self.symbols, self.meanings, strict=True)))

    def fits(self, error: float) -> bool:
        """Whether an error is no more than the noise of the labels, or rounding."""
        return error <= max(WIDER * self.noise, _ROUNDING * max(self.spread, 1e-300))


@dataclass(frozen=True)
class Part:
    """A formula of a part, in the symbols of the whole search, with its RMSE and length."""

    expression: Any
    error: float
    bits: float


Solve = Callable[[Problem, int], list[Part]]
