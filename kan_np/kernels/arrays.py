"""The tuples of arrays that kernels share: what a network is made of, and room to work in.

Samples are taken in blocks, rows of equal length; node values, their derivatives and the B-splines of one
block are all that is kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Net(NamedTuple):
    """Nodes are numbered layer by layer, inputs first; edges layer by layer, by source, then target."""

    node_start: Ints  # (n_layers + 2,) first node of each of the n_layers + 1 node layers, and the end
    fan_start: Ints  # (n_sources + 1,) first edge that leaves each node, and the end
    source: Ints  # (n_edges,)
    target: Ints  # (n_edges,)
    block: int  # samples of a block, a multiple of PANEL
    base: int  # kind of the residual function
    dense: Ints  # (n_sources,) 1 where a node's edges are products with rows (panels), 0 for polynomials
    even: Ints  # (n_sources,) 1 where all intervals are equally long
    breaks: Floats  # (n_sources, n_inner + 1) ends of the inner pieces
    bucket: Ints  # (n_sources, n_buckets) first piece to try
    bucket_scale: Floats  # (n_sources,)
    origin: Floats  # (n_sources, n_pieces), n_pieces = n_inner + 2
    scale: Floats  # (n_sources, n_pieces)
    poly: Floats  # (n_sources, n_pieces, k + 1, width) coefficients by piece, B-spline, power; highest first
    poly_transposed: Floats  # (n_sources, n_pieces, width, k + 1)
    start: Ints  # (n_pieces,) first active B-spline of a piece


class Places(NamedTuple):
    """Where the samples of a block lie for a node, and its functions there: leading index = slot.

    A dense node fills its slot of `rows` and `slopes`, and works in slot 0 of the others: where there are
    dense nodes the inputs are dense, so that this slot belongs to no sparse one.
    """

    at: Ints  # (n_slots, block) width times the piece
    u: Floats  # (n_slots, block) local coordinate in the piece
    stretch: Floats  # (n_slots, block) du / dx
    base: Floats  # (n_slots, block) residual function
    dbase: Floats  # (n_slots, block)
    rows: Floats  # (n_slots, n_panels, n_rows, PANEL) residual function and B-splines
    slopes: Floats  # (n_slots, n_panels, n_rows, PANEL) their derivatives by x


class Scratch(NamedTuple):
    """Room for one block, and for the splines of one evaluation as polynomials."""

    x: Floats  # (n_nodes, block) node values
    delta: Floats  # (n_nodes, block) derivative of the objective by node values
    above: Floats  # (n_nodes, block) values of the edges to these nodes, or derivatives by them
    work: Floats  # (3, block)
    slope: Floats  # (n_edges, block) derivative by x of each edge from a sparse node
    polynomial: Floats  # (n_edges, n_pieces, width)
    columns: Floats  # (n_edges, LANES, PIECES) the same by power, for short grids
    moment: Floats  # (LANES, n_edges, n_pieces, width) derivatives by `polynomial`, a sum over the first axis


class Pull(NamedTuple):
    """What a penalty on the spread of edges and nodes adds to their derivatives (see
    kan_np.objective.sparsity_penalty).

    Edge e gets edge_weight[e] (phi_e - edge_mean[e]), node i node_weight[i] (x_i - node_mean[i]).
    Kernels take None where there is no such penalty.
    """

    edge_weight: Floats
    edge_mean: Floats
    node_weight: Floats
    node_mean: Floats
