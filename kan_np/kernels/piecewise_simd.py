"""Sparse nodes on short grids in vector instructions: pieces of samples, values and derivatives of splines.

    place_panel    the interval in which each sample lies, and its local coordinate,
    panel_edges    value[to + s] += w base[at + s] + p_s(u[at + s]),
                   slope[keep + s] = w dbase[at + s] + p_s'(u[at + s]) stretch[at + s],  s = 0..15
    piece_param_grad  polynomial_grad[to + 4 q + d] += sum_s factor[start + s] u[at + s]^(3 - d) over s in
    piece q

with p_s(u) = ((c_0 u + c_1) u + c_2) u + c_3 and c_d = table[first + place[at + s] + d], as in
`kan_np.kernels.simd4`. There the polynomial of every sample is loaded from memory. Here the coefficients of
up to eight pieces of an edge are held in four vectors, one for each power, from which eight samples select
theirs by one instruction for each power (on processors that have it; elsewhere LLVM emits loads). Sums over
the samples of a piece stay in registers; in memory every sample would wait for the previous one of the same
piece. Arrays are C-contiguous and addressed by their flat index; nothing is checked. `tests/reference.py` has
slow twins.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from kan_np.kernels._jit import intrinsic
from kan_np.kernels._vectors import DOUBLE, INT32, INT64
from kan_np.kernels.microkernels import PANEL, Columns

#: Most pieces whose coefficients are held in vectors.
PIECES = 8

_WIDTH = 4  # coefficients of a polynomial


class _Windows(Columns):
    """Eight samples with the pieces they lie in."""

    def __init__(self, context: Any, builder: Any) -> None:
        super().__init__(context, builder)
        self.integers = ir.VectorType(INT64, self.lanes)

    def places(self, array_type: Any, array: Any, index: Any) -> Any:
        return self.builder.load(self.pointer(array_type, array, index, self.integers), align=8)

    def broadcast_integer(self, number: Any) -> Any:
        nothing = ir.Constant(self.integers, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(INT32, 0))
        return self.pick(first, first, *[0] * self.lanes)

    def which(self, distances: Any) -> Any:
        """Indices of pieces from differences of `place`, clipped to 0 .. PIECES - 1."""
        two, most = (ir.Constant(self.integers, [number] * self.lanes) for number in (2, PIECES - 1))
        return self.builder.and_(self.builder.lshr(distances, two), most)

    def look_up(self, table: Any, indices: Any) -> Any:
        """table[indices] lane by lane, written so that LLVM finds the instruction for it."""
        found = ir.Constant(self.vector, ir.Undefined)
        for i in range(self.lanes):
            number = self.builder.extract_element(table, self.lane(indices, i))
            found = self.builder.insert_element(found, number, ir.Constant(INT32, i))
        return found

    def choose(self, pieces: Any, end: Any, own: list[Any], kept: list[list[Any]], read: Any) -> None:
        """For every sample that lies in one of these pieces: keep the four coefficients of the piece."""
        with self.counting_from(pieces, end) as piece:
            place = self.index((piece, _WIDTH))
            coefficients = [self.broadcast(read(self.ahead(place, d))) for d in range(_WIDTH)]
            for places, variables in zip(own, kept, strict=True):
                here = self.builder.icmp_signed("==", places, self.broadcast_integer(place))
                for variable, coefficient in zip(variables, coefficients, strict=True):
                    chosen = self.builder.select(here, coefficient, self.builder.load(variable))
                    self.builder.store(chosen, variable)


@intrinsic
def place_panel(
    _: Any,
    x: Any,
    sample: Any,
    low: Any,
    high: Any,
    start: Any,
    step: Any,
    n_intervals: Any,
    first: Any,
    width: Any,
    place: Any,
    u: Any,
    stretch: Any,
    to: Any,
) -> Any:
    """place = width (first + p), u = t - p, stretch = step at to + s; t = (x[sample + s] - start) step.

    p = floor(t), clipped to 0 .. n_intervals - 1. Returns whether a sample lies outside [low, high]; NaN
    counts as inside, and its u is NaN.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Windows(context, builder)
        x, sample, low, high, start, step, n_intervals, first, width, place, u, stretch, to = values
        x_type, place_type, u_type, stretch_type = (signature.args[i] for i in (0, 9, 10, 11))
        last = tile.broadcast(builder.sitofp(tile.ahead(n_intervals, -1), DOUBLE))
        first = tile.broadcast_integer(builder.mul(first, width))
        width = tile.broadcast(builder.sitofp(width, DOUBLE))
        low, high, start, step = (tile.broadcast(number) for number in (low, high, start, step))
        outside: Any = tile.none
        for v, z in enumerate(tile.panel_row(x_type, x, sample)):
            for test in (builder.fcmp_ordered("<", z, low), builder.fcmp_ordered(">", z, high)):
                outside = builder.or_(outside, test)
            t = tile.times(builder.fsub(z, start), step)
            p, here = tile.whole_between_zero_and(last, t), tile.ahead(to, tile.lanes * v)
            tile.store(builder.fsub(t, p), u_type, u, here)
            tile.store(step, stretch_type, stretch, here)
            # converted through 32 bits: not every processor has an instruction for 64 bits
            narrow = builder.fptosi(tile.times(p, width), ir.VectorType(INT32, tile.lanes))
            own = builder.add(builder.sext(narrow, tile.integers), first)
            builder.store(own, tile.pointer(place_type, place, here, tile.integers), align=8)
        return tile.any(outside)

    args = (x, sample, low, high, start, step, n_intervals, first, width, place, u, stretch, to)
    return types.boolean(*args), generate


