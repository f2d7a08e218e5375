"""Fields of a solution on a grid, their picture, and what `solve` tells while it goes on."""

import numpy as np
import pytest

from kan_np import KAN
from kan_np.pde import Problem, Solution, Term, boundary, grid, solve

BOX = [(-1.0, 1.0), (0.0, 2.0)]


def known(residual="u_xx + u_yy - 3*x*y", lift="x**2 + x*y**3", **changes):
    """A solution that is the lift, whatever the network is."""
    terms = [
        Term(residual, at=grid(BOX, 5), name="equation"),
        Term("u", at=boundary(BOX, 5), name="boundary"),
        Term("u", at=[[0.0, 1.0]], target=[0.5], name="data"),
    ]
    problem = Problem(terms, ("x", "y"), BOX, lift=lift, factor="0", **changes)
    return Solution(problem, KAN([2, 1, 1], grid=3, seed=0), {}, {}, [])


def test_fields_of_a_known_function():
    found = known().fields(9)
    x, y = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(0, 2, 9), indexing="ij")
    assert found.coordinates == ("x", "y")
    assert np.array_equal(found.axes[1], np.linspace(0, 2, 9))
    assert np.allclose(found.values["u"], x**2 + x * y**3, atol=1e-14)
    assert np.allclose(found.residual, np.abs(2.0 + 6.0 * x * y - 3.0 * x * y), atol=1e-12)
    assert np.allclose(found.bending, np.sqrt(4.0 + 2.0 * (3.0 * y**2) ** 2 + (6.0 * x * y) ** 2), atol=1e-12)
    assert found.errors == {}


def test_errors_are_beside_a_reference():
    found = known().fields(5, lambda points, *names: dict.fromkeys(names, points[:, 0] ** 2))
    x, y = np.meshgrid(found.axes[0], found.axes[1], indexing="ij")
    assert np.allclose(found.errors["u"], np.abs(x * y**3), atol=1e-14)


def test_residuals_of_equations_leave_conditions_and_data_out():
    assert list(known().equation_residuals([[0.5, 0.5]])) == ["equation"]
    with pytest.raises(ValueError, match="points"):
        known().equation_residuals([[0.5]])


def test_a_picture_has_a_panel_for_every_field():
    solution = known()
    figure = solution.plot(n=11)
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["u", "residual", "bending"]
    figure = solution.plot(lambda points, *names: dict.fromkeys(names, points[:, 0]), n=11)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["u", "error of u", "residual", "bending"]


def test_curves_along_one_coordinate_are_as_long_as_the_domain():
    problem = Problem(
        [Term("u_t - u", at=grid([(0.0, 1.0)], 5))], ("t",), [(0.0, 1.0)], lift="exp(t)", factor="0"
    )
    solution = Solution(problem, KAN([1, 1], grid=3, seed=0), {}, {}, [])
    figure = solution.plot(n=7)
    t, u = figure.axes[0].lines[0].get_data()
    assert np.allclose(u, np.exp(t))
    assert np.allclose(solution.fields(7).residual, 0.0, atol=1e-12)


def test_three_coordinates_are_too_many_for_a_picture():
    box = [(0.0, 1.0)] * 3
    problem = Problem(
        [Term("u_xx + u_yy + u_zz", at=grid(box, 3))], ("x", "y", "z"), box, lift="x", factor="0"
    )
    solution = Solution(problem, KAN([3, 1], grid=3, seed=0), {}, {}, [])
    with pytest.raises(ValueError, match="3 coordinates, x, y, z; expected one or two"):
        solution.plot()


def ordinary():
    return Problem([Term("u_x - cos(x)", at=grid([(0.0, 3.0)], 20))], ("x",), [(0.0, 3.0)], factor="x")


def test_solve_tells_every_stage_and_every_iteration():
    stages, values = [], []
    starts = [KAN([1, 1], grid=3, k=5, seed=seed) for seed in range(2)]
    found = solve(
        ordinary(), starts, grids=(3, 6), steps=4, rounds=2, on_stage=stages.append, callback=values.append
    )
    assert [len(own.stages) for own in stages] == [1, 2, 3, 4]
    assert [own.stages[-1].grid for own in stages] == [3, 3, 6, 6]
    assert np.array_equal(stages[-1]([[1.0]]), found([[1.0]]))
    assert len(values) >= 4
    assert all(np.isfinite(values))
    last = found.stages[-1]
    assert last.fresh_objective == pytest.approx(last.fresh[next(iter(last.fresh))] ** 2)
    assert last.evaluations > 0


def test_what_a_callback_raises_ends_a_solution():
    def stop(_):
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        solve(ordinary(), KAN([1, 1], grid=3, seed=0), steps=50, callback=stop)


def test_without_an_equation_that_is_known_on_the_grid_the_residual_is_zero():
    at = np.linspace(-1.0, 1.0, 5)
    points = np.stack([at, at + 1.0], axis=1)
    terms = [Term("u_xx", at=points, target=at), Term("u", at=boundary(BOX, 5))]
    problem = Problem(terms, ("x", "y"), BOX, lift="x**2", factor="0")
    found = Solution(problem, KAN([2, 1, 1], grid=3, seed=0), {}, {}, []).fields(7)
    assert np.array_equal(found.residual, np.zeros((7, 7)))
    np.testing.assert_allclose(found.bending, 2.0, rtol=1e-12)
