"""Attribution: the recursion of pykan, node by node, against loops and against the scores of all parts."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN

X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
FLOOR = 1e-4


def plain_inputs(model, layer, start):
    """Scores of the inputs for each node of a layer, by loops over samples' standard deviations."""
    act = model.get_act(X)
    arities = model._network.arities
    found = []
    for n, value in enumerate(start):
        above = {n: value}
        for l in range(layer - 1, -1, -1):  # noqa: E741
            edges, below = act.edges[l], {}
            sums = edges.sum(axis=1)
            owner = np.repeat(np.arange(len(arities[l])), arities[l])
            for j, node in enumerate(owner):
                share = edges[:, :, j].std(axis=0, ddof=1) / (sums[:, j].std(ddof=1) + FLOOR)
                for i, part in enumerate(share):
                    below[i] = below.get(i, 0.0) + part * above.get(int(node), 0.0)
            above = below
        found.append([above[i] for i in range(model.width[0])])
    return np.array(found)


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_scores_of_a_layer_are_those_of_loops(layer):
    model = mixed_model(affine=True)
    start = model.node_scores(X)[layer]
    found = model.attribute(layer, x=X)
    np.testing.assert_allclose(found.inputs, plain_inputs(model, layer, start), rtol=1e-9)
    one = model.attribute(layer, 1 if layer > 1 else 3, X)
    np.testing.assert_allclose(one.inputs, found.inputs[one.asked[0]])


def test_means_over_outputs_are_the_scores_of_all_parts():
    model = mixed_model()
    found = model.attribute(x=X)
    for own, known in zip(found.node_scores, model.node_scores(X), strict=True):
        np.testing.assert_allclose(own.mean(axis=0), known, rtol=1e-12)
    for own, known in zip(found.edge_scores, model.edge_scores(X), strict=True):
        np.testing.assert_allclose(own.mean(axis=0), known, rtol=1e-12)
    assert [own.shape[1] for own in found.subnode_scores] == model.width_in[1:]


def test_scores_of_the_nodes_of_a_layer_are_node_backward():
    model = mixed_model()
    known = model.edge_scores(X, "node_backward")
    for layer in (1, 2, 3):
        np.testing.assert_allclose(model.attribute(layer, x=X).inputs.T, known[layer - 1], rtol=1e-12)


def test_given_scores_multiply_and_those_of_the_inputs_are_their_own():
    model = KAN([2, 3, 2], seed=0)
    ones, scaled = model.attribute(1, x=X, out_score=[1, 1, 1]), model.attribute(1, x=X, out_score=[2, 0, 1])
    np.testing.assert_allclose(scaled.inputs, np.array([[2], [0], [1]]) * ones.inputs)
    np.testing.assert_allclose(model.attribute(0, x=X).inputs, np.diag(model.node_scores(X)[0]))


def test_interactions_are_the_inputs_of_each_node():
    x = np.random.default_rng(1).uniform(-1, 1, (50, 3))
    model = KAN([3, 3, 1], noise_scale=1.0, seed=0)
    for edge in ((2, 0), (2, 1), (0, 2), (1, 2)):
        model = model.remove_edge(0, *edge)
    assert model.feature_interaction(1, x) == {(0, 1): 2, (2,): 1}
    assert model.feature_interaction(1, x, neuron_th=1e9) == {}
    assert model.feature_interaction(2, x) == {(0, 1, 2): 1}


def test_bars_are_as_high_as_the_scores():
    found = KAN([2, 3, 1], seed=0).attribute(1, x=X)
    figure = found.plot(in_vars=["mass", "time"])
    heights = [[bar.get_height() for bar in axes.patches] for axes in figure.axes]
    np.testing.assert_allclose(heights, found.inputs)
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["mass", "time"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l": 4}, "l is 4"),
        ({"l": 1, "i": 3}, "i is 3"),
        ({"l": 1, "out_score": [1.0]}, "out_score has 1 numbers; expected 3"),
    ],
)
def test_layers_nodes_and_scores_that_there_are_not_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        KAN([2, 3, 1], seed=0).attribute(x=X, **options)
