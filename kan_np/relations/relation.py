"""Relation: a sum of functions of single columns that is nearly constant; Relations: all that were found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.columns import matched, names_in
from kan_np.discovery.call import discover
from kan_np.discovery.candidate import Discovery
from kan_np.model import KAN
from kan_np.relations.contrast import argument


@dataclass(frozen=True)
class Relation:
    """A relation among some columns: g(x) = sum_i phi_i(x_i) is about 0 in every row.

    Attributes
    ----------
    columns : tuple of str
        Those that take part.
    r2 : float
        1 - var g / (its variance if the columns were independent), for the best sum of splines
        (`kan_np.relations.additive`), on rows that were not used to find it: 1 for an exact relation, 0 for
        none.
    accuracy : float
        Share of such rows, and of rows with permuted columns, that the network tells apart; 0.5 is guessing.
    starts : tuple of int
        Seeds of the random orders that led to these columns.
    model : KAN
        The network [n, 1, 1] of the standardised columns, with the Gaussian as its last edge.
    shift, scale : ndarray of shape (n,)
        What was subtracted from each column, and then divided by.
    """

    columns: tuple[str, ...]
    r2: float
    accuracy: float
    starts: tuple[int, ...]
    model: KAN = field(repr=False)
    shift: FloatArray = field(repr=False)
    scale: FloatArray = field(repr=False)
    all_columns: tuple[str, ...] = field(repr=False)

    def values(self, x: ArrayLike) -> FloatArray:
        """The columns of the relation, (n_rows, n), out of a table, or an array of all columns."""
        table = matched("x", x, self.columns) if names_in(x) is not None else x
        rows = _validate.matrix("x", table)
        if rows.shape[1] == len(self.columns):
            return rows
        if rows.shape[1] != len(self.all_columns):
            raise ValueError(
                f"x has {rows.shape[1]} columns; expected {len(self.all_columns)}, as in find_relations, or "
                f"the {len(self.columns)} of the relation: {_validate.listed(self.columns)}."
            )
        return rows[:, [self.all_columns.index(name) for name in self.columns]]

    def residual(self, x: ArrayLike) -> FloatArray:
        """g of every row, (n_rows,): near 0 where the relation holds, 1 or more in size where it does not.

        Parameters
        ----------
        x : table, or array_like of shape (n_rows, n_columns)
        """
        return argument(self.model, (self.values(x) - self.shift) / self.scale)

    def curve(self, column: str, points: int = 200) -> tuple[FloatArray, FloatArray]:
        """phi of one column over the range of its training: where, in the units of the column, and values.

        Parameters
        ----------
        column : str
        points : int
        """
        i = self.columns.index(_validate.choice("column", column, self.columns))
        points = _validate.integer("points", points, 2)
        first, last = self.model.knots[0][i, [0, -1]].tolist()
        inside = np.linspace(first, last, points)
        return inside * self.scale[i] + self.shift[i], self.model.take_function(0, i, 0)(inside)

    def solve(self, x: ArrayLike, column: str, **options: Any) -> Discovery:
        """Look for formulas of one column by the others of the relation, with `kan_np.discover`.

        Parameters
        ----------
        x : table, or array_like of shape (n_rows, n_columns)
        column : str
        **options
            Of `kan_np.discover`, such as ``seconds``.

        Returns
        -------
        Discovery
        """
        k = self.columns.index(_validate.choice("column", column, self.columns))
        rows = self.values(x)
        others = [i for i in range(rows.shape[1]) if i != k]
        data = {
            "train_input": rows[:, others],
            "train_label": rows[:, [k]],
            "feature_names": [self.columns[i] for i in others],
            "target_names": [column],
        }
        return cast(Discovery, discover(data, **options))  # of one column of labels


@dataclass(frozen=True, repr=False)
class Relations:
    """What `find_relations` found, the closest relation first.

    Attributes
    ----------
    found : tuple of Relation
    n_starts : int
        Random orders of every search.
    n_searches : int
        Searches, the first among all columns, the others without one or more that a relation needs.
    """

    found: tuple[Relation, ...]
    n_starts: int
    n_searches: int

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Relation]:
        return iter(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def of(self, *columns: str) -> Relation | None:
        """The relation among exactly these columns; None if it was not found."""
        return next((one for one in self.found if set(one.columns) == set(columns)), None)

    def table(self) -> str:
        """The relations as text, a line each."""
        head = "    r2  told apart  starts  columns"
        rows = [
            f"{one.r2:6.4f}  {one.accuracy:10.3f}  {len(one.starts):6d}  {', '.join(one.columns)}"
            for one in self.found
        ]
        return "\n".join([head, *rows])

    def __repr__(self) -> str:
        """How many there are, and the table."""
        count = "1 relation" if len(self.found) == 1 else f"{len(self.found)} relations"
        return f"{count} in {self.n_searches} searches of {self.n_starts} starts\n{self.table()}"
