"""Which few columns a target is a linear combination of: all pairs or triples compared, then more by a beam.

With columns of length 1 and the constant taken out of all, what a set explains follows from the products of
the columns with the target and with each other; `kan_np.kernels.subsets` compares all pairs, and all triples
of a few hundred columns. The best sets grow by the column that explains most of what is left; sets with one
column exchanged compete.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels.subsets import best_pairs, best_quotients, best_triples

#: Columns that keep no more than this part of their length beside the constant are not used.
_CONSTANT = 1e-6
#: Nor sets of columns that keep less than this part of their squared length beside the others.
_ALIKE = 1e-9
#: Of more columns than these, those that agree most with the target are compared in pairs, in triples.
_PAIRED, _IN_TRIPLES = 3000, 400
#: Columns above quotients, of which all triples are compared.
_ABOVE = 70
#: Bits that the last column must have gained for another one to be looked for.
_LEAST_GAIN = 8.0
#: Sets that are kept by the comparison of all.
_KEPT = 64


class Selection(NamedTuple):
    """Columns and the sum of squares that they leave."""

    columns: tuple[int, ...]
    rest: float


def select(
    columns: FloatArray, target: FloatArray, constant: FloatArray, most: int, beam: int = 24
) -> list[list[Selection]]:
    """Sets of 1, 2, ..., `most` columns, each list best first.

    Parameters
    ----------
    columns : ndarray of shape (n, m)
    target, constant : ndarray of shape (n,)
        The constant is in every set.
    most : int
    beam : int
        Sets of more than three that are kept of every size.

    Examples
    --------
    >>> import numpy as np
    >>> columns = np.random.default_rng(0).normal(size=(50, 30))
    >>> found = select(columns, columns[:, 3] - 2 * columns[:, 8] + 1, np.ones(50), 3)
    >>> found[1][0].columns
    (3, 8)
    """
    phi, usable = without_constant(columns, constant)
    base = constant / np.linalg.norm(constant)
    t = target - base * (base @ target)
    whole = float(t @ t)
    if usable.size == 0 or whole == 0.0:
        return []
    r = t @ phi
    limit = min(most, len(t) - 3, usable.size)
    order = np.argsort(-np.square(r), kind="stable")
    found = [[Selection((int(j),), whole - float(r[j] ** 2)) for j in order[:_KEPT]]]
    some = np.sort(order[:_PAIRED])
    gram = phi[:, some].T @ phi[:, some]
    for size, compare in ((2, best_pairs), (3, best_triples)):
        if limit >= size and (size == 2 or usable.size <= _IN_TRIPLES):
            found.append(_compared(compare, gram, r[some], some, whole, size))
    back = {int(j): k for k, j in enumerate(some)}
    while 2 <= len(found) < limit and found[-1] and _worth(found, len(t)):
        sets = [tuple(back[j] for j in s.columns) for s in found[-1][:beam]]
        grown = _grown(gram, r[some], whole, sets, beam)
        # one column of the best exchanged
        shorter = {s[:k] + s[k + 1 :] for s in (g.columns for g in grown[:4]) for k in range(len(s))}
        grown = _best([*grown, *_grown(gram, r[some], whole, sorted(shorter), beam)], beam)
        found.append([Selection(tuple(some[list(g.columns)].tolist()), g.rest) for g in grown])
    return [
        [Selection(tuple(usable[list(s.columns)].tolist()), max(s.rest, 0.0)) for s in own] for own in found
    ]


def without_constant(columns: FloatArray, constant: FloatArray) -> tuple[FloatArray, Any]:
    """Columns less what the constant explains, of length 1, and which are left."""
    base = constant / np.linalg.norm(constant)
    length = np.linalg.norm(columns, axis=0)
    phi = columns - base[:, None] * (base @ columns)
    left = np.linalg.norm(phi, axis=0)
    usable = np.flatnonzero((left > _CONSTANT * length) & np.isfinite(left))
    return np.ascontiguousarray(phi[:, usable] / left[usable]), usable


def _compared(
    compare: Any, gram: FloatArray, r: FloatArray, some: Any, whole: float, size: int
) -> list[Selection]:
    """The best of all sets of a size."""
    gains, sets = np.zeros(_KEPT), np.zeros((_KEPT, size), dtype=np.int64)
    compare(gram, r, _ALIKE, np.zeros(r.size), np.zeros(size, dtype=np.int64), gains, sets)
    return [
        Selection(tuple(some[own].tolist()), whole - float(gain))
        for own, gain in zip(sets, gains, strict=True)
        if gain > 0
    ]


def select_quotients(
    above: FloatArray, below: FloatArray, target: FloatArray, weight: FloatArray, most: int
) -> list[list[Selection]]:
    """Sets of columns and one psi with target (1 + d psi) nearest to a sum of the columns and a constant.

    Parameters
    ----------
    above, below : ndarray of shape (n, m), (n, l)
        Columns of the sum, and what the target is multiplied by.
    target, weight : ndarray of shape (n,)
    most : int
        Columns of the sum at most, up to 3.

    Returns
    -------
    list of list of Selection
        For 1, 2, ... columns; the last number of each is m plus the number of psi.
    """
    n = len(target)
    phi, usable = without_constant(above * weight[:, None], weight)
    base = weight / np.linalg.norm(weight)
    sides = np.column_stack([target, target[:, None] * below]) * weight[:, None]
    sides -= base[:, None] * (base @ sides)
    products, n_below = sides.T @ sides, below.shape[1]
    if usable.size == 0 or n_below == 0:
        return []
    result = []
    for size in range(1, min(most, usable.size, n - 4) + 1):
        if size == 3:
            phi = np.ascontiguousarray(phi[:, :_ABOVE])
        values, sets = np.full(_KEPT, -np.inf), np.zeros((_KEPT, 4), dtype=np.int64)
        best_quotients(
            phi.T @ phi,
            phi.T @ sides,
            float(products[0, 0]),
            products.diagonal()[1:].copy(),
            products[0, 1:].copy(),
            np.concatenate([[1.0], np.mean(np.square(below), axis=0)]),
            np.mean(below, axis=0),
            _ALIKE,
            size,
            np.zeros((3, n_below)),
            np.zeros(4, dtype=np.int64),
            values,
            sets,
        )
        own = []
        for value, members in zip(values, sets, strict=True):
            if np.isfinite(value):
                chosen = [int(usable[k]) for k in members[:3] if k >= 0]
                own.append(Selection((*chosen, above.shape[1] + int(members[3])), max(-float(value), 0.0)))
        result.append(own)
    return result


def _worth(found: list[list[Selection]], n: int) -> bool:
    """Whether the last column has gained more than its name costs."""
    before, after = found[-2][0].rest, found[-1][0].rest
    return bool(before > 0 and n / 2 * np.log2(before / max(after, 1e-300)) > _LEAST_GAIN)


def _grown(
    gram: FloatArray, r: FloatArray, whole: float, sets: list[tuple[int, ...]], beam: int
) -> list[Selection]:
    """Every set with the columns that explain most of what it leaves."""
    found = []
    each = min(max(4, beam // 4), r.size)
    for own in sets:
        chosen = list(own)
        side = gram[chosen]
        try:
            lower = np.linalg.cholesky(side[:, chosen])
        except np.linalg.LinAlgError:  # as good as linearly dependent
            continue
        inner = np.linalg.solve(lower, np.column_stack([side, r[chosen]]))
        explained = inner[:, -1]
        left = 1.0 - np.square(inner[:, :-1]).sum(axis=0)
        gain = np.square(r - explained @ inner[:, :-1]) / np.where(left > _ALIKE, left, np.inf)
        square = whole - float(explained @ explained)
        top = np.argpartition(-gain, each - 1)[:each]
        found += [
            Selection(tuple(sorted((*own, int(j)))), square - float(gain[j])) for j in top if j not in own
        ]
    return _best(found, beam)


def _best(sets: list[Selection], most: int) -> list[Selection]:
    """Each set once, best first."""
    unlike: dict[tuple[int, ...], Selection] = {}
    for own in sorted(sets, key=lambda s: (s.rest, s.columns)):
        unlike.setdefault(own.columns, own)
    return list(unlike.values())[:most]
