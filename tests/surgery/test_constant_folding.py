"""Networks with products, symbols, affine values and locks, pruned: one function, and nothing useless."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kan_np import KAN, create_dataset
from kan_np.network.network import Network
from kan_np.network.structure import Affine
from kan_np.surgery.attribution import measure_means
from kan_np.surgery.constant_folding import Reduction

X = np.random.default_rng(0).uniform(-1, 1, (40, 3))
NAMES = ("sin", "x^2", "exp", "tanh")


def mixed_model(width, seed=0, n_symbols=0, affine=False, mult_arity=2, extrapolation="smooth"):
    """A KAN with coefficients of order one, some symbols, and affine values away from 1 and 0."""
    rng = np.random.default_rng(seed)
    options = {"mult_arity": mult_arity, "affine_trainable": affine, "extrapolation": extrapolation}
    model = KAN(width, 3, 3, seed=rng, **options)
    model.set_parameters([0.5 * rng.normal(size=c.shape) for c in model.coef])
    edges = [(l, i, j) for l, mask in enumerate(model.edges) for i, j in np.argwhere(mask)]  # noqa: E741
    for number in rng.permutation(len(edges))[:n_symbols]:
        a, b, c, d = rng.uniform(0.3, 1, 4)
        model.fix_symbolic(*edges[number], str(rng.choice(NAMES)), fit=False, a=a, b=b, c=c, d=d)
    if affine:
        layers = []
        for layer in model._network.layers:
            sizes = [part.size for part in layer.affine]
            values = np.split(rng.uniform(0.5, 1.5, sum(sizes)), np.cumsum(sizes[:-1]))
            layers.append(replace(layer, affine=Affine(*values)))
        model._network = Network.from_layers(layers)
    return model


def with_constants(model, constants):
    """The model with these edges (l, i, j) replaced by constants."""
    changed = model.copy()
    for l in range(len(model.edges)):  # noqa: E741
        changed.unlock(l)
    for edge, constant in constants.items():
        changed.fix_symbolic(*edge, "0", fit=False, d=constant)
    return changed


def check_that_nothing_is_useless(model):
    """Every hidden node has edges on both sides, every factor has edges, sums come first."""
    for l, (mask, arity) in enumerate(zip(model.edges, model._network.arities, strict=True)):  # noqa: E741
        assert mask.any(axis=0).all()
        assert l == 0 or mask.any(axis=1).all()
        assert [m > 1 for m in arity] == sorted(m > 1 for m in arity)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    width=st.sampled_from(
        [[3, 2, 1], [3, [1, 2], 1], [3, [2, 1], [1, 1], 2], [3, [0, 2], [1, 1]], [3, 2, [0, 2], [1, 1]]]
    ),
    mult_arity=st.sampled_from([2, 3]),
    affine=st.booleans(),
    n_symbols=st.integers(0, 6),
    n_removed=st.integers(1, 8),
    leaves_constants=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_the_function_stays_but_for_the_edges_that_are_left_out(
    width, mult_arity, affine, n_symbols, n_removed, leaves_constants, seed
):
    rng = np.random.default_rng(seed)
    model = mixed_model(width, seed, n_symbols, affine, mult_arity)
    kept = model.edges
    edges = [(l, int(i), int(j)) for l, mask in enumerate(kept) for i, j in np.argwhere(mask)]  # noqa: E741
    constants = {}
    left_behind = [np.zeros(mask.shape[1]) for mask in kept]
    for number in rng.permutation(len(edges))[:n_removed]:
        l, i, j = edges[number]  # noqa: E741
        kept[l][i, j] = False
        constants[l, i, j] = rng.normal() if leaves_constants else 0.0
        left_behind[l][j] += constants[l, i, j]
    expected = with_constants(model, constants)
    reduction = Reduction(model._network, kept, left_behind)
    if reduction.lost:
        still = expected(X)[:, reduction.lost]
        np.testing.assert_allclose(still, still[:1].repeat(len(X), axis=0), atol=1e-12)
        return
    small = model.copy()
    small._network = reduction.network(np.ones(3, dtype=bool))
    size = 1.0 + np.abs(expected(X)).max()
    np.testing.assert_allclose(small(X), expected(X), atol=1e-10 * size)
    check_that_nothing_is_useless(small)
    assert small.n_params < model.n_params
    np.testing.assert_array_equal(small.copy()._theta, small._theta)
    again = small.copy()
    again._theta = small._theta
    np.testing.assert_array_equal(again(X), small(X))


def test_a_product_with_a_constant_factor_is_a_sum_scaled_by_it():
    """(x0)(x1 + x2) with x1 and x2 cut down to 2 and 1 is 3 x0."""
    model = KAN([3, [0, 1], 1], seed=0, base_fun="zero")
    for i, j, shift in ((0, 0, 0.0), (1, 0, 0.0), (2, 0, 0.0), (0, 1, 0.0), (1, 1, 2.0), (2, 1, 1.0)):
        used = (i, j) in ((0, 0), (1, 1), (2, 1))
        model.fix_symbolic(0, i, j, "x", fit=False, c=float(used), d=shift)
    model.fix_symbolic(1, 0, 0, "x", fit=False)
    np.testing.assert_allclose(model(X)[:, 0], X[:, 0] * (X[:, 1] + X[:, 2] + 3), atol=1e-14)
    means = np.zeros((3, 2))
    means[1:, 1] = 2.0, 1.0
    kept = model.edges
    kept[0][:] = False
    kept[0][0, 0] = True
    small = model.copy()
    small._network = Reduction(model._network, kept, [means.sum(axis=0), np.zeros(1)]).network(
        np.ones(3, bool)
    )
    assert small.width == [3, 1, 1]
    assert small.n_mult == [0, 0, 0]
    np.testing.assert_allclose(small(X)[:, 0], 3 * X[:, 0], atol=1e-14)


def test_a_product_with_a_zero_factor_is_zero_and_left_out_with_all_that_serves_it():
    model = mixed_model([3, 2, [1, 1], 1], n_symbols=3)
    removed = model.remove_edge(1, 0, 1).remove_edge(1, 1, 1)
    assert removed.width == [3, 2, 1, 1]
    assert removed.n_mult == [0, 0, 0, 0]
    zeroed = with_constants(model, {(1, 0, 1): 0.0, (1, 1, 1): 0.0})
    np.testing.assert_allclose(removed(X), zeroed(X), atol=1e-12)


def test_products_that_become_sums_come_before_products():
    model = mixed_model([3, [1, 2], 1])
    second = model.edges[0].shape[1] - 1  # the last factor of the last product
    constants = {(0, i, second): 0.5 for i in range(3)}
    kept = model.edges
    kept[0][:, second] = False
    left = [np.zeros(5), np.zeros(1)]
    left[0][second] = 1.5
    small = model.copy()
    small._network = Reduction(model._network, kept, left).network(np.ones(3, dtype=bool))
    assert (small.width, small.n_mult) == ([3, 3, 1], [0, 1, 0])
    np.testing.assert_allclose(small(X), with_constants(model, constants)(X), atol=1e-12)


def test_products_among_the_outputs_stay_where_they_are_with_their_factors():
    model = mixed_model([3, [0, 3]])
    constants = {(0, i, 0): 0.1 * i for i in range(3)}  # the first factor of the first output
    kept = model.edges
    kept[0][:, 0] = False
    left = [np.array([0.3, 0, 0, 0, 0, 0])]
    small = model.copy()
    small._network = Reduction(model._network, kept, left).network(np.ones(3, dtype=bool))
    assert small.n_mult == [0, 3]
    np.testing.assert_allclose(small(X), with_constants(model, constants)(X), atol=1e-12)
    assert [edge.name for edge in small.symbols.values()] == ["0"]
    assert small.n_params < model.n_params


@pytest.mark.parametrize("l", [0, 1])
def test_locked_edges_stay_locked_but_for_those_that_carry_something(l):  # noqa: E741
    model = mixed_model([3, 3, 2])
    model.lock(l, [(0, 0), (1, 0), (2, 1)])
    small = model.remove_edge(l, 1, 0)
    assert small.locks == [[(l, 0, 0), (l, 2, 1)]]
    np.testing.assert_allclose(small(X), with_constants(model, {(l, 1, 0): 0.0})(X), atol=1e-12)
    kept = model.edges
    kept[l][:, 1] = False
    kept[l][2, 1] = True  # a locked edge alone has to take the constant
    left = [np.zeros(mask.shape[1]) for mask in kept]
    left[l][1] = 2.0
    carried = model.copy()
    carried._network = Reduction(model._network, kept, left).network(np.ones(3, dtype=bool))
    assert carried.locks == [[(l, 0, 0), (l, 1, 0)]]
    expected = with_constants(model, {(l, 0, 1): 1.0, (l, 1, 1): 1.0})
    np.testing.assert_allclose(carried(X), expected(X), atol=1e-12)
    assert (carried(X) == carried.copy()(X)).all()


def test_a_node_that_is_a_product_is_removed_whole():
    model = mixed_model([3, [1, 2], 2], n_symbols=4, affine=True)
    small = model.remove_node(1, 2)
    assert (small.width, small.n_mult) == ([3, 2, 2], [0, 1, 0])
    np.testing.assert_allclose(
        small(X), with_constants(model, {(1, 2, 0): 0.0, (1, 2, 1): 0.0})(X), atol=1e-12
    )
    assert model.prune_node(active=[[2]]).n_mult == [0, 1, 0]
    assert model.prune_node(active=[[0]]).width == [3, 1, 2]


def test_edges_below_the_threshold_leave_their_means():
    model = mixed_model([3, [2, 1], 2], n_symbols=3, seed=4)
    scores, means = model.edge_scores(X), measure_means(model._network, X)
    cut = np.sort(np.concatenate([s.ravel() for s in scores]))[6]
    constants = {
        (l, int(i), int(j)): means[l][i, j]
        for l, score in enumerate(scores)  # noqa: E741
        for i, j in np.argwhere(score <= cut)
    }
    pruned = model.prune_edge(cut, X)
    np.testing.assert_allclose(pruned(X), with_constants(model, constants)(X), atol=1e-11)


@pytest.mark.parametrize("name", ["toy", "product"])
def test_pruning_a_sparse_fit_changes_its_error_by_no_more_than_the_spread_that_is_removed(name):
    """|f - g| <= sum over removed edges of |phi - mean| times the steepness of what lies above."""
    f, width = {
        "toy": (lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), [3, 4, 1]),
        "product": (lambda x: x[:, [0]] * x[:, [1]] + 2.0, [3, [2, 1], 1]),
    }[name]
    data = create_dataset(f, n_var=3, train_num=400, test_num=100, seed=0)
    x, y = data["train_input"], data["train_label"]
    model = KAN(width, 3, seed=1)
    model.fit(data, steps=40, lamb=(2e-3, 5e-3))
    scores = model.node_scores(x)[1]
    cut = 0.5 * (np.sort(scores)[0] + np.sort(scores)[1])
    weak = np.flatnonzero(scores <= cut)
    assert weak.size == 1
    pruned = model.prune_node(cut, x=x)
    spread = model.edge_scores(x, "edge_forward_spline_u")[1][weak, 0].sum()
    before, after = (np.sqrt(np.mean((m(x) - y) ** 2)) for m in (model, pruned))
    assert abs(after - before) <= spread + 1e-12
    cut_to_zero = model.remove_node(1, int(weak[0]))
    assert np.sqrt(np.mean((cut_to_zero(x) - y) ** 2)) > after


@pytest.mark.parametrize("seed", range(3))
def test_backward_sparsity_and_pruning_find_the_shape_of_a_composition(seed):
    f = lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)  # noqa: E731
    data = create_dataset(f, n_var=2, train_num=1000, seed=seed)
    model = KAN([2, 5, 1], 3, seed=seed)
    model.fit(data, steps=30, lamb=(1e-3, 1e-2), reg_metric="edge_backward")
    pruned = model.prune(data["train_input"])
    assert pruned.width == [2, 1, 1]
    loss = [m._rmse(data["train_input"], data["train_label"]) for m in (model, pruned)]
    assert loss[1] < 1.1 * loss[0]


def test_pruned_products_train_on():
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=3, train_num=300, seed=0)
    model = KAN([3, [2, 2], 1], 3, seed=0)
    model.fit(data, steps=30, lamb=(1e-3, 1e-2))
    pruned = model.prune(data["train_input"], 1e-2, 1e-2)
    assert pruned.n_params < model.n_params
    check_that_nothing_is_useless(pruned)
    assert pruned.fit(data, "LM", 30)["test_loss"][-1] < 1e-3
