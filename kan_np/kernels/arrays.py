"""Tuples of arrays that kernels read and write: the description of a network, its results, and work space.

Samples are processed in blocks of equal size. Node values, their derivatives and the B-splines are kept for
one block at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Net(NamedTuple):
    """Nodes, sums of edges, and spline edges.

    Nodes are numbered layer by layer, inputs first, and so are the sums of edges that make them: an input is
    its own sum, any other node has one or, as a product, several. Edges are numbered layer by layer, by
    source, then target.
    """

    node_start: Ints  # (n_layers + 2,) first node of each of the n_layers + 1 node layers, and the end
    sum_start: Ints  # (n_layers + 2,) first sum of each of them, and the end
    fan_start: Ints  # (n_sources + 1,) first edge that leaves each node, and the end
    source: Ints  # (n_edges,) a node
    target: Ints  # (n_edges,) a sum
    block: int  # samples of a block, a multiple of PANEL
    base: int  # kind of the base function
    dense: Ints  # (n_sources,) 1: edges are products with panels of B-splines (a dense node); 0: polynomials
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
    """For samples of a block and source nodes: the piece of the grid, and the functions of the node there.

    The first index of every array is a slot, one for each node. A dense node fills its slot of `rows` and
    `slopes`, and uses slot 0 of the other arrays as scratch: where there are dense nodes the inputs are
    dense, so that no sparse node owns this slot.
    """

    at: Ints  # (n_slots, block) width times the piece
    u: Floats  # (n_slots, block) local coordinate in the piece
    stretch: Floats  # (n_slots, block) du / dx
    base: Floats  # (n_slots, block) base function
    dbase: Floats  # (n_slots, block)
    rows: Floats  # (n_slots, n_panels, n_rows, PANEL) base function and B-splines
    slopes: Floats  # (n_slots, n_panels, n_rows, PANEL) their derivatives by x


class Symbols(NamedTuple):
    """Edges that are named functions c f(a x + b) + d, numbered by themselves: by source, then target.

    Outside of `widest` an argument is looked up in the pieces of its function, which are exact or cubics (see
    `kan_np.functions.guard`).
    """

    fan_start: Ints  # (n_sources + 1,) first of them that leaves each node, and the end
    source: Ints  # (n_symbols,) a node
    target: Ints  # (n_symbols,) a sum
    kind: Ints  # (n_symbols,) see kan_np.kernels.scalar_functions
    power: Floats  # (n_symbols,) of POWER and ROOT
    inside: Floats  # (n_symbols,) an argument where f is exact
    widest: Floats  # (n_symbols, 2) where f is exact, the widest interval
    start: Floats  # (n_symbols,) of the first period
    period: Floats  # (n_symbols,)
    first_piece: Ints  # (n_symbols + 1,)
    piece_end: Floats  # (n_pieces,)
    exact: Ints  # (n_pieces,) 1 where f is exact
    origin: Floats  # (n_pieces,)
    cubic: Floats  # (n_pieces, 4) lowest power first
    bound: float  # cubics are held within this
    inputs: Floats  # (n_inputs, n_samples) the samples themselves, where places of inputs are kept
    constants: Floats  # (n_symbols, 4)
    gradient: Floats  # (n_symbols, 4)
    argument: Floats  # (2, block) scratch
    inner: Floats  # (2, block) scratch
    probed: Ints  # (n_symbols,) 1 where what is not finite means 0
    program_start: Ints  # (n_symbols + 1,) of the steps of all programs, see kan_np.functions.program
    operation: Ints  # (n_steps,)
    left: Ints  # (n_steps,)
    right: Ints  # (n_steps,)
    number: Floats  # (n_steps,)
    step_value: Floats  # (longest program + 1, block)
    step_slope: Floats  # (longest program + 1, block)
    value: Floats  # (n_symbols, block) f
    slope: Floats  # (n_symbols, block) f'


class Bases(NamedTuple):
    """Edges of other families than B-splines, numbered by themselves.

    Here a block is all edges of one family that leave one node where they are linear in their parameters,
    phi = sum_r c_r psi_r: they share the functions psi_r, which are rows. An edge of another family is a
    block of its own, whose rows are the derivatives of phi by its parameters and then phi itself; the first
    row of its slopes is phi', the others are scratch. The functions psi_r of inputs, which do not change in a
    fit, are kept for all blocks of samples.
    """

    fan_start: Ints  # (n_sources + 1,) first block of each node, and the end
    kernel: Ints  # (n_blocks,) address of the function that fills the rows, see kan_np.kernels.family_rows
    is_pointwise: Ints  # (n_blocks,) 1 for an edge that is not linear in its parameters
    low: Floats  # (n_blocks,) ends of the interval
    high: Floats  # (n_blocks,)
    n_params: Ints  # (n_blocks,) of an edge
    size: Ints  # (n_blocks,) of the family
    setting: Floats  # (n_blocks,) of the family; 0 where it has none
    own_start: Ints  # (n_blocks,) first row of a block in `slopes`, and in `rows` for the samples at hand
    kept_start: Ints  # (n_blocks,) first row among those kept of a block of samples; -1: none is kept
    n_kept: int  # rows kept of each block of samples, behind the others in `rows`
    row_start: Ints  # (n_blocks,) where the rows of a block are now; see `kan_np.kernels.basis_rows`
    edge_start: Ints  # (n_blocks + 1,) first edge of a block, and the end
    source: Ints  # (n_edges,) a node
    target: Ints  # (n_edges,) a sum
    first_coef: Ints  # (n_edges,) where the coefficients of an edge begin
    coef: Floats  # (n_coef,)
    gradient: Floats  # (n_coef,)
    rows: Floats  # (n_rows + n_kept n_blocks_of_samples, block)
    slopes: Floats  # (n_rows, block)
    work: Floats  # (3, block) scratch


class NodeStage(NamedTuple):
    """How sums make nodes, t = S prod_j (s_j z_j + b_j) + B; see kan_np.kernels.node_stage."""

    factor_start: Ints  # (n_nodes + 1,) first sum of each node, and the end
    n_inputs: int
    n_sums: int  # above the inputs
    n_nodes: int  # above the inputs
    sum_scale: Floats  # (n_inputs + n_sums,) s
    sum_bias: Floats  # b
    node_scale: Floats  # (n_inputs + n_nodes,) S
    node_bias: Floats  # B
    gradient: Floats  # by s, b, S, B of what is above the inputs; empty where they are not trained
    product: Floats  # (n_inputs + n_nodes, block) before S and B
    by_scaled: Floats  # (n_inputs + n_sums, block) derivative by s z + b
    ones: Floats  # (1, block)


class Scratch(NamedTuple):
    """Work space: arrays for one block of samples, and for the splines of one evaluation as polynomials."""

    x: Floats  # (n_nodes, block) node values
    delta: Floats  # (n_nodes, block) derivative of the objective by node values
    sums: Floats  # (n_sums, block) sums of edges; `x` itself where every node is its one sum
    by_sum: Floats  # (n_sums, block) derivative by them; `delta` itself in that case
    above: Floats  # (n_sums, block) values of the edges to these sums, or derivatives by them
    work: Floats  # (3, block)
    slope: Floats  # (n_edges, block) derivative by x of each edge from a sparse node
    polynomial: Floats  # (n_edges, n_pieces, width)
    columns: Floats  # (n_edges, LANES, PIECES) the same by power, for short grids
    polynomial_grad: (
        Floats  # (LANES, n_edges, n_pieces, width) derivatives by `polynomial`, a sum over the first axis
    )
    symbols: Symbols | None  # None where all edges are splines and all nodes are sums of them
    bases: Bases | None  # None in that case
    stage: NodeStage | None  # None in that case


class Pull(NamedTuple):
    """What a penalty on standard deviations of edges and nodes adds to the derivatives by their values.

    The derivative by the value phi_e of edge e grows by edge_weight[e] (phi_e - edge_mean[e]); likewise for
    edges of other families, symbolic edges, sums of edges and nodes. Where every node is one sum of edges,
    the weight of the sum is included in that of the node, and the arrays of sums are empty. Kernels take None
    in place of this tuple where there is no such penalty. See `kan_np.objective.sparsity_penalty`.
    """

    edge_weight: Floats
    edge_mean: Floats
    basis_weight: Floats
    basis_mean: Floats
    symbol_weight: Floats
    symbol_mean: Floats
    sum_weight: Floats
    sum_mean: Floats
    node_weight: Floats
    node_mean: Floats


class Statistics(NamedTuple):
    """Means over samples and sums of squared deviations of edges, sums of edges and nodes.

    Spline edges, edges of other families and symbolic edges have separate arrays. Those of sums are empty
    where every node is one sum of edges.
    """

    edge_mean: Floats
    edge_square: Floats
    basis_mean: Floats
    basis_square: Floats
    symbol_mean: Floats
    symbol_square: Floats
    sum_mean: Floats
    sum_square: Floats
    node_mean: Floats
    node_square: Floats
