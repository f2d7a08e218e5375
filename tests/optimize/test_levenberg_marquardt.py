"""Levenberg-Marquardt on problems with known answers, and on objectives that misbehave."""

from __future__ import annotations

import numpy as np
import pytest
from evaluated import evaluate
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares

from kan_np import KAN, design_matrix
from kan_np.network.structure import ACTIVE, ROWS
from kan_np.objective.network_objective import network_objective
from kan_np.optimize.levenberg_marquardt import minimize
from kan_np.optimize.status import FitStatus


class SumOfSquares:
    """f = r^T r from functions for r and its Jacobian; what the optimizer must not read is NaN."""

    least_squares = True

    def __init__(self, residuals, jacobian):
        self.residuals, self.jacobian = residuals, jacobian
        self.n_fev = 0
        self.mse, self.reg = np.nan, 0.0
        self._matrix = None

    def value(self, theta):
        self.n_fev += 1
        r = self.residuals(theta)
        self.mse = float(r @ r)
        return self.mse

    def normal_equations(self, theta):
        f = self.value(theta)
        r, jacobian = self.residuals(theta), self.jacobian(theta)
        if self._matrix is None:
            self._matrix = np.empty((theta.size, theta.size), order="F")
        self._matrix[:] = 2.0 * jacobian.T @ jacobian
        self._matrix[np.triu_indices(theta.size, 1)] = np.nan
        return f, 2.0 * jacobian.T @ r, self._matrix


def linear(A, b):
    return SumOfSquares(lambda theta: A @ theta - b, lambda theta: A)


def rosenbrock(scale=(1.0, 1.0), size=1.0):
    """The residuals (10 (y - x^2), 1 - x) times `size`, with x, y = theta * scale."""
    scale = np.asarray(scale)

    def residuals(theta):
        x, y = theta * scale
        return size * np.array([10.0 * (y - x * x), 1.0 - x])

    def jacobian(theta):
        x, _ = theta * scale
        return size * np.array([[-20.0 * x, 10.0], [-1.0, 0.0]]) * scale

    return SumOfSquares(residuals, jacobian)


ROSENBROCK_START = np.array([-1.2, 1.0])


def run(objective, start, max_iter=200, stop=lambda n: False):
    """The outcome, and the parameters after every iteration."""
    path = []

    def on_iteration(theta):
        path.append(theta)
        return stop(len(path))

    return minimize(objective, start, max_iter, on_iteration), path


def random_problem(n=40, p=6, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, p))
    return A, A @ rng.normal(size=p) + noise * rng.normal(size=n)


@pytest.mark.parametrize("seed", range(5))
def test_a_linear_problem_is_solved_as_by_lstsq(seed):
    A, b = random_problem(seed=seed)
    expected = np.linalg.lstsq(A, b, rcond=None)[0]
    outcome, _ = run(linear(A, b), np.zeros(6))
    assert outcome.status == FitStatus.CONVERGED
    np.testing.assert_allclose(outcome.theta, expected, rtol=1e-6, atol=1e-7)
    best = np.sum((A @ expected - b) ** 2)
    assert np.sum((A @ outcome.theta - b) ** 2) <= best * (1 + 1e-13)


def test_a_linear_problem_without_noise_is_solved_to_rounding():
    A, b = random_problem(noise=0.0)
    outcome, _ = run(linear(A, b), np.full(6, 3.0))
    assert outcome.status == FitStatus.CONVERGED
    np.testing.assert_allclose(A @ outcome.theta, b, rtol=1e-12, atol=1e-12)


