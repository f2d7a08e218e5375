"""Products of parameters and panels: the inner loops of edges whose B-splines are laid out in rows.

A panel holds the numbers of one source node for `PANEL` samples: row r of it is the r-th function of an edge,
the residual function or a B-spline, at these samples. For a tile of n_edges edges from one source (a literal:
each number is code of its own, sums in vector registers),

    tile_values    out[j_t, s] += sum_r theta[e_t, r] panel[r, s],
    tile_moments   grad[e_t, r] += sum_s delta[j_t, s] panel[r, s],      r = first .. first + n_own - 1,
    tile_slopes    out[node, s] += sum_r (sum_t delta[j_t, s] theta[e_t, r]) panel[r, s],

with e_t = edge + t and j_t = target[e_t]. Vectors are eight numbers long whatever the processor has, so that
sums are taken in one order everywhere. Arrays are C-contiguous, `panel` is a flat index, nothing is checked.
`tests/reference.py` has slow twins. `lay` fills a column of a panel: k + 1 active B-splines of one sample.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from kan_np.kernels._jit import intrinsic_of_literals
from kan_np.kernels._vectors import DOUBLE, INT64, Vectors

PANEL = 16

_LANES = 8
_VECTORS = PANEL // _LANES


class _Tile(Vectors):
    """Sums in registers, and the loops that add to them."""

    def __init__(self, context: Any, builder: Any) -> None:
        super().__init__(context, builder, _LANES)

    def sums(self, n: int, starts: list[Any] | None = None) -> list[Any]:
        """Variables for n vectors, zero unless told otherwise; LLVM keeps them in registers."""
        starts = starts or [self.constant(0.0)] * n
        variables = [cgutils.alloca_once(self.builder, self.vector) for _ in starts]
        for variable, start in zip(variables, starts, strict=True):
            self.builder.store(start, variable)
        return variables

    def add(self, variable: Any, a: Any, b: Any) -> None:
        self.builder.store(self.times_plus(a, b, self.builder.load(variable)), variable)

    def panel_row(self, array_type: Any, array: Any, start: Any) -> list[Any]:
        return [self.load(array_type, array, self.ahead(start, _LANES * v)) for v in range(_VECTORS)]

    def target_rows(self, target_type: Any, target: Any, edge: Any, n_edges: int, width: Any) -> list[Any]:
        """Flat indices of the rows of the edges' targets, in arrays of that width."""
        rows = [self.number(target_type, target, self.ahead(edge, t), INT64) for t in range(n_edges)]
        return [self.builder.mul(row, width) for row in rows]

    @property
    def nothing(self) -> Any:
        """False in all lanes."""
        return ir.Constant(ir.VectorType(ir.IntType(1), _LANES), [0] * _LANES)

    def any(self, flags: Any) -> Any:
        """Whether one of the lanes is true."""
        bits = ir.IntType(_LANES)
        return self.builder.icmp_signed("!=", self.builder.bitcast(flags, bits), ir.Constant(bits, 0))

    def whole_between_zero_and(self, last: Any, t: Any) -> Any:
        """floor(t), but 0 for what is less or NaN, and `last` for what is more."""
        signature = ir.FunctionType(self.vector, [self.vector])
        floor = cgutils.get_or_insert_function(self.builder.module, signature, f"llvm.floor.v{_LANES}f64")
        p, zero = self.builder.call(floor, [t]), self.constant(0.0)
        p = self.builder.select(self.builder.fcmp_ordered(">", p, zero), p, zero)
        return self.builder.select(self.builder.fcmp_ordered("<", p, last), p, last)

    def cubics(self, weights: list[Any], u: Any) -> tuple[list[Any], list[Any]]:
        """Four cubics, coefficient d of cubic r is weights[4 d + r], highest first, and their derivatives."""
        values, slopes = [], []
        for c0, c1, c2, c3 in zip(*(weights[4 * d : 4 * d + 4] for d in range(4)), strict=True):
            a = self.times_plus(c0, u, c1)
            b = self.times_plus(a, u, c2)
            values.append(self.times_plus(b, u, c3))
            slopes.append(self.times_plus(self.times_plus(c0, u, a), u, b))
        return values, slopes

    def slide(self, p: Any, n_intervals: Any, filled: list[tuple[Any, Any, list[Any]]], to: Any) -> None:
        """Write rows 0 .. n_intervals + 2; in each lane four vectors begin at row p, the rest is zero.

        A window of four rows slides over the intervals: where p is the interval it takes the vectors, its
        first row is written, the others move up.
        """
        windows = [self.sums(4) for _ in filled]
        with cgutils.for_range(self.builder, n_intervals) as loop:
            here = self.builder.fcmp_ordered("==", p, self.spread(self.builder.sitofp(loop.index, DOUBLE)))
            for window, (array_type, array, vectors) in zip(windows, filled, strict=True):
                taken = [
                    self.builder.select(here, vector, self.builder.load(row))
                    for vector, row in zip(vectors, window, strict=True)
                ]
                self.store(taken[0], array_type, array, self.index((to, 1), (loop.index, PANEL)))
                for row, vector in zip(window, [*taken[1:], self.constant(0.0)], strict=True):
                    self.builder.store(vector, row)
        for window, (array_type, array, _) in zip(windows, filled, strict=True):
            for r in range(3):
                place = self.ahead(self.index((to, 1), (n_intervals, PANEL)), PANEL * r)
                self.store(self.builder.load(window[r]), array_type, array, place)


