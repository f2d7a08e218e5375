"""Difference penalties on coefficients: value, derivatives, and what they do to a fit."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from evaluated import layered_objective
from scipy.interpolate import BSpline

from kan_np import KAN, create_dataset, fit_schedule
from kan_np.edges.bspline import SplineTable
from kan_np.edges.knots import continued_knots
from kan_np.objective.network_objective import network_objective
from kan_np.objective.smoothing import (
    Roughness,
    check_smoothing,
    difference_matrix,
    jump_differences,
    weak_bend_weight,
    weak_weights,
)
from kan_np.optimize.levenberg_marquardt import minimize


def roughness(coef, differences):
    rough, slope = Roughness(differences), np.zeros_like(coef)
    value = rough.value(coef)
    total = rough.add_slope(coef, 0, np.ones(len(coef)), slope)
    assert total == pytest.approx(value.sum(), rel=1e-14)
    return value, slope


def fitted(x, y, smoothing, **options):
    """A one-edge KAN after Levenberg-Marquardt with a smoothing weight."""
    model = KAN([1, 1], **options)
    objective = network_objective(model._network, x, y, smoothing=smoothing)
    outcome = minimize(objective, model._theta, 300, lambda theta: False)
    model._network = model._network.with_theta(outcome.theta)
    return model


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("n_basis", [3, 4, 5, 12])
def test_value_gradient_and_matrix_agree_with_each_other_and_with_differences(n_basis, order):
    coef, d = np.random.default_rng(n_basis).normal(size=(4, n_basis)), difference_matrix(n_basis, order)
    value, gradient = roughness(coef, d)
    matrix = d @ d.T
    assert gradient.shape == coef.shape
    np.testing.assert_allclose(value, np.square(np.diff(coef, order)).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(value, np.einsum("em,mn,en->e", coef, matrix, coef), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(gradient, 2.0 * coef @ matrix, rtol=1e-12, atol=1e-12)
    for place in np.ndindex(coef.shape):
        step = np.zeros_like(coef)
        step[place] = 1e-4
        low, high = roughness(coef - step, d)[0].sum(), roughness(coef + step, d)[0].sum()
        central = (high - low) / 2e-4  # exact for a quadratic
        assert central == pytest.approx(gradient[place], rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("own", [False, True])
def test_edges_in_a_larger_matrix_have_their_own_differences_and_weights(first, own):
    """Against dense products; what stands before `first` and in other places stays."""
    rng = np.random.default_rng(0)
    n_edges, n_basis, n_differences = 3, 8, 5
    d = np.zeros((n_edges, n_basis, n_differences))
    for m in range(n_differences):
        d[:, m : m + 4, m] = rng.normal(size=(n_edges, 4))
    d = d if own else np.repeat(d[:1], n_edges, axis=0)
    rough = Roughness(d if own else d[0])
    theta, weight = rng.normal(size=(n_edges, first + n_basis)), np.array([0.5, 0.0, 2.0])
    bends = np.einsum("er,erm->em", theta[:, first:], d)
    np.testing.assert_allclose(rough.value(theta, first), np.square(bends).sum(axis=1), rtol=1e-13)
    before = rng.normal(size=theta.shape)
    grad = before.copy()
    value = rough.add_slope(theta, first, weight, grad)
    assert value == pytest.approx(weight @ np.square(bends).sum(axis=1), rel=1e-13)
    np.testing.assert_array_equal(grad[:, :first], before[:, :first])
    slope = 2.0 * weight[:, None] * np.einsum("em,erm->er", bends, d)
    np.testing.assert_allclose((grad - before)[:, first:], slope, rtol=1e-12, atol=1e-13)
    n_row = theta.shape[1]
    matrix, blocks = np.zeros((n_edges * n_row,) * 2), np.zeros((n_edges * n_row, n_row))
    rough.add_curvature(first, (n_row, n_row), weight, matrix)
    expected = np.zeros_like(matrix)
    for e in range(n_edges):
        here = slice(e * n_row + first, (e + 1) * n_row)
        expected[here, here] = 2.0 * weight[e] * d[e] @ d[e].T
    np.testing.assert_allclose(matrix, expected, rtol=1e-13, atol=1e-14)
    rough.add_curvature(first, (n_row, 0), weight, blocks)  # the blocks of all edges, one above the other
    own_blocks = [expected[e * n_row : (e + 1) * n_row, e * n_row : (e + 1) * n_row] for e in range(n_edges)]
    np.testing.assert_allclose(
        blocks[:, first:], np.concatenate(own_blocks)[:, first:], rtol=1e-13, atol=1e-14
    )


def test_value_is_the_sum_of_squared_second_differences():
    coef = np.array([[1.0, 2.0, 4.0, 3.0], [0.0, 0.0, 0.0, 5.0]])
    np.testing.assert_array_equal(roughness(coef, difference_matrix(4))[0], [1.0 + 9.0, 0.0 + 25.0])


def test_the_matrix_is_symmetric_and_vanishes_on_straight_lines_only():
    d = difference_matrix(9)
    matrix = d @ d.T
    np.testing.assert_array_equal(matrix, matrix.T)
    m = np.arange(9.0)
    np.testing.assert_array_equal(matrix @ (3.0 - 2.0 * m), np.zeros(9))
    eigenvalues = np.linalg.eigvalsh(matrix)
    assert np.abs(eigenvalues[:2]).max() < 1e-13
    assert eigenvalues[2] > 1e-3


def test_straight_lines_are_not_rough():
    m = np.arange(8.0)
    coef = np.stack([2.0 - 3.0 * m, np.full(8, 5.0), 0.0 * m])
    value, gradient = roughness(coef, difference_matrix(8))
    assert not value.any()
    assert not gradient.any()


@pytest.mark.parametrize("n_basis", [1, 2])
def test_fewer_than_three_coefficients_have_no_second_difference(n_basis):
    value, gradient = roughness(
        np.random.default_rng(0).normal(size=(3, n_basis)), difference_matrix(n_basis)
    )
    np.testing.assert_array_equal(value, np.zeros(3))
    np.testing.assert_array_equal(gradient, np.zeros((3, n_basis)))


def test_the_argument_is_not_changed_and_the_gradient_is_new():
    coef, d = np.random.default_rng(0).normal(size=(2, 6)), difference_matrix(6)
    kept = coef.copy()
    first = roughness(coef, d)[1]
    assert roughness(coef, d)[1] is not first
    np.testing.assert_array_equal(coef, kept)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("grid", [1, 2, 3, 4, 7])
def test_weak_takes_second_differences_of_the_jumps_of_the_highest_derivative(grid, k):
    """As scipy gives that derivative."""
    rng = np.random.default_rng(k)
    knots = np.stack([np.linspace(-1.0, 2.0, grid + 1), np.cumsum(rng.uniform(0.4, 1.0, grid + 1))])
    matrices = jump_differences(SplineTable.build(knots, k))
    assert matrices.shape == (2, grid + k, max(grid - 3, 0))
    np.testing.assert_array_equal(matrices[0], difference_matrix(grid + k, k + 3))
    coef = rng.normal(size=grid + k)
    for own, row in zip(matrices, knots, strict=True):
        middles = 0.5 * (row[:-1] + row[1:])
        top = BSpline(continued_knots(row[None], k)[0], coef, k).derivative(k)(middles)
        expected = (np.ptp(row) / grid) ** k * np.diff(top, 3)
        np.testing.assert_allclose(coef @ own, expected, rtol=1e-9, atol=1e-9 * np.abs(top).max())


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_polynomials_of_the_order_of_the_spline_have_no_jumps(k):
    knots = np.cumsum(np.random.default_rng(k).uniform(0.4, 1.0, (1, 9)), axis=1)
    table = SplineTable.build(knots, k)
    x = np.linspace(knots[0, 0], knots[0, -1], 60)
    design = table.design_matrices(x[None])[0]
    coef = np.linalg.lstsq(design, 1.0 - x**k, rcond=None)[0]
    assert np.abs(coef @ jump_differences(table)[0]).max() < 1e-11 * np.abs(coef).max()


@pytest.mark.parametrize("grid_eps", [1.0, 0.0])
def test_weak_is_the_same_rule_compiled_and_layer_by_layer(grid_eps):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 2)), rng.normal(size=(200, 1))
    model = KAN([2, 3, 1], grid=6, grid_eps=grid_eps, noise_scale=2.0, seed=0)
    model.update_grid(x)
    objectives = [
        made(model._network, x, y, smoothing="weak") for made in (network_objective, layer_by_layer)
    ]
    for objective in objectives:
        objective.normal_equations(model._theta)
    np.testing.assert_allclose(objectives[0].smoothing, objectives[1].smoothing, rtol=1e-9)
    assert objectives[0](model._theta)[0] == pytest.approx(objectives[1](model._theta)[0], rel=1e-12)


def layer_by_layer(net, x, y, smoothing):
    return layered_objective(net, x, y, smoothing=smoothing)


def weak(mse, coef, felt, variance=2.0, n=20):
    rough = Roughness(difference_matrix(coef.shape[1], 4)).value(coef)
    return weak_weights(mse, rough, np.asarray(felt), coef.shape[1], n, variance), rough


def test_weak_weights_are_half_the_loss_at_most_and_follow_what_the_outputs_feel():
    coef, felt = np.random.default_rng(0).normal(size=(3, 9)), [1.0, 0.0, 4.0]
    for mse in (1.0, 1e-4, 1e-16):
        weight, rough = weak(mse, coef, felt)
        assert 0.0 < weight @ rough <= 0.5 * mse
        np.testing.assert_allclose(weight / weight[0], felt, rtol=1e-14)
    assert weight @ rough == pytest.approx(0.5 * mse, rel=1e-9)  # nothing is unexplained any more
    weight, rough = weak(
        2.0, coef, felt
    )  # nothing is explained: no edge may stay flat for the penalty's sake
    np.testing.assert_allclose(weight, np.asarray(felt) / (np.asarray(felt) @ rough + 100 * 9 * 2.0))


def test_weak_weights_do_not_depend_on_units():
    """Labels in other units, or an edge times five behind which the next one takes a fifth as its input."""
    coef, felt = np.random.default_rng(1).normal(size=(2, 9)), np.array([1.0, 3.0])
    (weight, _), size = weak(1e-3, coef, felt), np.array([5.0, 1.0])
    np.testing.assert_allclose(weak(1e-3 * 49.0, 7.0 * coef, felt, 2.0 * 49.0)[0], weight, rtol=1e-13)
    other, _ = weak(1e-3, coef * size[:, None], felt / size**2)
    np.testing.assert_allclose(other * size**2, weight, rtol=1e-13)


def test_without_anything_to_weigh_by_weak_weights_are_zero():
    line = np.zeros((2, 9))
    for mse, coef, felt, variance in (
        (1e-3, line + 1.0, [0.0, 0.0], 2.0),
        (np.inf, line + 1.0, [1.0, 1.0], 2.0),
        (np.nan, line + 1.0, [1.0, 1.0], 2.0),
        (1e-3, np.full((2, 9), np.nan), [1.0, 1.0], 2.0),
        (1e-3, line, [1.0, 1.0], 0.0),
        (0.0, line, [1.0, 1.0], 0.0),
    ):
        np.testing.assert_array_equal(weak(mse, coef, felt, variance)[0], np.zeros(2))


def test_bends_count_between_a_start_and_the_end_alike_in_any_units():
    coef = np.random.default_rng(2).normal(size=(3, 9))
    bent = float(np.square(np.diff(coef, 2)).sum())
    for mse in (1.9, 1.0, 0.2, 1e-3):
        left = mse / 2.0
        weight = weak_bend_weight(mse, bent, 0.4, 2.0)
        assert weight == pytest.approx(0.4 * left * (1 - left) * mse / (bent + 2.0), rel=1e-14)
        assert 0.0 < weight * bent < 0.1 * mse
        assert weak_bend_weight(49.0 * mse, 49.0 * bent, 0.4, 98.0) == pytest.approx(weight, rel=1e-13)


@pytest.mark.parametrize(
    ("mse", "bent", "variance"),
    [
        (1e-9, 1.0, 2.0),
        (0.0, 1.0, 2.0),
        (2.0, 1.0, 2.0),
        (5.0, 1.0, 2.0),
        (1.0, 1.0, 0.0),
        (np.nan, 1.0, 2.0),
        (np.inf, np.inf, 2.0),
    ],
)
def test_bends_are_free_where_all_or_nothing_is_explained_or_nothing_is_finite(mse, bent, variance):
    assert weak_bend_weight(mse, bent, 0.4, variance) == 0.0


@pytest.mark.parametrize("made", [network_objective, layer_by_layer])
def test_derivatives_with_jumps_and_bends_are_those_of_the_value(made):
    """The weights stay as `normal_equations` has set them; central differences, Gauss-Newton matrix."""
    rng = np.random.default_rng(3)
    model = KAN([2, 1], grid=6, seed=0)
    x, theta = rng.uniform(-1.0, 1.0, (60, 2)), model._theta + rng.normal(size=20)
    model._theta = theta
    y = model(x)
    y += 0.5 * y.std() * rng.normal(size=y.shape)  # a fifth is unexplained
    objective = made(model._network, x, y, smoothing="weak")
    value, slope, lower = objective.normal_equations(theta)
    hessian = np.tril(lower) + np.tril(lower, -1).T
    assert objective._smoother.bend_weight > 0
    assert objective.value(theta) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(objective(theta)[1], slope, rtol=1e-10, atol=1e-13)
    for column, step in enumerate(1e-4 * np.eye(theta.size)):
        ahead, behind = (objective(theta + sign * step) for sign in (1.0, -1.0))
        assert (ahead[0] - behind[0]) / 2e-4 == pytest.approx(slope[column], rel=1e-6, abs=1e-9)
        # a network without hidden layer is linear in its parameters, so the matrix is the second derivative
        np.testing.assert_allclose((ahead[1] - behind[1]) / 2e-4, hessian[column], rtol=1e-6, atol=1e-8)


def test_a_noisy_sum_of_ten_functions_stays_near_it_on_every_grid():
    """With 230 coefficients for 320 labels, half of whose variance is noise; jumps alone let cubics bend."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(800, 10))
    clean = x[:, 0] - 0.5 * x[:, 1] + np.sin(x[:, 2]) + 0.3 * x[:, 3] ** 2
    y = clean + clean.std() * rng.normal(size=800)
    data = {"train_input": x[:400], "train_label": y[:400, None]}
    data |= {"test_input": x[400:], "test_label": clean[400:, None]}
    stages = fit_schedule([10, 1], data, grids=(3, 5, 10, 20), steps=20, seed=0)
    assert max(stage.test_rmse for stage in stages) < clean.std()
    assert stages.best.test_rmse < 0.5 * clean.std()


