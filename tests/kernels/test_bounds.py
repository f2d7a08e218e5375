"""Kernels write inside of the arrays they are given: nothing checks it while they run.

All scratch space is taken from the middle of larger arrays, whose ends must stay as they were.
"""

from __future__ import annotations

import numpy as np
import pytest
from evaluated import evaluate

from kan_np import KAN
from kan_np.network.kernel_arrays import base_values
from kan_np.network.structure import ACTIVE, FASTER, ROWS
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import Penalty

GUARD = 64


class Guarded:
    """NumPy, but for arrays that lie between guards."""

    def __init__(self):
        self.whole = []

    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, shape, dtype=np.float64):
        size = int(np.prod(shape))
        whole = np.full(size + 2 * GUARD, 77, dtype)
        self.whole.append(whole)
        return whole[GUARD : GUARD + size].reshape(shape)

    def zeros(self, shape, dtype=np.float64):
        array = self.empty(shape, dtype)
        array[...] = 0
        return array

    def empty_like(self, array):
        return self.empty(array.shape, array.dtype)

    zeros_like = empty_like

    def check(self):
        assert self.whole
        for whole in self.whole:
            assert (whole[:GUARD] == 77).all()
            assert (whole[-GUARD:] == 77).all()


@pytest.fixture
def guarded(monkeypatch):
    numpy = Guarded()
    for module in ("network.kernel_arrays", "network.compiled", "objective.compiled"):
        monkeypatch.setattr(f"kan_np.{module}.np", numpy)
    yield numpy
    numpy.check()


@pytest.mark.parametrize("kind", [ROWS, ACTIVE, FASTER])
@pytest.mark.parametrize("k", range(6))
@pytest.mark.parametrize("n", [1, 3, 17, 257, 700])
def test_every_evaluation_of_a_network(guarded, kind, k, n):
    rng = np.random.default_rng(n)
    x, y = rng.uniform(-2.0, 2.0, (n, 2)), rng.normal(size=(n, 6))
    model = evaluate(KAN([2, 3, 6], 4, k, seed=k), kind)
    for penalty in (Penalty(), Penalty(0.1)):
        objective = network_objective(model._network, x, y, penalty)
        assert np.isfinite(objective(model._theta)[0])
    objective = network_objective(model._network, x, y)
    objective.value(model._theta)
    objective.normal_equations(model._theta)
    model(x)
    model.input_jacobian(x)
    model._network.node_values(x)


@pytest.mark.parametrize("n", range(1, 20))
def test_base_functions_alone(guarded, n):
    x = np.random.default_rng(n).normal(size=n)
    np.testing.assert_allclose(base_values("silu", x), x / (1.0 + np.exp(-x)), rtol=1e-14)
    np.testing.assert_array_equal(base_values("identity", x), x)
