"""Compiled jets agree with a slow twin to rounding: splines, families, products, outside, any blocks."""

from __future__ import annotations

import numpy as np
import pytest
from plain_jets import plain_jets, with_parameter
from random_networks import random_network

from kan_np import KAN
from kan_np.jets.multi_index import DerivativeSet
from kan_np.jets.network import input_derivatives, jets_of

LAPLACIAN = DerivativeSet.containing([(0, 0), (1, 1)])


def agree(found, expected, scale, rtol=1e-11):
    assert np.all(np.abs(found - expected) <= rtol * (np.abs(expected) + scale))


def check(network, x, derivatives, n_parameters=12, rtol=1e-11):
    """Values, gradient and rows agree with the twin, for some parameters at random."""
    rng, n_in = np.random.default_rng(0), x.shape[1]
    jets, inputs = jets_of(network, derivatives, fixed=True), input_derivatives(derivatives, x)
    jets.forward(2.0 * network.values, inputs)  # another pass before
    found = jets.forward(network.values, inputs)
    expected = plain_jets(network, derivatives, x)
    for index in derivatives.indices:
        agree(found[derivatives.number[index]], expected[index], np.abs(expected[index]).max(), rtol)
    weights = rng.normal(size=found.shape)
    gradient = np.full(network.values.size, np.nan)
    longer = np.full((network.values.size, len(x) + 5), np.nan)
    jets.backward(weights, gradient)
    jets.backward(weights, longer[:, 2:-3])
    rows = longer[:, 2:-3]
    assert np.isnan(longer[:, :2]).all()
    assert np.isnan(longer[:, -3:]).all()
    both = with_parameter(derivatives, n_in)
    for p in rng.permutation(network.values.size)[:n_parameters]:
        by = plain_jets(network, both, x, p)
        own = np.array([by[tuple(sorted((*index, n_in)))] for index in derivatives.indices])
        expected_row = np.einsum("cjs,cjs->s", weights, own)
        # a B-spline near to its end is a small difference: its rounding is that of others
        scale = max(np.abs(weights * own).sum(axis=(0, 1)).max(), np.abs(rows).max())
        agree(rows[p], expected_row, scale, rtol)
        agree(gradient[p], expected_row.sum(), len(x) * scale, rtol)


# every order, and all other ways to go on outside with an even and an odd one
@pytest.mark.parametrize(
    ("k", "extrapolation"),
    [
        *((k, "smooth") for k in range(6)),
        *((k, mode) for k in (2, 3) for mode in ("linear", "continue", "zero", "constant")),
        *zip((0, 1, 4, 5), ("linear", "continue", "zero", "constant"), strict=True),
    ],
)
def test_splines(k, extrapolation):
    network = KAN([2, 3, 2, 1], grid=4, k=k, extrapolation=extrapolation, seed=k)._network
    x = np.random.default_rng(k).uniform(-1.5, 1.5, (19, 2))
    check(network, x, LAPLACIAN, 8)


@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero"])
@pytest.mark.parametrize("wanted", [[()], [(0,)], [(0, 1)], [(0, 0, 1), (1, 1, 1)]])
def test_base_functions_and_orders(base_fun, wanted):
    network = KAN([2, 3, 2, 1], grid=3, k=5, base_fun=base_fun, seed=1)._network
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (21, 2))
    check(network, x, DerivativeSet.containing(wanted))


@pytest.mark.parametrize("n", [1, 7, 16, 128, 129, 300])
def test_any_number_of_samples(n):
    network = KAN([2, 7, 1], grid=5, k=4, seed=0)._network
    check(network, np.random.default_rng(n).uniform(-1.0, 1.0, (n, 2)), LAPLACIAN, 6)


def test_hidden_knots_ends_and_outside():
    for extrapolation in ("smooth", "continue"):
        model = KAN([1, 1, 2, 1], grid=4, k=4, extrapolation=extrapolation, base_fun="identity", seed=0)
        # the hidden node is the input: its knots are met exactly
        values = model._network.values.copy()
        values[: model._network.structure.n_row] = np.eye(model._network.structure.n_row)[0]
        network = model._network.with_theta(values)
        knots = network.knots[1][0]
        x = np.concatenate([knots, [knots[0] - 3.0, knots[-1] + 3.0, 40.0, -40.0]])[:, None]
        check(network, x, DerivativeSet.containing([(0, 0)]), values.size)


@pytest.mark.parametrize("edges", ["chebyshev", "fourier", "sine"])
def test_hidden_families(edges):
    options = {"squash": True} if edges == "chebyshev" else {}
    network = KAN([2, 6, 2, 1], edges=edges, seed=0, **options)._network
    check(network, np.random.default_rng(0).uniform(-1.0, 1.0, (37, 2)), LAPLACIAN)


@pytest.mark.parametrize("arity", [2, 3])
def test_products(arity):
    network = KAN(
        [2, [1, 2], [0, 2], 1], edges="chebyshev", degree=4, mult_arity=arity, affine_trainable=True, seed=0
    )._network
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (131, 2))
    check(network, x, DerivativeSet.containing([(0, 0), (0, 1)]))


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 6))])
def test_networks_of_everything(seed):
    network = random_network(seed)
    x = np.random.default_rng(seed).uniform(-2.0, 2.0, (7, 3))
    check(network, x, DerivativeSet.containing([(0, 0), (1, 2)]), rtol=1e-9)


def test_weights_and_results_of_other_layouts():
    network = KAN([2, 3, 2], grid=4, k=4, seed=0)._network
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (9, 2))
    jets = jets_of(network, LAPLACIAN)
    found = jets.forward(network.values, input_derivatives(LAPLACIAN, x))
    weights = np.random.default_rng(1).normal(size=found.shape)
    expected, gradient = np.empty(network.values.size), np.empty(network.values.size)
    jets.backward(weights, expected)
    jets.backward(np.asfortranarray(weights), gradient)
    np.testing.assert_array_equal(gradient, expected)
    with pytest.raises(ValueError, match="rows that are not contiguous"):
        jets.backward(weights, np.empty((len(x), network.values.size)).T)


def test_not_a_number_stays():
    network = KAN([1, 2, 1], grid=3, k=4, seed=0)._network
    wanted = DerivativeSet.up_to(1, 2)
    found = jets_of(network, wanted).forward(
        network.values, input_derivatives(wanted, np.array([[0.1], [np.nan], [0.2]]))
    )
    assert np.isnan(found[:, :, 1]).all()
    assert np.isfinite(found[:, :, [0, 2]]).all()
