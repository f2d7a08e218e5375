"""Both assemblies of J^T W J against full Jacobians by the complex step on the slow twin."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from evaluated import WAYS, evaluate, evaluated
from hypothesis import given, settings
from hypothesis import strategies as st

from kan_np import KAN
from kan_np.objective.compiled import Memory
from kan_np.objective.evaluator import add_square
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import Penalty

MODES = ("smooth", "linear", "continue", "constant", "zero")
WIDTHS = ([1, 1], [2, 1], [2, 2], [2, 3, 1], [2, 2, 2, 1], [3, 2, 2])


def random_model(width, grid=4, k=3, base_fun="silu", extrapolation="smooth", seed=0, grid_eps=1.0):
    """A KAN whose hidden values leave their grids here and there."""
    rng = np.random.default_rng(seed)
    model = KAN(width, grid, k, base_fun=base_fun, extrapolation=extrapolation, seed=rng, grid_eps=grid_eps)
    model.set_parameters([rng.normal(size=c.shape) for c in model.coef], model.scale_base)
    if grid_eps < 1.0:
        model.update_grid(rng.uniform(-1.0, 1.0, (60, width[0])))
    return model


def samples(width, n, seed=0, reach=1.3):
    """Inputs that leave [-1, 1], labels of order one, and uneven weights, some of them 0."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.0, 3.0, n)
    weight[1::5] = 0.0
    return rng.uniform(-reach, reach, (n, width[0])), rng.normal(size=(n, width[-1])), weight


def by_the_twin(model, x, y, weight=None, smoothing=0.0):
    """f = r^T r, gradient 2 J^T r and Gauss-Newton Hessian 2 J^T J, with J by the complex step."""
    weight = np.ones(len(x)) if weight is None else weight

    def slow(theta):
        layers = reference.unpack(theta, model)
        return reference.roots(x, y, layers, model.k, model.base_fun, model.extrapolation, weight, smoothing)

    r, jacobian = slow(model._theta), reference.complex_step_jacobian(slow, model._theta)
    return r @ r, 2.0 * jacobian.T @ r, 2.0 * jacobian.T @ jacobian