@intrinsic_of_literals
def tile_values(
    _: Any,
    n_edges: Any,
    theta: Any,
    edge: Any,
    n_rows: Any,
    rows: Any,
    panel: Any,
    target: Any,
    out: Any,
    n_columns: Any,
    column: Any,
) -> Any:
    """out[target[edge + t], column + s] += sum_r theta[edge + t, r] panel[r, s]; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Tile(context, builder)
        _, theta_type, _, _, rows_type, _, target_type, out_type, _, _ = signature.args
        _, theta, edge, n_rows, rows, panel, target, out, n_columns, column = values
        n = n_edges.literal_value
        to = [builder.add(row, column) for row in tile.target_rows(target_type, target, edge, n, n_columns)]
        sums = [tile.sums(_VECTORS, tile.panel_row(out_type, out, start)) for start in to]
        with cgutils.for_range(builder, n_rows) as loop:
            row = tile.panel_row(rows_type, rows, tile.index((panel, 1), (loop.index, PANEL)))
            for t in range(n):
                weight_at = tile.index((tile.ahead(edge, t), n_rows), (loop.index, 1))
                weight = tile.spread(tile.number(theta_type, theta, weight_at))
                for v in range(_VECTORS):
                    tile.add(sums[t][v], weight, row[v])
        for t in range(n):
            for v in range(_VECTORS):
                tile.store(builder.load(sums[t][v]), out_type, out, tile.ahead(to[t], _LANES * v))
        return context.get_dummy_value()

    args = (n_edges, theta, edge, n_rows, rows, panel, target, out, n_columns, column)
    return types.void(*args), generate


@intrinsic_of_literals
def tile_moments(
    _: Any,
    n_edges: Any,
    n_own: Any,
    delta: Any,
    n_columns: Any,
    target: Any,
    edge: Any,
    rows: Any,
    panel: Any,
    n_rows: Any,
    first: Any,
    n_panels: Any,
    grad: Any,
) -> Any:
    """grad[edge + t, first + r] += sum_s delta[target[edge + t], s] panel[first + r, s], n_panels on."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Tile(context, builder)
        _, _, delta_type, _, target_type, _, rows_type, _, _, _, _, grad_type = signature.args
        _, _, delta, n_columns, target, edge, rows, panel, n_rows, first, n_panels, grad = values
        n, own = n_edges.literal_value, n_own.literal_value
        at = tile.target_rows(target_type, target, edge, n, n_columns)
        sums = [tile.sums(own) for _ in range(n)]
        with cgutils.for_range(builder, n_panels) as loop:
            start = tile.index((panel, 1), (loop.index, tile.index((n_rows, PANEL))), (first, PANEL))
            for v in range(_VECTORS):
                row = [
                    tile.load(rows_type, rows, tile.ahead(start, PANEL * r + _LANES * v)) for r in range(own)
                ]
                for t in range(n):
                    sample = tile.ahead(tile.index((at[t], 1), (loop.index, PANEL)), _LANES * v)
                    pulled = tile.load(delta_type, delta, sample)
                    for r in range(own):
                        tile.add(sums[t][r], pulled, row[r])
        for t in range(n):
            for r in range(own):
                to = tile.ahead(tile.index((tile.ahead(edge, t), n_rows), (first, 1)), r)
                place = tile.pointer(grad_type, grad, to, DOUBLE)
                builder.store(builder.fadd(builder.load(place), tile.total(builder.load(sums[t][r]))), place)
        return context.get_dummy_value()

    args = (n_edges, n_own, delta, n_columns, target, edge, rows, panel, n_rows, first, n_panels, grad)
    return types.void(*args), generate


