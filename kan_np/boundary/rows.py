"""Rows of two classes and the groups that they come in, and how they are split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray

#: Orders of the groups that are tried until each part has rows of both classes.
_ORDERS = 100
#: One of so many rows is held out.
_HELD = 5


@dataclass(frozen=True)
class Rows:
    """Rows (n, n_in), which of them are of the second class, and their groups, 0 to n_groups - 1."""

    x: FloatArray
    second: NDArray[np.bool_]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, x: FloatArray, second: NDArray[np.bool_], group: NDArray[Any] | None = None) -> Rows:
        """Rows of any groups; each is its own where none are given."""
        own = np.arange(len(x)) if group is None else np.unique(group, return_inverse=True)[1].reshape(-1)
        return cls(x, second, own)

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max()) + 1

    def chosen(self, rows: NDArray[Any]) -> Rows:
        """Some of the rows, by a mask or by their numbers; groups are numbered anew."""
        return Rows.of(self.x[rows], self.second[rows], self.group[rows])

    def some(self, most: int, seed: int) -> Rows:
        """So many rows at most, at random."""
        return self.chosen(np.random.default_rng(seed).permutation(len(self.x))[:most])

    def part(self, share: float, seed: int) -> Rows:
        """The rows of a share of the groups, at random; all rows where no such part has both classes."""
        rng = np.random.default_rng(seed)
        for _ in range(_ORDERS):
            groups = rng.permutation(self.n_groups)[: max(int(share * self.n_groups), 1)]
            rows = np.isin(self.group, groups)
            if _both(self.second[rows]):
                return self.chosen(rows)
        return self

    def held_out(self, seed: int) -> tuple[Rows, Rows]:
        """Training rows, and whole groups of about a fifth of the rows, both classes in each part.

        Raises
        ------
        ValueError
            If there is one group only, or no such split is found.
        """
        if self.n_groups < 2:
            raise ValueError(
                f"groups has one group for all {len(self.x)} rows; expected at least two, since validation "
                "rows are whole groups. Number the groups, or give val_input and val_label."
            )
        rng, sizes = np.random.default_rng(seed), np.bincount(self.group)
        for _ in range(_ORDERS):
            held = np.isin(self.group, _fitting(rng.permutation(self.n_groups), sizes))
            if _both(self.second[held]) and _both(self.second[~held]):
                return self.chosen(~held), self.chosen(held)
        raise ValueError(
            f"groups has {self.n_groups} groups of which about a fifth of the rows is held out, but no such "
            "part was found with both classes in it and in the other rows; expected groups that have rows of "
            "both classes, or several groups of each class. Or give val_input and val_label."
        )


def _fitting(order: NDArray[Any], sizes: NDArray[Any]) -> list[int]:
    """Groups in this order as long as they are a fifth of the rows at most; one at least."""
    taken, most = [], int(sizes.sum()) // _HELD
    for group in order.tolist():
        if sizes[group] <= most:
            taken.append(group)
            most -= int(sizes[group])
    return taken or [int(order[np.argmin(sizes[order])])]


def _both(second: NDArray[np.bool_]) -> bool:
    return bool(second.any() and not second.all())
