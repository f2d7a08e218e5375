"""The arrays that kernels need: the description of a network, its parameters, and work space."""

from __future__ import annotations

from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np

from kan_np import _aligned
from kan_np._validate import FloatArray
from kan_np.edges.pointwise import Pointwise
from kan_np.kernels import base
from kan_np.kernels._jit import address_of
from kan_np.kernels.arrays import Bases, Ints, Net, NodeStage, Places, Scratch, Symbols
from kan_np.kernels.exponential import OCTET
from kan_np.kernels.family_rows import ARGUMENTS
from kan_np.kernels.gauss_newton import Active
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.piecewise_simd import PIECES
from kan_np.kernels.simd4 import LANES
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.structure import ACTIVE, FASTER, INPUT_ROWS, ROWS, Structure
from kan_np.network.symbol_arrays import symbol_arrays, with_room

#: Base functions by name, as kernels number them.
BASE_FUNCTIONS = {"silu": base.SILU, "identity": base.IDENTITY, "zero": base.ZERO}

#: Samples in a block, whose rows stay in the first-level cache: 5 % faster than 256 and 4 % faster than 128
#: (docs/design/vectors.md, "No array views").
_BLOCK = 160

#: Time of a multiplication in a matrix product over that of one with a loaded number. With 1/12 cubics count
#: as short up to G = 13, where both ways are equally fast (docs/design/splines.md, "Short grids").
_DENSE_COST = 1.0 / 12.0

#: Results of `spline_arrays`, as long as the structure exists.
_NETS: WeakKeyDictionary[Structure, Net] = WeakKeyDictionary()

#: A hidden node on a short grid is dense if it has at least this many edges: below, computing all its
#: B-splines takes longer than it saves.
_DENSE_FAN = 5


def is_short(structure: Structure) -> bool:
    """Whether grids are so short that products with all B-splines are faster than with the active ones alone.

    The former run in vector registers. This holds for values and for Gauss-Newton matrices, where the number
    of products grows with the square of the number of B-splines (docs/design/second_order.md).
    """
    if structure.evaluation != FASTER:
        return structure.evaluation != ACTIVE
    filled = structure.table.k + 1 + structure.has_base
    return bool(_DENSE_COST * structure.n_row**2 < filled**2)


def dense_nodes(structure: Structure) -> Ints:
    """1 for dense nodes, whose edges are matrix products with all B-splines of the node; 0 for the others.

    On short grids these are the inputs, whose B-splines are computed once in a fit, and hidden nodes with
    enough edges to make up for computing them in every evaluation.
    """
    topology = structure.topology
    fan = {ROWS: 0, INPUT_ROWS: topology.n_edges + 1}.get(structure.evaluation, _DENSE_FAN)
    edges = np.diff(topology.fan_start)
    paid = edges >= fan
    paid[: topology.width[0]] = True
    # nothing is computed for a dense node without splines, and the pieces of a sparse one are
    return (paid & is_short(structure) | (edges == 0)).astype(np.int64)


def spline_arrays(structure: Structure) -> Net:
    """Nodes and spline edges as the arrays that kernels read; made once for a structure."""
    if structure in _NETS:
        return _NETS[structure]
    topology, table, own = structure.topology, structure.table, _aligned.in_rows
    _NETS[structure] = net = Net(
        own(topology.node_start),
        own(topology.sum_start),
        own(topology.fan_start),
        own(topology.source),
        own(topology.target),
        _BLOCK,
        BASE_FUNCTIONS[structure.base_fun],
        dense_nodes(structure),
        own(table.even),
        own(table.breaks),
        own(table.bucket),
        own(table.bucket_scale),
        own(table.origin),
        own(table.scale),
        own(table.poly),
        own(table.poly_transposed),
        own(table.start),
    )
    return net


def new_places(structure: Structure, *, slopes: bool = True) -> Places:
    """Arrays for pieces and B-splines of a block at all source nodes, with derivatives by x if `slopes`."""
    n, short = structure.topology.n_sources, is_short(structure)
    return _places(structure, n, n if short else 0, n if short and slopes else 0)


def new_row_places(structure: Structure) -> Places:
    """As `new_places`, on long grids also with room for the values of all B-splines."""
    n, short = structure.topology.n_sources, is_short(structure)
    return _places(structure, n, n, n if short else 0)