@intrinsic_of_literals
def tile_slopes(
    _: Any,
    n_edges: Any,
    theta: Any,
    edge: Any,
    n_rows: Any,
    slopes: Any,
    panel: Any,
    target: Any,
    delta: Any,
    n_columns: Any,
    column: Any,
    out: Any,
    node: Any,
) -> Any:
    """out[node, column + s] += sum_{t,r} delta[target[edge+t], column + s] theta[edge+t, r] panel[r, s]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Tile(context, builder)
        _, theta_type, _, _, slopes_type, _, target_type, delta_type, _, _, out_type, _ = signature.args
        _, theta, edge, n_rows, slopes, panel, target, delta, n_columns, column, out, node = values
        n = n_edges.literal_value
        starts = tile.target_rows(target_type, target, edge, n, n_columns)
        pulled = [tile.panel_row(delta_type, delta, builder.add(start, column)) for start in starts]
        to = tile.index((node, n_columns), (column, 1))
        sums = tile.sums(_VECTORS, tile.panel_row(out_type, out, to))
        with cgutils.for_range(builder, n_rows) as loop:
            row = tile.panel_row(slopes_type, slopes, tile.index((panel, 1), (loop.index, PANEL)))
            weight_at = [tile.index((tile.ahead(edge, t), n_rows), (loop.index, 1)) for t in range(n)]
            weights = [tile.spread(tile.number(theta_type, theta, at)) for at in weight_at]
            for v in range(_VECTORS):
                total = tile.times(weights[0], pulled[0][v])
                for t in range(1, n):
                    total = tile.times_plus(weights[t], pulled[t][v], total)
                tile.add(sums[v], total, row[v])
        for v in range(_VECTORS):
            tile.store(builder.load(sums[v]), out_type, out, tile.ahead(to, _LANES * v))
        return context.get_dummy_value()

    args = (n_edges, theta, edge, n_rows, slopes, panel, target, delta, n_columns, column, out, node)
    return types.void(*args), generate


@intrinsic_of_literals
def lay(
    _: Any,
    with_slopes: Any,
    table: Any,
    piece: Any,
    u: Any,
    stretch: Any,
    rows: Any,
    slopes: Any,
    to: Any,
) -> Any:
    """rows[to + PANEL r] = sum_d table[piece + 4 d + r] u^(3 - d); slopes: its derivative times stretch."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = Vectors(context, builder, 4)
        _, table_type, _, _, _, rows_type, slopes_type, _ = signature.args
        _, table, piece, u, stretch, rows, slopes, to = values
        c0, c1, c2, c3 = (lanes.load(table_type, table, lanes.ahead(piece, 4 * d)) for d in range(4))
        t = lanes.spread(u)
        a = lanes.times_plus(c0, t, c1)
        b = lanes.times_plus(a, t, c2)
        filled = [(rows_type, rows, lanes.times_plus(b, t, c3))]
        if with_slopes.literal_value:
            slope = lanes.times_plus(lanes.times_plus(c0, t, a), t, b)
            filled.append((slopes_type, slopes, lanes.times(slope, lanes.spread(stretch))))
        for array_type, array, vector in filled:
            for r in range(4):
                place = lanes.pointer(array_type, array, lanes.ahead(to, PANEL * r), DOUBLE)
                builder.store(lanes.lane(vector, r), place)
        return context.get_dummy_value()

    args = (with_slopes, table, piece, u, stretch, rows, slopes, to)
    return types.void(*args), generate


