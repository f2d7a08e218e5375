"""Real rows against rows whose columns were permuted: a network that tells them apart has found a relation.

Permuting every column by itself keeps all its values and destroys all relations. A network [n, 1, 1] whose
last edge is a fixed Gaussian,

    f(x) = exp(-g(x)^2),    g(x) = sum_i phi_i(x_i),

is trained to be 1 on real rows and 0 on permuted ones: g is then small on real rows alone. Source:
arXiv:2404.19756, section 4.3, "unsupervised mode".
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np._warnings import KanWarning
from kan_np.model import KAN

#: Steps of Levenberg-Marquardt. On six columns with two relations, grids 3 and 5 and four starts each, 8 of 8
#: runs of 40 steps from the start "wide" found one of them or both; of 16 of L-BFGS from pykan's start with a
#: penalty of 0.001 six did, in some five times the time.
_STEPS = 40
#: Starts at most until a network explains nearly what is possible, and the part that it may fall short by.
_STARTS, _SHORT = 5, 0.1


@dataclass(frozen=True)
class Contrast:
    """Rows and the same with permuted columns, both in standard deviations.

    Attributes
    ----------
    real, permuted : ndarray of shape (n, n_columns)
    """

    real: FloatArray
    permuted: FloatArray

    @classmethod
    def of(cls, x: FloatArray, rng: np.random.Generator) -> Contrast:
        """Rows x, and as many with each column in an order of its own."""
        return cls(x, np.stack([rng.permutation(column) for column in x.T], axis=1))

    def columns(self, chosen: Sequence[int]) -> Contrast:
        """The same of some columns."""
        return Contrast(self.real[:, chosen], self.permuted[:, chosen])

    @property
    def dataset(self) -> dict[str, FloatArray]:
        """Both as samples, with labels 1 and 0."""
        label = np.repeat([1.0, 0.0], [len(self.real), len(self.permuted)])[:, None]
        return {"train_input": np.concatenate([self.real, self.permuted]), "train_label": label}


@dataclass(frozen=True)
class Contrasted:
    """A network that tells real rows from permuted ones, and how well it does that on rows it has not seen.

    Attributes
    ----------
    columns : tuple of int
    model : KAN
        [n, 1, 1] of these columns.
    r2 : float
        1 - var g(real) / var g(permuted): which part of the variance that g would have of independent columns
        is not there.
    accuracy : float
        Share of the rows, real and permuted ones, that are told apart.
    """

    columns: tuple[int, ...]
    model: KAN
    r2: float
    accuracy: float


def argument(model: KAN, x: FloatArray) -> FloatArray:
    """g of a network [n, 1, 1] at standardised rows (n_rows, n): what its last edge is a function of."""
    return np.sum([model.take_function(0, i, 0)(x[:, i]) for i in range(x.shape[1])], axis=0)


def fitted(train: Contrast, held: Contrast, columns: Sequence[int], grid: int, seed: int) -> Contrasted:
    """Train a network on some columns from a random start."""
    model = KAN([len(columns), 1, 1], grid=grid, seed=seed, init="wide")
    model.fix_symbolic(1, 0, 0, "gaussian", fit=False)
    model.freeze(1)
    with warnings.catch_warnings():
        # a start that finds nothing is no news, and permuted rows are where no row is
        warnings.simplefilter("ignore", KanWarning)
        model.fit(train.columns(columns).dataset, "LM", _STEPS, smoothing=0.0, standardize=False)
        return _judged(model, held.columns(columns), tuple(columns))


def trained(
    train: Contrast, held: Contrast, columns: Sequence[int], grid: int, seed: int, possible: float
) -> Contrasted:
    """The best of a few networks, from one start if it explains nearly what is `possible` (r2)."""
    best = fitted(train, held, columns, grid, seed)
    for start in range(1, _STARTS):
        if best.r2 >= possible - _SHORT:
            break
        best = max(best, fitted(train, held, columns, grid, seed + start), key=lambda one: one.r2)
    return best


def _judged(model: KAN, held: Contrast, columns: tuple[int, ...]) -> Contrasted:
    real, permuted = argument(model, held.real), argument(model, held.permuted)
    spread = float(np.var(permuted))
    r2 = 1.0 - float(np.var(real)) / spread if spread > 0.0 else 0.0
    told = np.concatenate([model(held.real)[:, 0] > 0.5, model(held.permuted)[:, 0] <= 0.5])
    return Contrasted(columns, model, r2, float(told.mean()))
