"""Normal equations of an MLP against a complex-step Jacobian of the slow twin, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest
import reference

from kan_np import MLP
from kan_np.network.mlp_network import split_layers
from kan_np.objective.mlp_objective import JACOBIAN_BYTES, mlp_objective
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.optimize import levenberg_marquardt
from kan_np.optimize.status import FitStatus

WIDTHS = [[1, 1], [3, 1], [2, 3], [1, 4, 1], [2, 5, 3], [3, 1, 2], [2, 4, 3, 1], [3, 5, 4, 2]]


def samples(width, n=30, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width[0])), rng.normal(size=(n, width[-1]))


def twin(model, theta, x):
    return reference.mlp(x, split_layers(tuple(model.width), theta), model.activation)


def expected_equations(model, x, y, weight=None):
    """Weighted mean square, its gradient and 2 J^T W J, with J column by column from the twin."""
    weight = np.ones(len(x)) if weight is None else weight
    v = np.repeat(weight / weight.sum() / y.shape[1], y.shape[1])
    theta = model._theta
    residual = (twin(model, theta, x) - y).ravel()
    jacobian = np.empty((residual.size, theta.size))
    for i in range(theta.size):
        moved = theta.astype(complex)
        moved[i] += 1e-30j
        jacobian[:, i] = twin(model, moved, x).imag.ravel() / 1e-30
    scaled = 2.0 * v[:, None] * jacobian
    return v @ residual**2, scaled.T @ residual, scaled.T @ jacobian


def check(model, x, y, weight=None, jacobian_bytes=JACOBIAN_BYTES):
    objective = mlp_objective(model._network, x, y, Penalty(), weight, jacobian_bytes)
    value, grad, hessian = objective.normal_equations(model._theta)
    expected_value, expected_grad, expected_hessian = expected_equations(model, x, y, weight)
    assert value == pytest.approx(expected_value, rel=1e-12)
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(np.tril(hessian), np.tril(expected_hessian), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_normal_equations_agree_with_the_twin(width, activation):
    check(MLP(width, activation, seed=1), *samples(width))


@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_one_sample(width):
    check(MLP(width, seed=2), *samples(width, n=1))


@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_weighted_samples(width):
    weight = np.random.default_rng(3).uniform(0.0, 2.0, 30)
    weight[[4, 17]] = 0.0
    check(MLP(width, seed=3), *samples(width), weight)


@pytest.mark.parametrize("rows", [1, 7, 29, 30, 64])
@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_the_size_of_a_chunk_changes_nothing(width, rows):
    one_output = sum((a + 1) * b for a, b in zip(width, [*width[1:-1], 1], strict=False))
    check(MLP(width, "silu", seed=4), *samples(width), jacobian_bytes=8 * one_output * rows)


def test_a_chunk_holds_a_row_however_many_parameters():
    check(MLP([2, 5, 3], seed=4), *samples([2, 5, 3]), jacobian_bytes=1)


def test_weight_two_is_the_sample_twice():
    model = MLP([2, 5, 2], seed=5)
    x, y = samples(model.width, n=12)
    weight = np.where(np.arange(12) < 5, 2.0, 1.0)
    twice = np.repeat(np.arange(12), weight.astype(int))
    weighted = model._objective(x, y, Penalty(), weight, 0.0).normal_equations(model._theta)
    repeated = model._objective(x[twice], y[twice], Penalty(), None, 0.0).normal_equations(model._theta)
    assert weighted[0] == pytest.approx(repeated[0], rel=1e-13)
    np.testing.assert_allclose(weighted[1], repeated[1], rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(np.tril(weighted[2]), np.tril(repeated[2]), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_all_three_ways_to_evaluate_agree(width, weighted):
    model = MLP(width, "silu", seed=6)
    x, y = samples(width)
    weight = np.linspace(0.0, 3.0, 30) if weighted else None
    objective = model._objective(x, y, Penalty(), weight, 0.0)
    value, grad = objective(model._theta)
    assert value == objective.mse
    value_again, grad_again, _ = objective.normal_equations(model._theta)
    assert value_again == objective.mse == value
    assert objective.value(model._theta) == objective.mse == value
    np.testing.assert_array_equal(grad_again, grad)
    assert objective.reg == 0.0
    assert objective.n_fev == 3
    assert objective.n_residuals == y.size


def test_calls_do_not_disturb_one_another():
    model = MLP([2, 5, 4, 3], seed=7)
    x, y = samples(model.width)
    objective = model._objective(x, y, Penalty(), None, 0.0)
    _, first_grad, first = objective.normal_equations(model._theta)
    first = np.tril(first)
    objective(model._theta + 0.3)
    objective.value(model._theta - 0.2)
    objective.normal_equations(model._theta * 1.7)[2][:] = np.nan  # the caller may work in the matrix
    _, grad, again = objective.normal_equations(model._theta)
    np.testing.assert_array_equal(grad, first_grad)
    np.testing.assert_array_equal(np.tril(again), first)


def test_the_hessian_is_in_fortran_order_for_lapack():
    model = MLP([2, 4, 2], seed=0)
    hessian = model._objective(*samples(model.width), Penalty(), None, 0.0).normal_equations(model._theta)[2]
    assert hessian.flags.f_contiguous
    assert hessian.dtype == np.float64


def test_weighted_penalised_gradient_agrees_with_the_twin():
    model = MLP([2, 4, 2], seed=8)
    x, y = samples(model.width)
    weight = np.linspace(0.0, 3.0, 30)

    def slow(theta):
        error = (twin(model, theta, x) - y) ** 2
        loss = (weight @ error).sum() / (2 * weight.sum())
        layers = split_layers((2, 4, 2), theta)
        return loss + 0.2 * sum(reference.absolute(w).sum() for w, _ in layers)

    objective = model._objective(x, y, Penalty(0.2), weight, 0.0)
    value, grad = objective(model._theta)
    assert not objective.least_squares
    assert value == pytest.approx(float(slow(model._theta).real), rel=1e-12)
    np.testing.assert_allclose(grad, reference.complex_step(slow, model._theta), rtol=1e-9, atol=1e-12)


def test_without_a_penalty_the_objective_is_least_squares():
    model = MLP([1, 2, 1])
    x, y = samples(model.width)
    assert mlp_objective(model._network, x, y).least_squares
    assert mlp_objective(model._network, x, y, Penalty(0.0)).least_squares


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_overflow_is_not_finite_and_warns_of_nothing(activation):
    model = MLP([1, 3, 1], activation)
    x, y = samples(model.width)
    objective = model._objective(x, y, Penalty(), None, 0.0)
    huge = np.full(model.n_params, 1e200)
    assert not np.isfinite(objective(huge)[0])
    assert not np.isfinite(objective.value(huge))
    assert not np.isfinite(objective.normal_equations(huge)[0])


@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_levenberg_marquardt_trains_an_mlp_far_below_its_start(activation):
    model = MLP([2, 10, 1], activation, seed=0)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (200, 2))
    y = x[:, [0]] * x[:, [1]]
    objective = model._objective(x, y, Penalty(), None, 0.0)
    start = np.sqrt(objective.value(model._theta))
    losses = []

    def note(theta):
        losses.append(np.sqrt(objective.mse))
        return False

    outcome = levenberg_marquardt.minimize(objective, model._theta, 100, note)
    assert outcome.status in (FitStatus.STEP_LIMIT, FitStatus.CONVERGED)
    assert np.all(np.diff(losses) < 0)
    assert losses[-1] < 1e-3 * start
    model._theta = outcome.theta
    assert model._rmse(x, y) == pytest.approx(losses[-1], rel=1e-9)


def test_levenberg_marquardt_solves_linear_least_squares_of_several_outputs():
    model = MLP([2, 3], seed=0)
    x, y = samples(model.width)
    weight = np.linspace(0.0, 2.0, 30)
    objective = model._objective(x, y, Penalty(), weight, 0.0)
    outcome = levenberg_marquardt.minimize(objective, model._theta, 50, lambda theta: False)
    root = np.sqrt(weight)[:, None]
    solution = np.linalg.lstsq(root * np.column_stack([x, np.ones(30)]), root * y, rcond=None)[0]
    np.testing.assert_allclose(outcome.theta, solution.ravel(), rtol=1e-6, atol=1e-9)