def test_ill_conditioned_columns_reach_the_least_sum_of_squares():
    x = np.linspace(0, 1, 60)
    A, b = np.vander(x, 8), np.exp(x) + 1e-3 * np.cos(40 * x)
    assert np.linalg.cond(A) > 1e5
    outcome, _ = run(linear(A, b), np.zeros(8), 500)
    best = np.linalg.lstsq(A, b, rcond=None)[1][0]
    assert np.sum((A @ outcome.theta - b) ** 2) == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize(
    "kind", ["a column twice", "a column of zeros", "more columns than rows", "all zero"]
)
def test_rank_deficient_problems_are_solved_too(kind):
    A, b = random_problem()
    A = {
        "a column twice": np.hstack([A, A[:, :2]]),
        "a column of zeros": np.hstack([A, np.zeros((40, 2))]),
        "more columns than rows": np.random.default_rng(3).normal(size=(40, 55)),
        "all zero": np.zeros((40, 3)),
    }[kind]
    start = np.linspace(-1.0, 1.0, A.shape[1])
    outcome, _ = run(linear(A, b), start, 300)
    assert outcome.status == FitStatus.CONVERGED
    fitted = A @ np.linalg.lstsq(A, b, rcond=None)[0]
    np.testing.assert_allclose(A @ outcome.theta, fitted, atol=1e-6)
    unreached = ~A.any(axis=0)
    np.testing.assert_array_equal(outcome.theta[unreached], start[unreached])


def test_rosenbrock():
    outcome, path = run(rosenbrock(), ROSENBROCK_START)
    assert outcome.status == FitStatus.CONVERGED
    assert outcome.n_iter == len(path) < 60
    np.testing.assert_allclose(outcome.theta, [1.0, 1.0], rtol=1e-10)


def test_powells_function_with_a_singular_matrix_at_its_minimum():
    def residuals(t):
        return np.array(
            [t[0] + 10 * t[1], 5**0.5 * (t[2] - t[3]), (t[1] - 2 * t[2]) ** 2, 10**0.5 * (t[0] - t[3]) ** 2]
        )

    def jacobian(t):
        u, v = 2 * (t[1] - 2 * t[2]), 2 * 10**0.5 * (t[0] - t[3])
        return np.array([[1, 10, 0, 0], [0, 0, 5**0.5, -(5**0.5)], [0, u, -2 * u, 0], [v, 0, 0, -v]])

    problem = SumOfSquares(residuals, jacobian)
    outcome, _ = run(problem, np.array([3.0, -1.0, 0.0, 1.0]), 500)
    assert problem.value(outcome.theta) < 1e-15
    assert np.abs(outcome.theta).max() < 1e-3


