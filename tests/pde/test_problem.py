"""What is no problem is refused in one sentence, and one without conditions is warned about."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from kan_np import KAN, MLP
from kan_np.pde import PdeWarning, Problem, Term, boundary, grid, solve

LINE = [(0.0, 1.0)]


def test_a_problem_without_conditions_is_warned_about():
    inside = grid(LINE, 5)
    with pytest.warns(PdeWarning, match="no term for a boundary"):
        Problem([Term("u_x - u", at=inside)], ("x",), LINE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        edge = boundary(LINE, 1)
        for condition in (
            Term("u - 1", at=edge),
            Term("u_x", at=edge),
            Term("u_x", at=[[0.3]], target=[2.0]),
        ):
            Problem([Term("u_xx - u", at=inside), condition], ("x",), LINE)
        Problem([Term("u_xx - u", at=inside)], ("x",), LINE, lift=1, factor="x")
        Problem([Term("u_xx - u", at=inside)], ("x",), LINE, periodic="x")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Problem([], ("x",), LINE), "no terms"),
        (
            lambda: Problem([Term("u", at=[[0.5], [1.5]])], ("x",), LINE),
            r"1 of 2 points of 'u' .* point 1, \[1.5\]",
        ),
        (lambda: Problem([Term("u", at=[[0.5]])], ("x",), LINE, unknowns={"D": 1.0}), "'D' is in none"),
        (lambda: Problem([Term("u", at=[[0.5]])], ("x",), LINE, ("u", "v")), "'v' is in none"),
        (lambda: Problem([Term("u", at=[[0.5]])], ("u",), LINE), "'u' is used twice"),
        (lambda: Problem([Term("u", at=grid(LINE, 2))], ("x", "t"), [*LINE, *LINE]), r"shape \(2, 1\)"),
        (lambda: Problem([Term("u", at=[[0.5]], target=[1.0, 2.0])], ("x",), LINE), "2 values and 1 points"),
        (lambda: Problem([Term("w", at=[[0.5]])], ("x",), LINE), "the equation has 'w'"),
        (lambda: Problem([Term("u", at=[[np.nan]])], ("x",), LINE), "NaN|finite"),
        (lambda: Term("u", at=grid(LINE, 2), target=[0.0, 1.0]), "a target belongs to given points"),
        (lambda: Term("u", at=grid(LINE, 2), weight="equal"), "weight"),
        (lambda: Term("u", at=grid(LINE, 2), weight=-1.0), "weight"),
    ],
)
def test_what_is_no_problem_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_names_of_terms_are_told_apart():
    problem = Problem([Term("u", at=[[0.0]]), Term("u", at=[[1.0]]), Term("u_x", at=[[0.5]])], ("x",), LINE)
    assert [term.name for term in problem.terms] == ["u (1)", "u (2)", "u_x"]
    assert "3 terms: u (1), u (2), u_x" in repr(problem)


def test_networks_that_do_not_fit_are_refused():
    problem = Problem([Term("u_x", at=grid(LINE, 4)), Term("u", at=[[0.0]])], ("x",), LINE)
    periodic = Problem([Term("u_x", at=grid(LINE, 4)), Term("u", at=[[0.0]])], ("x",), LINE, periodic="x")
    with pytest.raises(
        ValueError, match="2 inputs and 1 outputs; expected 1 for the coordinates x and 1 for u"
    ):
        solve(problem, KAN([2, 1]))
    with pytest.raises(ValueError, match=r"expected 2 for the coordinates x \(1 periodic: two each\)"):
        solve(periodic, MLP([1, 3, 1]))
    with pytest.raises(TypeError, match="expected a KAN or an MLP"):
        solve(problem, [object()])
    with pytest.raises(ValueError, match="empty sequence"):
        solve(problem, [])
    with pytest.raises(ValueError, match="grids are given for an MLP"):
        solve(problem, MLP([1, 3, 1]), grids=(3,))
    with pytest.raises(ValueError, match="expected increasing sizes from 5"):
        solve(problem, KAN([1, 1], grid=5), grids=(3, 6))
    with pytest.raises(ValueError, match="lr is given"):
        solve(problem, KAN([1, 1]), lr=0.1)


def test_a_target_of_derivatives_is_the_right_side_of_an_equation():
    inside = np.linspace(0.1, 0.9, 5)[:, None]
    with pytest.warns(PdeWarning, match="no term for a boundary"):
        alone = Problem([Term("u_xx", at=inside, target=np.sin(inside[:, 0]))], ("x",), LINE)
    (equation,) = alone.terms
    assert not equation.is_condition(alone.form)
    assert not equation.is_data
    problem = Problem(
        [
            Term("u_x", at=[[0.0]], target=[1.0], name="slope at the end"),
            Term("u", at=inside, target=np.sin(inside[:, 0]), name="data"),
        ],
        ("x",),
        LINE,
    )
    assert [term.is_condition(problem.form) for term in problem.terms] == [True, True]
    assert [term.is_data for term in problem.terms] == [False, True]
