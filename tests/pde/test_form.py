"""Lifts, factors and periodic coordinates: derivatives are those of sympy, and conditions hold exactly."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np import KAN, MLP
from kan_np.jets.multi_index import DerivativeSet
from kan_np.network.mlp_network import split_layers
from kan_np.pde.form import Form
from kan_np.pde.names import Names
from kan_np.pde.term_pass import FormPass

NAMES, DOMAIN = Names(("x", "t"), ("u",)), [(-1.0, 3.0), (0.0, 2.0)]
WANTED = ("u", "u_x", "u_t", "u_xx", "u_xt", "u_tt", "u_xxt")


def functions(form, model, points, wanted=WANTED):
    network = model._network
    values = network.theta if isinstance(model, MLP) else network.values
    return FormPass(form, network, wanted, points).forward(values)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lift": "sin(x)*t", "factor": "t*(x + 1)*(3 - x)"},
        {"periodic": ("x",), "factor": "exp(t)"},
        {"periodic": "t", "lift": "x**2"},
    ],
)
def test_derivatives_are_those_of_the_whole_formula(options):
    form = Form(NAMES, DOMAIN, **options)
    model = MLP([form.n_inputs, 3, 1], seed=0)
    points = np.random.default_rng(0).uniform([-1.0, 0.0], [3.0, 2.0], (5, 2))
    x, t = sympy.symbols("x t")
    inputs = []
    for name, symbol, (low, high) in zip(("x", "t"), (x, t), DOMAIN, strict=True):
        if name in form.periodic:
            angle = 2 * sympy.pi * (symbol - low) / (high - low)
            inputs += [sympy.cos(angle), sympy.sin(angle)]
        else:
            inputs.append((2 * symbol - low - high) / (high - low))
    (w1, b1), (w2, b2) = split_layers(model._network.width, model._network.theta)
    hidden = [sympy.tanh(sum(w * z for w, z in zip(w1[:, j], inputs, strict=True)) + b1[j]) for j in range(3)]
    network = sum(w * h for w, h in zip(w2[:, 0], hidden, strict=True)) + b2[0]
    whole = sympy.sympify(options.get("lift", 0)) + sympy.sympify(options.get("factor", 1)) * network
    found = functions(form, model, points)
    for name in WANTED:
        by = [{"x": x, "t": t}[letter] for letter in name[2:]]
        derived = sympy.diff(whole, *by) if by else whole
        expected = list(map(sympy.lambdify((x, t), derived, "math"), *points.T))
        np.testing.assert_allclose(found[name], expected, rtol=1e-10, atol=1e-12)


def test_boundary_values_hold_whatever_the_network_is():
    form = Form(NAMES, DOMAIN, lift="cos(x)*exp(-t)", factor="t*(x + 1)*(3 - x)")
    model = KAN([2, 3, 1], seed=3)
    edge = np.array([[-1.0, 0.7], [3.0, 1.9], [0.3, 0.0]])
    found = functions(form, model, edge)["u"]
    np.testing.assert_allclose(found, np.cos(edge[:, 0]) * np.exp(-edge[:, 1]), rtol=1e-14)


def test_periodic_functions_return():
    form = Form(NAMES, DOMAIN, periodic=("x",))
    t = np.linspace(0, 2, 4)
    ends = [
        functions(form, KAN([3, 2, 1], seed=1), np.stack([np.full(4, end), t], axis=1)) for end in DOMAIN[0]
    ]
    for name in WANTED:
        np.testing.assert_allclose(ends[0][name], ends[1][name], rtol=1e-9, atol=1e-9)


def test_inputs_reach_from_minus_one_to_one():
    form = Form(NAMES, DOMAIN)
    found = form.inputs(np.array([[-1.0, 0.0], [3.0, 2.0]]), DerivativeSet(((),)))
    assert found[0].T.tolist() == [[-1.0, -1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lift": "y"}, "lift of u has 'y'; expected only x, t"),
        ({"factor": {"w": 1}}, "factor has 'w'; expected outputs, u"),
        ({"lift": "sin("}, "expected an expression of x, t"),
        ({"periodic": ("y",)}, "'y' is periodic; expected some of x, t"),
    ],
)
def test_wrong_forms_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Form(NAMES, DOMAIN, **options)


def test_domains_that_are_none_and_lifts_with_poles_are_refused():
    with pytest.raises(ValueError, match="low < high"):
        Form(NAMES, [(1.0, 0.0), (0.0, 1.0)])
    with pytest.raises(ValueError, match=r"the lift .* not finite at the point \[0.0, 1.0\]"):
        functions(Form(NAMES, DOMAIN, lift="1/x"), MLP([2, 2, 1]), np.array([[1.0, 1.0], [0.0, 1.0]]))
