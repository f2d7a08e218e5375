"""Machine code that is kept for arguments of the same kind, and for no others."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import pytest

from kan_np.kernels._jit import bound, entry


class Pair(NamedTuple):
    first: np.ndarray
    second: np.ndarray | None


@entry
def total(pair, factor):
    s = 0.0
    for i in range(pair.first.shape[0]):
        for j in range(pair.first.shape[1]):
            s += (i + 2 * j) * pair.first[i, j]
    return factor * s


def expected(x, factor):
    i, j = np.indices(x.shape)
    return factor * float(((i + 2 * j) * x).sum())


X = np.arange(12.0).reshape(3, 4)
KINDS = {
    "as it was bound": X,
    "other columns first": np.asfortranarray(X),
    "every other number": np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
    "single precision": X.astype(np.float32),
    "may not be written": X.copy(),
}
KINDS["may not be written"].flags.writeable = False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("second", [None, np.ones(2)])
def test_every_kind_of_arguments_has_code_of_its_own(kind, second):
    x = KINDS[kind]
    assert bound(total, Pair(X, None), 2.0)(Pair(X, None), 2.0) == expected(X, 2.0)
    given = Pair(x, second), 3
    assert bound(total, *given)(*given) == expected(x, 3)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_the_same_kind_of_arguments_is_not_looked_at_again():
    code = bound(total, Pair(X, None), 1.0)
    assert bound(total, Pair(X[:1] * 2.0, None), 5.0) is code
    assert bound(total, Pair(X.T, None), 5.0) is not code
