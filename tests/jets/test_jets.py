"""Derivatives of networks by their inputs, and of these by parameters, agree with differences."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from random_networks import random_network

from kan_np import KAN, MLP
from kan_np.edges.registry import LIBRARY_NAMES
from kan_np.jets.multi_index import DerivativeSet
from kan_np.jets.network import input_derivatives, jets_of

STEPS = (1e-4, 1e-5, 1e-6, 1e-7)


def values_of(network):
    return network.values if hasattr(network, "structure") else network.theta


def derivatives(network, wanted, x, values=None):
    values = values_of(network) if values is None else values
    return jets_of(network, wanted).forward(values, input_derivatives(wanted, x))


def test_chain_and_product_rules_are_those_of_sympy():
    x, y = sympy.symbols("x y")
    inputs, wanted = (x, y), DerivativeSet.up_to(2, 3)
    u, v = sympy.sin(x * y) + x, sympy.exp(x) * y**2
    at = {x: sympy.Rational(1, 3), y: sympy.Rational(2, 5)}

    def by(expression, index):
        for i in index:
            expression = sympy.diff(expression, inputs[i])
        return float(expression.subs(at))

    own, other = ([by(f, index) for index in wanted.indices] for f in (u, v))
    t = sympy.Symbol("t")
    curves = [float(sympy.diff(sympy.log(2 + t), t, m).subs(t, u.subs(at))) for m in range(4)]
    for c, index in enumerate(wanted.indices):
        chained = sum(
            term.count * curves[term.m] * np.prod([own[b] for b in term.blocks]) for term in wanted.chain[c]
        )
        if index:
            assert chained == pytest.approx(by(sympy.log(2 + u), index), rel=1e-12)
        product = sum(count * own[a] * other[b] for a, b, count in wanted.product[c])
        assert product == pytest.approx(by(u * v, index), rel=1e-12)


def test_sets_contain_what_the_chain_rule_needs():
    assert DerivativeSet.containing([(0, 1, 1)]).indices == ((), (0,), (1,), (0, 1), (1, 1), (0, 1, 1))
    assert DerivativeSet.up_to(2, 2).indices == ((), (0,), (1,), (0, 0), (0, 1), (1, 1))


def check_by_inputs(network, x, order=3, rtol=2e-5):
    n_in = x.shape[1]
    wanted = DerivativeSet.up_to(n_in, order)
    found = derivatives(network, wanted, x)
    for index in wanted.indices[1:]:
        own, lower, direction = wanted.number[index], wanted.number[index[:-1]], np.eye(n_in)[index[-1]]
        error = np.inf
        for step in STEPS:  # the best: long ones have errors of their own, short ones rounding
            ahead, behind = (derivatives(network, wanted, x + s * direction)[lower] for s in (step, -step))
            expected = (ahead - behind) / (2 * step)
            error = np.minimum(error, np.abs(found[own] - expected))
        scale = np.abs(found[own]).max() + np.abs(found[lower]).max()
        assert np.all(error <= rtol * (np.abs(found[own]) + scale) + 1e-9)


def check_by_parameters(network, x, wanted, rtol=2e-6):
    rng, values = np.random.default_rng(1), values_of(network)
    jets, inputs = jets_of(network, wanted, fixed=True), input_derivatives(wanted, x)
    found = jets.forward(values, inputs)
    weights = rng.normal(size=found.shape)
    gradient, rows = np.full(values.shape, np.nan), np.full((values.size, len(x)), np.nan)
    jets.backward(weights, gradient)
    jets.backward(weights, rows)
    np.testing.assert_allclose(rows.sum(axis=1), gradient, rtol=1e-9, atol=1e-9 * np.abs(gradient).max())
    places = rng.permutation(values.size)[:60]
    for p in places:
        h = 1e-6 * max(1.0, abs(values[p]))
        ahead, behind = (
            jets.forward(values + s * h * (np.arange(values.size) == p), inputs) for s in (1, -1)
        )
        expected = np.einsum("cjs,cjs->s", weights, ahead - behind) / (2 * h)
        rounding = 1e-9 * np.abs(weights * found).sum(axis=(0, 1))
        error = np.abs(rows[p] - expected)
        assert np.all(error <= rtol * (np.abs(expected) + np.abs(expected).max()) + rounding + 1e-8)


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 8))])
def test_networks_of_everything(seed):
    network = random_network(seed)
    x = np.random.default_rng(seed).uniform(-2.0, 2.0, (7, 3))
    check_by_inputs(network, x, order=2)
    check_by_parameters(network, x, DerivativeSet.containing([(0, 0), (1, 2)]))


@pytest.mark.parametrize("edges", LIBRARY_NAMES)
def test_every_family_has_third_derivatives(edges):
    options = {"k": 5} if edges == "bspline" else {}
    network = KAN([2, 3, 1], edges=edges, seed=0, **options)._network
    x = np.random.default_rng(0).uniform(-0.9, 0.9, (6, 2))
    check_by_inputs(network, x)
    check_by_parameters(network, x, DerivativeSet.containing([(0, 1, 1)]))


@pytest.mark.parametrize("activation", ["tanh", "silu", "relu"])
def test_mlps(activation):
    network = MLP([2, 4, 3, 2], activation=activation, seed=1)._network
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (6, 2))
    check_by_inputs(network, x)
    check_by_parameters(network, x, DerivativeSet.containing([(0, 1, 1), (0, 0)]))


def test_symbols_have_exact_derivatives():
    model = KAN([2, 1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=2.0, b=0.3)
    model.fix_symbolic(0, 1, 0, "x^2", fit=False)
    model.fix_symbolic(1, 0, 0, "exp", fit=False, a=0.5, c=1.5)
    x, y = sympy.symbols("x_1 x_2")
    formula = 1.5 * sympy.exp(0.5 * (sympy.sin(2 * x + 0.3) + y**2))
    points = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    wanted = DerivativeSet.up_to(2, 3)
    found = derivatives(model._network, wanted, points)
    for index in wanted.indices:
        exact = formula
        for i in index:
            exact = sympy.diff(exact, (x, y)[i])
        expected = sympy.lambdify([x, y], exact)(*points.T)
        np.testing.assert_allclose(found[wanted.number[index], 0], expected, rtol=1e-12)


def test_derivatives_on_knots_at_ends_and_outside():
    network = KAN([1, 2, 1], grid=4, k=3, seed=0)._network
    low, high = network.knots[0][0, [0, -1]]
    wanted = DerivativeSet.up_to(1, 2)
    x = np.array([[low], [high], [low - 5.0], [high + 5.0], [0.0]])
    found = derivatives(network, wanted, x)
    np.testing.assert_allclose(found[0].T, network.forward(x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found[1].T, network.input_jacobian(x)[:, :, 0], rtol=1e-12, atol=1e-14)
    # one sample alone is the same sample among others
    alone = derivatives(network, wanted, x[2:3])
    np.testing.assert_array_equal(alone[:, :, 0], found[:, :, 2])


@pytest.mark.parametrize("make", [lambda: KAN([2, 3, 2], k=5, seed=0), lambda: MLP([2, 4, 2], seed=0)])
def test_models_differentiate_in_the_units_of_the_data(make):
    rng, model = np.random.default_rng(0), make()
    x = rng.uniform([1e3, 0.0], [5e3, 1e-4], (200, 2))
    y = 1e-8 * np.stack([np.sin(x[:, 0] / 1e3), x[:, 0] * x[:, 1]], axis=1)
    model.fit({"train_input": x, "train_label": y}, opt="LM", steps=3)
    at, scale = x[:5], np.array([1e3, 1e-4])
    d = model.derivatives(at, order=3)
    np.testing.assert_allclose(d.value, model(at), rtol=1e-12)
    np.testing.assert_allclose(d.gradient, model.input_jacobian(at), rtol=1e-10)
    np.testing.assert_array_equal(d[1, 0], d[0, 1])
    hessian = model.input_hessian(at)
    for i in range(2):
        step = 1e-5 * scale * np.eye(2)[i]
        slope = (model.input_jacobian(at + step) - model.input_jacobian(at - step)) / (2e-5 * scale[i])
        np.testing.assert_allclose(hessian[..., i], slope, rtol=1e-4, atol=1e-5 * np.abs(slope).max())
    np.testing.assert_allclose(d.laplacian, hessian[..., 0, 0] + hessian[..., 1, 1])


def test_bad_orders_and_names_are_refused():
    model = KAN([2, 1], seed=0)
    with pytest.raises(ValueError, match="order is 4"):
        model.derivatives([[0.0, 0.0]], order=4)
    with pytest.raises(KeyError, match=r"\(0, 2\) is no derivative of order 2 or less by inputs 0 to 1"):
        model.derivatives([[0.0, 0.0]])[0, 2]
    with pytest.raises(ValueError, match="x has 1 column"):
        model.derivatives([[0.0]])