@intrinsic
def panel_edges(
    _: Any,
    w: Any,
    columns: Any,
    column: Any,
    table: Any,
    first: Any,
    inner: Any,
    n_intervals: Any,
    n_pieces: Any,
    place: Any,
    u: Any,
    stretch: Any,
    base: Any,
    dbase: Any,
    at: Any,
    value: Any,
    to: Any,
    slope: Any,
    keep: Any,
) -> Any:
    """Add the values of an edge at sixteen samples to `value` and write its derivatives; see the module.

    Most samples lie in one of `n_intervals` pieces from `inner` on: columns[column + 8 d + p] is coefficient
    d of the p-th. Coefficients of the other pieces are loaded where a sample lies in one.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Windows(context, builder)
        w, columns, column, table, first, inner, n_intervals, n_pieces = values[:8]
        place, u, stretch, base, dbase, at, value, to, slope, keep = values[8:]
        place_type, (value_type, slope_type) = args[8], (args[14], args[16])
        tables = [tile.load(args[1], columns, tile.ahead(column, PIECES * d)) for d in range(_WIDTH)]
        own = [tile.places(place_type, place, tile.ahead(at, lanes)) for lanes in range(0, PANEL, tile.lanes)]
        end = builder.add(inner, n_intervals)
        low, high = (tile.broadcast_integer(tile.index((piece, _WIDTH))) for piece in (inner, end))
        outside: Any = tile.none
        kept = []
        for places in own:
            for test in (builder.icmp_signed("<", places, low), builder.icmp_signed(">=", places, high)):
                outside = builder.or_(outside, test)
            indices = tile.which(builder.sub(places, low))
            kept.append(tile.sums([tile.look_up(table, indices) for table in tables]))

        def read(index: Any) -> Any:
            return tile.number(args[3], table, builder.add(first, index))

        with builder.if_then(tile.any(outside), likely=False):
            tile.choose(inner.type(0), inner, own, kept, read)
            tile.choose(end, n_pieces, own, kept, read)
        weight = tile.broadcast(w)
        node = ((args[9], u), (args[10], stretch), (args[11], base), (args[12], dbase))
        for v, variables in enumerate(kept):
            c0, c1, c2, c3 = (builder.load(variable) for variable in variables)
            t, by_x, b0, b1 = (tile.load(*array, tile.ahead(at, tile.lanes * v)) for array in node)
            a = tile.times_plus(c0, t, c1)
            b = tile.times_plus(a, t, c2)
            total_at = tile.ahead(to, tile.lanes * v)
            total = tile.times_plus(weight, b0, tile.load(value_type, value, total_at))
            tile.store(builder.fadd(total, tile.times_plus(b, t, c3)), value_type, value, total_at)
            derivative = tile.times_plus(tile.times_plus(c0, t, a), t, b)
            derivative = tile.times_plus(derivative, by_x, tile.times(weight, b1))
            tile.store(derivative, slope_type, slope, tile.ahead(keep, tile.lanes * v))
        return context.get_dummy_value()

    args = (
        *(w, columns, column, table, first, inner, n_intervals, n_pieces),
        *(place, u, stretch, base, dbase, at, value, to, slope, keep),
    )
    return types.void(*args), generate


@intrinsic
def piece_param_grad(
    _: Any,
    size: Any,
    factor: Any,
    start: Any,
    place: Any,
    u: Any,
    at: Any,
    n_octets: Any,
    piece: Any,
    polynomial_grad: Any,
    to: Any,
) -> Any:
    """Add the gradient by the polynomials of `size` pieces from `piece` on, over 8 n_octets samples.

    Sample s is in piece q of these if place[at + s] = 4 (piece + q); others are left out.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Windows(context, builder)
        size, factor, start, place, u, at, n_octets, piece, polynomial_grad, to = values
        factor_type, place_type, u_type, grad_type = (signature.args[i] for i in (1, 3, 4, 8))

        def add_pieces(n: int) -> None:
            sums = [tile.sums([tile.constant(0.0)] * _WIDTH) for _ in range(n)]
            wanted = [tile.broadcast_integer(tile.index((tile.ahead(piece, q), _WIDTH))) for q in range(n)]
            with tile.counting(n_octets) as octet:
                powers = [tile.load(factor_type, factor, tile.index((start, 1), (octet, tile.lanes)))]
                here = tile.index((at, 1), (octet, tile.lanes))
                t, own = tile.load(u_type, u, here), tile.places(place_type, place, here)
                for _ in range(_WIDTH - 1):
                    powers.insert(0, tile.times(powers[0], t))
                for variables, place_of_piece in zip(sums, wanted, strict=True):
                    inside = builder.icmp_signed("==", own, place_of_piece)
                    for variable, power in zip(variables, powers, strict=True):
                        before = builder.load(variable)
                        builder.store(builder.select(inside, builder.fadd(before, power), before), variable)
            for q, variables in enumerate(sums):
                for d, variable in enumerate(variables):
                    there = tile.ahead(to, _WIDTH * q + d)
                    total = builder.fadd(
                        tile.number(grad_type, polynomial_grad, there), tile.total(builder.load(variable))
                    )
                    tile.put(total, grad_type, polynomial_grad, there)

        tile.for_size(size, add_pieces)
        return context.get_dummy_value()

    args = (size, factor, start, place, u, at, n_octets, piece, polynomial_grad, to)
    return types.void(*args), generate


@intrinsic
def any_outside(_: Any, place: Any, at: Any, n_octets: Any, low: Any, high: Any) -> Any:
    """Whether one of 8 n_octets values of `place` is outside [low, high)."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Windows(context, builder)
        place, at, n_octets, low, high = values
        low, high = tile.broadcast_integer(low), tile.broadcast_integer(high)
        found = cgutils.alloca_once_value(builder, tile.none)
        with tile.counting(n_octets) as octet:
            own = tile.places(signature.args[0], place, tile.index((at, 1), (octet, tile.lanes)))
            flags = builder.load(found)
            for test in (builder.icmp_signed("<", own, low), builder.icmp_signed(">=", own, high)):
                flags = builder.or_(flags, test)
            builder.store(flags, found)
        return tile.any(builder.load(found))

    return types.boolean(place, at, n_octets, low, high), generate
