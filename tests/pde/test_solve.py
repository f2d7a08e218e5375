"""Problems with known solutions are solved: ordinary, systems, unknown numbers, by KANs and MLPs."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from kan_np import KAN, MLP
from kan_np.optimize.status import FitStatus
from kan_np.pde import Problem, Term, boundary, grid, sobol, solve

LINE = [(0.0, 2.0)]
X = np.linspace(0.0, 2.0, 50)[:, None]


def threads_of_blas():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def growth(**options):
    return Problem(
        [Term("u_x + u", at=grid(LINE, 20, ends=True)), Term("u - 1", at=[[0.0]])], ("x",), LINE, **options
    )


@pytest.mark.parametrize(
    ("model", "bar"),
    [(KAN([1, 1], grid=8, k=5), 1e-6), (KAN([1, 2, 1], grid=4, k=5), 1e-4), (MLP([1, 6, 1]), 1e-3)],
)
def test_an_ordinary_equation(model, bar):
    before = model([[0.3]])
    solution = solve(growth(), model, steps=60)
    assert np.abs(solution(X)[:, 0] - np.exp(-X[:, 0])).max() < bar
    found = solution.derivatives(X, "u_x", "u_xx")
    np.testing.assert_allclose(found["u_x"], -np.exp(-X[:, 0]), atol=100 * bar)
    assert (model([[0.3]]) == before).all()  # left as it was
    again = solve(growth(), model, steps=60)
    assert (again(X) == solution(X)).all()


def test_a_system_of_two_functions():
    box = [(0.0, 3.0)]
    inside = grid(box, 40)
    problem = Problem(
        [Term("u_t = v", at=inside), Term(lambda v_t, u: v_t + u, at=inside)],
        ("t",),
        box,
        ("u", "v"),
        lift={"v": 1},
        factor="t",
    )
    solution = solve(problem, KAN([1, 2], grid=10, k=5), steps=20)
    t = np.linspace(0, 3, 30)[:, None]
    np.testing.assert_allclose(solution(t), np.hstack([np.sin(t), np.cos(t)]), atol=1e-6)


def decay_data(seed, rate=1.3, noise=0.01):
    rng = np.random.default_rng(seed)
    when = rng.uniform(0.0, 2.0, (60, 1))
    return when, np.exp(-rate * when[:, 0]) + noise * rng.normal(size=60)


def decay_problem(seed):
    when, measured = decay_data(seed)
    return Problem(
        [
            Term("u_x + r*u", at=grid(LINE, 20), weight=1e4, name="equation"),
            Term("u", at=when, target=measured, name="data"),
        ],
        ("x",),
        LINE,
        unknowns={"r": 0.5},
        lift=1,
        factor="x",
    )


def test_standard_errors_of_unknown_numbers_are_those_of_least_squares():
    solution = solve(decay_problem(0), KAN([1, 1], grid=8, k=5), steps=150)
    when, measured = decay_data(0)
    rate = solution.unknowns["r"]
    slope = -when[:, 0] * np.exp(-rate * when[:, 0])
    residual = np.exp(-rate * when[:, 0]) - measured
    expected = np.sqrt(residual @ residual / 59) / np.linalg.norm(slope)
    assert abs(float(slope @ residual)) < 0.5 * expected * float(
        slope @ slope
    )  # near the minimum over r alone
    assert solution.standard_errors["r"] == pytest.approx(expected, rel=0.05)
    assert abs(rate - 1.3) < 4 * expected
    assert "r = 1.3" in repr(solution) or "r = 1.2" in repr(solution)


@pytest.mark.slow
def test_intervals_of_unknown_numbers_hold():
    z = []
    for seed in range(60):
        solution = solve(decay_problem(seed), KAN([1, 1], grid=8, k=5), steps=150)
        z.append((solution.unknowns["r"] - 1.3) / solution.standard_errors["r"])
    assert 0.75 < np.std(z) < 1.25
    assert abs(np.mean(z)) < 0.4


@pytest.mark.parametrize("opt", ["LM-normal", "LBFGS", "Adam"])
def test_other_optimizers_lower_the_residual(opt):
    steps = {"LM-normal": 40, "LBFGS": 300, "Adam": 400}[opt]
    start = solve(growth(), MLP([1, 6, 1]), steps=1, opt="LBFGS").stages[-1].objective
    solution = solve(growth(), MLP([1, 6, 1]), steps=steps, opt=opt)
    assert solution.stages[-1].objective < (1e-1 if opt == "Adam" else 1e-4) * start
    bar = 0.1 if opt == "Adam" else 2e-2
    assert np.abs(solution(X)[:, 0] - np.exp(-X[:, 0])).max() < bar


def test_stages_grids_and_rounds():
    problem = Problem([Term("u_x + u", at=sobol(LINE, 24, seed=1)), Term("u - 1", at=[[0.0]])], ("x",), LINE)
    solution = solve(problem, KAN([1, 1, 1], grid=3, k=4), grids=(3, 6), steps=5, rounds=2)
    assert [stage.grid for stage in solution.stages] == [3, 3, 6, 6]
    assert all(stage.steps <= 5 and len(stage.curve) == stage.steps for stage in solution.stages)
    assert solution.model.grid == 6
    last = solution.stages[-1]
    fresh = solution.residuals(1_000_003)
    assert last.fresh["u_x + u"] == pytest.approx(np.sqrt(np.mean(fresh["u_x + u"] ** 2)), rel=1e-9)
    assert last.n_params == solution.model.n_params


def test_the_best_of_several_starts_goes_on():
    models = [MLP([1, 3, 1], seed=s) for s in range(3)]
    alone = [solve(growth(), model, steps=8) for model in models]
    errors = [sum(r**2 for r in own.stages[-1].fresh.values()) for own in alone]
    together = solve(growth(), models, steps=8)
    assert (together(X) == alone[int(np.argmin(errors))](X)).all()


def test_matrices_are_not_shared_among_threads():
    seen = []
    with threadpool_limits(2):
        solve(growth(), MLP([1, 2, 1]), steps=2, callback=lambda _: seen.append(threads_of_blas()))
        assert threads_of_blas() == {2}
    assert all(threads == {1} for threads in seen)
    assert seen


def test_time_limits_end_a_solution():
    solution = solve(growth(), KAN([1, 2, 1], grid=3), grids=(3, 6), steps=50, seconds=0.0)
    assert len(solution.stages) == 1
    assert solution.stages[0].status is FitStatus.STOPPED
    assert solution.stages[0].steps == 1


def test_what_a_solution_does_not_have_is_refused():
    solution = solve(growth(), MLP([1, 3, 1]), steps=2)
    with pytest.raises(ValueError, match="'x' is no output"):
        solution.derivatives(X, "x")
    with pytest.raises(ValueError, match="the equation has 'w'"):
        solution.derivatives(X, "w")
    with pytest.raises(ValueError):
        solution(np.zeros((3, 2)))


@pytest.mark.slow
def test_free_and_built_in_boundaries_agree():
    box = [(0.0, 1.0), (0.0, 1.0)]
    equation = Term("u_xx + u_yy + 2*pi**2*sin(pi*x)*sin(pi*y)", at=grid(box, 14))
    free = Problem([equation, Term("u", at=boundary(box, 14), weight=100.0)], ("x", "y"), box)
    built_in = Problem([equation], ("x", "y"), box, factor="x*(1-x)*y*(1-y)")
    points = np.random.default_rng(0).uniform(size=(200, 2))
    exact = np.sin(np.pi * points[:, 0]) * np.sin(np.pi * points[:, 1])
    for problem in (free, built_in):
        solution = solve(problem, MLP([2, 16, 1]), steps=120)
        assert np.abs(solution(points)[:, 0] - exact).max() < 3e-4