def close(ours, expected, tolerance):
    assert np.abs(ours - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


def check(model, x, y, weight=None, smoothing=0.0, tolerance=1e-10, memory=None):
    """All ways agree with the twin, with each other and with the plain gradient."""
    value, grad, hessian = by_the_twin(model, x, y, weight, smoothing)
    found = {}
    for name in WAYS:
        network = evaluated(model._network, name)
        objective = network_objective(
            network, x, y, weight=weight, smoothing=smoothing, memory=memory or Memory()
        )
        f, g, h = objective.normal_equations(model._theta)
        assert (h.shape, h.flags.f_contiguous) == ((model.n_params, model.n_params), True)
        found[name] = f, g, np.tril(h)
        assert f == pytest.approx(value, rel=1e-11)
        close(g, grad, tolerance)
        close(np.tril(h), np.tril(hessian), tolerance)
        plain, slope = objective(model._theta)
        assert f == pytest.approx(plain, rel=1e-13)
        assert objective.value(model._theta) == pytest.approx(plain, rel=1e-13)
        close(g, slope, 1e-12)
    for name in WAYS:
        assert found[name][0] == pytest.approx(found["rows"][0], rel=1e-13)
        close(found[name][1], found["rows"][1], 1e-12)
        close(found[name][2], found["rows"][2], 1e-12)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_both_assemblies_agree_with_the_twin(width, k):
    model = random_model(width, k=k, seed=k)
    x, y, weight = samples(width, 24, k)
    check(model, x, y, weight if k % 2 else None)


@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("k", [2, 3])
def test_every_extrapolation_and_base_function(k, mode, base_fun):
    model = random_model([2, 3, 2], 3, k, base_fun, mode, seed=1)
    x, y, weight = samples([2, 2], 20, 1, reach=2.5)
    check(model, x, y, weight)


@pytest.mark.parametrize("grid", [1, 2, 20])
@pytest.mark.parametrize("k", [1, 3, 4])
def test_coarse_and_fine_grids(k, grid):
    model = random_model([1, 2, 1], grid, k, seed=2)
    check(model, *samples([1, 1], 40, 2))


@pytest.mark.parametrize("k", [0, 3, 5])
def test_uneven_grids(k):
    model = random_model([2, 2, 1], 5, k, seed=4, grid_eps=0.05)
    assert np.ptp(np.diff(model.knots[0][0])) > 0.01
    check(model, *samples([2, 1], 30, 4, reach=1.1), tolerance=1e-9)


@pytest.mark.parametrize("n", [1, 159, 160, 161, 600])
def test_any_number_of_blocks(n):
    model = random_model([2, 2, 2], 2, 3)
    x, y, weight = samples([2, 2], n)
    check(model, x, y, weight if n > 1 else None, smoothing=0.01)


@pytest.mark.parametrize("k", [0, 1, 3, 5])
@pytest.mark.parametrize(
    "place", ["on the knots", "both ends", "outside", "far outside", "one sample", "all equal"]
)
def test_ugly_points(place, k):
    model = random_model([1, 2, 1], 4, k, seed=3)
    x = {
        "on the knots": model.knots[0][0][:, None],
        "both ends": np.array([[-1.0], [1.0]]),
        "outside": np.array([[-1.5], [-1.2], [-1.0 - 1e-12], [1.0 + 1e-12], [1.5], [1.5 + 1e-9]]),
        "far outside": np.array([[-7.0], [30.0]]),
        "one sample": np.array([[0.3]]),
        "all equal": np.full((9, 1), 0.3),
    }[place]
    check(model, x, np.cos(3 * x))


@pytest.mark.parametrize("width", [[1, 1], [2, 2, 1], [2, 2]], ids=str)
@pytest.mark.parametrize("k", [0, 1, 3])
def test_the_smoothing_term(k, width):
    for base_fun in ("silu", "zero"):
        model = random_model(width, 4, k, base_fun, seed=5)
        check(model, *samples(width, 20, 5), smoothing=0.37)


@pytest.mark.parametrize("cache", [1, 512 * 2**20])
@pytest.mark.parametrize("jacobian", [1, 32 * 2**20])
def test_parts_of_samples_and_chunks_of_rows(cache, jacobian):
    model = random_model([2, 2, 2], 3, 3, seed=6)
    for n in (320, 600):
        x, y, weight = samples([2, 2], n, 6)
        check(model, x, y, weight, smoothing=0.1, memory=Memory(cache, jacobian))


def test_two_blocks_a_part_and_one_a_chunk():
    model = random_model([1, 2, 1], 3, 3, seed=7)
    row = 8 * (2 * 4 + 3)
    x, y, weight = samples([1, 1], 700, 7)
    for blocks in (1, 2, 3):
        memory = Memory(2 * 160 * row, blocks * 160 * 8 * model.n_params)
        check(model, x, y, weight, memory=memory)


@pytest.mark.parametrize("name", WAYS)
def test_nothing_is_left_over_from_the_call_before(name):
    model = evaluate(random_model([2, 2, 1], 3, 3, seed=8), name)
    x, y, weight = samples([2, 1], 300, 8)
    objective = network_objective(model._network, x, y, weight=weight, smoothing=0.2)
    objective.normal_equations(model._theta + 0.3)
    _, grad, hessian = objective.normal_equations(model._theta)
    fresh = network_objective(model._network, x, y, weight=weight, smoothing=0.2)
    _, expected, matrix = fresh.normal_equations(model._theta)
    np.testing.assert_array_equal(grad, expected)
    np.testing.assert_array_equal(np.tril(hessian), np.tril(matrix))


@pytest.mark.parametrize("name", WAYS)
def test_the_gradient_is_a_new_array_and_arguments_stay_as_they_are(name):
    model = random_model([2, 2, 1], 3, 3)
    x, y, weight = samples([2, 1], 50)
    theta = model._theta.copy()
    kept = [a.copy() for a in (x, y, weight, theta)]
    objective = network_objective(model._network, x, y, weight=weight)
    _, first, _ = objective.normal_equations(theta)
    saved = first.copy()
    objective.normal_equations(theta + 1.0)
    np.testing.assert_array_equal(first, saved)
    for now, before in zip((x, y, weight, theta), kept, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("name", WAYS)
def test_weight_two_is_the_row_twice_and_weight_zero_is_no_row(name):
    model = random_model([2, 2, 2], 3, 3, seed=9)
    x, y, _ = samples([2, 2], 40, 9)
    weight = np.resize([1.0, 2.0, 0.0], 40)
    repeats = weight.astype(int)
    ours = network_objective(model._network, x, y, weight=weight).normal_equations(model._theta)
    rows = np.repeat(x, repeats, axis=0), np.repeat(y, repeats, axis=0)
    expected = network_objective(model._network, *rows).normal_equations(model._theta)
    assert ours[0] == pytest.approx(expected[0], rel=1e-13)
    close(ours[1], expected[1], 1e-12)
    close(np.tril(ours[2]), np.tril(expected[2]), 1e-12)


@pytest.mark.parametrize("name", WAYS)
def test_only_the_scale_of_weights_does_not_count(name):
    model = random_model([1, 2, 1], 3, 3)
    x, y, weight = samples([1, 1], 30)
    plain = network_objective(model._network, x, y, weight=weight).normal_equations(model._theta)
    scaled = network_objective(model._network, x, y, weight=1e6 * weight).normal_equations(model._theta)
    assert scaled[0] == pytest.approx(plain[0], rel=1e-13)
    close(np.tril(scaled[2]), np.tril(plain[2]), 1e-12)


def test_bookkeeping_of_the_objective():
    model = random_model([2, 2, 2], 3, 3)
    x, y, _ = samples([2, 2], 30)
    objective = network_objective(model._network, x, y, smoothing=0.5)
    assert objective.n_residuals == 60
    assert objective.least_squares
    assert not network_objective(model._network, x, y, Penalty(0.1)).least_squares
    mse = float(np.mean((model(x) - y) ** 2))
    for n, call in enumerate((objective, objective.value, objective.normal_equations), start=1):
        objective.mse = objective.reg = np.nan
        call(model._theta)
        assert objective.n_fev == n
        assert objective.mse == pytest.approx(mse, rel=1e-12)
        assert objective.reg == 0.0


def test_smoothing_may_change_between_evaluations():
    model = random_model([2, 1], 4, 3)
    x, y, weight = samples([2, 1], 30)
    for name in WAYS:
        network = evaluated(model._network, name)
        objective = network_objective(network, x, y, weight=weight)
        for smoothing in (0.0, 2.0, 0.5, 0.0):
            objective.smoothing = smoothing
            value, grad, hessian = by_the_twin(model, x, y, weight, smoothing)
            f, g, h = objective.normal_equations(model._theta)
            assert f == pytest.approx(value, rel=1e-11)
            close(g, grad, 1e-10)
            close(np.tril(h), np.tril(hessian), 1e-10)


@pytest.mark.parametrize("grid_eps", [1.0, 0.05])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("name", WAYS)
def test_parameters_that_are_not_finite_or_overflow_give_no_finite_value(name, bad, grid_eps):
    model = random_model([2, 2, 2, 1], 4, 3, grid_eps=grid_eps)
    x, y, weight = samples([2, 1], 300)
    theta = model._theta.copy()
    theta[: model.n_params // 2 : 3] = bad
    objective = network_objective(model._network, x, y, weight=weight)
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(objective.normal_equations(theta)[0])
        assert not np.isfinite(objective.value(theta))
    f, _, hessian = objective.normal_equations(model._theta)
    assert np.isfinite(f)
    assert np.isfinite(np.tril(hessian)).all()


def test_add_square_adds_to_the_upper_triangle_in_place():
    rng = np.random.default_rng(0)
    rows, matrix = rng.normal(size=(7, 20)), rng.normal(size=(7, 7))
    expected = matrix + rows @ rows.T
    below = np.tril(matrix, -1)
    add_square(rows, matrix)
    np.testing.assert_allclose(np.triu(matrix), np.triu(expected), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(np.tril(matrix, -1), below)


@settings(max_examples=30)
@given(
    width=st.lists(st.integers(1, 3), min_size=2, max_size=4),
    grid=st.integers(1, 5),
    k=st.integers(0, 5),
    mode=st.sampled_from(MODES),
    base_fun=st.sampled_from(["silu", "identity", "zero"]),
    eps=st.sampled_from([0.1, 1.0]),
    n=st.integers(1, 20),
    seed=st.integers(0, 10**6),
)
def test_no_counterexample_among_random_networks(width, grid, k, mode, base_fun, eps, n, seed):
    model = random_model(width, grid, k, base_fun, mode, seed, eps)
    check(model, *samples(width, n, seed), smoothing=0.1, tolerance=1e-8)
