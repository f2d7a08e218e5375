"""find_relations: which columns of a table depend on each other, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.columns import checked_names, matched, names_in
from kan_np.relations.additive import AdditiveSums
from kan_np.relations.contrast import Contrast, Contrasted, trained
from kan_np.relations.relation import Relation, Relations

#: Share of the rows that judge a relation.
_HELD = 0.25
_LEAST_ROWS = 20
#: A column is no part of a relation if without it what is not explained grows by no more than this factor, or
#: stays below this part of the variance: splines of five intervals leave 0.01
#: of the relation of the cusp volume.
_WORSE, _SPLINE = 2.0, 0.01


def find_relations(
    x: ArrayLike,
    names: Sequence[str] | None = None,
    *,
    n_starts: int = 5,
    max_searches: int = 12,
    min_r2: float = 0.5,
    grid: int = 5,
    seed: int = 0,
) -> Relations:
    """Find relations sum_i phi_i(x_i) = 0 among the columns of a table; no column is the label.

    Of all sums of functions of single columns the one is looked for whose variance in the rows is the least
    part of what it would be if the columns were independent; columns are left out in a random order, another
    one for each start, as long as the others explain as much without them
    (`kan_np.relations.additive`). For the columns that stay a network learns to tell the rows of the table
    from rows whose columns were permuted, each by itself (`kan_np.relations.contrast`). Then the columns of
    each relation that was found are left out one by one, and others come to light. Products count as sums,
    since log(u v) = log u + log v; what cannot be brought to a sum of functions of single columns is not
    found. Columns that depend on each other only weakly are relations, too: `min_r2` says from where on.

    Parameters
    ----------
    x : table, or array_like of shape (n_rows, n_columns)
        A data frame, a dict of columns, or an array of numbers.
    names : sequence of str, optional
        Of the columns, and for a table which of them to use; x_1, x_2, ... of an array if None.
    n_starts : int
        Random orders, in which columns are left out, of each search.
    max_searches : int
        Searches at most; the first is among all columns.
    min_r2 : float
        Relations that explain less on rows that were kept back are not listed.
    grid : int
        Intervals of the splines phi_i.
    seed : int
        Of rows that are kept back, permutations, orders and starts of networks.

    Returns
    -------
    Relations
        The relations by falling r2.

    Raises
    ------
    ValueError, TypeError
        For fewer than two columns or 20 rows, columns that are constant, cells that are no numbers, and
        options out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.relations import find_relations
    >>> rng = np.random.default_rng(0)
    >>> u, v, noise = rng.uniform(1, 2, (3, 300))
    >>> found = find_relations({"u": u, "v": v, "noise": noise, "w": u * v}, n_starts=1, max_searches=1)
    >>> found[0].columns, found[0].r2 > 0.99
    (('u', 'v', 'w'), True)
    """
    rows, columns = _checked_table(x, names)
    settings = _Settings(
        _validate.integer("n_starts", n_starts, 1),
        _validate.integer("max_searches", max_searches, 1),
        _validate.real("min_r2", min_r2, 0.0, 1.0),
        _validate.integer("grid", grid, 1),
        _validate.integer("seed", seed, 0),
    )
    shift, scale = rows.mean(axis=0), rows.std(axis=0)
    search = _Search((rows - shift) / scale, settings)
    search.run()
    found = [
        Relation(
            tuple(columns[i] for i in own),
            search.r2[own],
            one.accuracy,
            tuple(sorted(search.starts[own])),
            one.model,
            shift[list(own)],
            scale[list(own)],
            columns,
        )
        for own, one in search.networks().items()
    ]
    found.sort(key=lambda one: -one.r2)
    return Relations(tuple(found), settings.n_starts, search.n_searches)


@dataclass(frozen=True)
class _Settings:
    n_starts: int
    max_searches: int
    min_r2: float
    grid: int
    seed: int


@dataclass
class _Search:
    """The sets of columns between which there are relations, as searches go on."""

    x: FloatArray
    settings: _Settings
    r2: dict[tuple[int, ...], float] = field(default_factory=dict)
    starts: dict[tuple[int, ...], set[int]] = field(default_factory=dict)
    n_searches: int = 0

    def run(self) -> None:
        rng = np.random.default_rng(self.settings.seed)
        order = rng.permutation(len(self.x))
        n_held = max(int(_HELD * len(self.x)), 1)
        held, train = self.x[order[:n_held]], self.x[order[n_held:]]
        self.sums = AdditiveSums(train, held, self.settings.grid)
        self.held, self.train = Contrast.of(held, rng), Contrast.of(train, rng)
        waiting: list[frozenset[int]] = [frozenset()]
        known = set(waiting)
        while waiting and self.n_searches < self.settings.max_searches:
            without = waiting.pop(0)
            self.n_searches += 1
            for relation in self._searched(without):
                further = [without | {column} for column in relation]
                waiting += [one for one in further if one not in known]
                known.update(further)

    def _searched(self, without: frozenset[int]) -> list[tuple[int, ...]]:
        """Relations among all columns but some."""
        columns = [i for i in range(self.x.shape[1]) if i not in without]
        found: list[tuple[int, ...]] = []
        for start in range(self.settings.n_starts if len(columns) > 1 else 0):
            number = self.settings.seed + start
            order = np.random.default_rng(number).permutation(columns)
            own = tuple(self.sums.needed(columns, order.tolist(), _WORSE, _SPLINE))
            r2 = self.sums.r2(own)
            if r2 < self.settings.min_r2:
                continue
            self.starts.setdefault(own, set()).add(number)
            self.r2[own] = r2
            found += [own] if own not in found else []
        return found

    def networks(self) -> dict[tuple[int, ...], Contrasted]:
        """A network for each of the relations."""
        grid, seed = self.settings.grid, self.settings.seed
        return {own: trained(self.train, self.held, own, grid, seed, r2) for own, r2 in self.r2.items()}


def _checked_table(x: Any, names: Sequence[str] | None) -> tuple[FloatArray, tuple[str, ...]]:
    """Rows, and the names of the columns."""
    own = names_in(x)
    if own is not None:
        chosen = list(own) if names is None else list(names)
        x = matched("x", x, chosen)
        names = chosen
    rows = _validate.matrix("x", x)
    _validate.finite("x", rows)
    if names is None:
        names = [f"x_{i}" for i in range(1, rows.shape[1] + 1)]
    columns = checked_names("names", list(names), rows.shape[1])
    if len(rows) < _LEAST_ROWS or len(columns) < 2:
        raise ValueError(
            f"x has {len(rows)} rows of {len(columns)} columns; expected at least "
            f"{_LEAST_ROWS} rows and 2 columns."
        )
    constant = [name for name, column in zip(columns, rows.T, strict=True) if np.ptp(column) == 0.0]
    if constant:
        raise ValueError(
            f"{_validate.listed(constant)} of x has the same value in every row; expected columns that vary. "
            "Leave it out."
        )
    return rows, columns
