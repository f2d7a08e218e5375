"""Products of parameters with the functions of an edge family: the inner loops of edges that are no splines.

For a tile of up to `LARGEST` edges e_t = edge + t that leave one node and share the functions psi_r, which
are rows of samples,

    add_tile        out[j_t, s] += sum_r coef[at + t n_rows + r] rows[first + r, s],
    tile_gradient   grad[at + t n_rows + r] += sum_s delta[j_t, s] rows[first + r, s],
    pull_tile       out[node, s] += sum_r (sum_t delta[j_t, s] coef[at + t n_rows + r]) slopes[first + r, s],

with j_t = target[e_t]. They are the loops of `kan_np.kernels.microkernels` for rows that are as long as a
block of samples, in place of panels. Vectors are eight numbers long whatever the processor has, arrays are
C-contiguous, nothing is checked. `tests/kernels/test_family_products.py` has slow twins.
"""

from __future__ import annotations

from typing import Any

from numba import types

from kan_np.kernels._jit import intrinsic
from kan_np.kernels.microkernels import PANEL, Tile

#: Functions whose products are summed at once: with five edges these are fifteen registers.
_ROWS = 3


@intrinsic
def add_tile(
    _: Any,
    size: Any,
    coef: Any,
    at: Any,
    n_rows: Any,
    rows: Any,
    first: Any,
    target: Any,
    edge: Any,
    out: Any,
    width: Any,
    column: Any,
) -> Any:
    """out[j_t, column + s] += sum_r coef[at + t n_rows + r] rows[first + r, column + s], s < PANEL."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        coef_type, rows_type, target_type, out_type = (signature.args[i] for i in (1, 4, 6, 8))
        size, coef, at, n_rows, rows, first, target, edge, out, width, column = values

        def add_edges(n: int) -> None:
            to = [builder.add(row, column) for row in tile.target_rows(target_type, target, edge, n, width)]
            sums = [tile.sums(tile.panel_row(out_type, out, start)) for start in to]
            with tile.counting(n_rows) as r:
                here = tile.index((builder.add(first, r), width), (column, 1))
                row = tile.panel_row(rows_type, rows, here)
                for t in range(n):
                    place = tile.index((at, 1), (n_rows, t), (r, 1))
                    weight = tile.broadcast(tile.number(coef_type, coef, place))
                    for own, vector in zip(sums[t], row, strict=True):
                        tile.add(own, weight, vector)
            for own_sums, start in zip(sums, to, strict=True):
                tile.store_row([builder.load(own) for own in own_sums], out_type, out, start)

        tile.for_size(size, add_edges)
        return context.get_dummy_value()

    args = (size, coef, at, n_rows, rows, first, target, edge, out, width, column)
    return types.void(*args), generate


@intrinsic
def tile_gradient(
    _: Any,
    size: Any,
    delta: Any,
    width: Any,
    target: Any,
    edge: Any,
    rows: Any,
    first: Any,
    n_rows: Any,
    n_panels: Any,
    grad: Any,
    at: Any,
) -> Any:
    """grad[at + t n_rows + r] += sum_s delta[j_t, s] rows[first + r, s], s in n_panels panels."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        delta_type, target_type, rows_type, grad_type = (signature.args[i] for i in (1, 3, 5, 9))
        size, delta, width, target, edge, rows, first, n_rows, n_panels, grad, at = values

        def sum_rows(n: int, start: Any, own: int) -> None:
            pulled_at = tile.target_rows(target_type, target, edge, n, width)
            sums = [tile.sums([tile.constant(0.0)] * own) for _ in range(n)]
            with tile.counting(n_panels) as panel:
                for lanes in range(0, PANEL, tile.lanes):
                    sample = tile.ahead(tile.index((panel, PANEL)), lanes)
                    row = [
                        tile.load(
                            rows_type,
                            rows,
                            tile.index((tile.ahead(builder.add(first, start), r), width), (sample, 1)),
                        )
                        for r in range(own)
                    ]
                    for t in range(n):
                        pulled = tile.load(delta_type, delta, builder.add(pulled_at[t], sample))
                        for r in range(own):
                            tile.add(sums[t][r], pulled, row[r])
            for t in range(n):
                for r in range(own):
                    to = tile.ahead(tile.index((at, 1), (n_rows, t), (start, 1)), r)
                    total = tile.total(builder.load(sums[t][r]))
                    tile.put(builder.fadd(tile.number(grad_type, grad, to), total), grad_type, grad, to)

        def add_edges(n: int) -> None:
            triples = builder.sdiv(n_rows, n_rows.type(_ROWS))
            with tile.counting(triples) as r:
                sum_rows(n, tile.index((r, _ROWS)), _ROWS)
            done = tile.index((triples, _ROWS))
            with tile.counting(builder.sub(n_rows, done)) as r:
                sum_rows(n, builder.add(done, r), 1)

        tile.for_size(size, add_edges)
        return context.get_dummy_value()

    args = (size, delta, width, target, edge, rows, first, n_rows, n_panels, grad, at)
    return types.void(*args), generate


@intrinsic
def pull_tile(
    _: Any,
    size: Any,
    coef: Any,
    at: Any,
    n_rows: Any,
    slopes: Any,
    first: Any,
    target: Any,
    edge: Any,
    delta: Any,
    width: Any,
    column: Any,
    out: Any,
    node: Any,
) -> Any:
    """out[node, column + s] += sum_{t,r} delta[j_t, column + s] coef[...] slopes[first + r, column + s]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        coef_type, slopes_type, target_type, delta_type, out_type = (
            signature.args[i] for i in (1, 4, 6, 8, 11)
        )
        size, coef, at, n_rows, slopes, first, target, edge, delta, width, column, out, node = values

        def add_edges(n: int) -> None:
            starts = tile.target_rows(target_type, target, edge, n, width)
            pulled = [tile.panel_row(delta_type, delta, builder.add(start, column)) for start in starts]
            to = tile.index((node, width), (column, 1))
            sums = tile.sums(tile.panel_row(out_type, out, to))
            with tile.counting(n_rows) as r:
                here = tile.index((builder.add(first, r), width), (column, 1))
                row = tile.panel_row(slopes_type, slopes, here)
                places = [tile.index((at, 1), (n_rows, t), (r, 1)) for t in range(n)]
                weights = [tile.broadcast(tile.number(coef_type, coef, place)) for place in places]
                for v in range(len(sums)):
                    total = tile.times(weights[0], pulled[0][v])
                    for t in range(1, n):
                        total = tile.times_plus(weights[t], pulled[t][v], total)
                    tile.add(sums[v], total, row[v])
            tile.store_row([builder.load(own) for own in sums], out_type, out, to)

        tile.for_size(size, add_edges)
        return context.get_dummy_value()

    args = (size, coef, at, n_rows, slopes, first, target, edge, delta, width, column, out, node)
    return types.void(*args), generate
