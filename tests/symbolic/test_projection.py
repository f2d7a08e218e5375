"""Costs and descents of lines: compiled code against least squares written out, and against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from drawn import LIBRARY
from in_turn import in_turn

from kan_np.discovery import wide_library
from kan_np.kernels.projection import apart, damped_steps, linearised, projected_costs
from kan_np.symbolic import compiled_descent, make_symbol
from kan_np.symbolic.initial_guesses import starts
from kan_np.symbolic.projection import costs, refine, refine_by_numpy
from kan_np.symbolic.samples import make_samples

BENT = [symbol for symbol in wide_library(None).select(None) if not (symbol.scale_free and symbol.shift_free)]
CURVES = {
    "exp": lambda x: np.exp(-1.3 * x),
    "wave": lambda x: np.sin(3 * x) + 0.2 * x,
    "pole": lambda x: 1 / (x + 1.3) ** 2 + x,
}


def samples_of(name, n=83):
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 2, n)
    return make_samples(x, CURVES[name](x), rng.uniform(0.1, 1.0, n))


@pytest.mark.parametrize("name", CURVES)
@in_turn("symbol", BENT)
def test_costs_are_those_of_least_squares(symbol, name):
    samples = samples_of(name)
    for candidates in starts(symbol, samples, samples):
        line = candidates.chart.lines(candidates.theta)
        u = line.alpha[:, None] * samples.t + line.beta[:, None]
        (f,) = symbol.guarded(u, order=0)
        truth = [reference.line_cost(row, samples.weight, samples.z) for row in f]
        plain = np.empty(len(truth))
        projected_costs(f, samples.weight, samples.z, np.empty((2, samples.n)), plain)
        assert plain == pytest.approx(truth, abs=1e-9)
        assert compiled_descent.knows(symbol)
        assert compiled_descent.costs(symbol, line.alpha, line.beta, samples) == pytest.approx(
            plain, abs=1e-9
        )


@pytest.mark.parametrize("name", CURVES)
@in_turn("symbol", BENT)
def test_a_compiled_descent_takes_the_step_of_the_one_by_numpy(symbol, name):
    samples = samples_of(name)
    for candidates in starts(symbol, samples, samples):
        compiled, plain = (
            refining(symbol, candidates, samples, 1, 1e-10) for refining in (refine, refine_by_numpy)
        )
        # where both meet the samples up to rounding, what is left is rounding
        assert compiled.cost == pytest.approx(plain.cost, rel=1e-4, abs=1e-9)
        low, high = np.array(compiled.chart.low), np.array(compiled.chart.high)
        assert ((low <= compiled.theta) & (compiled.theta <= high)).all()
        end = refine(symbol, candidates, samples, 40, 1e-10)
        assert (end.cost <= compiled.cost * (1 + 1e-9)).all()


def test_a_grid_of_very_many_lines_is_compared_by_a_table():
    samples, rng = samples_of("wave"), np.random.default_rng(0)
    tanh = next(symbol for symbol in LIBRARY if symbol.name == "tanh")
    (first, *_) = starts(tanh, samples, samples)
    theta = np.stack([rng.uniform(-3, 4, 500), rng.uniform(-2, 2, 500)], 1)
    line = first.chart.lines(theta)
    exact = compiled_descent.costs(tanh, line.alpha, line.beta, samples)
    assert costs(tanh, first.chart, theta, samples) == pytest.approx(exact, abs=1e-4)


def test_normal_matrices_are_those_of_the_derivatives_written_out():
    samples, rng = samples_of("pole"), np.random.default_rng(1)
    u = rng.normal(size=(4, 1)) * samples.t + rng.normal(size=(4, 1))
    f, slope = np.tanh(u), 1 / np.cosh(u) ** 2
    for p in (1, 2):
        d_alpha, d_beta = rng.normal(size=(2, 4, p))
        cost, normal, gradient = np.empty(4), np.empty((4, p, p)), np.empty((4, p))
        work = np.empty((2 + p, samples.n))
        given = f, slope, samples.t, samples.weight, samples.z, d_alpha, d_beta
        linearised(*given, work, cost, normal, gradient)
        for i in range(4):
            truth = reference.line_derivatives(
                f[i], slope[i], samples.t, samples.weight, samples.z, d_alpha[i], d_beta[i]
            )
            assert normal[i] == pytest.approx(truth[0], rel=1e-9, abs=1e-12)
            assert gradient[i] == pytest.approx(truth[1], rel=1e-9, abs=1e-12)
            assert cost[i] == pytest.approx(reference.line_cost(f[i], samples.weight, samples.z))


@pytest.mark.parametrize("p", [1, 2])
def test_damped_steps_solve_their_equations(p):
    rng = np.random.default_rng(p)
    root = rng.normal(size=(5, 4, p))
    normal, gradient = root.swapaxes(1, 2) @ root, rng.normal(size=(5, p))
    damping, step = rng.uniform(0, 2, 5), np.empty((5, p))
    damped_steps(normal, gradient, damping, step)
    for i in range(5):
        matrix = normal[i] + damping[i] * np.diag(np.diag(normal[i]))
        assert matrix @ step[i] == pytest.approx(gradient[i])
    damped_steps(np.zeros((5, p, p)), gradient, damping, step)
    assert not step.any()


def test_rows_apart_are_the_first_that_no_other_is_near():
    rng = np.random.default_rng(0)
    points, distance = rng.uniform(0, 1, (60, 2)), np.array([0.2, 0.3])
    order = rng.permutation(60)
    kept = np.empty(9, dtype=np.intp)
    count = apart(order, points, distance, kept)
    assert kept[:count].tolist() == reference.first_apart(order, points, distance, 9)


def test_a_function_without_a_kernel_is_fitted_by_numpy():
    bessel = make_symbol("J0", "besselj(0, x)")
    assert not compiled_descent.knows(bessel)
    x = np.linspace(-1, 2, 100)
    samples = make_samples(x, bessel.value(3 * x - 1))
    found = [refine(bessel, c, samples, 40, 1e-10) for c in starts(bessel, samples, samples)]
    assert min(candidates.cost.min() for candidates in found) < 1e-20
