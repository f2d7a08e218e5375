"""A dictionary of terms at the points of a curve, and the sets of it that explain most, one of each kind.

Families are laid out with a few numbers each, so that what a set explains is known roughly; sets of the same
families are one kind, of which the best is proposed. Kinds come by bits, as `kan_np.symbolic.suggest` counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.symbolic.function_families import MULTIPLIED, WITH_X, Family, times
from kan_np.symbolic.sparse_terms import Blocks, product_gains
from kan_np.symbolic.term_models import Model, Target, Term

#: Bits of a sum of terms, from its cost, its complexity and the number of its constants.
Bits = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]

_LARGEST = 1e60


class Dictionary:
    """Terms at the points of a target.

    Parameters
    ----------
    target : Target
    bits : callable
        Length of a message, from arrays of costs, complexities and numbers of constants.
    families : sequence of Family
        Functions to use; those among `MULTIPLIED` also multiply each other.
    """

    def __init__(self, target: Target, bits: Bits, families: Sequence[Family]) -> None:
        self.target, self.bits = target, bits
        self.terms: list[Term] = []
        self.families: list[Family] = []
        #: First block of each family.
        self.starts: list[int] = []
        self._factors: list[tuple[Family, int, tuple[float, ...]]] = []
        self._kinds_of_factors: list[tuple[Family, int]] = []
        self._factor_starts: list[int] = []
        rows: list[tuple[FloatArray, FloatArray]] = []
        plain: list[FloatArray] = []
        u = target.u
        for family in families:
            laid = list(_laid(family, u))
            if not laid:
                continue
            self.families.append(family)
            self.starts.append(len(self.terms))
            for numbers, columns in laid:
                self.terms.append(Term(family, numbers, tuple(range(len(columns)))))
                rows.append((columns[0], columns[1] if len(columns) == 2 else np.zeros_like(u)))
            if family in MULTIPLIED:
                for i in range(len(family.texts)):
                    self._kinds_of_factors.append((family, i))
                    self._factor_starts.append(len(plain))
                    plain += [columns[i] / np.abs(columns[i]).max() for _, columns in laid]
                    self._factors += [(family, i, numbers) for numbers, _ in laid]
        first, second = (np.stack(column, axis=1) for column in zip(*rows, strict=True))
        self.blocks = Blocks.of(target.centred(first).T, target.centred(second).T)
        self._plain = np.stack(plain)
        self._complexity = np.array([family.complexity for family in self.families])
        self._count = np.array(
            [len(family.texts) + len(family.powers) for family in self.families], dtype=float
        )

    def ones(self, most: int) -> list[Model]:
        """The best term of each family, and the best product of each two."""
        gains = np.maximum.reduceat(self.blocks.gains(self.target.z), self.starts)
        bits = self.bits(1.0 - gains, self._complexity, 1.0 + self._count)
        own = self.blocks.gains(self.target.z)
        models = [
            (float(bits[k]), Model((self.terms[_first_of(own, self.starts, k)],))) for k in range(len(gains))
        ]
        models += self._products()
        models.sort(key=lambda pair: pair[0])
        return [model for _, model in models[:most]]

    def _products(self) -> list[tuple[float, Model]]:
        gains = product_gains(self._plain, self.target.root**2, self.target.z / self.target.root)
        starts = self._factor_starts
        best = np.maximum.reduceat(np.maximum.reduceat(gains, starts, axis=0), starts, axis=1)
        complexity = np.array([family.complexity for family, _ in self._kinds_of_factors])
        count = np.array([float(len(family.powers)) for family, _ in self._kinds_of_factors])
        bits = self.bits(1.0 - best, complexity[:, None] + complexity + 1.0, 2.0 + count[:, None] + count)
        found = []
        for i, j in _lowest(bits):
            (f, a), (g, b) = self._kinds_of_factors[i], self._kinds_of_factors[j]
            if _is_known(f, g) or _is_known(g, f):
                continue
            at, beside = _best_of(gains, starts, i, j)
            p, q = self._factors[at][2], self._factors[beside][2]
            found.append((float(bits[i, j]), Model((Term(times(f, a, g, b), (*p, *q), (0,)),))))
        return found

    def pairs(self, most: int) -> list[Model]:
        """The best two terms of each two families."""
        gains = self.blocks.pair_gains(self.target.z)
        best = np.maximum.reduceat(np.maximum.reduceat(gains, self.starts, axis=0), self.starts, axis=1)
        complexity = self._complexity[:, None] + self._complexity + 1.0
        bits = self.bits(1.0 - best, complexity, 1.0 + self._count[:, None] + self._count)
        models = []
        for i, j in _lowest(bits)[:most]:
            at, beside = _best_of(gains, self.starts, i, j)
            models.append(Model((self.terms[at], self.terms[beside])))
        return models

    def one_more(self, models: Sequence[Model], most: int) -> list[Model]:
        """Models with one term more, the best of each family."""
        found = []
        for model in models:
            projected = self.target.projection(model.columns(self.target.u))
            if projected is None or model.shift:
                continue
            own = self.blocks.gains(self.target.z, projected[0])
            left = np.maximum(model.cost - np.maximum.reduceat(own, self.starts), 0.0)
            bits = self.bits(left, model.complexity + self._complexity + 1.0, model.count + self._count)
            for k in range(len(bits)):
                term = self.terms[_first_of(own, self.starts, k)]
                found.append((float(bits[k]), Model((*model.terms, term))))
        found.sort(key=lambda pair: pair[0])
        chosen: dict[object, Model] = {}
        for _, model in found:
            chosen.setdefault(model.kind, model)
        return list(chosen.values())[:most]


def _is_known(f: Family, g: Family) -> bool:
    """Whether the product of a power and another family is a family itself."""
    return f.exponent is not None and (g.exponent is not None or (f.exponent == 1.0 and g in WITH_X))


def _laid(family: Family, u: FloatArray) -> list[tuple[tuple[float, ...], tuple[FloatArray, ...]]]:
    """Numbers and columns of a family where these are finite."""
    laid = []
    for numbers in family.numbers(float(np.ptp(u)) / 2):
        with np.errstate(all="ignore"):
            columns = family.columns(u, *numbers)
        if all(np.isfinite(c).all() and 0.0 < np.abs(c).max() < _LARGEST for c in columns):
            laid.append((numbers, columns))
    return laid


def _first_of(gains: FloatArray, starts: Sequence[int], k: int) -> int:
    """The block of family k that explains most."""
    end = starts[k + 1] if k + 1 < len(starts) else len(gains)
    return int(starts[k] + np.argmax(gains[starts[k] : end]))


def _best_of(gains: FloatArray, starts: Sequence[int], i: int, j: int) -> tuple[int, int]:
    """The two of families i and j that explain most together."""
    ends = [*starts[1:], len(gains)]
    part = gains[starts[i] : ends[i], starts[j] : ends[j]]
    row, column = np.unravel_index(int(np.argmax(part)), part.shape)
    return starts[i] + int(row), starts[j] + int(column)


def _lowest(bits: FloatArray) -> list[tuple[int, int]]:
    """Places on and below the diagonal, the lowest first."""
    rows, columns = np.tril_indices(len(bits))
    order: NDArray[np.intp] = np.argsort(bits[rows, columns], kind="stable")
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))
