"""The inner loops of dense nodes: products of edge parameters with panels of B-spline values.

A panel holds the numbers of one source node for `PANEL` samples: row r of it is the r-th function of an edge,
the base function or a B-spline, at these samples. For a tile of up to `LARGEST` edges from one source,

    tile_values    out[j_t, s] += sum_r theta[e_t, r] panel[r, s],
    tile_param_grad   grad[e_t, r] += sum_s delta[j_t, s] panel[r, s],
    tile_input_grad    out[node, s] += sum_r (sum_t delta[j_t, s] theta[e_t, r]) panel[r, s],

with e_t = edge + t and j_t = target[e_t]. Every size of a tile has code of its own, so that sums stay in
vector registers. Vectors are eight numbers long whatever the processor has: sums are taken in one order
everywhere. Arrays are C-contiguous, `panel` and other positions are flat indices, nothing is checked.
`tests/reference.py` has slow twins.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from kan_np.kernels._jit import intrinsic
from kan_np.kernels._vectors import INT64, Vectors

PANEL, LARGEST = 16, 5

_FLAG = ir.IntType(1)
_LANES = 8
_VECTORS = PANEL // _LANES
#: Rows of a panel whose products are summed at once: with five edges these are fifteen registers.
_ROWS = 3


class Tile(Vectors):
    """Rows of panels, and sums in registers."""

    def __init__(self, context: Any, builder: Any) -> None:
        super().__init__(context, builder, _LANES)

    @contextmanager
    def counting(self, n: Any) -> Iterator[Any]:
        """Run the code that follows for 0 .. n - 1."""
        with cgutils.for_range(self.builder, n) as loop:
            yield loop.index

    def for_size(self, size: Any, generate: Any) -> None:
        """Run the code that generate(n) writes for n = size."""
        for n in range(1, LARGEST + 1):
            with self.builder.if_then(self.builder.icmp_signed("==", size, size.type(n))):
                generate(n)

    def sums(self, starts: list[Any]) -> list[Any]:
        """Variables that begin with these vectors; LLVM keeps them in registers."""
        variables = [cgutils.alloca_once(self.builder, self.vector) for _ in starts]
        for variable, start in zip(variables, starts, strict=True):
            self.builder.store(start, variable)
        return variables

    def add(self, variable: Any, a: Any, b: Any) -> None:
        self.builder.store(self.times_plus(a, b, self.builder.load(variable)), variable)

    def panel_row(self, array_type: Any, array: Any, start: Any) -> list[Any]:
        return [self.load(array_type, array, self.ahead(start, _LANES * v)) for v in range(_VECTORS)]

    def store_row(self, vectors: list[Any], array_type: Any, array: Any, start: Any) -> None:
        for v, vector in enumerate(vectors):
            self.store(vector, array_type, array, self.ahead(start, _LANES * v))

    def target_rows(self, target_type: Any, target: Any, edge: Any, n: int, width: Any) -> list[Any]:
        """Flat indices of the rows of the targets of n edges, in arrays of that width."""
        rows = [self.number(target_type, target, self.ahead(edge, t), INT64) for t in range(n)]
        return [self.builder.mul(row, width) for row in rows]


class Columns(Tile):
    """Samples, and the intervals of a grid in which they lie."""

    @property
    def none(self) -> Any:
        """False in all lanes."""
        return ir.Constant(ir.VectorType(_FLAG, self.lanes), [0] * self.lanes)

    def any(self, flags: Any) -> Any:
        """Whether one of the lanes is true."""
        bits = ir.IntType(self.lanes)
        return self.builder.icmp_signed("!=", self.builder.bitcast(flags, bits), bits(0))

    def whole_between_zero_and(self, last: Any, t: Any) -> Any:
        """floor(t), but 0 for what is less or NaN, and `last` for what is more."""
        signature = ir.FunctionType(self.vector, [self.vector])
        floor = cgutils.get_or_insert_function(self.builder.module, signature, f"llvm.floor.v{self.lanes}f64")
        p, zero = self.builder.call(floor, [t]), self.constant(0.0)
        p = self.builder.select(self.builder.fcmp_ordered(">", p, zero), p, zero)
        return self.builder.select(self.builder.fcmp_ordered("<", p, last), p, last)

    @contextmanager
    def counting_from(self, start: Any, end: Any) -> Iterator[Any]:
        """Run the code that follows for start .. end - 1."""
        with cgutils.for_range_slice(self.builder, start, end, start.type(1), start.type) as (index, _):
            yield index


@intrinsic
def tile_values(
    _: Any,
    size: Any,
    theta: Any,
    edge: Any,
    n_rows: Any,
    rows: Any,
    panel: Any,
    target: Any,
    out: Any,
    width: Any,
    column: Any,
) -> Any:
    """out[target[edge + t], column + s] += sum_r theta[edge + t, r] panel[r, s], t < size; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        _, theta_type, _, _, rows_type, _, target_type, out_type, _, _ = signature.args
        size, theta, edge, n_rows, rows, panel, target, out, width, column = values

        def add_edges(n: int) -> None:
            to = [builder.add(row, column) for row in tile.target_rows(target_type, target, edge, n, width)]
            sums = [tile.sums(tile.panel_row(out_type, out, start)) for start in to]
            with tile.counting(n_rows) as r:
                row = tile.panel_row(rows_type, rows, tile.index((panel, 1), (r, PANEL)))
                for t in range(n):
                    weight_at = tile.index((tile.ahead(edge, t), n_rows), (r, 1))
                    weight = tile.broadcast(tile.number(theta_type, theta, weight_at))
                    for own, vector in zip(sums[t], row, strict=True):
                        tile.add(own, weight, vector)
            for own_sums, start in zip(sums, to, strict=True):
                tile.store_row([builder.load(own) for own in own_sums], out_type, out, start)

        tile.for_size(size, add_edges)
        return context.get_dummy_value()

    return types.void(size, theta, edge, n_rows, rows, panel, target, out, width, column), generate


