"""Products of small matrices with rows of samples: the inner loops of an MLP.

For up to `LARGEST` rows at a time,

    weighted_rows   out[t, s] = sum_r weight[t, r] row[r, s],     s = 0 .. PANEL - 1
    row_products    grad[t, r] += sum_s a[t, s] b[r, s],

where sums stay in vector registers. BLAS does the same for large matrices; for layers of some ten nodes its
calls, and the memory traffic between them, take as long as the arithmetic. Arrays are C-contiguous, positions
are flat indices, `width` is the distance of rows of samples; nothing is checked. `tests/reference.py` has
slow twins.
"""

from __future__ import annotations

from typing import Any

from numba import types

from kan_np.kernels._jit import intrinsic
from kan_np.kernels.microkernels import PANEL, Tile

#: Rows of b whose products with rows of a are summed at once: with five rows of a these are fifteen
#: registers.
_ROWS = 3


@intrinsic
def weighted_rows(
    _: Any,
    size: Any,
    weight: Any,
    at: Any,
    apart: Any,
    step: Any,
    n_rows: Any,
    rows: Any,
    first: Any,
    width: Any,
    out: Any,
    to: Any,
) -> Any:
    """out[to + t width + s] = sum_r weight[at + t apart + r step] rows[first + r width + s], t < size."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        weight_type, rows_type, out_type = (signature.args[i] for i in (1, 6, 9))
        size, weight, at, apart, step, n_rows, rows, first, width, out, to = values

        def sum_rows(n: int) -> None:
            nothing = [tile.constant(0.0)] * (PANEL // tile.lanes)
            sums = [tile.sums(nothing) for _ in range(n)]
            with tile.counting(n_rows) as r:
                row = tile.panel_row(rows_type, rows, tile.index((first, 1), (r, width)))
                for t in range(n):
                    place = tile.index((at, 1), (r, step), (apart, t))
                    factor = tile.broadcast(tile.number(weight_type, weight, place))
                    for own, vector in zip(sums[t], row, strict=True):
                        tile.add(own, factor, vector)
            for t in range(n):
                vectors = [builder.load(own) for own in sums[t]]
                tile.store_row(vectors, out_type, out, tile.index((to, 1), (width, t)))

        tile.for_size(size, sum_rows)
        return context.get_dummy_value()

    args = (size, weight, at, apart, step, n_rows, rows, first, width, out, to)
    return types.void(*args), generate


@intrinsic
def row_products(
    _: Any,
    size: Any,
    a: Any,
    at: Any,
    b: Any,
    first: Any,
    n_rows: Any,
    width: Any,
    n_panels: Any,
    grad: Any,
    to: Any,
    apart: Any,
) -> Any:
    """grad[to + t + r apart] += sum_s a[at + t width + s] b[first + r width + s], t < size, r < n_rows."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        a_type, b_type, grad_type = (signature.args[i] for i in (1, 3, 8))
        size, a, at, b, first, n_rows, width, n_panels, grad, to, apart = values

        def sum_products(n: int, start: Any, own: int) -> None:
            sums = [tile.sums([tile.constant(0.0)] * own) for _ in range(n)]
            with tile.counting(n_panels) as panel:
                for lanes in range(0, PANEL, tile.lanes):
                    sample = tile.ahead(tile.index((panel, PANEL)), lanes)
                    here = [tile.index((first, 1), (tile.ahead(start, r), width)) for r in range(own)]
                    row = [tile.load(b_type, b, builder.add(place, sample)) for place in here]
                    for t in range(n):
                        place = builder.add(tile.index((at, 1), (width, t)), sample)
                        factor = tile.load(a_type, a, place)
                        for r in range(own):
                            tile.add(sums[t][r], factor, row[r])
            for r in range(own):
                corner = tile.index((to, 1), (tile.ahead(start, r), apart))
                for t in range(n):
                    there = tile.ahead(corner, t)
                    total = tile.total(builder.load(sums[t][r]))
                    tile.put(builder.fadd(tile.number(grad_type, grad, there), total), grad_type, grad, there)

        def add_rows(n: int) -> None:
            triples = builder.sdiv(n_rows, n_rows.type(_ROWS))
            with tile.counting(triples) as r:
                sum_products(n, tile.index((r, _ROWS)), _ROWS)
            done = tile.index((triples, _ROWS))
            with tile.counting(builder.sub(n_rows, done)) as r:
                sum_products(n, builder.add(done, r), 1)

        tile.for_size(size, add_rows)
        return context.get_dummy_value()

    args = (size, a, at, b, first, n_rows, width, n_panels, grad, to, apart)
    return types.void(*args), generate
