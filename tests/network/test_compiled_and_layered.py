"""The compiled network and its slow twin, layer by layer, are equal to 1e-12 on random networks."""

from __future__ import annotations

import numpy as np
import pytest
from random_networks import random_network

from kan_np.network import layered
from kan_np.objective.compiled import CompiledEvaluator
from kan_np.objective.edge_scores import METRICS
from kan_np.objective.layered import LayeredEvaluator
from kan_np.objective.sparsity_penalty import Penalty, spread_penalty

#: Largest difference over the largest number of an array.
TOLERANCE = 1e-12
N = 333


SEEDS = [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 20))]


def samples(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-2.5, 2.5, (N, 3)), rng.normal(size=(N, 2))
    return x, y, rng.uniform(0.5, 1.0, N)


def assert_equal(ours, twin, what, floor=0.0):
    ours, twin = np.asarray(ours), np.asarray(twin)
    assert ours.shape == twin.shape, what
    if twin.size:
        assert np.isfinite(twin).all(), what
        assert np.abs(ours - twin).max() <= TOLERANCE * np.abs(twin).max() + floor, what


@pytest.mark.parametrize("seed", SEEDS)
def test_values_and_derivatives_by_inputs(seed):
    net, (x, _, _) = random_network(seed), samples(seed)
    structure, values = net.structure, net.values
    assert net.is_compiled
    assert_equal(net.forward(x), layered.forward(structure, values, x), "outputs")
    ours, twin = net.node_values(x), layered.node_values(structure, values, x)
    for node, (a, b) in enumerate(zip(ours, twin, strict=True)):
        assert_equal(a, b, f"node {node}")
    assert_equal(net.input_jacobian(x), layered.input_jacobian(structure, values, x), "input Jacobian")


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_derivatives_statistics_and_penalties(seed):
    net, (x, y, weight) = random_network(seed), samples(seed)
    structure = net.structure
    ours = CompiledEvaluator(structure, x, y, weight)
    twin = LayeredEvaluator(structure, x, y, weight, part_bytes=1000)
    for evaluator in (ours, twin):
        evaluator.values[:] = net.values
    assert_equal(ours.loss(), twin.loss(), "loss")
    assert_equal(ours.loss_and_gradient(None), twin.loss_and_gradient(None), "loss with a gradient")
    assert_equal(ours.gradient, twin.gradient, "gradient")
    found, expected = (own.normal_equations(structure.parameters) for own in (ours, twin))
    assert_equal(found[0], expected[0], "loss with normal equations")
    assert_equal(found[1], expected[1], "gradient with normal equations")
    assert_equal(np.triu(found[2]), np.triu(expected[2]), "Gauss-Newton matrix")
    for number, (a, b) in enumerate(zip(ours.statistics(), twin.statistics(), strict=True)):
        assert_equal(a, b, f"statistics {number}", TOLERANCE**2)  # variances of constants are rounding
    penalty = Penalty(0.1, reg_metric=METRICS[seed % len(METRICS)])
    (r, _), (expected, pull) = (
        spread_penalty(penalty, structure, evaluator.statistics(), N) for evaluator in (ours, twin)
    )
    assert_equal(r, expected, "penalty")
    # One and the same derivative by the statistics is pulled back: where a mean is far above its spread, that
    # derivative magnifies the rounding of the statistics.
    for evaluator in (ours, twin):
        evaluator.loss_and_gradient(pull)
    assert_equal(ours.gradient, twin.gradient, "gradient with a penalty")
