"""network_objective: values from the formulas, derivatives by complex steps and central differences."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from evaluated import WAYS, evaluated, layered_objective
from mixed_models import mixed_model

from kan_np import KAN
from kan_np.objective.compiled import Memory
from kan_np.objective.edge_scores import METRICS
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import Penalty

RNG = np.random.default_rng(2)
N = 90
X = RNG.uniform(-1.2, 1.2, (N, 2))
Y = RNG.normal(size=(N, 2))
WEIGHT = RNG.uniform(0.1, 1.0, N)


def roots(theta, model, smoothing=0.0):
    """Numbers whose squares sum to the weighted mean squared error + smoothing S, from the formulas."""
    layers = reference.unpack_mixed(theta, model)
    outputs = reference.mixed_forward(X, layers, model.k, model.base_fun, model.extrapolation)
    parts = [(np.sqrt(WEIGHT / (2 * WEIGHT.sum()))[:, None] * (outputs - Y)).ravel()]
    for _, splines, *_ in layers:
        parts += [np.sqrt(smoothing) * np.diff(np.array(own[1:]), 2) for own in splines.values()]
    return np.concatenate(parts)


def central(f, theta, h=1e-6):
    steps = h * np.eye(theta.size)
    return np.array([(f(theta + step) - f(theta - step)) / (2 * h) for step in steps])


@pytest.mark.parametrize(("affine", "smoothing"), [(False, 0.0), (True, 0.05)])
def test_sums_of_squares_and_their_derivatives_are_exact(affine, smoothing):
    model = mixed_model(affine=affine, seed=int(affine))
    theta = model._theta
    objective = network_objective(model._network, X, Y, None, WEIGHT, smoothing)
    r = roots(theta, model, smoothing)
    J = reference.complex_step_jacobian(lambda t: roots(t, model, smoothing), theta)
    value, gradient = objective(theta)
    np.testing.assert_allclose(value, r @ r, rtol=1e-12)
    np.testing.assert_allclose(gradient, 2 * J.T @ r, rtol=1e-9, atol=1e-11)
    assert objective.value(theta) == pytest.approx(value, rel=1e-14)
    value, gradient, hessian = objective.normal_equations(theta)
    np.testing.assert_allclose(value, r @ r, rtol=1e-12)
    np.testing.assert_allclose(gradient, 2 * J.T @ r, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(np.tril(hessian), np.tril(2 * J.T @ J), rtol=1e-9, atol=1e-10)
    assert hessian.flags.f_contiguous


@pytest.mark.parametrize(("metric", "affine"), [(metric, i % 2 == 0) for i, metric in enumerate(METRICS)])
def test_gradients_of_penalties_are_those_of_the_value(metric, affine):
    model = mixed_model(affine=affine, seed=3)
    penalty = Penalty(0.1, 1.0, 2.0, 0.0, 0.0, metric)
    objective = network_objective(model._network, X, Y, penalty, WEIGHT)
    theta = model._theta
    value, gradient = objective(theta)
    assert value == pytest.approx(objective.mse + 0.1 * objective.reg, rel=1e-14)
    np.testing.assert_allclose(gradient, central(lambda t: objective(t)[0], theta), rtol=1e-6, atol=1e-7)


def test_penalties_of_coefficients_count_splines_alone():
    model = mixed_model(seed=3)
    objective = network_objective(model._network, X, Y, Penalty(0.1, 0.0, 0.0, 0.3, 0.2), WEIGHT)
    _, gradient = objective(model._theta)
    expected = 0.0
    for coef in model.coef:
        expected += (0.3 * np.abs(coef).sum() + 0.2 * np.abs(np.diff(coef, axis=2)).sum()) / coef.shape[1]
    assert objective.reg == pytest.approx(expected, rel=1e-13)
    numeric = central(lambda t: objective(t)[0], model._theta)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("model", [KAN([2, 3, 2], grid=4, seed=0, noise_scale=3.0), mixed_model(affine=True)])
def test_compiled_and_layer_by_layer_agree(model, metric):
    net, theta = model._network, model._theta
    for penalty, smoothing in ((Penalty(0.1, 1.0, 2.0, 0.1, 0.2, metric), 0.1), (None, "weak")):
        compiled = network_objective(net, X, Y, penalty, WEIGHT, smoothing)
        layered = layered_objective(net, X, Y, penalty, WEIGHT, smoothing)
        (f, g), (value, gradient) = compiled(theta), layered(theta)
        assert value == pytest.approx(f, rel=1e-13)
        np.testing.assert_allclose(gradient, g, rtol=1e-10, atol=1e-12)
        assert (layered.mse, layered.reg) == pytest.approx((compiled.mse, compiled.reg), rel=1e-12)
        (f, g, first), (value, gradient, second) = (o.normal_equations(theta) for o in (compiled, layered))
        assert value == pytest.approx(f, rel=1e-13)
        np.testing.assert_allclose(gradient, g, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(np.tril(second), np.tril(first), rtol=1e-10, atol=1e-12)
        assert compiled.n_residuals == layered.n_residuals
        np.testing.assert_allclose(compiled.smoothing, layered.smoothing, rtol=1e-9)


@pytest.mark.parametrize("grid", [4, 40])
@pytest.mark.parametrize("evaluation", WAYS)
@pytest.mark.parametrize("n", [1, 7, 90])
def test_every_way_to_evaluate_splines_gives_the_same(n, evaluation, grid):
    model = mixed_model(affine=True, grid=grid)
    net, theta = model._network, model._theta
    ours = network_objective(evaluated(net, evaluation), X[:n], Y[:n])
    twin = layered_objective(net, X[:n], Y[:n])
    for a, b in zip(ours(theta), twin(theta), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    (f, g, first), (value, gradient, second) = (o.normal_equations(theta) for o in (ours, twin))
    assert value == pytest.approx(f, rel=1e-12)
    np.testing.assert_allclose(gradient, g, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.tril(second), np.tril(first), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("lamb", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["compiled", "layered"])
def test_samples_in_parts_give_the_same(kind, lamb):
    net = mixed_model(affine=True)._network
    x, y = RNG.uniform(-1, 1, (1000, 2)), RNG.normal(size=(1000, 2))
    theta, penalty = net.theta, Penalty(lamb, reg_metric="edge_backward")
    whole = network_objective(net, x, y, penalty)
    if kind == "compiled":
        parts = network_objective(net, x, y, penalty, memory=Memory(inputs=1, jacobian=1))
    else:
        parts = layered_objective(net, x, y, penalty, part_bytes=0)
        assert len(parts.evaluator.parts) == 4
    for a, b in zip(whole(theta), parts(theta), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    (f, g, first), (value, gradient, second) = (o.normal_equations(theta) for o in (whole, parts))
    assert value == pytest.approx(f, rel=1e-13)
    np.testing.assert_allclose(gradient, g, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.tril(second), np.tril(first), rtol=1e-10, atol=1e-12)


def test_what_is_not_finite_is_a_value_not_a_warning():
    model = KAN([1, 1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "exp", fit=False, a=500.0, c=1e300)
    model.fix_symbolic(1, 0, 0, "x^5", fit=False, c=1e300)
    x = np.linspace(-1, 1, 20)[:, None]
    objective = network_objective(model._network, x, x)
    theta = model._theta
    assert not np.isfinite(objective(theta)[0])
    assert not np.isfinite(objective.value(theta))
    assert not np.isfinite(objective.normal_equations(theta)[0])