@intrinsic_of_literals
def lay_even(
    _: Any,
    with_slopes: Any,
    x: Any,
    sample: Any,
    low: Any,
    high: Any,
    start: Any,
    step: Any,
    n_intervals: Any,
    table: Any,
    piece: Any,
    rows: Any,
    slopes: Any,
    to: Any,
) -> Any:
    """Fill PANEL columns with cubic B-splines on equal intervals: row m begins at to + PANEL m.

    x[sample + s] lies in interval p = floor((x - start) step), taken between the first and the last, whose
    polynomials are table[piece + 4 d + r] for every p: rows p to p + 3 of its column get their values and
    derivatives, the others zero. Returns whether a sample lies outside of low and high; NaN does not.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Tile(context, builder)
        _, x, sample, low, high, start, step, n_intervals, table, piece, rows, slopes, to = values
        x_type, table_type, rows_type, slopes_type = (signature.args[i] for i in (1, 8, 10, 11))
        last = tile.spread(builder.sitofp(tile.ahead(n_intervals, -1), DOUBLE))
        low, high, start, step = (tile.spread(number) for number in (low, high, start, step))
        weights = [tile.spread(tile.number(table_type, table, tile.ahead(piece, i))) for i in range(16)]
        outside: Any = tile.nothing
        for v in range(_VECTORS):
            z = tile.load(x_type, x, tile.ahead(sample, _LANES * v))
            for test in (builder.fcmp_ordered("<", z, low), builder.fcmp_ordered(">", z, high)):
                outside = builder.or_(outside, test)
            t = tile.times(builder.fsub(z, start), step)
            p = tile.whole_between_zero_and(last, t)
            u = builder.fsub(t, p)
            basis, slope = tile.cubics(weights, u)
            filled = [(rows_type, rows, basis)]
            if with_slopes.literal_value:
                filled.append((slopes_type, slopes, [tile.times(d, step) for d in slope]))
            tile.slide(p, n_intervals, filled, tile.ahead(to, _LANES * v))
        return tile.any(outside)

    args = (with_slopes, x, sample, low, high, start, step, n_intervals, table, piece, rows, slopes, to)
    return types.boolean(*args), generate


@intrinsic_of_literals
def clear_tile(_: Any, rows: Any, at: Any, n_rows: Any) -> Any:
    """Set n_rows rows of panels to zero, from the flat index `at` on."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Tile(context, builder)
        rows_type, _, _ = signature.args
        rows, at, n_rows = values
        with cgutils.for_range(builder, n_rows) as loop:
            for v in range(_VECTORS):
                to = tile.ahead(tile.index((at, 1), (loop.index, PANEL)), _LANES * v)
                tile.store(tile.constant(0.0), rows_type, rows, to)
        return context.get_dummy_value()

    return types.void(rows, at, n_rows), generate


@intrinsic_of_literals
def copy_row(_: Any, values: Any, at: Any, rows: Any, to: Any) -> Any:
    """rows[to + s] = values[at + s] for the samples of one panel, at flat indices."""

    def generate(context: Any, builder: Any, signature: Any, values_: Any) -> Any:
        tile = _Tile(context, builder)
        values_type, _, rows_type, _ = signature.args
        values, at, rows, to = values_
        for v, vector in enumerate(tile.panel_row(values_type, values, at)):
            tile.store(vector, rows_type, rows, tile.ahead(to, _LANES * v))
        return context.get_dummy_value()

    return types.void(values, at, rows, to), generate


@intrinsic_of_literals
def put(_: Any, number: Any, rows: Any, at: Any) -> Any:
    """rows[at] = number, at a flat index."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Tile(context, builder)
        number, rows, at = values
        builder.store(number, tile.pointer(signature.args[1], rows, at, DOUBLE))
        return context.get_dummy_value()

    return types.void(number, rows, at), generate