def test_weak_hinders_no_single_start():
    """Of ten starts the worst still learns: a penalty that keeps edges polynomials leaves some far behind."""
    f = lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)  # noqa: E731
    data = create_dataset(f, n_var=2, train_num=400, test_num=200, seed=0)
    fits = [fit_schedule([2, 2, 1], data, grids=(3, 6, 10), opt="LM", seed=seed) for seed in range(5)]
    assert max(stages[-1].test_rmse for stages in fits) < 1e-2


def test_coefficients_that_no_sample_determines_carry_the_neighbouring_cubic_on():
    """A gap of six intervals in a cubic, to 1e-6: least squares is 0.15 off in it, "weak" fills it."""
    x = np.concatenate([np.linspace(-1.0, 0.0, 60), np.linspace(0.62, 1.0, 40)])[:, None]
    cubic = lambda t: t**3 - 0.5 * t + 0.2  # noqa: E731
    y = cubic(x) + 1e-6 * np.random.default_rng(0).normal(size=x.shape)
    gap = np.linspace(0.05, 0.57, 40)[:, None]
    off = []
    for smoothing in ("weak", 0.0):
        model = KAN([1, 1], grid=20, base_fun="zero", noise_scale=5.0, seed=0)
        data = {"train_input": x, "train_label": y}
        model.fit(data, opt="LM", steps=60, smoothing=smoothing, update_grid=False)
        off.append(np.abs(model(gap) - cubic(gap)).max())
    assert off[0] < 1e-5 < 0.1 < off[1]