def test_a_curved_problem_with_residuals_agrees_with_scipy():
    t = np.linspace(0, 3, 30)
    y = 2.0 * np.exp(-1.3 * t) + 0.5 + 0.05 * np.cos(9 * t)

    def residuals(p):
        return p[0] * np.exp(-p[1] * t) + p[2] - y

    def jacobian(p):
        e = np.exp(-p[1] * t)
        return np.stack([e, -p[0] * t * e, np.ones_like(t)], axis=1)

    start = np.array([1.0, 0.3, 0.0])
    outcome, _ = run(SumOfSquares(residuals, jacobian), start)
    expected = least_squares(residuals, start, jacobian, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert outcome.status == FitStatus.CONVERGED
    np.testing.assert_allclose(outcome.theta, expected.x, rtol=1e-5)
    assert np.sum(residuals(outcome.theta) ** 2) == pytest.approx(2 * expected.cost, rel=1e-11)


def test_f_falls_in_every_iteration_and_the_start_is_not_changed():
    start = ROSENBROCK_START.copy()
    outcome, path = run(rosenbrock(), start)
    np.testing.assert_array_equal(start, ROSENBROCK_START)
    assert outcome.theta is not start
    values = [rosenbrock().value(theta) for theta in [start, *path]]
    assert (np.diff(values) < 0).all()
    np.testing.assert_array_equal(outcome.theta, path[-1])


def test_the_callback_sees_the_loss_of_its_parameters_and_may_write_into_them():
    undisturbed, _ = run(rosenbrock(), ROSENBROCK_START)
    objective = rosenbrock()

    def vandal(theta):
        assert objective.mse == rosenbrock().value(theta)
        theta[:] = np.nan
        return False

    outcome = minimize(objective, ROSENBROCK_START, 200, vandal)
    np.testing.assert_array_equal(outcome.theta, undisturbed.theta)


@pytest.mark.parametrize("n", [1, 4])
def test_the_callback_stops_it(n):
    outcome, path = run(rosenbrock(), ROSENBROCK_START, stop=lambda k: k == n)
    assert (outcome.status, outcome.n_iter, len(path)) == (FitStatus.STOPPED, n, n)
    np.testing.assert_array_equal(outcome.theta, path[-1])


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_step_limit(limit):
    outcome, path = run(rosenbrock(), ROSENBROCK_START, limit)
    assert (outcome.status, outcome.n_iter, len(path)) == (FitStatus.STEP_LIMIT, limit, limit)
    np.testing.assert_array_equal(outcome.theta, path[-1] if limit else ROSENBROCK_START)


def test_a_start_at_the_minimum_has_converged():
    outcome, path = run(rosenbrock(), np.ones(2))
    assert (outcome.status, path) == (FitStatus.CONVERGED, [])
    A, b = random_problem()
    best = np.linalg.lstsq(A, b, rcond=None)[0]
    outcome, _ = run(linear(A, b), best)
    assert outcome.status == FitStatus.CONVERGED
    np.testing.assert_allclose(outcome.theta, best, rtol=1e-7, atol=1e-8)


def test_steps_that_heavy_damping_keeps_tiny_are_no_convergence():
    class Kinked:
        """f = 1 + |s| + t^2 / 2: next to the kink every step must be tiny, and t stays where it is."""

        mse, reg, n_fev, n_residuals, least_squares = 0.0, 0.0, 0, 1, True

        def value(self, theta):
            return float(1.0 + abs(theta[0]) + 0.5 * theta[1] ** 2)

        def normal_equations(self, theta):
            slope = np.array([np.sign(theta[0]), theta[1]])
            return self.value(theta), slope, np.asfortranarray(np.eye(2))

    outcome = minimize(Kinked(), np.array([1e-10, 1.0]), 100, lambda theta: False)
    assert outcome.status is FitStatus.STALLED
    assert outcome.theta[1] > 0.5


def test_a_flat_objective_has_converged_where_it_starts():
    flat = SumOfSquares(lambda theta: np.ones(3), lambda theta: np.zeros((3, theta.size)))
    outcome, path = run(flat, np.array([1.0, 2.0]))
    assert (outcome.status, path) == (FitStatus.CONVERGED, [])
    np.testing.assert_array_equal(outcome.theta, [1.0, 2.0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_start_that_is_not_finite_is_returned_with_its_status(bad):
    A, b = random_problem()
    start = np.array([1.0, bad, 0.0, 2.0, 0.5, 0.1])
    outcome, path = run(linear(A, b), start)
    assert (outcome.status, outcome.n_iter, path) == (FitStatus.NON_FINITE, 0, [])
    np.testing.assert_array_equal(outcome.theta, start)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("part", range(3))
def test_a_start_whose_value_or_derivatives_are_not_finite(part, bad):
    A, b = random_problem()

    class Broken(SumOfSquares):
        def normal_equations(self, theta):
            f, grad, hessian = super().normal_equations(theta)
            if part == 0:
                return bad, grad, hessian
            if part == 1:
                grad[2] = bad
            else:
                hessian[2, 2] = bad
            return f, grad, hessian

    outcome, path = run(Broken(lambda theta: A @ theta - b, lambda theta: A), np.ones(6))
    assert (outcome.status, path) == (FitStatus.NON_FINITE, [])
    np.testing.assert_array_equal(outcome.theta, np.ones(6))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_derivatives_that_break_down_later_end_it_with_the_best_parameters(bad):
    class Breaking(SumOfSquares):
        calls = 0

        def normal_equations(self, theta):
            f, grad, hessian = super().normal_equations(theta)
            self.calls += 1
            return f, grad * (bad if self.calls > 4 else 1.0), hessian

    good = rosenbrock()
    outcome, path = run(Breaking(good.residuals, good.jacobian), ROSENBROCK_START)
    assert (outcome.status, outcome.n_iter) == (FitStatus.NON_FINITE, 4)
    np.testing.assert_array_equal(outcome.theta, path[-1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_trials_that_are_not_finite_are_refused_and_the_search_goes_on(bad):
    class Fenced(SumOfSquares):
        refused = 0

        def value(self, theta):
            f = super().value(theta)
            if np.abs(theta - [-1.2, 1.0]).max() > 0.5 + 0.2 * self.n_fev:
                self.refused += 1
                return bad
            return f

    good = rosenbrock()
    fenced = Fenced(good.residuals, good.jacobian)
    outcome, path = run(fenced, ROSENBROCK_START)
    assert fenced.refused > 0
    assert all(np.isfinite(theta).all() for theta in path)
    assert outcome.status == FitStatus.CONVERGED
    np.testing.assert_allclose(outcome.theta, [1.0, 1.0], rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("size", [1.0, 1e-3])
def test_where_no_step_lowers_the_value_the_start_is_kept(size, bad):
    class Island(SumOfSquares):
        def value(self, theta):
            return bad if (theta != ROSENBROCK_START).any() else super().value(theta)

    # beside the 1, the small one promises less than rounding under heavy damping: no sign of convergence
    small = rosenbrock(size=size)
    island = Island(
        lambda theta: np.append(small.residuals(theta), 1.0),
        lambda theta: np.vstack([small.jacobian(theta), np.zeros(2)]),
    )
    outcome, path = run(island, ROSENBROCK_START)
    assert (outcome.status, outcome.n_iter, path) == (FitStatus.STALLED, 0, [])
    np.testing.assert_array_equal(outcome.theta, ROSENBROCK_START)


def test_overflowing_trials_give_no_warning():
    sign = np.array([1.0, -1.0])
    problem = SumOfSquares(
        lambda theta: np.exp(sign * theta) - 3.0, lambda theta: np.diag(sign * np.exp(sign * theta))
    )
    outcome, path = run(problem, -12.0 * sign, 500)  # nearly flat there: full steps overflow
    values = [problem.value(theta) for theta in path]
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(outcome.theta, np.log(3.0) * sign, rtol=1e-8)


@pytest.mark.parametrize("powers", [(0, 0), (3, -2), (-5, 4)])
def test_scaling_columns_by_powers_of_two_changes_no_bit(powers):
    scale = 2.0 ** np.array(powers)
    plain, path = run(rosenbrock(), ROSENBROCK_START)
    scaled, scaled_path = run(rosenbrock(scale), ROSENBROCK_START / scale)
    assert scaled.status == plain.status
    np.testing.assert_array_equal(np.array(scaled_path) * scale, np.array(path))


@pytest.mark.parametrize("powers", [(2, 0), (-1, 2), (-2, -2)])
def test_scaling_columns_by_powers_of_ten_gives_the_same_iterates(powers):
    scale = 10.0 ** np.array(powers)
    _, path = run(rosenbrock(), ROSENBROCK_START, 15)
    _, scaled_path = run(rosenbrock(scale), ROSENBROCK_START / scale, 15)
    assert len(path) == len(scaled_path) == 15
    np.testing.assert_allclose(np.array(scaled_path) * scale, np.array(path), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("power", [-300, -30, 30, 300])
def test_the_size_of_the_residuals_does_not_count(power):
    _, path = run(rosenbrock(), ROSENBROCK_START, 12)
    _, sized = run(rosenbrock(size=2.0**power), ROSENBROCK_START, 12)
    np.testing.assert_array_equal(sized, path)


@given(power=st.floats(-6, 6), column=st.integers(0, 5), seed=st.integers(0, 100))
def test_badly_scaled_columns_still_reach_the_least_sum_of_squares(power, column, seed):
    A, b = random_problem(seed=seed)
    best = np.linalg.lstsq(A, b, rcond=None)[1][0]
    A[:, column] *= 10.0**power
    outcome, _ = run(linear(A, b), np.zeros(6))
    assert np.sum((A @ outcome.theta - b) ** 2) == pytest.approx(best, rel=1e-6)


@given(n=st.integers(1, 12), p=st.integers(1, 8), rank=st.integers(0, 8), seed=st.integers(0, 10**6))
def test_no_linear_problem_raises_or_ends_above_its_minimum(n, p, rank, seed):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, p)), rng.normal(size=n)
    outcome, _ = run(linear(A, b), rng.normal(size=p), 500)
    fitted = A @ np.linalg.lstsq(A, b, rcond=1e-10)[0]
    assert np.isfinite(outcome.theta).all()
    assert np.sum((A @ outcome.theta - b) ** 2) <= np.sum((fitted - b) ** 2) * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("kind", [ROWS, ACTIVE])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_one_spline_is_fitted_as_by_lstsq(k, kind):
    rng = np.random.default_rng(k)
    x = rng.uniform(-1, 1, (200, 1))
    y, weight = np.sin(4 * x) + 0.1 * rng.normal(size=x.shape), rng.uniform(0.0, 2.0, 200)
    model = evaluate(KAN([1, 1], 5, k, base_fun="zero"), kind)
    outcome, _ = run(network_objective(model._network, x, y, weight=weight), model._theta)
    root = np.sqrt(weight)
    B = design_matrix(x[:, 0], model.knots[0][0], k)
    expected = np.linalg.lstsq(root[:, None] * B, root * y[:, 0], rcond=None)[0]
    assert outcome.status == FitStatus.CONVERGED
    np.testing.assert_allclose(outcome.theta, expected, rtol=1e-6, atol=1e-7)


def test_coefficients_that_no_sample_reaches_stay_where_they_are():
    x = np.random.default_rng(0).uniform(-0.9, -0.3, (100, 1))
    model = KAN([1, 1], 10, 3, base_fun="zero", noise_scale=1.0, seed=3)
    start = model._theta.copy()
    outcome, _ = run(network_objective(model._network, x, np.sin(9 * x)), model._theta)
    reached = design_matrix(x[:, 0], model.knots[0][0], 3).any(axis=0)
    assert 0 < reached.sum() < reached.size
    np.testing.assert_array_equal(outcome.theta[~reached], start[~reached])
    assert (outcome.theta[reached] != start[reached]).all()


@pytest.mark.parametrize("smoothing", [0.0, 1e-4])
@pytest.mark.parametrize("width", [[2, 2, 1], [2, 3, 2, 1], [2, 2, 2]], ids=str)
def test_networks_go_down_in_every_iteration(width, smoothing):
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (300, 2))
    y = np.repeat(np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), width[-1], axis=1)
    model = KAN(width, 4, seed=1)
    objective = network_objective(model._network, x, y, smoothing=smoothing)
    start = model._theta.copy()
    outcome, path = run(objective, model._theta, 40)
    np.testing.assert_array_equal(model._theta, start)
    fresh = network_objective(model._network, x, y, smoothing=smoothing)
    values = [fresh.value(theta) for theta in [start, *path]]
    assert (np.diff(values) < 0).all()
    assert values[-1] < 0.05 * values[0]
    np.testing.assert_array_equal(outcome.theta, path[-1])


@pytest.mark.parametrize("kind", [ROWS, ACTIVE])
def test_networks_with_hopeless_parameters_end_with_a_status(kind):
    x = np.linspace(-1, 1, 50)[:, None]
    for size in (1e30, 1e100, 1e200, np.nan):
        model = evaluate(KAN([1, 2, 1], 3), kind)
        start = model._theta + size
        outcome, path = run(network_objective(model._network, x, x, smoothing=1.0), start, 10)
        assert isinstance(outcome.status, FitStatus)
        assert outcome.n_iter == len(path)
        if not path:
            np.testing.assert_array_equal(outcome.theta, start)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_samples_than_parameters_are_interpolated(n):
    x = np.linspace(-0.8, 0.7, n)[:, None]
    model = KAN([1, 2, 1], 5)
    objective = network_objective(model._network, x, np.cos(5 * x))
    outcome, _ = run(objective, model._theta, 100)
    assert objective.value(outcome.theta) < 1e-20
    assert np.isfinite(outcome.theta).all()
