"""Activations: values of nodes and edges are those that make the outputs."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, create_dataset, dataset_from_arrays
from kan_np.inspection import get_act

X = np.random.default_rng(0).uniform(-1, 1, (40, 2))


@pytest.mark.parametrize("affine", [False, True])
def test_edges_make_subnodes_and_these_make_nodes(affine):
    model = mixed_model(affine=affine)
    model.set_family(2, "chebyshev", [(1, 0)])
    act = model.get_act(X)
    for layer, own in enumerate(model.affine):
        sums = act.edges[layer].sum(axis=1)
        subnodes = sums * own.subnode_scale + own.subnode_bias
        np.testing.assert_allclose(act.subnodes[layer], subnodes, atol=1e-12)
        first = np.cumsum([0, *model._network.arities[layer]])
        for node, (a, b) in enumerate(zip(first[:-1], first[1:], strict=True)):
            value = own.node_scale[node] * subnodes[:, a:b].prod(axis=1) + own.node_bias[node]
            np.testing.assert_allclose(act.nodes[layer + 1][:, node], value, atol=1e-12)
    np.testing.assert_allclose(act.outputs, model(X), atol=1e-12)


def test_every_edge_has_the_values_of_its_function():
    model = mixed_model(affine=True)
    act = model.get_act(X)
    for layer, mask in enumerate(model.edges):
        for i, j in np.ndindex(*mask.shape):
            if not mask[i, j]:
                assert (act.edges[layer][:, i, j] == 0).all()
                continue
            phi = model.take_function(layer, i, j)
            np.testing.assert_allclose(act.edges[layer][:, i, j], phi(act.nodes[layer][:, i]), atol=1e-12)


def test_the_spline_of_an_edge_is_what_the_base_function_leaves():
    model = KAN([2, 3, 1], grid=4, seed=1)
    act, weight = model.get_act(X), model.scale_base
    for layer in range(2):
        x = act.nodes[layer][:, :, None]
        base = weight[layer] * x / (1 + np.exp(-x))
        np.testing.assert_allclose(act.edges[layer] - base, act.splines[layer], atol=1e-12)


def test_outputs_are_in_the_units_of_the_data_and_nodes_in_those_of_the_network():
    x = np.random.default_rng(1).uniform(280, 380, (60, 1))
    model = KAN([1, 2, 1], seed=0)
    dataset = dataset_from_arrays(x, 1e5 * x**2)
    model.fit(dataset, "LM", steps=5)
    act = model.get_act(dataset)
    np.testing.assert_allclose(act.outputs, model(dataset["train_input"]), rtol=1e-12)
    assert abs(act.nodes[0]).max() < 3
    assert act.acts is act.nodes
    assert act.acts_premult is act.subnodes


def test_without_samples_those_over_the_grids_are_taken():
    act = KAN([2, 1], grid_range=(2.0, 5.0), seed=0).get_act()
    assert act.nodes[0].min() > 2
    assert act.nodes[0].max() < 5


def test_the_function_of_an_edge_is_in_order_and_its_range_is_that_of_its_values():
    model = mixed_model()
    x, y = model.get_fun(1, 2, 0, X)
    assert (np.diff(x) >= 0).all()
    np.testing.assert_allclose(y, model.take_function(1, 2, 0)(x), atol=1e-12)
    assert model.get_range(1, 2, 0, X) == (x.min(), x.max(), y.min(), y.max())


def test_the_function_and_the_method_are_the_same():
    model = KAN([2, 3, 1], seed=0)
    assert all((a == b).all() for a, b in zip(get_act(model, X).edges, model.get_act(X).edges, strict=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.get_fun(0, 2, 0, X), "i is 2"),
        (lambda m: m.remove_edge(0, 0, 1).get_range(0, 0, 1, X), "no edge"),
        (lambda m: m.get_act(np.zeros((3, 5))), "5 columns"),
        (lambda m: m.get_act([[np.nan, 0.0]]), "NaN"),
    ],
)
def test_what_cannot_be_asked_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(KAN([2, 3, 1], seed=0))


def test_rows_outside_the_followed_range_have_the_activations_of_its_ends():
    dataset = create_dataset(lambda x: np.sin(3 * x), n_var=1, train_num=12, seed=0)
    model = KAN([1, 1], seed=0)
    model.fit(dataset, steps=5)
    far = np.array([[50.0]])
    np.testing.assert_allclose(model.get_act(far).outputs, model(far))
