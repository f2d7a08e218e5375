"""Nodes in another order, more of them, another layer: the function stays."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from mixed_models import mixed_model
from random_networks import random_network

from kan_np import KAN, load_model
from kan_np.surgery import connection_cost
from kan_np.surgery.deeper import with_identity_layer
from kan_np.surgery.node_order import NEW, nodes_of, swapped, widened_layer, with_nodes

X = np.random.default_rng(0).uniform(-2, 2, (50, 3))


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_nodes_and_new_ones_leave_the_function(seed):
    net = random_network(seed)
    rng = np.random.default_rng(seed)
    before = net.forward(X)
    for layer in range(1, len(net.width) - 1):
        nodes = [*nodes_of(net, layer), (NEW, 1), (NEW, 2)]
        new = with_nodes(net, layer, [nodes[q] for q in rng.permutation(len(nodes))])
        np.testing.assert_allclose(new.forward(X), before, rtol=1e-9, atol=1e-9)
        assert (new.n_params - net.n_params) == (6 * net.structure.has_affine + 4 * net.structure.has_affine)
        assert len(new.ties) == len(net.ties)
        assert len(new.frozen) == len(net.frozen)


def test_edges_move_with_their_nodes():
    model = KAN([2, 3, 2], seed=0)
    coef = model.coef
    new = swapped(model._network, 1, 0, 2)
    np.testing.assert_array_equal(new.coef[0], coef[0][:, [2, 1, 0]])
    np.testing.assert_array_equal(new.coef[1], coef[1][[2, 1, 0]])
    back = swapped(new, 1, 0, 2)
    np.testing.assert_array_equal(back.values, model._network.values)


def test_locks_and_frozen_parameters_follow():
    model = KAN([2, 3, 1], seed=0)
    model.lock(0, [(0, 0), (1, 1)])
    model.freeze(1, [(0, 0)])
    model.swap(1, 0, 2)
    assert model.locks == [[(0, 0, 2), (0, 1, 1)]]
    assert {part[:3] for part in model.frozen} == {(1, 2, 0)}


def test_new_sums_come_behind_sums_and_new_products_last():
    net = mixed_model()._network
    assert net.arities[0] == (1, 1, 2, 3)
    assert widened_layer(net, 1, 2, True, 2).arities[0] == (1, 1, 1, 1, 2, 3)
    assert widened_layer(net, 1, 2, False, [3, 2]).arities[0] == (1, 1, 2, 3, 3, 2)
    np.testing.assert_array_equal(widened_layer(net, 1, 2, True, 2).forward(X[:, :2]), net.forward(X[:, :2]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.swap(1, 0, 2), "a sum and a product"),
        (lambda m: m.swap(0, 0, 1), "l is 0"),
        (lambda m: m.swap(3, 0, 1), "l is 3"),
        (lambda m: m.swap(1, 0, 4), "i2 is 4"),
        (lambda m: m.expand_width(1, 0), "n_added_nodes is 0"),
        (lambda m: m.expand_width(1, 1, sum_bool=False, mult_arity=1), "mult_arity is 1"),
        (lambda m: m.expand_width(1, 2, sum_bool=False, mult_arity=[2]), "for 2 products"),
        (lambda m: KAN([2, 1]).expand_width(1, 1), "without hidden nodes"),
    ],
)
def test_nodes_that_there_are_not_are_refused(call, message):
    model = mixed_model()
    net = model._network
    with pytest.raises(ValueError, match=message):
        call(model)
    assert model._network is net
    with pytest.raises(TypeError, match="sum_bool is 3"):
        model.expand_width(1, 1, 3)


@pytest.mark.parametrize("seed", range(4))
def test_a_layer_that_passes_outputs_on_leaves_them_to_the_bit(seed):
    net = random_network(seed)
    new = with_identity_layer(net, X)
    assert new.width == (*net.width, net.width[-1])
    np.testing.assert_array_equal(new.forward(X), net.forward(X))
    outputs = net.forward(X)
    assert (new.knots[-1][:, 0] <= outputs.min(axis=0)).all()
    assert (new.knots[-1][:, -1] >= outputs.max(axis=0)).all()


def test_larger_models_are_saved_trained_and_made_smaller_again():
    model = mixed_model(affine=True)
    before = model(X[:, :2])
    model.expand_width(2, 1)
    model.expand_width(1, 1, sum_bool=False)
    model.expand_depth(X[:, :2])
    np.testing.assert_array_equal(model(X[:, :2]), before)
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    np.testing.assert_array_equal(load_model(file)(X[:, :2]), before)
    np.testing.assert_allclose(model.prune(X[:, :2], 0.0, 0.0)(X[:, :2]), before, atol=1e-9)
    labels = np.zeros((50, 2))
    result = model.fit({"train_input": X[:, :2], "train_label": labels}, steps=2)
    assert result["train_loss"][-1] < np.sqrt(np.mean(before**2))


def test_the_cost_is_the_sum_of_distances_times_scores():
    model = KAN([2, 3, 1], seed=0)
    scores = model.edge_scores(X[:, :2])
    total = 0.0
    for score in scores:
        n, m = score.shape
        for i, j in np.ndindex(n, m):
            total += abs((i + 0.5) / n - (j + 0.5) / m) * score[i, j]
    assert model.connection_cost(X[:, :2]) == pytest.approx(total)


def test_with_one_hidden_layer_no_order_is_better():
    model = KAN([3, 5, 2], noise_scale=2.0, seed=3).prune_edge(0.02, X)
    start, function = model.connection_cost(X), model(X)
    n_hidden = model.width[1]
    scores = model.edge_scores(X)
    orders = [list(order) for order in itertools.permutations(range(n_hidden))]
    costs = [connection_cost.connection_cost([scores[0][:, o], scores[1][o]]) for o in orders]
    model.auto_swap(X)
    assert model.connection_cost(X) == pytest.approx(min(costs), rel=1e-12)
    assert min(costs) < start
    np.testing.assert_allclose(model(X), function, atol=1e-12)


def test_products_change_places_with_those_of_as_many_factors():
    model = KAN([3, [2, 3], [1, 2], 2], mult_arity=[[], [2, 3, 2], [2, 2], []], noise_scale=2.0, seed=1)
    start, function = model.connection_cost(X), model(X)
    model.auto_swap(X)
    assert model.connection_cost(X) <= start
    assert model._network.arities[0] == (1, 1, 2, 3, 2)
    np.testing.assert_allclose(model(X), function, atol=1e-12)


def test_modules_that_cross_are_disentangled():
    masks_cost = []
    for seed in range(3):
        model = KAN([6, 6, 6], sparse_init=True, seed=0)
        order = np.random.default_rng(seed).permutation(6)
        net = model._network
        model._network = with_nodes(net, 1, [nodes_of(net, 1)[q] for q in order])
        model.auto_swap()
        masks_cost.append(model.connection_cost())
    assert masks_cost == [0.0, 0.0, 0.0]
