"""Which of many inputs matter: forward selection of lines, powers and products of pairs.

Of the features z_i, z_i^2, z_i^3 and z_i z_j of the standardised inputs the one that agrees most with what is
left of the labels is taken, all are fitted again by least squares, and so on until a feature gains less than
the search among m of them finds in noise, by the extended criterion

    n log(mse) + k (log n + 2 log m)

of Chen and Chen, Biometrika 95 (2008), 759. Inputs that act only through others of no line, power or product
are missed; so this proposes inputs, and the whole is searched as well.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray

#: With more inputs, products are of these many only, those that agree most with the labels alone.
_MOST_PAIRED = 100
_MOST_FEATURES = 30


def relevant_inputs(x: FloatArray, y: FloatArray, most: int) -> list[int]:
    """At most so many inputs that matter to the labels, in order of their columns.

    Parameters
    ----------
    x : ndarray of shape (n, n_in)
    y : ndarray of shape (n,)
    most : int

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 12))
    >>> relevant_inputs(x, x[:, 1] * x[:, 7] + np.sin(x[:, 4]), 8)
    [1, 4, 7]
    """
    features, members = _features(x, y)
    n = len(y)
    rest = y - y.mean()
    chosen: list[int] = []
    inputs: list[int] = []
    price = np.log(n) + 2 * np.log(max(len(members), 2))
    square = float(rest @ rest)
    while len(chosen) < min(_MOST_FEATURES, n // 4) and square > 0:
        k = int(np.argmax(np.abs(features.T @ rest)))
        if k in chosen:
            break
        basis = np.column_stack([np.ones(n), features[:, [*chosen, k]]])
        left = y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
        new = float(left @ left)
        if n * np.log(max(new, 1e-300) / square) + price > 0:
            break
        if len({*inputs, *members[k]}) > most:
            break
        chosen.append(k)
        inputs += [i for i in members[k] if i not in inputs]
        rest, square = left, new
    return sorted(inputs)


def _features(x: FloatArray, y: FloatArray) -> tuple[FloatArray, list[tuple[int, ...]]]:
    """Features of mean 0 and length 1, and the inputs in each."""
    deviation = x.std(axis=0)
    alive = np.flatnonzero(deviation > 0)
    z = (x[:, alive] - x[:, alive].mean(axis=0)) / deviation[alive]
    columns = [z, z**2, z**3]
    members: list[tuple[int, ...]] = []
    for _ in columns:
        members += [(int(i),) for i in alive]
    paired = np.arange(alive.size)
    if alive.size > _MOST_PAIRED:
        alone = np.max([np.abs(_unit(c).T @ (y - y.mean())) for c in columns], axis=0)
        paired = np.sort(np.argsort(-alone, kind="stable")[:_MOST_PAIRED])
    first, second = np.triu_indices(paired.size, 1)
    columns.append(z[:, paired[first]] * z[:, paired[second]])
    members += [(int(alive[paired[i]]), int(alive[paired[j]])) for i, j in zip(first, second, strict=True)]
    return _unit(np.concatenate(columns, axis=1)), members


def _unit(columns: FloatArray) -> FloatArray:
    columns = columns - columns.mean(axis=0)
    length = np.linalg.norm(columns, axis=0)
    return np.asarray(columns / np.where(length > 0, length, 1.0))
