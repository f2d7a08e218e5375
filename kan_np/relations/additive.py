"""How much of the variance of a sum of functions of single columns can vanish: an eigenvalue.

Of all sums g = sum_i phi_i(x_i) of splines phi_i the one is taken whose variance is the least part of what it
would be if the columns were independent,

    1 - r2 = min var(sum_i phi_i) / sum_i var(phi_i),

the smallest eigenvalue of C a = lambda D a, with C the covariance of the B-splines of all columns and D its
blocks of single columns. It has no starts that fail, so that it says which columns a relation needs. Splines
are functions of the ranks of a column: a few rows far from all others would have all the variance else.

Source: D. J. Donnell, A. Buja and W. Stuetzle (1994), Analysis of additive dependencies and concurvities
using smallest additive principal components, Annals of Statistics 22, 1635.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.bspline import design_matrix

_ORDER = 3
#: Added to D, in units of its mean diagonal: splines that hardly any row reaches have no variance.
_RIDGE = 1e-7


class AdditiveSums:
    """B-splines of every column at rows that choose sums, and at rows that judge them.

    Parameters
    ----------
    train, held : ndarray of shape (n, n_columns)
    grid : int
        Intervals of the splines, with as many training rows in each.
    """

    def __init__(self, train: FloatArray, held: FloatArray, grid: int) -> None:
        self.train, self.held = [], []
        knots = np.linspace(0.0, 1.0, grid + 1)
        for column, other in zip(train.T, held.T, strict=True):
            values, place, counts = np.unique(column, return_inverse=True, return_counts=True)
            rank = (np.cumsum(counts) - 0.5 * counts) / len(column)
            # they sum to 1: without one of them they are independent of a constant
            both = [
                design_matrix(ranks, knots, _ORDER)[:, 1:]
                for ranks in (rank[place.reshape(-1)], np.interp(other, values, rank))
            ]
            middle = both[0].mean(axis=0)
            self.train.append(both[0] - middle)
            self.held.append(both[1] - middle)

    def r2(self, columns: Sequence[int]) -> float:
        """r2 of the sum of some columns, on the rows that judge."""
        from scipy.linalg import block_diag, eigh

        blocks = [self.train[i] for i in columns]
        rows = np.concatenate(blocks, axis=1)
        alone = block_diag(*[block.T @ block for block in blocks])
        alone += _RIDGE * np.trace(alone) / len(alone) * np.eye(len(alone))
        _, vectors = eigh(rows.T @ rows, alone, subset_by_index=[0, 0])
        parts = np.split(vectors[:, 0], np.cumsum([block.shape[1] for block in blocks])[:-1])
        phi = np.stack([self.held[i] @ part for i, part in zip(columns, parts, strict=True)])
        spread = float(phi.var(axis=1).sum())
        return 1.0 - float(phi.sum(axis=0).var()) / spread if spread > 0.0 else 0.0

    def needed(self, columns: Sequence[int], order: Sequence[int], worse: float, floor: float) -> list[int]:
        """Columns that stay if others are left out, in an order, as long as the rest explains as much.

        Parameters
        ----------
        columns : sequence of int
            Those to begin with.
        order : sequence of int
            The same columns, the one that is to be left out first in front.
        worse, floor : float
            A column is left out if 1 - r2 then is at most `worse` times that of all, or at most `floor`.
        """
        kept = list(columns)
        allowed = max(worse * (1.0 - self.r2(kept)), floor)
        for column in order:
            others = [c for c in kept if c != column]
            if len(others) >= 2 and 1.0 - self.r2(others) <= allowed:
                kept = others
        return kept
