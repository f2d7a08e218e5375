"""Every gradient against the complex step on the slow twin, at random points and at the ugly ones."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from evaluated import evaluate
from hypothesis import given, settings
from hypothesis import strategies as st

from kan_np import KAN, MLP
from kan_np.network.structure import ACTIVE, ROWS
from kan_np.objective.compiled import Memory
from kan_np.objective.mlp_objective import mlp_objective
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import METRICS, Penalty

MODES = ("smooth", "linear", "continue", "constant", "zero")
WEIGHTS = {"lamb_l1": 1.0, "lamb_entropy": 2.0, "lamb_coef": 0.3, "lamb_coefdiff": 0.7}


def random_model(width, grid, k, base_fun="silu", extrapolation="smooth", seed=0, **options):
    """A KAN with coefficients of order one, so that hidden values leave their grids here and there."""
    rng = np.random.default_rng(seed)
    model = KAN(width, grid, k, base_fun=base_fun, extrapolation=extrapolation, seed=rng, **options)
    model.set_parameters([rng.normal(size=c.shape) for c in model.coef], model.scale_base)
    return model


def check(model, x, y, lamb=0.0, weights=WEIGHTS, metric="edge_forward_spline_n", tolerance=1e-9):
    penalty = Penalty(lamb, **weights, reg_metric=metric)
    value, grad = network_objective(model._network, x, y, penalty)(model._theta)

    def slow(theta):
        return reference.objective(
            x,
            y,
            reference.unpack(theta, model),
            model.k,
            model.base_fun,
            model.extrapolation,
            lamb,
            tuple(weights.values()),
            metric,
        )

    expected = reference.complex_step(slow, model._theta)
    assert value == pytest.approx(float(slow(model._theta).real), rel=1e-11)
    assert np.abs(grad - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


def of_kind(kind, make, *args, **options):
    return evaluate(make(*args, **options), kind)


@pytest.fixture(params=[ROWS, ACTIVE])
def kind(request):
    """How splines are evaluated; left alone, a network takes both ways."""
    return request.param


#: The base function is added to a spline, whatever that does outside.
@pytest.mark.parametrize(
    ("mode", "base_fun"), [*((mode, "silu") for mode in MODES), (MODES[0], "identity"), (MODES[-1], "zero")]
)
@pytest.mark.parametrize("k", range(6))
def test_loss_and_gradient_agree_with_the_twin(k, mode, base_fun):
    # both kinds with every order and every mode, in turn
    kind = (ROWS, ACTIVE)[(k + MODES.index(mode) + (base_fun != "silu")) % 2]
    rng = np.random.default_rng(k)
    x, y = rng.uniform(-1.4, 1.4, (30, 2)), rng.normal(size=(30, 2))
    check(of_kind(kind, random_model, [2, 3, 2], 4, k, base_fun, mode, seed=k), x, y)


@pytest.mark.parametrize(
    ("k", "metric"), [*((3, metric) for metric in METRICS), *zip((0, 1, 2, 4, 5), METRICS, strict=True)]
)
def test_penalties_and_their_gradients_agree_with_the_twin(kind, k, metric):
    rng = np.random.default_rng(k)
    x, y = rng.uniform(-1.2, 1.2, (25, 2)), rng.normal(size=(25, 1))
    check(of_kind(kind, random_model, [2, 3, 2, 1], 3, k, seed=k), x, y, lamb=0.37, metric=metric)


@pytest.mark.parametrize("metric", METRICS)
def test_each_part_of_the_penalty_alone_agrees_with_the_twin(metric):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-1.2, 1.2, (25, 2)), rng.normal(size=(25, 1))
    model = random_model([2, 3, 2, 1], 3, 3, seed=3)
    for name in WEIGHTS:
        alone = {other: float(other == name) for other in WEIGHTS}
        check(model, x, y, lamb=2.0, weights=alone, metric=metric)


def test_more_samples_than_one_block_and_not_a_multiple_of_it():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (300, 3)), rng.normal(size=(300, 1))
    check(random_model([3, 2, 1], 5, 3), x, y)
    check(random_model([3, 2, 1], 5, 3), x, y, lamb=0.1)


@pytest.mark.parametrize("n_out", range(1, 13))
def test_fans_of_all_sizes_and_both_kinds_of_edges_in_one_network(n_out):
    rng = np.random.default_rng(n_out)
    x, y = rng.uniform(-1.1, 1.1, (37, 2)), rng.normal(size=(37, n_out))
    check(random_model([2, 1, n_out], 4, 3, seed=n_out), x, y)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 159, 160, 161, 319])
def test_samples_that_do_not_fill_a_panel_or_a_block(kind, n):
    rng = np.random.default_rng(n)
    x, y = rng.uniform(-1.1, 1.1, (n, 1)), rng.normal(size=(n, 1))
    check(of_kind(kind, random_model, [1, 2, 1], 4, 3, seed=n), x, y)


@pytest.mark.parametrize("k", [1, 3, 4])
def test_grids_with_uneven_intervals(kind, k):
    rng = np.random.default_rng(k)
    model = of_kind(kind, random_model, [2, 3, 1], 5, k, seed=k, grid_eps=0.1)
    model.update_grid(rng.uniform(-1, 1, (60, 2)) ** 3)
    x, y = rng.uniform(-1.3, 1.3, (50, 2)), rng.normal(size=(50, 1))
    check(model, x, y)
    check(model, x, y, lamb=0.3)


def test_data_larger_than_the_cache_is_expanded_in_parts():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (700, 2)), rng.normal(size=(700, 1))
    model = random_model([2, 3, 1], 5, 3)
    whole = network_objective(model._network, x, y, Penalty())(model._theta)
    parts = network_objective(model._network, x, y, Penalty(), memory=Memory(inputs=1))(model._theta)
    assert parts[0] == pytest.approx(whole[0], rel=1e-13)
    np.testing.assert_allclose(parts[1], whole[1], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("k", [0, 2, 3, 5])
@pytest.mark.parametrize(
    "place", ["on the knots", "both ends", "outside", "one interval outside", "one sample", "all equal"]
)
def test_ugly_points(kind, place, k):
    model = of_kind(kind, random_model, [1, 2, 1], 4, k, seed=3)
    x = {
        "on the knots": model.knots[0][0][:, None],
        "both ends": np.array([[-1.0], [1.0]]),
        "outside": np.array([[-7.0], [-1.0 - 1e-12], [1.0 + 1e-12], [30.0]]),
        "one interval outside": np.array([[-1.5], [-1.5 - 1e-9], [-1.3], [1.5 - 1e-9], [1.5]]),
        "one sample": np.array([[0.3]]),
        "all equal": np.full((9, 1), 0.3),
    }[place]
    y = np.cos(3 * x)
    check(model, x, y)
    if place not in ("one sample", "all equal"):
        check(model, x, y, lamb=0.5, tolerance=1e-8)


@pytest.mark.parametrize("k", range(6))
def test_an_extrapolation_of_error_trains_as_smooth(k):
    rng = np.random.default_rng(k)
    x, y = rng.uniform(-2.0, 2.0, (40, 2)), rng.normal(size=(40, 1))
    model = random_model([2, 2, 1], 4, k, extrapolation="error", seed=k)
    check(model, x, y)
    smooth = random_model([2, 2, 1], 4, k, extrapolation="smooth", seed=k)
    value, grad = network_objective(model._network, x, y)(model._theta)
    expected, slope = network_objective(smooth._network, x, y)(smooth._theta)
    assert value == expected
    np.testing.assert_array_equal(grad, slope)


def test_penalty_of_constant_edges_is_finite_and_pushes_nowhere():
    model = random_model([1, 2, 1], 4, 3)
    x = np.full((9, 1), 0.3)
    value, grad = network_objective(model._network, x, x, Penalty(1.0, 1.0, 2.0))(model._theta)
    free, free_grad = network_objective(model._network, x, x, Penalty())(model._theta)
    assert value == pytest.approx(free, rel=1e-12)
    np.testing.assert_allclose(grad, free_grad, rtol=1e-9, atol=1e-12)


@settings(max_examples=40)
@given(
    width=st.lists(st.integers(1, 3), min_size=2, max_size=4),
    grid=st.integers(1, 6),
    k=st.integers(0, 5),
    mode=st.sampled_from(MODES),
    eps=st.sampled_from([0.0, 0.02, 1.0]),
    lamb=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 10**6),
)
def test_no_counterexample_among_random_networks(width, grid, k, mode, eps, lamb, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1.3, 1.3, (12, width[0])), rng.normal(size=(12, width[-1]))
    model = random_model(width, grid, k, "silu", mode, seed, grid_eps=eps)
    model.update_grid(rng.uniform(-1, 1, (40, width[0])))
    check(model, x, y, lamb=lamb, tolerance=1e-7)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_input_jacobian_agrees_with_the_twin(kind, k, mode):
    model = of_kind(kind, random_model, [2, 3, 2], 4, k, extrapolation=mode, seed=k)
    x = np.random.default_rng(k).uniform(-1.3, 1.3, (200, 2))
    layers = reference.unpack(model._theta, model)
    expected = np.empty((200, 2, 2))
    for i in range(2):
        moved = x.astype(complex)
        moved[:, i] += 1e-30j
        nodes, _ = reference.forward(moved, layers, k, "silu", mode)
        expected[:, :, i] = nodes[-1].imag / 1e-30
    np.testing.assert_allclose(model.input_jacobian(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
@pytest.mark.parametrize("mode", MODES)
def test_forward_agrees_with_the_twin(mode, base_fun):
    model = random_model([3, 4, 2, 2], 5, 3, base_fun, mode)
    x = np.random.default_rng(5).uniform(-1.2, 1.2, (300, 3))
    nodes, _ = reference.forward(x, reference.unpack(model._theta, model), 3, base_fun, mode)
    np.testing.assert_allclose(model(x), nodes[-1], rtol=1e-11, atol=1e-11)


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=100))
def test_silu_and_its_slope_over_the_whole_range(values):
    x = np.array(values)
    model = KAN([1, 1], 1, 0, scale_base_mu=1.0, scale_base_sigma=0.0, noise_scale=0.0, extrapolation="zero")
    with np.errstate(over="ignore"):
        s = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(model(x)[:, 0], x * s, rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(
        model.input_jacobian(x)[:, 0, 0], s * (1 + x * (1 - s)), rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
@pytest.mark.parametrize("lamb", [0.0, 0.05])
def test_mlp_gradient_agrees_with_the_twin(activation, lamb):
    rng = np.random.default_rng(2)
    model = MLP([3, 5, 4, 2], activation, seed=1)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    value, grad = mlp_objective(model._network, x, y, Penalty(lamb, 1.0, 0.0))(model._theta)

    def slow(theta):
        layers, at = [], 0
        for n_in, n_out in ((3, 5), (5, 4), (4, 2)):
            layers.append(
                (theta[at : at + n_in * n_out].reshape(n_in, n_out), theta[at + n_in * n_out :][:n_out])
            )
            at += n_in * n_out + n_out
        loss = np.mean((reference.mlp(x, layers, activation) - y) ** 2)
        return loss + lamb * sum(reference.absolute(w).sum() for w, _ in layers)

    assert value == pytest.approx(float(slow(model._theta).real), rel=1e-12)
    np.testing.assert_allclose(grad, reference.complex_step(slow, model._theta), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
def test_mlp_input_jacobian_agrees_with_central_differences(activation):
    model = MLP([2, 6, 5, 3], activation, seed=3)
    x = np.random.default_rng(0).normal(size=(20, 2))
    for i in range(2):
        step = np.eye(2)[i] * 1e-6
        expected = (model(x + step) - model(x - step)) / 2e-6
        np.testing.assert_allclose(model.input_jacobian(x)[:, :, i], expected, atol=1e-7)
