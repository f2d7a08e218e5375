"""Equations that ship: references satisfy them, classical solvers agree, settings solve them."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.pde import equations
from kan_np.pde.classical import Series, coefficients, derivative_matrix, nodes
from kan_np.pde.equations.allen_cahn import by_collocation
from kan_np.pde.equations.burgers import ColeHopf
from kan_np.pde.equations.classical_solutions import _SOLVERS, classical_solution
from kan_np.pde.names import Names
from kan_np.pde.term_pass import FormPass

QUICK = [name for name in equations.names() if name not in ("allen_cahn", "kovasznay")]
#: All equations; the reference of Allen and Cahn's takes seconds.
EVERY = [pytest.param(n, marks=pytest.mark.slow) if n == "allen_cahn" else n for n in equations.names()]


def make(name, seed=0):
    return getattr(equations, name)(seed)


def derivative(reference, names, points, name):
    """What the reference has by this name, or differences of what it has."""
    try:
        return reference(points, name)[name]
    except KeyError:
        output, by = name.rsplit("_", 1)
        shift = 1e-5 * (np.array(names.coordinates) == by[-1])
        lower = f"{output}_{by[:-1]}"
        ahead, behind = (derivative(reference, names, points + s * shift, lower) for s in (1.0, -1.0))
        return (ahead - behind) / 2e-5


@pytest.mark.parametrize("name", EVERY)
def test_the_reference_satisfies_every_term(name):
    equation = make(name)
    problem, names = equation.problem, equation.problem.names
    low, high = problem.form.low, problem.form.high
    for term, points in zip(problem.terms, problem.points(), strict=True):
        if term.target is not None:
            continue
        own = points[:60]
        if len(points) > 1 and not term.is_condition(problem.form):
            own = np.clip(own, low + 1e-3 * (high - low), high - 1e-3 * (high - low))
        values = {x: own[:, i] for i, x in enumerate(names.coordinates)} | equation.true
        for wanted in term.residual.sought:
            if wanted not in equation.true:
                values[wanted] = derivative(equation.reference, names, own, wanted)
        size = sum(
            np.abs(values[wanted]) * np.abs(slope)
            for wanted, slope in term.residual.slopes(values, len(own)).items()
        )
        tolerance = {"allen_cahn": 2e-4, "burgers": 1e-5}.get(name, 1e-8)
        assert np.abs(term.residual(values, len(own))).max() <= tolerance * (1.0 + size.max())


@pytest.mark.parametrize("name", EVERY)
def test_values_that_are_built_in_are_those_of_the_reference(name):
    equation = make(name)
    problem, form = equation.problem, equation.problem.form
    points = equation.test_points()[:: 7 if len(form.low) > 1 else 1]
    edge = points[((points == form.low) | (points == form.high)).any(axis=1)]
    network = equation.network(3)._network
    for u in problem.names.outputs:
        wanted = FormPass(form, network, [u], edge)
        plain = wanted.forward(network.values)
        fixed = np.isclose(plain[u], wanted.forward(1.5 * network.values + 0.1)[u], rtol=0, atol=1e-13)
        true = equation.reference(edge, u)[u]
        np.testing.assert_allclose(plain[u][fixed], true[fixed], atol=1e-7 + 10 * equation.accuracy)
    conditions = any(term.is_condition(form) for term in problem.terms)
    assert conditions or fixed.any()


@pytest.mark.parametrize("name", [name for name in QUICK if name in _SOLVERS])
def test_classical_solutions_agree_with_the_reference(name):
    equation = make(name)
    solution = classical_solution(equation)
    points = equation.test_points()[::17]
    for u in equation.problem.names.outputs:
        found, true = solution(points, u)[u], equation.reference(points, u)[u]
        assert np.linalg.norm(found - true) <= 2e-6 * np.linalg.norm(true)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["allen_cahn", "kovasznay"])
def test_other_classical_solutions_agree_with_the_reference(name):
    equation = make(name)
    points = equation.test_points()[::17]
    found, true = classical_solution(equation)(points, "u")["u"], equation.reference(points, "u")["u"]
    assert np.linalg.norm(found - true) <= 2e-5 * np.linalg.norm(true)


@pytest.mark.slow
def test_the_reference_of_allen_cahn_is_as_exact_as_it_says():
    equation = equations.allen_cahn()
    points = equation.test_points()[::7]
    fine = by_collocation(448, 56, 1e-12)(points, "u")["u"]
    apart = np.linalg.norm(equation.reference(points, "u")["u"] - fine)
    assert apart <= equation.accuracy * np.linalg.norm(fine)


def test_burgers_solution_has_its_derivatives_and_enough_nodes():
    points = np.random.default_rng(0).uniform([-1.0, 0.05], [1.0, 1.0], (200, 2))
    points[::4, 0] *= 1e-2
    few, many = (ColeHopf(0.01 / np.pi, n)(points, "u", "u_x", "u_t") for n in (120, 200))
    for name in few:
        np.testing.assert_allclose(few[name], many[name], rtol=1e-9, atol=1e-10)
    for i, name in enumerate(("u_x", "u_t")):
        step = 1e-6 * np.eye(2)[i]
        ahead, behind = (ColeHopf(0.01 / np.pi)(points + s * step, "u")["u"] for s in (1.0, -1.0))
        np.testing.assert_allclose(many[name], (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-4)
    start = np.array([[0.3, 0.0], [-0.7, 0.0]])
    found = ColeHopf(0.01 / np.pi)(start, "u", "u_x", "u_t")
    np.testing.assert_allclose(found["u"], -np.sin(np.pi * start[:, 0]), atol=1e-14)
    soon = ColeHopf(0.01 / np.pi)(start + np.array([0.0, 1e-7]), "u")["u"]
    np.testing.assert_allclose(found["u_t"], (soon - found["u"]) / 1e-7, rtol=1e-4)


def test_series_are_exact_for_polynomials():
    box = [(-1.0, 2.0), (0.0, 3.0)]
    x, y = np.meshgrid(*(nodes(5, *own) for own in box), indexing="ij")
    series = Series.through(Names(("x", "y"), ("u",)), box, (x**3 * y - y**4)[None])
    points = np.random.default_rng(1).uniform([-1.0, 0.0], [2.0, 3.0], (20, 2))
    a, b = points.T
    found = series(points, "u", "u_x", "u_yy", "u_xy")
    expected = {"u": a**3 * b - b**4, "u_x": 3 * a**2 * b, "u_yy": -12 * b**2, "u_xy": 3 * a**2}
    for name, own in expected.items():
        np.testing.assert_allclose(found[name], own, atol=1e-11)
    np.testing.assert_allclose(
        derivative_matrix(5, -1.0, 2.0) @ nodes(5, -1.0, 2.0) ** 2, 2 * nodes(5, -1.0, 2.0), atol=1e-12
    )
    np.testing.assert_allclose(coefficients(nodes(4) ** 2), [0.5, 0, 0.5, 0, 0], atol=1e-14)


def test_the_least_standard_error_of_the_diffusivity_is_that_of_the_exact_model():
    equation = equations.heat_inverse(3)
    where = equation.problem.points()[1]
    x, t = where.T

    def solved(d):
        rate = d * np.pi**2
        source = 0.25 * np.pi**2 - 1.0
        return np.sin(np.pi * x) * (
            (1 - source / (rate - 1)) * np.exp(-rate * t) + source / (rate - 1) * np.exp(-t)
        )

    np.testing.assert_allclose(solved(0.25), equation.reference(where, "u")["u"], atol=1e-14)
    slope = (solved(0.25 + 1e-6) - solved(0.25 - 1e-6)) / 2e-6
    sigma = 0.01 * solved(0.25).std()
    bound = equations.least_standard_error(equation)
    assert bound == pytest.approx(sigma / np.linalg.norm(slope), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bar"), [("oscillator", 1e-6), ("schroedinger", 1e-6), ("heat", 1e-5)])
@pytest.mark.parametrize("by", ["recommended", "mlp"])
def test_recommended_settings_solve_it(name, bar, by):
    equation = make(name, 50)
    # one start of an MLP may end far off: of the oscillator one in three does
    solution = equation.solve(50, by=by, starts=5 if by == "mlp" else None)
    errors = equation.errors(solution)
    assert errors.l2 < (100 * bar if by == "mlp" else bar)
    assert errors.l2 <= errors.h1 * 10
    for unknown, true in equation.true.items():
        assert solution.unknowns[unknown] == pytest.approx(true, rel=1e-5)
