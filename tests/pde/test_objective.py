"""The sum of squares: gradient, rows and normal equations agree with differences; weights; bad points."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, MLP
from kan_np.pde import Problem, Term, boundary, grid, term_pass
from kan_np.pde.objective import ResidualObjective

BOX = [(-1.0, 1.0), (0.0, 2.0)]


def problem(**weights):
    data = np.array([[0.1, 0.3], [0.5, 1.0], [-0.4, 1.7]])
    return Problem(
        [
            Term("u_t + u*u_x - D*v_xx - c", at=grid(BOX, (4, 3)), weight=weights.get("first", 2.0)),
            Term(lambda v, u_xt, x: v * u_xt - np.sin(x), at=grid(BOX, 3), name="second"),
            Term("u", at=boundary(BOX, 3), weight=weights.get("edge", 10.0)),
            Term("v", at=data, target=[0.1, 0.2, 0.3], name="data"),
        ],
        ("x", "t"),
        BOX,
        ("u", "v"),
        unknowns={"D": 0.7, "c": -0.2},
        lift={"u": "x"},
        factor={"u": "1 + t"},
    )


def frozen():
    model = KAN([2, 3, 2], grid=4, k=4, seed=2)
    model.freeze(0, edges=[(0, 1)])
    return model


def locked():
    model = KAN([2, 3, 2], grid=4, k=4, seed=2)
    model.lock(0, [(0, 0), (0, 2)])
    return model


MODELS = {
    "KAN": lambda: KAN([2, 3, 2], grid=4, k=4, seed=1),
    "frozen": frozen,
    "locked": locked,
    "products": lambda: KAN([2, [1, 2], 2], grid=4, k=4, seed=1, affine_trainable=True),
    "chebyshev": lambda: KAN([2, 3, 2], edges="chebyshev", degree=5, squash=True, seed=1),
    "MLP": lambda: MLP([2, 5, 4, 2], seed=1),
}


def objective_of(model, own=None):
    own = own or problem()
    unknowns = np.array(list(own.unknowns.values()))
    objective = ResidualObjective(own, model._network, unknowns, own.points())
    return objective, objective.theta_of(model._network, unknowns)


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_agree_with_central_differences(name):
    model = MODELS[name]()
    objective, theta = objective_of(model)
    assert theta.size == model.n_params + 2
    theta = theta + 0.02 * np.random.default_rng(0).normal(size=theta.size)
    value, gradient = objective(theta)
    residual, rows = objective.rows(theta)
    assert value == pytest.approx(objective.value(theta), rel=1e-13)
    assert value == pytest.approx(float(residual @ residual), rel=1e-12)
    np.testing.assert_allclose(
        2.0 * rows @ residual, gradient, rtol=1e-9, atol=1e-10 * np.abs(gradient).max()
    )
    f, g, lower = objective.normal_equations(theta)
    assert f == pytest.approx(value)
    np.testing.assert_allclose(g, gradient, rtol=1e-9, atol=1e-10 * np.abs(gradient).max())
    np.testing.assert_allclose(np.tril(lower), np.tril(2.0 * rows @ rows.T), rtol=1e-9, atol=1e-9)
    for place in [*range(0, theta.size - 2, 7), theta.size - 2, theta.size - 1]:
        step = np.zeros_like(theta)
        step[place] = 1e-6
        change = (objective.rows(theta + step)[0] - objective.rows(theta - step)[0]) / 2e-6
        np.testing.assert_allclose(rows[place], change, rtol=2e-6, atol=1e-7)


def test_value_is_the_weighted_sum_of_mean_squares():
    model = MODELS["KAN"]()
    objective, theta = objective_of(model)
    parts = [float(np.mean(r * r)) for r in objective.residuals(theta)]
    expected = np.dot([2.0, 1.0, 10.0, 1.0], parts)
    assert objective.value(theta) == pytest.approx(expected, rel=1e-12)
    assert objective.data_rows.tolist() == [False] * (12 + 9 + 12) + [True] * 3


def test_balanced_terms_move_parameters_alike():
    model = MODELS["KAN"]()
    balanced, theta = objective_of(model, problem(first="balanced", edge="balanced"))
    assert balanced.weights[1] == balanced.weights[3] == 1.0
    _, rows = balanced.rows(theta)
    felt = [float(np.sum(rows[:, part] ** 2)) for part in (slice(0, 12), slice(21, 33))]
    assert felt[0] == pytest.approx(felt[1], rel=1e-10)


def test_points_where_a_residual_or_its_derivative_is_not_finite_are_named():
    at = np.array([[0.5, 1.0], [0.0, 1.5]])
    for text, words in (
        ("u/x", r"'u/x' is -?inf at point 1, \[0.0, 1.5\]"),
        ("sqrt(D)*u_x", "derivative of the residual .* by D is inf at point 0"),
    ):
        own = Problem([Term(text, at=at), Term("u*D", at=at)], ("x", "t"), BOX, unknowns={"D": 0.0})
        with pytest.raises(ValueError, match=words):
            objective_of(MLP([2, 3, 1], seed=0), own)


@pytest.mark.parametrize("name", MODELS)
def test_blocks_of_points_change_nothing_but_rounding(name, monkeypatch):
    whole, theta = objective_of(MODELS[name]())
    monkeypatch.setattr(term_pass, "_BLOCK", 5)
    blocks, _ = objective_of(MODELS[name]())
    for own in (whole, blocks):
        assert own.value(theta) == pytest.approx(whole.value(theta), rel=1e-14)
        residual, rows = own.rows(theta)
        value, gradient, hessian = own.normal_equations(theta)
        scale = np.abs(rows).max()
        np.testing.assert_allclose(rows, whole.rows(theta)[1], atol=1e-13 * scale)
        np.testing.assert_allclose(gradient, 2.0 * rows @ residual, atol=1e-12 * np.abs(gradient).max())
        np.testing.assert_allclose(own(theta)[1], gradient, atol=1e-12 * np.abs(gradient).max())
        np.testing.assert_allclose(np.tril(hessian), np.tril(2.0 * rows @ rows.T), atol=1e-12 * scale**2)
        assert value == pytest.approx(residual @ residual, rel=1e-13)
