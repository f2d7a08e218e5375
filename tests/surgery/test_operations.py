"""What all operations on networks share: the network that they are given stays as it is."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np.edges.choice import Choice
from kan_np.functions.library import SymbolLibrary, default_library
from kan_np.network.network import Network
from kan_np.surgery import (
    attribution,
    auto_symbolic,
    connection_cost,
    constant_folding,
    deeper,
    edge_families,
    edge_function,
    formula,
    frozen_parameters,
    node_order,
    other_grids,
    perturbation,
    pruning,
    set_parameters,
    symbolic_edges,
    tied_edges,
)

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))
MODULES = (attribution, auto_symbolic, constant_folding, edge_families, edge_function, formula)
MODULES += (frozen_parameters, pruning, set_parameters, symbolic_edges, tied_edges)
MODULES += (connection_cost, deeper, node_order, other_grids, perturbation)


def network():
    """Splines, symbols, products, scales, another family; edges that are locked, and some that are frozen."""
    model = mixed_model(affine=True)
    model.update_grid(X)
    model.set_family(2, "chebyshev", [(1, 0)])
    model.freeze(0, [(1, 0)])
    return model._network


def contents(net):
    """All that a network is, as bytes and plain values, and what it computes."""
    structure = net.structure
    arrays = [net.values, net.theta, structure.table.knots, structure.table.reach, *net.masks]
    arrays += [ends for edges in structure.bases for ends in (edges.basis.low, edges.basis.high)]
    plain = (net.width, net.arities, net.ties, net.frozen, net.families, net.symbols, structure.table.k)
    return [array.tobytes() for array in (*arrays, net.forward(X))], plain


def between(scores):
    """A threshold that the lowest score does not reach."""
    low, high, *_ = np.unique(np.concatenate([np.ravel(score) for score in scores]))
    return 0.5 * (low + high)


def library(*names):
    return SymbolLibrary(default_library().select(names))


def prune_weakest_node(net):
    return pruning.prune_node(net, X, between(attribution.node_scores(net, X)[1:-1]))


def prune_weakest_input(net):
    return pruning.prune_input(net, X, between([attribution.feature_score(net, X)])).network


def with_symbols(net, y=None):
    """auto_symbolic that takes any symbol, and lines alone."""
    edges = [edge for edge in net.topology.edges if edge[0] == 2]
    options = {"edges": edges, "min_r2": -1e9, "steps": 2, "error": 1e9}
    return auto_symbolic.auto_symbolic(net, X, y, library("x"), **options).network


#: Operations that return another network, by module and name, in one or more ways to call them.
CHANGES = {
    "auto_symbolic.auto_symbolic": [with_symbols, lambda net: with_symbols(net, np.zeros((60, 2)))],
    "deeper.with_identity_layer": [lambda net: deeper.with_identity_layer(net, X)],
    "edge_families.set_family": [
        lambda net: edge_families.set_family(net, 2, "piecewise_linear", [(1, 1)]),
        lambda net: edge_families.set_family(net, 2, "bspline"),
    ],
    "edge_families.with_family": [
        lambda net: edge_families.with_family(net, 2, [(1, 1)], Choice("chebyshev", 3, (0.0,)))
    ],
    "edge_families.started": [
        lambda net: edge_families.started(net, 1, Choice("sine", 3), "pykan", np.random.default_rng(0)),
        lambda net: edge_families.started(net, 1, Choice("linear", 1), "pykan", np.random.default_rng(0)),
    ],
    "frozen_parameters.freeze": [lambda net: frozen_parameters.freeze(net, 1)],
    "frozen_parameters.frozen_kinds": [lambda net: frozen_parameters.frozen_kinds(net, ["base", "basis"])],
    "frozen_parameters.unfreeze": [frozen_parameters.unfreeze],
    "node_order.swapped": [lambda net: node_order.swapped(net, 1, 0, 1)],
    "node_order.widened_layer": [
        lambda net: node_order.widened_layer(net, 1, 2, True, 2),
        lambda net: node_order.widened_layer(net, 2, 1, False, 3),
    ],
    "node_order.with_nodes": [
        lambda net: node_order.with_nodes(net, 1, [(1, 1), (0, 1), (node_order.NEW, 1), (2, 2), (3, 3)])
    ],
    "other_grids.with_grid": [
        lambda net: other_grids.with_grid(net, 3, None, 1.0, 0.0),
        lambda net: other_grids.with_grid(net, 8, X, 1.0, 0.0),
    ],
    "perturbation.perturbed": [
        lambda net: perturbation.perturbed(net, 1.0, "all", np.random.default_rng(0)),
        lambda net: perturbation.perturbed(net, 1.0, "minimal", np.random.default_rng(0)),
    ],
    "pruning.keep_inputs": [lambda net: pruning.keep_inputs(net, [0]).network],
    "pruning.keep_nodes": [lambda net: pruning.keep_nodes(net, [[0, 1, 2], [0, 1]])],
    "pruning.prune": [lambda net: pruning.prune(net, X, 0.0, between(attribution.edge_scores(net, X)))],
    "pruning.prune_edge": [
        lambda net: pruning.prune_edge(net, X, between(attribution.edge_scores(net, X))),
    ],
    "pruning.prune_input": [prune_weakest_input],
    "pruning.prune_node": [prune_weakest_node],
    "pruning.remove_edge": [lambda net: pruning.remove_edge(net, 0, 1, 0)],
    "pruning.remove_node": [lambda net: pruning.remove_node(net, 1, 0)],
    "set_parameters.set_parameters": [
        lambda net: set_parameters.set_parameters(net, [2.0 * coef for coef in net.coef])
    ],
    "symbolic_edges.fix_symbolic": [
        lambda net: symbolic_edges.fix_symbolic(net, (0, 1, 0), default_library()["sin"], X).network,
        lambda net: symbolic_edges.fix_symbolic(net, (0, 1, 0), default_library()["x"], None, {}).network,
    ],
    "symbolic_edges.unfix_symbolic": [lambda net: symbolic_edges.unfix_symbolic(net, (2, 0, 1))],
    "tied_edges.lock": [lambda net: tied_edges.lock(net, 2, [(0, 0), (1, 1)])],
    "tied_edges.unlock": [
        lambda net: tied_edges.unlock(net, 0),
        lambda net: tied_edges.unlock(net, 1, [(1, 0)]),
    ],
    "tied_edges.with_shared_grids": [lambda net: tied_edges.with_shared_grids(net, 1, [[0, 1]])],
}

#: What only reads a network.
READS = {
    "connection_cost.shortened": lambda net: connection_cost.shortened(net, X),  # or the same, if none is
    "node_order.hidden_layer": lambda net: node_order.hidden_layer(net, 1),
    "node_order.nodes_of": lambda net: node_order.nodes_of(net, 1),
    "attribution.default_samples": attribution.default_samples,
    "attribution.edge_parts": lambda net: attribution.edge_parts(net, net.node_values(X)),
    "attribution.edge_scores": lambda net: attribution.edge_scores(net, X),
    "attribution.edge_values": lambda net: attribution.edge_values(net, net.node_values(X)),
    "attribution.feature_score": lambda net: attribution.feature_score(net, X),
    "attribution.measure_means": lambda net: attribution.measure_means(net, X),
    "attribution.measure_spread": lambda net: attribution.measure_spread(net, X),
    "attribution.node_scores": lambda net: attribution.node_scores(net, X),
    "auto_symbolic.suggest_edge": lambda net: auto_symbolic.suggest_edge(net, (0, 0, 0), X, lib=["x", "sin"]),
    "edge_function.edge_network": lambda net: edge_function.edge_network(net, (0, 0, 0)),
    "formula.symbolic_formula": lambda net: formula.symbolic_formula(
        net, formula.variable_names(["u", "v"], 2), units(net), X, exact=False
    ),
    "tied_edges.tied_with": lambda net: tied_edges.tied_with(net, (0, 0, 0)),
}


def units(net):
    n_out = net.width[-1]
    return formula.Units(np.ones(2, bool), np.zeros(2), np.ones(2), np.zeros(n_out), np.ones(n_out))


def test_every_function_of_a_network_is_in_the_lists():
    found = set()
    for module in MODULES:
        room = module.__name__.removeprefix("kan_np.surgery.")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            first = next(iter(inspect.signature(function).parameters.values()), None)
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and first is not None and first.annotation == "Network":
                found.add(f"{room}.{name}")
    assert found == set(CHANGES) | set(READS)


@pytest.mark.parametrize(
    "change", [pytest.param(call, id=name) for name, calls in CHANGES.items() for call in calls]
)
def test_an_operation_returns_another_network_and_leaves_the_one_it_is_given(change):
    net = network()
    net.values.setflags(write=False)
    before = contents(net)
    new = change(net)
    assert isinstance(new, Network)
    assert contents(new) != before
    assert contents(net) == before
    assert np.isfinite(new.forward(X[:, : new.width[0]])).all()


@pytest.mark.parametrize("read", [pytest.param(call, id=name) for name, call in READS.items()])
def test_what_reads_a_network_leaves_it(read):
    net = network()
    net.values.setflags(write=False)
    before = contents(net)
    assert read(net) is not None
    assert contents(net) == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.lock(0, [(0, 0)]), "at least two"),
        (lambda m: m.fix_symbolic(0, 0, 0, "sin", a=1.0), "only with fit=False"),
        (lambda m: m.unfix_symbolic(0, 0, 0), "is a spline"),
        (lambda m: m.set_parameters([coef * np.nan for coef in m.coef]), "NaN"),
        (lambda m: m.set_family(0, "chebyshev", [(0, 0)]), "is locked"),
        (lambda m: m.freeze(2, kind="spline", edges=[(0, 1)]), "no parameters of the kind 'spline'"),
        (lambda m: m.auto_symbolic(X, np.zeros((3, 2))), "3 rows"),
        (lambda m: m.prune(X, 10.0), "no path"),
    ],
)
def test_a_model_keeps_its_network_where_an_operation_is_refused(call, message):
    model = mixed_model()
    net = model._network
    with pytest.raises(ValueError, match=message):
        call(model)
    assert model._network is net


def test_methods_take_over_the_network_or_put_it_into_a_copy():
    model = mixed_model()
    net = model._network
    smaller = model.remove_edge(0, 1, 0)
    assert model._network is net
    assert not smaller.edges[0][1, 0]
    model.unlock(0)
    assert model._network is not net
    assert len(net.ties) == 2
    assert len(model.locks) == 1