@intrinsic
def tile_param_grad(
    _: Any,
    size: Any,
    delta: Any,
    width: Any,
    target: Any,
    edge: Any,
    rows: Any,
    panel: Any,
    n_rows: Any,
    n_panels: Any,
    grad: Any,
) -> Any:
    """grad[edge + t, r] += sum_s delta[target[edge + t], s] panel[r, s], t < size, s in n_panels panels."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        _, delta_type, _, target_type, _, rows_type, _, _, _, grad_type = signature.args
        size, delta, width, target, edge, rows, panel, n_rows, n_panels, grad = values

        def sum_rows(n: int, first: Any, own: int) -> None:
            at = tile.target_rows(target_type, target, edge, n, width)
            sums = [tile.sums([tile.constant(0.0)] * own) for _ in range(n)]
            with tile.counting(n_panels) as p:
                start = tile.index((panel, 1), (builder.mul(p, n_rows), PANEL), (first, PANEL))
                for v in range(_VECTORS):
                    places = [tile.ahead(start, PANEL * r + _LANES * v) for r in range(own)]
                    row = [tile.load(rows_type, rows, place) for place in places]
                    for t in range(n):
                        sample = tile.ahead(tile.index((at[t], 1), (p, PANEL)), _LANES * v)
                        pulled = tile.load(delta_type, delta, sample)
                        for r in range(own):
                            tile.add(sums[t][r], pulled, row[r])
            for t in range(n):
                for r in range(own):
                    to = tile.ahead(tile.index((tile.ahead(edge, t), n_rows), (first, 1)), r)
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

    args = (size, delta, width, target, edge, rows, panel, n_rows, n_panels, grad)
    return types.void(*args), generate


@intrinsic
def tile_input_grad(
    _: Any,
    size: Any,
    theta: Any,
    edge: Any,
    n_rows: Any,
    slopes: Any,
    panel: Any,
    target: Any,
    delta: Any,
    width: Any,
    column: Any,
    out: Any,
    node: Any,
) -> Any:
    """out[node, column + s] += sum_{t,r} delta[target[edge+t], column + s] theta[edge+t, r] panel[r, s]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        _, theta_type, _, _, slopes_type, _, target_type, delta_type, _, _, out_type, _ = signature.args
        size, theta, edge, n_rows, slopes, panel, target, delta, width, column, out, node = values

        def add_edges(n: int) -> None:
            starts = tile.target_rows(target_type, target, edge, n, width)
            pulled = [tile.panel_row(delta_type, delta, builder.add(start, column)) for start in starts]
            to = tile.index((node, width), (column, 1))
            sums = tile.sums(tile.panel_row(out_type, out, to))
            with tile.counting(n_rows) as r:
                row = tile.panel_row(slopes_type, slopes, tile.index((panel, 1), (r, PANEL)))
                weight_at = [tile.index((tile.ahead(edge, t), n_rows), (r, 1)) for t in range(n)]
                weights = [tile.broadcast(tile.number(theta_type, theta, at)) for at in weight_at]
                for v in range(_VECTORS):
                    total = tile.times(weights[0], pulled[0][v])
                    for t in range(1, n):
                        total = tile.times_plus(weights[t], pulled[t][v], total)
                    tile.add(sums[v], total, row[v])
            tile.store_row([builder.load(own) for own in sums], out_type, out, to)

        tile.for_size(size, add_edges)
        return context.get_dummy_value()

    args = (size, theta, edge, n_rows, slopes, panel, target, delta, width, column, out, node)
    return types.void(*args), generate
