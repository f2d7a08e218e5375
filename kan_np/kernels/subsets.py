"""All pairs and triples of many columns compared by what they explain of a target, and quotients of sums.

With columns phi of length 1, r_i = phi_i . t and c_ij = phi_i . phi_j, what a set explains of |t|^2 follows
from r and c alone. Lists of the best are kept sorted, the largest first.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit_inline

#: A column with less than this part of its mean square beside the constant is constant up to rounding.
_CONSTANT = 1e-12


@jit_inline
def _place(value, values):
    """Make room for a value in a sorted list, and say where."""
    k = values.shape[0] - 1
    while k > 0 and values[k - 1] < value:
        k -= 1
    return k


@jit_inline
def _keep(value, members, values, lists):
    """Insert a value and its members, dropping the last."""
    k = _place(value, values)
    for q in range(values.shape[0] - 1, k, -1):
        values[q] = values[q - 1]
        for m in range(lists.shape[1]):
            lists[q, m] = lists[q - 1, m]
    values[k] = value
    for m in range(lists.shape[1]):
        lists[k, m] = members[m]


@entry
def best_pairs(gram, r, alike, row, members, gains, pairs):
    """Pairs that explain most.

    Parameters
    ----------
    gram : ndarray of shape (m, m)
    r : ndarray of shape (m,)
    alike : float
        Least 1 - c^2.
    row, members : ndarray of shape (m,), (2,)
        Room for gains and integers.
    gains, pairs : ndarray of shape (k,), (k, 2)
        The result, to be filled with zeros before.
    """
    m = r.shape[0]
    for i in range(m):
        a = r[i]
        for j in range(i + 1, m):
            c = gram[i, j]
            below = 1.0 - c * c
            b = r[j] - c * a
            row[j] = a * a + b * b / below if below > alike else a * a
        for j in range(i + 1, m):
            if row[j] > gains[-1]:
                members[0], members[1] = i, j
                _keep(row[j], members, gains, pairs)


@entry
def best_triples(gram, r, alike, row, members, gains, triples):
    """Triples that explain most; parameters as of `best_pairs`, with three members."""
    m = r.shape[0]
    for i in range(m):
        a = r[i]
        for j in range(i + 1, m):
            c = gram[i, j]
            below = 1.0 - c * c
            if below <= alike:
                continue
            b = (r[j] - c * a) / below
            both = a * a + b * b * below
            first = a - c * b
            for k in range(j + 1, m):
                u = gram[i, k]
                v = gram[j, k] - c * u
                left = 1.0 - u * u - v * v / below
                rest = r[k] - first * u - b * gram[j, k]
                row[k] = both + rest * rest / left if left > alike else both
            for k in range(j + 1, m):
                if row[k] > gains[-1]:
                    members[0], members[1], members[2] = i, j, k
                    _keep(row[k], members, gains, triples)


@jit_inline
def _quotients(square, cross, own, weights, cross_weights, row):
    """Least of |A q|^2 / |B q|^2 over q of two numbers, for every second column; inf for a constant."""
    for k in range(row.shape[0]):
        a = weights[0] * weights[k + 1] - cross_weights[k] * cross_weights[k]
        if not a > _CONSTANT * weights[0] * weights[k + 1]:
            row[k] = np.inf  # q_0 + q_1 psi_k may be 0 everywhere
            continue
        b = square * weights[k + 1] + own[k] * weights[0] - 2.0 * cross[k] * cross_weights[k]
        c = square * own[k] - cross[k] * cross[k]
        inside = b * b - 4.0 * a * c
        root = np.sqrt(inside) if inside > 0.0 else 0.0
        row[k] = 2.0 * c / (b + root) if b + root > 0.0 and c > 0.0 else 0.0


@jit_inline
def _left(sides, label, labels, mixed, i, j, h, size, c, below, x, y, left, cross, own):
    """What columns i, j and h leave of |t|^2; `cross` and `own` become that of (t, t psi_k), |t psi_k|^2."""
    t = sides[i, 0]
    s = (sides[j, 0] - c * t) if size > 1 else 0.0
    w = (sides[h, 0] - x * t - y * s) if size > 2 else 0.0
    for k in range(labels.shape[0]):
        u = sides[i, k + 1]
        v = (sides[j, k + 1] - c * u) if size > 1 else 0.0
        z = (sides[h, k + 1] - x * u - y * v) if size > 2 else 0.0
        cross[k] = mixed[k] - t * u - s * v / below - w * z / left
        rest = labels[k] - u * u - v * v / below - z * z / left
        own[k] = rest if rest > 0.0 else 0.0
    square = label - t * t - s * s / below - w * w / left
    return square if square > 0.0 else 0.0


@entry
def best_quotients(
    above, sides, label, labels, mixed, weights, cross_weights, alike, size, room, members, values, lists
):
    """Which label (q_0 + q_1 psi_k) are nearest to sums of one, two or three columns, in parts of the factor.

    The least of |t q_0 + t psi_k q_1 - P|^2 / |q_0 + q_1 psi_k|^2 over q and the sums P is an eigenvalue of
    two matrices of two rows. What is smallest is best: `values` holds the negative ones.

    Parameters
    ----------
    above : ndarray of shape (m, m)
        Products of the columns phi, of length 1.
    sides : ndarray of shape (m, l + 1)
        Products of phi with t and t psi_k.
    label, labels, mixed : float, ndarray of shape (l,), (l,)
        Products of t with itself, of t psi_k with itself, of t with t psi_k.
    weights, cross_weights : ndarray of shape (l + 1,), (l,)
        Mean squares of 1 and psi_k, and means of psi_k.
    alike : float
        Least part of a column beside others.
    size : int
        Columns of the sum, 1 to 3.
    room : ndarray of shape (3, l)
    members : ndarray of shape (4,)
    values, lists : ndarray of shape (k,), (k, 4)
        The result: columns, -1 for none, and k last. To be filled with -inf before.
    """
    m, n = above.shape[0], labels.shape[0]
    cross, own, row = room[0], room[1], room[2]
    for i in range(m):
        for j in range(i + 1, m) if size > 1 else range(i, i + 1):
            c = above[i, j] if size > 1 else 0.0
            below = 1.0 - c * c
            if below <= alike:
                continue
            for h in range(j + 1, m) if size > 2 else range(j, j + 1):
                x = y = 0.0
                left = 1.0
                if size > 2:
                    x = above[i, h]
                    y = (above[j, h] - c * x) / below
                    left = 1.0 - x * x - y * y * below
                    if left <= alike:
                        continue
                square = _left(sides, label, labels, mixed, i, j, h, size, c, below, x, y, left, cross, own)
                _quotients(square, cross, own, weights, cross_weights, row)
                for k in range(n):
                    if -row[k] > values[-1]:
                        members[0], members[1], members[2] = i, j if size > 1 else -1, h if size > 2 else -1
                        members[3] = k
                        _keep(-row[k], members, values, lists)
