"""Boundary: a formula of where two classes meet; Boundaries: all that were found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.columns import matched, names_in
from kan_np.functions.expression import numeric_of
from kan_np.functions.variables import text_of

if TYPE_CHECKING:
    import sympy

    from kan_np.model import KAN


@dataclass(frozen=True)
class Boundary:
    """A formula of the boundary: v = h(other columns).

    Attributes
    ----------
    column : sympy.Symbol
        v.
    expression : sympy.Expr
        h.
    side : int
        1 where the second class lies at larger v, -1 where it lies at smaller.
    accuracy, loss : float
        Share of the validation rows on the right side, and the mean of -log P of their labels with the logit
        proportional to v - h, a part of the labels being wrong wherever they are.
    complexity : float
        Length of h: operations, functions twice.
    variables : tuple of sympy.Symbol
        Of all columns.
    features : tuple of str
        Names of all columns.
    """

    column: sympy.Symbol
    expression: sympy.Expr
    side: int
    accuracy: float
    loss: float
    complexity: float
    variables: tuple[Any, ...] = field(repr=False)
    features: tuple[str, ...] = field(repr=False)

    @property
    def equation(self) -> str:
        """The formula as text: "v = h"."""
        return f"{text_of(self.column)} = {text_of(self.expression)}"

    @property
    def difference(self) -> sympy.Expr:
        """side (v - h): above 0 in the second class, as far as the formula is right."""
        return self.side * (self.column - self.expression)

    def decision(self, x: ArrayLike) -> FloatArray:
        """side (v - h) of every row, (n_rows,), in the units of v; NaN where h is not real.

        Parameters
        ----------
        x : table, or array_like of shape (n_rows, n_in)
        """
        rows = self._rows(x)
        return np.asarray(numeric_of(self.variables, self.difference)(*rows.T))

    def solved(self, x: ArrayLike) -> FloatArray:
        """h of every row, (n_rows,): where the boundary is in v."""
        rows = self._rows(x)
        return np.asarray(numeric_of(self.variables, self.expression)(*rows.T))

    def _rows(self, x: ArrayLike) -> FloatArray:
        table = matched("x", x, self.features) if names_in(x) is not None else x
        return _validate.matrix("x", table, len(self.features))

    def __repr__(self) -> str:
        """The equation and how well it tells the classes apart."""
        return f"Boundary({self.equation}, accuracy={self.accuracy:.4f}, complexity={self.complexity:.3g})"


@dataclass(frozen=True, repr=False)
class Boundaries:
    """What `discover_boundary` found, the best first.

    Attributes
    ----------
    found : tuple of Boundary
    model : KAN
        The classifier whose zero set was read.
    model_accuracy : float
        Its accuracy on the validation rows.
    """

    found: tuple[Boundary, ...]
    model: KAN
    model_accuracy: float

    @property
    def best(self) -> Boundary:
        """The simplest formula that is as accurate as the best of all, within two errors or the tolerance.

        Raises
        ------
        ValueError
            If no formula was found.
        """
        if not self.found:
            raise ValueError(
                "no formula of the boundary was found; expected classes with a boundary inside the ranges of "
                "the columns. Give more seconds or a better classifier (model=), or look at its accuracy."
            )
        return self.found[0]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Boundary]:
        return iter(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def table(self) -> str:
        """The formulas as text, a line each."""
        rows = [
            f"{one.complexity:10.4g}  {one.accuracy:8.4f}  {one.loss:8.4f}  {one.equation}"
            for one in sorted(self.found, key=lambda one: one.complexity)
        ]
        return "\n".join(["complexity  accuracy  log loss  boundary", *rows])

    def __repr__(self) -> str:
        """The best formula, the accuracy of the classifier and the table."""
        head = f"{len(self.found)} boundaries; classifier: accuracy {self.model_accuracy:.4f}"
        return "\n".join([head, *([f"best: {self.best.equation}"] if self.found else []), self.table()])
