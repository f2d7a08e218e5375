"""Formulas of solutions: conditions that are built in, residuals and their slopes, what is found."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import sympy

from kan_np import KAN, MLP
from kan_np.pde import Problem, Term, boundary, grid, solve
from kan_np.pde.built_in import built_in_conditions
from kan_np.pde.formula_objective import FormulaObjective
from kan_np.pde.solution_formula import FormulaFinder

BOX = [(0.0, 2.0), (0.0, 1.0)]
X, T = sympy.symbols("x t", real=True)
LINE = [(0.0, 2.0)]


def pair(**options):
    """Two functions of two coordinates with an unknown number, in terms with and without targets."""
    at = np.random.default_rng(0).uniform([0.0, 0.0], [2.0, 1.0], (12, 2))
    return Problem(
        [
            Term("u_t - D*u_xx + v", at=at, weight=3.0),
            Term(lambda u_x, v, x: u_x * v + x, at=grid(BOX, 4)),
            Term("v", at=at, target=np.linspace(0.0, 1.0, 12), weight="balanced"),
        ],
        ("x", "t"),
        BOX,
        ("u", "v"),
        unknowns={"D": 0.3},
        **options,
    )


@pytest.mark.parametrize("options", [{"lift": {"u": "x"}, "factor": {"u": "t*x**2"}}, {"periodic": "x"}])
def test_rows_of_formulas_are_those_of_central_differences(options):
    u = 1.5 * sympy.sin(0.7 * X + 0.2 * T) + 0.1 * X * T
    objective = FormulaObjective(
        pair(**options), [u, 0.4 * sympy.exp(-1.1 * T) + 0.5], [X, T], np.array([0.3])
    )
    theta = objective.start
    assert theta.size == 8
    residual, rows = objective.rows(theta)
    assert residual @ residual == pytest.approx(objective.value(theta), rel=1e-14)
    step = 1e-6
    for k, row in enumerate(rows):
        ahead, behind = (objective.rows(theta + s * step * np.eye(8)[k])[0] for s in (1, -1))
        np.testing.assert_allclose(row, (ahead - behind) / (2 * step), rtol=1e-7, atol=1e-8)
    assert objective.unknowns(theta).tolist() == [0.3]
    values = sympy.lambdify([X, T], objective.expressions(theta)[0])(0.5, 0.25)
    assert values == pytest.approx(1.5 * np.sin(0.4) + 0.0125)


def test_what_a_lift_and_a_factor_build_in():
    form = pair(lift={"u": "x + t"}, factor={"u": "x**2*(1 - t)"}).form
    found = {
        (own.output, own.index, own.points[0].tolist()[0 if own.index else 1]): own
        for own in built_in_conditions(form)
    }
    assert {key[:2] for key in found} == {(0, ()), (0, (0,))}  # nothing of v, nothing of u_xx
    for own in built_in_conditions(form):
        x, t = own.points.T
        assert (x == 0.0).all() or (t == 1.0).all()
        np.testing.assert_allclose(own.target, 1.0 if own.index else x + t)
    assert built_in_conditions(pair().form) == []
    ends = built_in_conditions(pair(periodic="x").form)
    assert {(own.output, own.index) for own in ends} == {
        (output, index) for output in (0, 1) for index in ((), (0,), (0, 0))
    }
    assert all((own.points[:, 0] == 0.0).all() and (own.opposite[:, 0] == 2.0).all() for own in ends)


def waves():
    return Problem([Term("u_xx + 4*u", at=grid(LINE, 40))], ("x",), LINE, lift="1", factor="x**2")


@pytest.mark.slow
@pytest.mark.parametrize("model", [KAN([1, 1], edges="chebyshev", degree=12), MLP([1, 8, 1], seed=0)])
def test_a_search_finds_what_is_built_in_too(model):
    formula = solve(waves(), model, steps=100).formula(lib=["x", "x^2", "sin", "exp"], seconds=10)
    assert formula.exact
    assert formula.expressions == [sympy.cos(2 * sympy.Symbol("x"))]
    assert repr(formula) == "Formula(cos(2*x))"
    assert formula.max_error < 1e-3
    np.testing.assert_allclose(formula.numpy()([[0.5]]), [[np.cos(1.0)]], rtol=1e-15)


def test_symbolic_networks_are_read_as_they_are_in_the_units_of_the_coordinates():
    box = [(1.0, 4.0)]
    problem = Problem([Term("u_x + 2*u", at=grid(box, 20)), Term("u - 3", at=[[1.0]])], ("x",), box)
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "exp", fit=False, a=-2.0)
    formula = solve(problem, model).formula(seconds=0)
    x = sympy.Symbol("x")
    assert formula.exact
    assert formula.numpy()([[2.0]])[0, 0] == pytest.approx(3 * np.exp(-2.0), rel=1e-12)
    (found,) = formula.expressions
    assert sympy.expand(sympy.log(found).diff(x)).equals(sympy.Integer(-2))


@pytest.mark.slow
def test_unknown_numbers_are_settled_with_the_formula():
    problem = Problem(
        [
            Term("u_x + c*u", at=grid(LINE, 30)),
            Term("u - 1", at=[[0.0]]),
            Term("u - exp(-3)", at=[[2.0]], name="end"),
        ],
        ("x",),
        LINE,
        unknowns={"c": 1.0},
    )
    solution = solve(problem, KAN([1, 1], edges="chebyshev", degree=8, seed=0), steps=60)
    assert abs(solution.unknowns["c"] - 1.5) > 1e-9
    formula = solution.formula(lib=["x", "exp", "sin"], seconds=10)
    assert formula.exact
    assert formula.expressions == [sympy.exp(-3 * sympy.Symbol("x") / 2)]
    assert formula.unknowns["c"] == pytest.approx(1.5, rel=1e-12)


@pytest.mark.slow
def test_without_an_exact_formula_the_nearest_is_told_with_its_error():
    problem = Problem(
        [Term("u_x + u - 1/(1 + x**4)", at=grid(LINE, 40)), Term("u - 1", at=[[0.0]])], ("x",), LINE
    )
    solution = solve(problem, KAN([1, 1], grid=10, k=5, seed=0), steps=40)
    formula = solution.formula(lib=["x", "sin"], seconds=2)
    assert not formula.exact
    where = np.linspace(0, 2, 50)[:, None]
    apart = np.abs(formula.numpy()(where) - solution(where)).max()
    assert 0 < apart < 2 * formula.max_error
    assert formula.residuals["u_x + u - 1/(1 + x**4)"] > 1e-6


def test_another_solution_of_the_same_equation_is_not_taken_for_this_one():
    # u = 0 solves the equation and its boundary values as well
    problem = Problem(
        [Term("u_xx + u", at=grid([(0.0, np.pi)], 20)), Term("u", at=boundary([(0.0, np.pi)], 1))],
        ("x",),
        [(0.0, np.pi)],
    )
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=0.5 * np.pi, b=0.5 * np.pi, c=2.0)
    solution = solve(problem, model, steps=20)
    formula = solution.formula(seconds=0)
    assert formula.exact
    assert formula.numpy()([[0.5 * np.pi]])[0, 0] == pytest.approx(2.0, rel=1e-2)


def symbolic_line(name, **options):
    """A network of one edge that is a symbol."""
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, name, fit=False, **options)
    return model


def test_an_equation_may_be_written_with_a_target():
    x = np.linspace(0.0, 2.0, 20)
    terms = [Term("u_x", at=x[:, None], target=np.cos(x)), Term("u", at=[[0.0]])]
    solution = solve(Problem(terms, ("x",), LINE), symbolic_line("sin"), steps=20)
    formula = solution.formula(seconds=0)
    assert formula.exact
    assert formula.expressions == [sympy.sin(sympy.Symbol("x"))]
    wrong = [Term("u_x", at=x[:, None], target=np.cos(x) + 1e-3 * x), Term("u", at=[[0.0]])]
    assert not solve(Problem(wrong, ("x",), LINE), symbolic_line("sin"), steps=20).formula(seconds=0).exact


def test_data_alone_make_no_formula_exact():
    x = np.linspace(0.0, 2.0, 20)
    problem = Problem([Term("u", at=x[:, None], target=np.sin(x), name="data")], ("x",), LINE)
    formula = solve(problem, symbolic_line("sin"), steps=20).formula(seconds=0)
    assert not formula.exact
    assert formula.residuals["data"] < 1e-9
    assert formula.expressions == [sympy.sin(sympy.Symbol("x"))]


def test_a_formula_whose_derivatives_are_not_known_is_told_without_residuals(monkeypatch):
    problem = Problem([Term("u_x + u", at=grid(LINE, 20)), Term("u - 1", at=[[0.0]])], ("x",), LINE)
    solution = solve(problem, KAN([1, 1], edges="chebyshev", degree=6), steps=5)
    zeta = [sympy.zeta(sympy.Symbol("x_000", real=True) + sympy.Float(1.5))]  # zeta' has no name in sympy
    monkeypatch.setattr(FormulaFinder, "_guesses", lambda *_: iter([zeta]))
    formula = solution.formula(seconds=0)
    assert not formula.exact
    assert list(formula.residuals) == ["u_x + u", "u - 1"]
    assert np.isnan(list(formula.residuals.values())).all()
    x = np.linspace(0.0, 2.0, 9)
    apart = np.abs(scipy.special.zeta(x + 1.5) - solution(x[:, None])[:, 0]).max()
    assert formula.max_error == pytest.approx(apart, rel=0.05)


@pytest.mark.parametrize(
    ("options", "said"), [({"seconds": -1}, "seconds is -1"), ({"lib": ["nothing"]}, "is 'nothing'")]
)
def test_bad_options(options, said):
    solution = solve(waves(), KAN([1, 1], edges="chebyshev", degree=6), steps=5)
    with pytest.raises(ValueError, match=said):
        solution.formula(**options)
