"""Networks of everything at once, at random: splines, symbols, other families, products, scales, ties."""

from __future__ import annotations

import numpy as np

from kan_np.edges.bspline import SplineTable
from kan_np.edges.family import BSPLINE
from kan_np.edges.knots import uniform_knots
from kan_np.edges.registry import LIBRARY_NAMES, family
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.library import default_library
from kan_np.network import layered
from kan_np.network.layer import Layer, LayerBasis
from kan_np.network.network import Network
from kan_np.network.structure import SYMBOL, Affine
from kan_np.network.topology import Topology

BASES = [name for name in LIBRARY_NAMES if name != BSPLINE]
BASE_FUNCTIONS = ("silu", "identity", "zero")
SCALE = 0.5  # of coefficients and constants
LARGEST, LEAST_SPREAD = 20.0, 1e-2  # of values of nodes, and of edges beside their largest value


def random_network(seed):
    """A network of two or three layers, 3 inputs and 2 outputs; the same seed gives the same network.

    It is the first of many that is calm on samples in (-2.5, 2.5): steep symbols one upon the other, and
    edges that hardly vary, magnify rounding, so that no two ways to compute them could agree.
    """
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.5, 2.5, (500, 3))
    while True:
        net = _drawn(rng)
        if _is_calm(net, x):
            return net


def _is_calm(net, x):
    with np.errstate(all="ignore"):
        nodes = layered.node_values(net.structure, net.values, x)
        if not np.abs(nodes).max() < LARGEST:  # NaN neither
            return False
        rows = np.split(nodes, np.cumsum(net.width)[:-1])
        for layer in range(len(net.width) - 1):
            edges = net.edge_values(layer, rows[layer])
            size, spread = np.abs(edges).max(axis=2), edges.std(axis=2)
            if np.any((spread < LEAST_SPREAD * size) & (spread > 0)):
                return False
    return True


def _drawn(rng):
    n_layers, n_in = int(rng.integers(2, 4)), 3
    k, grid = int(rng.integers(0, 6)), int(rng.choice([2, 5, 30]))
    base_fun, affine = str(rng.choice(BASE_FUNCTIONS)), bool(rng.random() < 0.5)
    splines = grid, k, base_fun, str(rng.choice(["smooth", "linear", "continue", "constant"]))
    layers = []
    for number in range(n_layers):
        n_nodes = 2 if number == n_layers - 1 else int(rng.integers(1, 4))
        arities = tuple(int(a) for a in rng.choice([1, 1, 2, 3], n_nodes))
        layers.append(_layer(rng, n_in, arities, splines, affine=affine))
        n_in = n_nodes
    return _tied_and_frozen(Network.from_layers(layers), rng)


def _layer(rng, n_in, arities, splines, *, affine):
    grid, k, base_fun, extrapolation = splines
    n_out = sum(arities)
    kinds = rng.choice(["none", BSPLINE, "symbol", *BASES], (n_in, n_out))
    kinds[rng.integers(n_in)] = BSPLINE  # every sum has an edge
    low = rng.uniform(-2.0, -0.5, n_in)
    high = rng.uniform(0.5, 2.0, n_in)
    table = SplineTable.build(uniform_knots(low, high, grid), k, extrapolation)
    topology = Topology.from_masks([kinds == BSPLINE])
    n_row = grid + k + (base_fun != "zero")
    names = default_library().names
    symbols = {
        (int(i), int(j)): SymbolicEdge(
            default_library()[str(rng.choice(names))], *rng.normal(0.0, SCALE, 4).tolist()
        )
        for i, j in np.argwhere(kinds == "symbol")
    }
    bases = []
    for name in BASES:
        own = Topology.from_masks([kinds == name])
        if own.n_edges:
            basis = family(name)(low, high, _size(rng, name))
            coef = rng.normal(0.0, SCALE, (own.n_edges, basis.n_params))
            bases.append(LayerBasis(own, basis, coef))
    sizes = (n_out, n_out, len(arities), len(arities))
    scales = Affine(*(rng.normal(1.0, SCALE, size) for size in sizes)) if affine else None
    params = rng.normal(0.0, SCALE, (topology.n_edges, n_row))
    return Layer(topology, table, base_fun, params, symbols, arities, scales, tuple(bases))


def _size(rng, name):
    """A small size that the family has."""
    return int(np.clip(rng.integers(1, 9), family(name).smallest, family(name).largest))


def _tied_and_frozen(net, rng):
    """The network with two spline edges of a layer tied, and some of its parameters frozen."""
    edges = sorted(net.topology.edge_number)
    first = edges[rng.integers(len(edges))]
    others = [edge for edge in edges if edge[0] == first[0] and edge != first]
    ties = ((first, others[rng.integers(len(others))]),) if others else ()
    frozen = {(edge, SYMBOL) for edge in sorted(net.symbols) if rng.random() < 0.3}
    return Network.from_layers(net.layers, tuple(tuple(sorted(group)) for group in ties), frozenset(frozen))
