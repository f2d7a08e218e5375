"""Shapes of formulas and the networks that compute them."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.discovery.training import Data, _random_network, descend, train_tree
from kan_np.discovery.trees import Tree, layers_of, outer, product, ridge, shapes, straight, times, total
from kan_np.edges.symbol import SymbolicEdge


def data_of(f, n_in, n=200):
    rng = np.random.default_rng(0)
    x, val = rng.uniform(0.5, 1.5, (2, n, n_in))
    return Data(x, f(x)[:, None], val, f(val)[:, None])


@pytest.mark.parametrize("n_in", [1, 2, 3, 4, 5])
def test_every_shape_is_a_network_that_uses_all_inputs(n_in):
    data = data_of(lambda x: x.sum(axis=1), n_in, 20)
    for shape in shapes(list(range(n_in))):
        layers = layers_of(shape.tree, n_in)
        assert len(layers) == shape.tree.layer
        assert {i for i, _ in layers[0].edges} == set(range(n_in))
        network = _random_network(layers, data, 3, np.random.default_rng(0))
        assert network.width[0] == n_in
        assert network.width[-1] == 1
        assert np.isfinite(network.forward(data.x)).all()
        jacobian = network.input_jacobian(data.x)
        assert (np.abs(jacobian).max(axis=0) > 0).all(), shape.name


def value(tree: Tree | int, x, f):
    """The tree by hand: f(layer-free) on every free edge, the value itself on straight ones."""
    if isinstance(tree, int):
        return x[:, tree]
    factors = []
    for factor in tree.factors:
        terms = [value(e.source, x, f) * e.scale if e.straight else f(value(e.source, x, f)) for e in factor]
        factors.append(sum(terms))
    return np.prod(factors, axis=0)


@pytest.mark.parametrize("n_in", [2, 3, 4])
def test_networks_compute_their_trees(n_in):
    from kan_np.symbolic import default_library

    square = SymbolicEdge(default_library()["x^2"])
    data = data_of(lambda x: x.sum(axis=1), n_in, 20)
    trees = [shape.tree for shape in shapes(list(range(n_in)))]
    trees.append(outer(times(ridge(0, 1, -2.0), total([0, 1]))))
    for tree in trees:
        network = _random_network(layers_of(tree, n_in), data, 3, np.random.default_rng(0))
        changes = {}
        for l, layer in enumerate(network.layers):  # noqa: E741
            scales = layers_of(tree, n_in)[l].edges
            for edge, scale in scales.items():
                line = SymbolicEdge(default_library()["x"], c=scale or 1.0)
                changes[l, *edge] = square if scale is None else line
            assert set(scales) == set(map(tuple, np.argwhere(layer.mask).tolist()))
        computed = network.with_symbols(changes).forward(data.x)[:, 0]
        assert np.allclose(computed, value(tree, data.x, np.square), rtol=1e-12)


def test_shapes_start_simple_and_have_two_roads_to_a_product():
    names = [shape.name for shape in shapes([0, 1, 2])]
    assert names[0] == "sum"
    assert names.index("product") < names.index("g(product)")
    assert names[-1].startswith("dense")


def test_trees_that_meet_are_one_node():
    shared = total([0, 1])
    layers = layers_of(straight(outer(shared), product([shared, shared])), 2)
    assert len(layers[0].arity) == 1


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("sum", lambda x: np.sin(3 * x[:, 0]) + x[:, 1] ** 2),
        ("product", lambda x: np.exp(x[:, 0]) * np.cos(x[:, 1])),
        ("g(sum)", lambda x: np.tanh(x[:, 0] ** 2 + x[:, 1])),
        ("sum + product", lambda x: x[:, 0] + np.sqrt(x[:, 0]) * np.cos(x[:, 1])),
    ],
)
def test_training_learns_a_function_of_its_shape(name, f):
    data = data_of(f, 2)
    tree = next(shape.tree for shape in shapes([0, 1]) if shape.name == name)
    trained = train_tree(tree, data, np.random.default_rng(0), restarts=4)
    assert trained.rmse < 1e-3 * data.spread


def test_the_same_generator_gives_the_same_network():
    data = data_of(lambda x: x[:, 0] * x[:, 1], 2, 50)
    tree = shapes([0, 1])[2].tree
    first, again = (
        train_tree(tree, data, np.random.default_rng(5), grids=(3, 5), restarts=2) for _ in range(2)
    )
    assert np.array_equal(first.network.theta, again.network.theta)
    assert descend(first.network, data, 0).rmse == first.rmse