@pytest.mark.parametrize("value", [0, 0.0, 1, 2.5, "gcv"])
def test_weights_that_make_sense_pass(value):
    assert check_smoothing(value) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "smoothing is -1"),
        (float("nan"), "smoothing is nan"),
        (float("inf"), "smoothing is inf"),
        ("gvc", "Did you mean 'gcv'"),
        (None, "smoothing is None"),
    ],
)
def test_other_weights_are_refused(value, message):
    with pytest.raises((ValueError, TypeError), match=message):
        check_smoothing(value)


@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
@pytest.mark.parametrize("width", [[1, 1], [2, 3, 1], [2, 2, 2]], ids=str)
@pytest.mark.parametrize("k", [0, 1, 3, 5])
def test_the_gradient_with_smoothing_agrees_with_the_complex_step(k, width, base_fun):
    rng = np.random.default_rng(k)
    model = KAN(width, 4, k, base_fun=base_fun, seed=rng)
    model.set_parameters([rng.normal(size=c.shape) for c in model.coef])
    x, y = rng.uniform(-1.2, 1.2, (30, width[0])), rng.normal(size=(30, width[-1]))
    weight = rng.uniform(0.0, 2.0, 30)

    def slow(theta):
        layers = reference.unpack(theta, model)
        r = reference.roots(x, y, layers, k, base_fun, "smooth", weight, 0.6)
        return (r * r).sum()

    objective = network_objective(model._network, x, y, weight=weight, smoothing=0.6)
    value, gradient = objective(model._theta)
    expected = reference.complex_step(slow, model._theta)
    assert value == pytest.approx(float(slow(model._theta)), rel=1e-12)
    assert np.abs(gradient - expected).max() <= 1e-10 * np.abs(expected).max()