def new_input_places(structure: Structure, n_samples: int) -> Places:
    """Arrays for the pieces and B-splines of all samples at the input nodes, without derivatives by x."""
    slots = -(-n_samples // _BLOCK) * structure.topology.width[0]
    if is_short(structure):
        return _places(structure, 1, slots, 0)
    return _places(structure, slots, 0, 0)


def _places(structure: Structure, n_sparse: int, n_dense: int, n_slopes: int) -> Places:
    panels = (_BLOCK // PANEL, structure.n_row, PANEL)
    shape = (n_sparse, _BLOCK)
    at, u, stretch, base_values, base_slopes, rows, slopes = _aligned.arrays(
        *[shape] * 5, (n_dense, *panels), (n_slopes, *panels)
    )
    base_values.fill(0.0)  # stays zero where there is no base function
    base_slopes.fill(0.0)
    return Places(at.view(np.int64), u, stretch, base_values, base_slopes, rows, slopes)


def new_scratch(structure: Structure, n_samples: int = 0) -> Scratch:
    """Arrays for one block of node values and their derivatives, and for all edges as polynomials.

    Parameters
    ----------
    structure : Structure
    n_samples : int
        Samples whose inputs are kept for symbolic edges and for edges of other families than B-splines, see
        `kan_np.kernels.arrays.Symbols` and `Bases`.
    """
    t, (n_pieces, _, width) = structure.topology, structure.table.poly.shape[1:]
    nodes, sums, edges = (t.n_nodes, _BLOCK), (t.n_sums, _BLOCK), (t.n_edges, n_pieces, width)
    shapes = [nodes, nodes, sums, (3, _BLOCK), (t.n_edges, _BLOCK), edges, (t.n_edges, LANES, PIECES)]
    x, delta, above, work, slope, polynomial, columns, polynomial_grad = _aligned.arrays(
        *shapes, (LANES, *edges)
    )
    columns.fill(0.0)
    if structure.is_plain:
        room = (x, delta, x, delta, above, work, slope, polynomial, columns, polynomial_grad)
        return Scratch(*room, symbols=None, bases=None, stage=None)
    own, by_sum = _aligned.arrays(sums, sums)
    for array in (x, delta, own, by_sum):
        array.fill(0.0)
    room = (x, delta, own, by_sum, above, work, slope, polynomial, columns, polynomial_grad)
    symbols, stage = _symbols(structure, n_samples), _stage(structure)
    return Scratch(*room, symbols=symbols, bases=_bases(structure, n_samples), stage=stage)


def load_values(structure: Structure, values: FloatArray, scratch: Scratch) -> FloatArray:
    """Copy constants, scales and biases into `scratch` for the kernels; return the parameters of splines."""
    for own, to in other_values(structure, values, scratch):
        np.copyto(to, own)
    return _aligned.in_rows(values[: structure.ends.splines].reshape(-1, structure.n_row))


def other_values(
    structure: Structure, values: FloatArray, scratch: Scratch
) -> list[tuple[FloatArray, FloatArray]]:
    """Values that are no parameters of splines, and where kernels read them: pairs of views."""
    splines, bases, symbols, _ = structure.ends
    if scratch.symbols is None or scratch.bases is None or scratch.stage is None:
        return []
    pairs = [
        (values[splines:bases], scratch.bases.coef),
        (values[bases:symbols].reshape(-1, 4), scratch.symbols.constants),
    ]
    if structure.has_affine:
        n_inputs = structure.topology.width[0]
        kernels = (to[n_inputs:] for to in scratch.stage[4:8])
        pairs += zip(structure.split_affine(values), kernels, strict=True)
    return [pair for pair in pairs if pair[0].size]


def other_gradients(
    structure: Structure, gradient: FloatArray, scratch: Scratch
) -> list[tuple[FloatArray, FloatArray]]:
    """Derivatives by the values of `other_values`, and where kernels write them: pairs of views."""
    splines, bases, symbols, affine = structure.ends
    if scratch.symbols is None or scratch.bases is None or scratch.stage is None:
        return []
    pairs = [
        (gradient[splines:bases], scratch.bases.gradient),
        (gradient[bases:symbols].reshape(-1, 4), scratch.symbols.gradient),
        (gradient[symbols:affine], scratch.stage.gradient),
    ]
    return [pair for pair in pairs if pair[0].size]


def new_active(structure: Structure) -> Active:
    """Arrays for the nonzero elements in the rows of a Jacobian."""
    n = structure.topology.n_sources
    value, first, base_values, column = _aligned.arrays(
        (n, _BLOCK, structure.table.k + 1), (n, _BLOCK), (n, _BLOCK), (structure.n_row,)
    )
    return Active(value, first.view(np.int64), base_values, column)


def _symbols(structure: Structure, n_samples: int) -> Symbols:
    """Symbolic edges as arrays; `load_values` fills in their constants."""
    t, ends = structure.topology, np.array(list(structure.symbols), dtype=np.int64).reshape(-1, 3)
    source = t.node_start[ends[:, 0]] + ends[:, 1]
    target = t.sum_start[ends[:, 0] + 1] + ends[:, 2]
    fan_start = np.searchsorted(source, np.arange(t.n_sources + 1)).astype(np.int64)
    arrays = symbol_arrays(list(structure.symbols.values()), fan_start, source, target)
    return with_room(arrays, _BLOCK, (t.width[0], n_samples))


def _bases(structure: Structure, n_samples: int) -> Bases:
    """Edges of other families as arrays, ordered as `basis_edges`; `load_values` fills in parameters."""
    t, blocks = structure.topology, _blocks(structure)
    source = np.array([source for source, _, _ in blocks], dtype=np.int64)
    owners = [structure.bases[number] for _, number, _ in blocks]
    n_params = np.array([edges.basis.n_params for edges in owners], dtype=np.int64)
    kernels = [
        0 if edges.basis.kernel is None else address_of(edges.basis.kernel, ARGUMENTS) for edges in owners
    ]
    is_pointwise = np.array([isinstance(edges.basis, Pointwise) for edges in owners], dtype=np.int64)
    heights = n_params + is_pointwise
    counts = [own.size for _, _, own in blocks]
    n_rows, n_coef = int(heights.sum()), structure.ends.bases - structure.ends.splines
    is_kept = (source < t.width[0]) & (is_pointwise == 0) & (n_samples > 0)
    kept_start = np.where(is_kept, np.cumsum(is_kept * n_params) - n_params, -1)
    n_kept = int((is_kept * n_params).sum())
    rows, slopes, work, coef, gradient = _aligned.arrays(
        (n_rows + n_kept * -(-n_samples // _BLOCK), _BLOCK),
        (n_rows, _BLOCK),
        (3, _BLOCK),
        (n_coef,),
        (n_coef,),
    )
    first_coef = [
        structure.basis_starts[number] - structure.ends.splines + own * structure.bases[number].basis.n_params
        for _, number, own in blocks
    ]
    targets = [structure.bases[number].topology.target[own] for _, number, own in blocks]
    none = np.zeros(0, dtype=np.int64)
    own_start = np.concatenate([none, np.cumsum(heights) - heights])
    return Bases(
        np.searchsorted(source, np.arange(t.n_sources + 1)).astype(np.int64),
        np.array(kernels, dtype=np.int64),
        is_pointwise,
        np.array([edges.basis.low[i] for edges, i in zip(owners, source, strict=True)], dtype=np.float64),
        np.array([edges.basis.high[i] for edges, i in zip(owners, source, strict=True)], dtype=np.float64),
        n_params,
        np.array([edges.basis.size for edges in owners], dtype=np.int64),
        np.array([(*edges.basis.settings, 0.0)[0] for edges in owners], dtype=np.float64),
        own_start,
        kept_start,
        n_kept,
        own_start.copy(),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.repeat(source, counts),
        np.concatenate([none, *targets]),
        np.concatenate([none, *first_coef]),
        coef,
        gradient,
        rows,
        slopes,
        work,
    )


def _blocks(structure: Structure) -> list[tuple[int, int, Ints]]:
    """For every source node and family at it: node, number of the family, and the edges of both.

    Of edges that are not linear in their parameters each is a block of its own.
    """
    found: list[tuple[int, int, Ints]] = []
    for number, edges in enumerate(structure.bases):
        for source, (a, b) in enumerate(pairwise(edges.topology.fan_start.tolist())):
            step = 1 if isinstance(edges.basis, Pointwise) else max(b - a, 1)
            found += [(source, number, np.arange(e, e + step)) for e in range(a, b, step)]
    return sorted(found, key=lambda block: block[:2])


def basis_edges(structure: Structure) -> list[EdgeIndex]:
    """The edges of other families in the order of the kernels."""
    names = [edges.topology.edges for edges in structure.bases]
    return [names[number][e] for _, number, own in _blocks(structure) for e in own.tolist()]


def _stage(structure: Structure) -> NodeStage:
    """How sums make nodes; scales and biases are 1 and 0 until others are loaded."""
    t = structure.topology
    n_sums, n_nodes = t.n_sums - t.width[0], t.n_nodes - t.width[0]
    product, by_scaled, ones = _aligned.arrays((t.n_nodes, _BLOCK), (t.n_sums, _BLOCK), (1, _BLOCK))
    ones.fill(1.0)
    product.fill(0.0)
    by_scaled.fill(0.0)
    return NodeStage(
        _aligned.in_rows(t.factor_start),
        t.width[0],
        n_sums,
        n_nodes,
        np.ones(t.n_sums),
        np.zeros(t.n_sums),
        np.ones(t.n_nodes),
        np.zeros(t.n_nodes),
        np.zeros(2 * (n_sums + n_nodes) if structure.has_affine else 0),
        product,
        by_scaled,
        ones,
    )


def base_values(base_fun: str, x: FloatArray) -> FloatArray:
    """b(x) for x of shape (n,)."""
    row = np.zeros((1, -(-x.size // OCTET) * OCTET))  # the kernel reads and writes whole octets
    row[0, : x.size] = x
    value = np.zeros_like(row)
    base.base_row(BASE_FUNCTIONS[base_fun], row, x.size, value, np.empty_like(row))
    return value[0, : x.size]
