"""From splines to symbols: the shortest alone first, the whole beam after it, and nothing computed twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import kan_np.discovery.symbolic_search as module
from kan_np.discovery.edge_symbols import suggestions, suggestions_of_all
from kan_np.discovery.symbolic_search import _Beam, _settled, is_symbolic, snap
from kan_np.discovery.training import Data, Trained, _unlike, never, rmse, train_tree
from kan_np.discovery.trees import outer, product, shapes, straight, total
from kan_np.symbolic import SymbolLibrary
from kan_np.symbolic.curves import curves

SMALL = SymbolLibrary(SymbolLibrary().select(["x", "x^2", "exp", "sin", "0"]))


def data_of(f, n=300):
    x = np.random.default_rng(1).uniform(0.5, 2, (2 * n, 2))
    y = f(x)[:, None]
    return Data(x[:n], y[:n], x[n:], y[n:])


def trained_of(name, data):
    tree = next(shape.tree for shape in shapes([0, 1]) if shape.name == name)
    return train_tree(tree, data, np.random.default_rng(0), restarts=3)


def test_the_shortest_alone_comes_first_where_it_meets_the_samples():
    data = data_of(lambda x: np.exp(-(x[:, 0] ** 2) + np.sin(x[:, 1])))
    found = list(snap(trained_of("g(sum)", data), data, SMALL))
    assert is_symbolic(found[0].trained.network)
    assert found[0].trained.rmse <= 1e-12 * data.spread
    assert [own.name for own in found[0].trained.network.symbols.values()] == ["x^2", "sin", "exp"]
    # what comes after it are other formulas
    assert len({state.names for state in found}) == len(found)


def test_a_beam_goes_on_from_what_the_shortest_alone_has_computed(monkeypatch):
    counted = Counter()
    plain = module._next_states

    def counting(state, edge, *others):
        counted[state, edge] += 1
        return plain(state, edge, *others)

    data = data_of(lambda x: np.exp(-(x[:, 0] ** 2)) + np.sin(3 * x[:, 1]))
    trained = _settled(trained_of("g(sum)", data), data, never)
    monkeypatch.setattr(module, "_next_states", counting)
    search = _Beam(trained, data, SMALL, never)
    search.finished(1)
    alone = sum(counted.values())
    assert alone == len(search.order)
    both = search.finished(3)
    assert max(counted.values()) == 1
    fresh = _Beam(trained, data, SMALL, never).finished(3)
    assert [state.names for state in both] == [state.names for state in fresh]
    assert [state.length for state in both] == [state.length for state in fresh]


def test_what_is_known_of_the_first_edges_is_what_is_suggested_for_them():
    data = data_of(lambda x: np.exp(x[:, 0]) * x[:, 1])
    network = trained_of("product", data).network
    error = rmse(network, data.x, data.y)
    for edge, (fits, left) in suggestions_of_all(network, data, SMALL).items():
        curve = curves(network, data.x)[edge]
        assert fits == suggestions(curve, error, SMALL)
        assert left == min(fit.rmse for fit in fits) * curve.mean_gain


def test_only_sums_of_inputs_are_linear_and_all_their_starts_end_alike():
    assert total([0, 1]).is_linear
    for tree in (product([0, 1]), outer(total([0, 1])), straight(product([0, 1]))):
        assert not tree.is_linear
    data = data_of(lambda x: np.sin(2 * x[:, 0]) + x[:, 0] * x[:, 1])
    ends = [train_tree(total([0, 1]), data, np.random.default_rng(seed)).rmse for seed in range(3)]
    assert ends == pytest.approx([ends[0]] * 3, rel=1e-6)


def test_starts_that_have_come_to_the_same_error_are_refined_once():
    ends = [Trained(None, error) for error in (1.0, 1.005, 2.0)]  # type: ignore[arg-type]
    assert _unlike(ends[:1]) == ends[:1]
    assert _unlike(ends[:2]) == ends[:1]
    assert _unlike(ends) == [ends[0], ends[2]]
    nothing = [Trained(None, np.inf), Trained(None, np.inf)]  # type: ignore[arg-type]
    assert _unlike(nothing) == nothing[:1]