def test_smoothing_adds_to_f_but_not_to_the_reported_loss_nor_to_base_weights():
    rng = np.random.default_rng(0)
    model = KAN([2, 2, 1], 4, noise_scale=3.0, seed=0)
    x, y = rng.uniform(-1, 1, (30, 2)), rng.normal(size=(30, 1))
    rough = network_objective(model._network, x, y, smoothing=2.0)
    plain = network_objective(model._network, x, y)
    value, gradient = rough(model._theta)
    free, slope = plain(model._theta)
    layers, d = [c.reshape(-1, c.shape[-1]) for c in model.coef], difference_matrix(7)
    assert value == pytest.approx(free + 2.0 * sum(roughness(c, d)[0].sum() for c in layers), rel=1e-12)
    assert (rough.mse, rough.reg) == (plain.mse, plain.reg)
    rows = (gradient - slope).reshape(-1, model.grid + model.k + 1)
    np.testing.assert_array_equal(rows[:, 0], np.zeros(len(rows)))
    np.testing.assert_allclose(
        rows[:, 1:], 2.0 * np.concatenate([roughness(c, d)[1] for c in layers]), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_huge_smoothing_leaves_a_straight_line_and_the_base_function(k, base_fun):
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, (150, 1))
    y = np.sin(5 * x) + 0.3 * rng.normal(size=x.shape)
    model = fitted(x, y, 1e6, grid=8, k=k, base_fun=base_fun)
    columns = [np.ones_like(x), x]
    if base_fun == "silu":
        columns.append(x / (1.0 + np.exp(-x)))
    A = np.hstack(columns)
    line = A @ np.linalg.lstsq(A, y, rcond=None)[0]
    np.testing.assert_allclose(model(x), line, atol=1e-4)
    assert roughness(model.coef[0][0], difference_matrix(8 + k))[0] < 1e-10


def test_more_smoothing_is_never_rougher_and_never_closer_to_the_samples():
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (60, 1))
    y = np.sin(5 * x) + 0.3 * rng.normal(size=x.shape)
    fits = [fitted(x, y, weight, grid=30) for weight in (1e-6, 1e-4, 1e-2, 1.0, 100.0)]
    rough = [float(roughness(model.coef[0][0], difference_matrix(33))[0][0]) for model in fits]
    loss = [float(np.mean((model(x) - y) ** 2)) for model in fits]
    assert (np.diff(rough) < 0).all()
    assert (np.diff(loss) > 0).all()


def test_smoothing_fills_the_gap_between_samples_with_a_straight_line():
    x = np.array([[-1.0], [-0.9], [0.9], [1.0]])
    model = fitted(x, 2.0 * x - 1.0, 1e-3, grid=20, base_fun="zero", noise_scale=5.0, seed=1)
    between = np.linspace(-1, 1, 50)[:, None]
    np.testing.assert_allclose(model(between), 2.0 * between - 1.0, atol=1e-6)
