"""Positions of the nodes, squares and wires of a figure of a network, in inches.

Layers are drawn from the bottom up. Above every node is a block with the squares of the edges that leave it,
in as many rows as the width of the figure requires. Wires are straight from a node to the lowest square of
each column and from the highest one to its target; those of the other squares run upwards in the gutters
beside their column, so that no wire crosses a square. Wires to a product end at its subnodes, which are drawn
below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray

WIDEST = 13.0  # of the body of a figure
LARGEST, GOOD, SMALLEST = 0.62, 0.36, 0.22  # distance of two squares: at most, wished for, at least
FEW_ROWS, MOST_ROWS = 3, 6
LARGEST_IN_MANY_ROWS = 0.48

_NARROWEST = 2.2
_NODES_APART = 0.3
_BLOCKS_APART = 0.07
_GUTTER = 0.2  # fraction of the distance of two squares that stays free
_WIDEST_GUTTER = 0.4  # the same where many wires run upwards
_TRACK = 0.018  # distance of two wires in a gutter
_LIFT = 0.34  # height of a product above its subnodes
_SUBNODES_APART = 0.4  # largest distance of two subnodes, which is also limited to
_SUBNODES_ROOM = 0.7  # this fraction of the width of their node
_FLATTEST = 0.5  # wires between nodes and squares may be compressed to this fraction of their height

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class PlacedEdge:
    """The square of one edge, and the wires into and out of it as rows (x, y).

    Attributes
    ----------
    i, j : int
        Source and subnode.
    left, bottom : float
        Corner of the square.
    into, out : ndarray of shape (n_points, 2)
    """

    i: int
    j: int
    left: float
    bottom: float
    into: FloatArray
    out: FloatArray


@dataclass(frozen=True)
class Layout:
    """Positions of all elements; the lowest nodes are at y = 0 and the left end of the body at x = 0.

    Attributes
    ----------
    width, height : float
    side, caption : float
        Length of the sides of squares, and height of the captions under them.
    node_x : list of ndarray of shape (n_l,)
    node_y : list of float
    ends : list of ndarray of shape (n_subnodes, 2)
        For each layer of edges the points where wires end: subnodes of products, and nodes that are sums.
    edges : list of list of PlacedEdge
    """

    width: float
    height: float
    side: float
    caption: float
    node_x: list[FloatArray]
    node_y: list[float]
    ends: list[FloatArray]
    edges: list[list[PlacedEdge]]


@dataclass(frozen=True)
class _Block:
    """How the squares above the nodes of a layer are packed, and how high the wires to and from them are."""

    rows: int
    columns: int
    apart: float  # distance of two columns
    caption: float
    fan: float
    arity: tuple[int, ...]  # subnodes of each node above

    @property
    def lift(self) -> float:
        """How much higher the nodes above lie than the subnodes of products among them."""
        return _LIFT if max(self.arity) > 1 else 0.0


def side_by_side(n: int, width: float) -> FloatArray:
    """Centres of n equal intervals of the width."""
    return np.asarray((np.arange(n) + 0.5) * (width / n), dtype=np.float64)


def room_for(n_sources: int, widest: float = WIDEST) -> int:
    """Return the number of squares that fit above each of `n_sources` nodes side by side."""
    return MOST_ROWS * max(int((widest / n_sources - _BLOCKS_APART) / SMALLEST), 0)


def arrange(
    shown: Sequence[Bools],
    captioned: Sequence[Bools],
    narrowest: float = 0.0,
    widest: float = WIDEST,
    height: float | None = None,
    arities: Sequence[tuple[int, ...]] | None = None,
) -> Layout:
    """Return the positions of the nodes and edges of a network.

    Parameters
    ----------
    shown : list of bool arrays of shape (n_in, n_subnodes)
        Which edges of each layer get a square; at most `room_for` a source.
    captioned : list of bool arrays of shape (n_in, n_subnodes)
        Which of them have a caption under the square.
    narrowest, widest : float
        Bounds of the width.
    height : float, optional
        Height to fill; if not given it follows from the network.
    arities : list of tuples of int, optional
        Subnodes of every node, a layer above the inputs; without them all nodes are sums.

    Raises
    ------
    ValueError
        If the smallest squares do not fit into that height.
    """
    above = [(1,) * s.shape[1] for s in shown] if arities is None else arities
    sizes = [shown[0].shape[0], *map(len, above)]
    counts = [int(s.sum(axis=1).max()) for s in shown]
    pitch, rows = _pitch(sizes, counts, widest)
    packed = [n * (ceil(m / rows) * pitch + _BLOCKS_APART) for n, m in zip(sizes, counts, strict=False)]
    width = min(max(*packed, narrowest, _NARROWEST, _NODES_APART * max(map(sum, above))), widest)
    if height is None:
        blocks = _pack(width, sizes, counts, captioned, pitch, above)
        return _place(shown, captioned, blocks, (width, pitch, 1.0))
    while True:
        blocks = _pack(widest, sizes, counts, captioned, pitch, above)
        body = sum(b.rows * (pitch + b.caption) + b.lift for b in blocks)
        fans = sum(2 * b.fan for b in blocks)
        if body + _FLATTEST * fans <= height:
            return _place(shown, captioned, blocks, (widest, pitch, (height - body) / fans))
        if pitch <= SMALLEST:
            raise ValueError(
                f"figsize leaves {widest:.1f} x {height:.1f} inches between the names; expected a height of "
                f"at least {body + _FLATTEST * fans:.1f} for this network. Make the figure higher or wider."
            )
        pitch = max(0.95 * pitch, SMALLEST)


def _pitch(sizes: list[int], counts: list[int], widest: float) -> tuple[float, int]:
    """Distance of two squares and number of rows: as few rows as squares of good size allow."""
    best = []
    for rows in range(1, MOST_ROWS + 1):
        fits = [
            (widest / n - _BLOCKS_APART) / ceil(m / rows) for n, m in zip(sizes, counts, strict=False) if m
        ]
        best.append(min([LARGEST if rows <= FEW_ROWS else LARGEST_IN_MANY_ROWS, *fits]))
    enough = min(GOOD, 0.85 * max(best))
    rows = next(r for r, pitch in enumerate(best, 1) if pitch >= enough)
    return best[rows - 1], rows


def _pack(
    width: float,
    sizes: list[int],
    counts: list[int],
    captioned: Sequence[Bools],
    pitch: float,
    arities: Sequence[tuple[int, ...]],
) -> list[_Block]:
    """Arrange the squares above the nodes of each layer in rows and columns, as few rows as possible."""
    fan = min(max(0.06 * width + 0.2, 0.38), 1.0)
    caption = min(max(0.24 * pitch, 0.08), 0.15)
    blocks = []
    for n, count, has_caption, arity in zip(sizes[:-1], counts, captioned, arities, strict=True):
        in_a_row = max(int((width / n - _BLOCKS_APART) / pitch + 1e-9), 1)
        rows = ceil(count / in_a_row)
        columns = ceil(count / max(rows, 1))
        apart = width / (n * max(columns, 1))
        blocks.append(_Block(rows, columns, apart, caption if has_caption.any() else 0.0, fan, arity))
    return blocks


def _place(
    shown: Sequence[Bools],
    captioned: Sequence[Bools],
    blocks: list[_Block],
    scales: tuple[float, float, float],
) -> Layout:
    """Positions in packed blocks; `scales` are width, distance of squares, and stretch of the wires."""
    width, pitch, stretch = scales
    sizes = [shown[0].shape[0], *(len(b.arity) for b in blocks)]
    tracks = 2 * max(b.rows for b in blocks) - 1  # of both kinds, with free space between them
    gutter = max(_GUTTER * pitch, min(tracks * _TRACK, _WIDEST_GUTTER * pitch))
    side, track = pitch - gutter, gutter / max(tracks, 1)
    node_x = [side_by_side(n, width) for n in sizes]
    node_y = [0.0]
    wire_ends, edges = [], []
    for layer, block in enumerate(blocks):
        bottom = node_y[-1] + stretch * block.fan
        top = bottom + block.rows * (pitch + block.caption)
        node_y.append(top + stretch * block.fan + block.lift)
        wire_ends.append(_subnodes(block, node_x[layer + 1], node_y[-1], width / sizes[layer + 1]))
        places = []
        for i, (sources, has_caption) in enumerate(zip(shown[layer], captioned[layer], strict=True)):
            targets = np.flatnonzero(sources)
            columns = ceil(targets.size / max(block.rows, 1))
            for m, j in enumerate(targets):
                column, row = divmod(m, block.rows)
                last = row == min(block.rows, targets.size - column * block.rows) - 1
                x = node_x[layer][i] + (column - 0.5 * (columns - 1)) * block.apart
                y = bottom + row * (pitch + block.caption) + block.caption + 0.5 * (pitch - side)
                foot = y - block.caption if has_caption[j] else y
                square = (x, y, foot, side, min(track, _TRACK))
                target, high = wire_ends[-1][j].tolist()
                nodes, levels = (float(node_x[layer][i]), target), (node_y[-2], bottom, top, high)
                into, out = _wires(square, nodes, levels, (row, block.rows, last))
                places.append(PlacedEdge(i, int(j), x - 0.5 * side, y, into, out))
        edges.append(places)
    caption = max(b.caption for b in blocks)
    return Layout(width, node_y[-1], side, caption, node_x, node_y, wire_ends, edges)


def _subnodes(block: _Block, node_x: FloatArray, node_y: float, room: float) -> FloatArray:
    """End points of wires to each subnode: the node itself for a sum, side by side below a product."""
    places = []
    for x, m in zip(node_x, block.arity, strict=True):
        apart = min(_SUBNODES_APART, _SUBNODES_ROOM * room / m)
        y = node_y - block.lift if m > 1 else node_y
        places += [(x + (q - 0.5 * (m - 1)) * apart, y) for q in range(m)]
    return np.array(places)


def _wires(
    square: tuple[float, float, float, float, float],
    nodes: tuple[float, float],
    ends: tuple[float, float, float, float],
    row: tuple[int, int, bool],
) -> tuple[FloatArray, FloatArray]:
    """The wires from the source to a square and from the square to the target."""
    x, y, foot, side, track = square
    (source, target), (low, bottom, top, high) = nodes, ends
    r, n_rows, last = row
    into = [(source, low), (x, foot)]
    out = [(x, y + side), (target, high)]
    if r > 0:
        turn = r * track
        left = x - 0.5 * side
        into = [
            (source, low),
            (left - turn, bottom),
            (left - turn, y + 0.25 * side - turn),
            (left, y + 0.25 * side),
        ]
    if last and r < n_rows - 1:
        out.insert(1, (x, top))
    elif not last:
        turn = (n_rows - 1 - r) * track
        right = x + 0.5 * side
        out = [
            (right, y + 0.75 * side),
            (right + turn, y + 0.75 * side + turn),
            (right + turn, top),
            (target, high),
        ]
    return np.array(into), np.array(out)
