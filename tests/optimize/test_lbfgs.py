"""L-BFGS: directions against a dense matrix, steps against their conditions, and misbehaving objectives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize
from scipy.optimize import rosen, rosen_der

from kan_np.kernels.quasi_newton import next_direction
from kan_np.optimize import line_search
from kan_np.optimize.lbfgs import minimize
from kan_np.optimize.line_search import Point, wolfe_search
from kan_np.optimize.status import FitStatus


def inverse_hessian(pairs, n):
    """H by its definition: gamma I of the newest pair, and one BFGS update a pair, oldest first."""
    if not pairs:
        return np.eye(n)
    s, y = pairs[-1]
    H = (s @ y) / (y @ y) * np.eye(n)
    for s, y in pairs:
        V = np.eye(n) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    return H


class Directions:
    """The kernel with its arrays, and all pairs it was shown."""

    def __init__(self, m, n):
        self.m, self.n, self.count = m, n, 0
        self.S, self.Y, self.scalars = np.zeros((m + 1, n)), np.zeros((m + 1, n)), np.zeros((3, m))
        self.pairs = []

    def turn(self, gradient, step):
        s, y = step * self.S[self.m], gradient - self.Y[self.m]
        if s @ y > 0:
            self.pairs.append((s, y))
        slope, self.count = next_direction(self.S, self.Y, self.scalars, gradient, step, self.count)
        direction = self.S[self.m].copy()
        assert slope == pytest.approx(gradient @ direction, rel=1e-12)
        return direction

    def expected(self, gradient):
        return -inverse_hessian(self.pairs[-self.m :], self.n) @ gradient


def close(actual, expected, tolerance=1e-12):
    return np.linalg.norm(actual - expected) <= tolerance * np.linalg.norm(expected)


@pytest.mark.parametrize("n", [1, 2, 7, 32, 91])
@pytest.mark.parametrize("m", [1, 2, 5, 20])
def test_directions_are_those_of_the_matrix_while_pairs_come_and_go(m, n):
    rng = np.random.default_rng(100 * m + n)
    curvature, x = rng.uniform(0.5, 2.0, n), rng.normal(size=n)
    directions, step = Directions(m, n), 0.0
    for _ in range(2 * m + 3):
        gradient = curvature * x + 0.1 * np.sin(x)
        direction = directions.turn(gradient, step)
        assert close(direction, directions.expected(gradient))
        step = rng.uniform(0.05, 0.3)
        x = x + step * direction
    assert directions.count == len(directions.pairs) == 2 * m + 2


def test_a_pair_without_positive_curvature_is_left_out_and_displaces_none():
    rng = np.random.default_rng(0)
    directions, gradient = Directions(3, 6), rng.normal(size=6)
    direction = directions.turn(gradient, 0.0)
    for bends_up in (True, True, False, True, True, False, False, True):
        curvature = rng.uniform(0.5, 1.5, 6) if bends_up else -0.5
        gradient, before = gradient + 0.5 * curvature * direction, directions.count
        direction = directions.turn(gradient, 0.5)
        assert directions.count - before == bends_up
        assert close(direction, directions.expected(gradient))


def test_without_pairs_the_direction_is_the_gradient():
    directions = Directions(3, 4)
    for gradient, step in ((np.ones(4), 0.0), (np.array([1.0, 2.0, 3.0, 4.0]), 0.1), (-np.ones(4), 0.1)):
        directions.count, directions.S[-1] = 0, 0.0
        np.testing.assert_array_equal(directions.turn(gradient, step), -gradient)


def on_line(phi, slope):
    """A function of one variable as the search sees it, and the steps it was asked for."""
    steps = []

    def evaluate(t):
        steps.append(t)
        return Point(t, phi(t), slope(t))

    return evaluate, steps


def bend(beta):
    """More and Thuente (5.1)."""
    return lambda t: -t / (t**2 + beta), lambda t: (t**2 - beta) / (t**2 + beta) ** 2


def narrow(beta):
    """More and Thuente (5.2)."""
    return (
        lambda t: (t + beta) ** 5 - 2 * (t + beta) ** 4,
        lambda t: 5 * (t + beta) ** 4 - 8 * (t + beta) ** 3,
    )


def yanai(a, b):
    """More and Thuente (5.4): convex, with slopes of very different size on both sides of the minimum."""
    ga, gb = (math.sqrt(1 + c * c) - c for c in (a, b))

    def phi(t):
        return ga * math.hypot(1 - t, b) + gb * math.hypot(t, a)

    return phi, lambda t: -ga * (1 - t) / math.hypot(1 - t, b) + gb * t / math.hypot(t, a)


def ripples(n, beta):
    """More and Thuente (5.3): a sine wave on a bowl."""

    def phi(t):
        bowl = abs(t - 1) if abs(t - 1) >= beta else 0.5 * (t - 1) ** 2 / beta + 0.5 * beta
        return bowl + 2 * (1 - beta) / (n * math.pi) * math.sin(0.5 * n * math.pi * t)

    def slope(t):
        return np.clip((t - 1) / beta, -1.0, 1.0) + (1 - beta) * math.cos(0.5 * n * math.pi * t)

    return phi, slope


# their Tables I to VI: function, mu, eta, and the evaluations from 1e-3, 1e-1, 10 and 1000 as first steps
PUBLISHED = [
    (bend(2.0), 1e-3, 0.1, (6, 3, 1, 4)),
    (narrow(0.004), 0.1, 0.1, (12, 8, 8, 11)),
    (ripples(39, 0.01), 0.1, 0.1, (12, 12, 10, 13)),
    (yanai(0.001, 0.001), 1e-3, 1e-3, (4, 1, 3, 4)),
    (yanai(0.01, 0.001), 1e-3, 1e-3, (6, 3, 7, 8)),
    (yanai(0.001, 0.01), 1e-3, 1e-3, (13, 11, 8, 11)),
]


def set_conditions(monkeypatch, mu, eta):
    monkeypatch.setattr(line_search, "_DECREASE", mu)
    monkeypatch.setattr(line_search, "_CURVATURE", eta)
    monkeypatch.setattr(line_search, "_SETTLED", 0.0)


def search(curve, first, mu=1e-3, eta=0.9):
    """The steps that were tried; the last one is what was found, and satisfies both conditions."""
    evaluate, steps = on_line(*curve)
    start = evaluate(0.0)
    found = wolfe_search(evaluate, start, first)
    assert (found.step, found.value, found.slope) == (steps[-1], curve[0](steps[-1]), curve[1](steps[-1]))
    assert found.value <= start.value + mu * found.step * start.slope
    assert abs(found.slope) <= eta * abs(start.slope)
    assert steps[:2] == [0.0, first]
    return steps[1:]


def test_published_searches_take_as_many_evaluations(monkeypatch):
    total = 0
    for curve, mu, eta, _ in PUBLISHED:
        set_conditions(monkeypatch, mu, eta)
        total += sum(len(search(curve, first, mu, eta)) for first in (1e-3, 1e-1, 1e1, 1e3))
    assert total <= 1.1 * sum(sum(published) for *_, published in PUBLISHED)


def bank(steepness, width):
    """Falls at rate 1 up to t = 1 and rises steeply from there, within `width`."""

    def phi(t):
        return -t + steepness * width * float(np.logaddexp(0.0, (t - 1) / width))

    return phi, lambda t: -1.0 + steepness * math.exp(-np.logaddexp(0.0, (1 - t) / width))


@pytest.mark.parametrize("steepness", [10.0, 100.0, 1e4])
def test_a_step_is_found_before_a_steep_bank(steepness, monkeypatch):
    set_conditions(monkeypatch, 1e-3, 0.9)
    for first in (1e-2, 0.9, 1.5, 10.0):
        search(bank(steepness, 0.01), first)


@pytest.mark.parametrize("first", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_a_step_is_found_before_a_wall_and_on_a_long_slope(first):
    search((lambda t: t**20 - t, lambda t: 20.0 * t**19 - 1.0), min(first, 1e3))
    # it always falls, but after a while by less than the first condition asks for
    search((lambda t: -math.log1p(t) - 1e-4 * t, lambda t: -1.0 / (1.0 + t) - 1e-4), 10.0 * first)


def test_parabolas_and_cubics_take_two_evaluations(monkeypatch):
    set_conditions(monkeypatch, 0.0, 1e-9)
    parabola = (lambda t: (t - 1.0) ** 2, lambda t: 2.0 * (t - 1.0))
    assert len(search(parabola, 0.3)) == len(search(parabola, 5.0)) == 2
    cubic = (lambda t: -(t**3) / 3 + 2 * t**2 - 3 * t, lambda t: (t - 1) * (3 - t))
    assert len(search(cubic, 1.5)) == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("first", [1.0, 1e6])
@pytest.mark.parametrize("part", ["value", "slope"])
def test_steps_to_where_nothing_is_finite_are_shortened(bad, first, part):
    def fenced(function, broken):
        return lambda t: bad if t >= 0.7 and broken else function(t)

    value = fenced(lambda t: (t - 0.69) ** 4, part == "value")
    slope = fenced(lambda t: 4.0 * (t - 0.69) ** 3, part == "slope")
    evaluate, _ = on_line(value, slope)
    found = wolfe_search(evaluate, evaluate(0.0), first)
    assert found is not None
    assert 0.0 < found.step < 0.7
    assert abs(found.slope) <= 0.9 * 4.0 * 0.69**3


def test_with_the_minimum_behind_the_end_of_what_is_finite_the_way_there_is_taken():
    for end in (0.3, 1.0, 1.0 + 1e-12, 50.0):
        evaluate, steps = on_line(lambda t, end=end: -t if t <= end else math.nan, lambda t: -1.0)
        found = wolfe_search(evaluate, evaluate(0.0), 1.0)
        assert found.step == steps[-1]
        assert 0.05 * end < found.step <= end


def test_at_a_kink_the_lowest_point_is_taken_and_evaluated_last():
    evaluate, steps = on_line(lambda t: abs(t - 0.3), lambda t: math.copysign(1.0, t - 0.3))
    found = wolfe_search(evaluate, evaluate(0.0), 1.0)
    assert found.step == steps[-1]
    assert found.value == min(abs(t - 0.3) for t in steps) < 0.05
    assert len(steps) < line_search._MAX_EVALUATIONS // 2  # the last digits of a kink are worth none


def test_where_no_step_is_lower_there_is_none():
    evaluate, _ = on_line(lambda t: float(t > 0.0), lambda t: -1.0)
    assert wolfe_search(evaluate, evaluate(0.0), 1.0) is None


class Function:
    """An objective made of a value and a gradient; `mse` is the last value."""

    def __init__(self, value, gradient):
        self.functions = value, gradient
        self.mse, self.reg, self.n_fev, self.seen = math.nan, 0.0, 0, []

    def __call__(self, theta):
        self.n_fev += 1
        self.mse = float(self.functions[0](theta))
        self.seen.append(theta)
        return self.mse, self.functions[1](theta)


def quadratic(n, condition, seed=0, floor=0.0):
    """floor + |A (theta - best)|^2 / 2, and its minimum."""
    rng = np.random.default_rng(seed)
    A = np.linalg.qr(rng.normal(size=(n, n)))[0] * np.logspace(0.0, 0.5 * np.log10(condition), n)
    best = rng.normal(size=n)

    def residual(theta):
        return A.T @ (theta - best)

    return Function(lambda t: floor + 0.5 * np.sum(residual(t) ** 2), lambda t: A @ residual(t)), best


def rosenbrock():
    return Function(rosen, rosen_der)


START = np.array([-1.2, 1.0, -0.5, 0.8])


def run(objective, start, max_iter=1000, stop=lambda n: False):
    """The outcome and the accepted parameters."""
    path = []

    def accept(theta):
        path.append(theta.copy())
        return stop(len(path))

    return minimize(objective, start, max_iter, accept), path


@pytest.mark.parametrize("n", [1, 3, 40])
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_a_quadratic_is_minimised_whatever_its_size(n, size):
    objective, best = quadratic(n, 100.0)
    scaled = Function(lambda t: size * objective.functions[0](t), lambda t: size * objective.functions[1](t))
    outcome, _ = run(scaled, np.zeros(n))
    assert outcome.status in (FitStatus.CONVERGED, FitStatus.STALLED)
    np.testing.assert_allclose(outcome.theta, best, atol=1e-12)


def evaluations_to(values, target):
    """Number of evaluations until a value is at most the target."""
    return int(np.argmax(np.asarray(values) <= target)) + 1 if min(values) <= target else math.inf


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 10, 50])
def test_rosenbrock_takes_as_many_evaluations_as_with_scipy(n):
    rng, own, scipys = np.random.default_rng(n), [], []
    for _ in range(11):
        start = rng.normal(size=n)
        objective = rosenbrock()
        run(objective, start)
        own.append(evaluations_to([rosen(x) for x in objective.seen], 1e-15))
        objective = rosenbrock()
        options = {"maxcor": 20, "ftol": 0.0, "gtol": 0.0}
        scipy_minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
        scipys.append(evaluations_to([rosen(x) for x in objective.seen], 1e-15))
    assert np.median(own) <= 1.15 * np.median(scipys) < math.inf


def test_nearly_every_iteration_takes_one_evaluation():
    objective, _ = quadratic(100, 1e4)
    outcome, _ = run(objective, np.zeros(100), 300)
    assert outcome.n_iter == 300
    assert objective.n_fev <= 330


def test_f_falls_and_the_callback_sees_the_loss_of_its_parameters():
    objective, start, seen = rosenbrock(), START.copy(), [rosen(START)]

    def accept(theta):
        assert objective.mse == rosen(theta)
        assert theta is objective.seen[-1]
        seen.append(objective.mse)
        return False

    outcome = minimize(objective, start, 1000, accept)
    assert (np.diff(seen) <= 0).all()
    assert rosen(outcome.theta) == seen[-1] < 1e-20
    np.testing.assert_array_equal(start, START)
    assert outcome.theta is not start
    assert all(objective.seen[0] is not theta for theta in objective.seen[1:])


def test_the_same_start_gives_the_same_bits():
    np.testing.assert_array_equal(run(rosenbrock(), START)[1], run(rosenbrock(), START)[1])


@pytest.mark.parametrize("n", [1, 4])
def test_the_callback_stops_it(n):
    outcome, path = run(rosenbrock(), START, stop=lambda k: k == n)
    assert (outcome.status, outcome.n_iter, len(path)) == (FitStatus.STOPPED, n, n)
    np.testing.assert_array_equal(outcome.theta, path[-1])


def test_a_callback_that_raises_stop_iteration_is_told():
    with pytest.raises(RuntimeError, match="return True to stop"):
        minimize(rosenbrock(), START, 10, lambda theta: next(iter([])))


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_step_limit(limit):
    outcome, path = run(rosenbrock(), START, limit)
    assert (outcome.status, outcome.n_iter, len(path)) == (FitStatus.STEP_LIMIT, limit, limit)
    np.testing.assert_array_equal(outcome.theta, path[-1] if limit else START)
    assert outcome.theta is not START


def test_the_first_step_is_one_along_the_gradient_or_the_gradient_itself():
    for size in (1.0, 1e-5):
        objective = Function(lambda t, c=size: c * rosen(t), lambda t, c=size: c * rosen_der(t))
        run(objective, START, 1)
        gradient = size * rosen_der(START)
        step = -gradient / max(1.0, np.linalg.norm(gradient))
        np.testing.assert_allclose(objective.seen[1] - START, step, rtol=1e-9)


def test_a_start_at_the_minimum_has_converged():
    outcome, path = run(rosenbrock(), np.ones(5))
    assert (outcome.status, path) == (FitStatus.CONVERGED, [])


@pytest.mark.parametrize("floor", [1e-3, 1.0, 1e6])
def test_a_minimum_above_zero_is_told_from_a_stall(floor):
    objective, best = quadratic(10, 100.0, floor=floor)
    outcome, _ = run(objective, np.zeros(10))
    assert outcome.status is FitStatus.CONVERGED
    np.testing.assert_allclose(outcome.theta, best, atol=1e-5 * math.sqrt(floor) + 1e-6)


def test_where_f_is_rounded_the_minimum_is_told_from_a_stall():
    def value(theta):
        return 1.0 + 0.5 * np.sum(theta**2) + 1e-12 * np.sum(np.sin(1e9 * theta))

    outcome, _ = run(Function(value, lambda t: np.array([1.0, 2.0, 3.0]) * t), np.ones(3))
    assert outcome.status is FitStatus.CONVERGED


def test_a_step_that_leaves_f_as_it_is_ends_it():
    objective, _ = quadratic(30, 1e6, floor=1e25)
    outcome, _ = run(objective, np.zeros(30))
    assert (outcome.status, outcome.n_iter) == (FitStatus.CONVERGED, 1)


def test_gradients_that_underflow_end_it():
    outcome, _ = run(Function(lambda t: 1e-200 * np.sum(t**2), lambda t: 2e-200 * t), np.ones(3))
    assert outcome.status is FitStatus.CONVERGED


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("part", [0, 1])
def test_a_start_that_is_not_finite_is_returned_with_its_status(part, bad):
    value = (lambda t: bad) if part == 0 else rosen
    gradient = rosen_der if part == 0 else (lambda t: np.array([1.0, bad, 2.0, 0.0]))
    outcome, path = run(Function(value, gradient), START)
    assert (outcome.status, path) == (FitStatus.NON_FINITE, [])
    np.testing.assert_array_equal(outcome.theta, START)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_steps_over_a_fence_are_shortened_and_the_search_goes_on(bad):
    def outside(theta):
        return abs(theta[0]) > 1.3 or theta[1] > 1.7

    fenced = Function(lambda t: bad if outside(t) else rosen(t), rosen_der)
    outcome, path = run(fenced, np.array([-1.2, 1.69]))
    assert any(outside(theta) for theta in fenced.seen)
    assert not any(outside(theta) for theta in path)
    np.testing.assert_allclose(outcome.theta, [1.0, 1.0], rtol=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("part", [0, 1])
def test_what_breaks_down_later_ends_it_with_the_best_parameters(part, bad):
    class Breaking(Function):
        def __call__(self, theta):
            value, gradient = super().__call__(theta)
            broken = bad if self.n_fev > 20 else 1.0
            return (value * broken, gradient) if part == 0 else (value, gradient * broken)

    outcome, path = run(Breaking(rosen, rosen_der), START)
    assert outcome.status is FitStatus.NON_FINITE
    assert 0 < outcome.n_iter == len(path) < 20
    np.testing.assert_array_equal(outcome.theta, path[-1])


def test_where_the_gradient_lies_it_stalls_at_the_start():
    outcome, path = run(Function(rosen, lambda t: -rosen_der(t)), START)
    assert (outcome.status, path) == (FitStatus.STALLED, [])
    np.testing.assert_array_equal(outcome.theta, START)


def test_after_a_failed_search_it_goes_on_along_the_gradient():
    class Lifted(Function):
        """Of so many evaluations in a row all are too high, as with noise."""

        def __call__(self, theta):
            value, gradient = super().__call__(theta)
            return value + 1e6 * (10 < self.n_fev <= 10 + line_search._MAX_EVALUATIONS), gradient

    objective, path, accepted_at = Lifted(rosen, rosen_der), [], []

    def accept(theta):
        path.append(theta)
        accepted_at.append(objective.n_fev)
        return False

    outcome = minimize(objective, START, 1000, accept)
    last = accepted_at.index(10)
    assert accepted_at[last + 1] > 10 + line_search._MAX_EVALUATIONS
    step, gradient = objective.seen[10 + line_search._MAX_EVALUATIONS] - path[last], rosen_der(path[last])
    assert close(step / np.linalg.norm(step), -gradient / np.linalg.norm(gradient), 1e-9)
    np.testing.assert_allclose(outcome.theta, np.ones(4), rtol=1e-9)
