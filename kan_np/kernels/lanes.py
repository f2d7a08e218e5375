"""Instructions that Numba has no words for: four numbers at once, and the bits of a power of two.

Numba compiles loops, and LLVM turns loops over samples into vector code; but where each sample has a place of
its own in memory (its piece of a spline), such loops stay scalar. A piece is four neighbouring numbers, the
polynomial of a cubic, so it is the four numbers that go through the vector registers:

    add_row        target[to + d] += factor * source[at + d],                               d = 0..3
    add_product    target[to + d] += sum_r factor[start + r] * table[at + 4 r + d],         d, r = 0..3
    powers_quad    powers[4 (at + s) + d] = u[at + s]^(3 - d),                              d, s = 0..3
    spline_quad    value[to + s] += p_s(u[at + s]),  slope[keep + s] = p_s'(u[at + s]),     s = 0..3

with p_s(u) = ((c_0 u + c_1) u + c_2) u + c_3 and c_d = table[first + place[at + s] + d]. All arrays are
C-contiguous and addressed by their flat index; nothing is checked. `tests/reference.py` has slow twins.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from kan_np.kernels._jit import intrinsic

LANES = 4

_DOUBLE, _INT32 = ir.DoubleType(), ir.IntType(32)
_VECTOR = ir.VectorType(_DOUBLE, LANES)
_FUSED = ("contract",)


class _Lanes:
    """Vectors of four float64 in the code that an intrinsic generates."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder

    def pointer(self, array_type: Any, array: Any, index: Any, element: Any) -> Any:
        """Address of a flat index, as a pointer to `element`."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        return self.builder.bitcast(self.builder.gep(data, [index]), element.as_pointer())

    def load(self, array_type: Any, array: Any, index: Any) -> Any:
        return self.builder.load(self.pointer(array_type, array, index, _VECTOR), align=8)

    def store(self, vector: Any, array_type: Any, array: Any, index: Any) -> None:
        self.builder.store(vector, self.pointer(array_type, array, index, _VECTOR), align=8)

    def constant(self, *numbers: float) -> Any:
        return ir.Constant(_VECTOR, list(numbers) if len(numbers) == LANES else [numbers[0]] * LANES)

    def spread(self, number: Any) -> Any:
        """The same number in all lanes."""
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(_INT32, 0))
        return self.pick(first, first, 0, 0, 0, 0)

    def pick(self, a: Any, b: Any, *lanes: int) -> Any:
        """Lanes of a (0 to 3) and b (4 to 7)."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INT32, LANES), list(lanes)))

    def transposed(self, rows: list[Any]) -> list[Any]:
        """Four vectors as the columns of a matrix: its rows."""
        a, b, c, d = rows
        low = self.pick(a, b, 0, 4, 2, 6), self.pick(c, d, 0, 4, 2, 6)
        high = self.pick(a, b, 1, 5, 3, 7), self.pick(c, d, 1, 5, 3, 7)
        return [
            self.pick(*low, 0, 1, 4, 5),
            self.pick(*high, 0, 1, 4, 5),
            self.pick(*low, 2, 3, 6, 7),
            self.pick(*high, 2, 3, 6, 7),
        ]

    def columns(self, array_type: Any, array: Any, starts: list[Any]) -> tuple[Any, Any]:
        """array[starts] and array[starts + 1], from loads of pairs: half the shuffles of a transposition."""
        pair = ir.VectorType(_DOUBLE, 2)
        pairs = [self.builder.load(self.pointer(array_type, array, i, pair), align=8) for i in starts]
        even, odd = self.pick(pairs[0], pairs[2], 0, 1, 2, 3), self.pick(pairs[1], pairs[3], 0, 1, 2, 3)
        return self.pick(even, odd, 0, 4, 2, 6), self.pick(even, odd, 1, 5, 3, 7)

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=_FUSED)

    def times_plus(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.fadd(self.times(a, b), c, flags=_FUSED)

    def ahead(self, index: Any, n: int) -> Any:
        return self.builder.add(index, ir.Constant(index.type, n))


@intrinsic
def add_row(_: Any, factor: Any, source: Any, at: Any, target: Any, to: Any) -> Any:
    """target[to + d] += factor * source[at + d] for d = 0..3."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = _Lanes(context, builder)
        _, source_type, _, target_type, _ = signature.args
        factor, source, at, target, to = values
        old = lanes.load(target_type, target, to)
        new = lanes.times_plus(lanes.spread(factor), lanes.load(source_type, source, at), old)
        lanes.store(new, target_type, target, to)
        return context.get_dummy_value()

    return types.void(factor, source, at, target, to), generate


@intrinsic
def add_product(_: Any, factor: Any, start: Any, table: Any, at: Any, target: Any, to: Any) -> Any:
    """target[to + d] += sum_r factor[start + r] * table[at + 4 r + d] for d = 0..3, the sum over r = 0..3."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = _Lanes(context, builder)
        factor_type, _, table_type, _, target_type, _ = signature.args
        factor, start, table, at, target, to = values
        total = lanes.load(target_type, target, to)
        for r in range(LANES):
            one = builder.load(lanes.pointer(factor_type, factor, lanes.ahead(start, r), _DOUBLE))
            row = lanes.load(table_type, table, lanes.ahead(at, LANES * r))
            total = lanes.times_plus(lanes.spread(one), row, total)
        lanes.store(total, target_type, target, to)
        return context.get_dummy_value()

    return types.void(factor, start, table, at, target, to), generate


@intrinsic
def powers_quad(_: Any, u: Any, at: Any, powers: Any) -> Any:
    """powers[4 (at + s) + d] = u[at + s]^(3 - d) for s, d = 0..3."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = _Lanes(context, builder)
        u_type, _, powers_type = signature.args
        u, at, powers = values
        first = lanes.load(u_type, u, at)
        second = lanes.times(first, first)
        rows = lanes.transposed([lanes.times(second, first), second, first, lanes.constant(1.0)])
        at = builder.mul(at, ir.Constant(at.type, LANES))
        for s, row in enumerate(rows):
            lanes.store(row, powers_type, powers, lanes.ahead(at, LANES * s))
        return context.get_dummy_value()

    return types.void(u, at, powers), generate


@intrinsic
def spline_quad(
    _: Any, table: Any, first: Any, place: Any, u: Any, at: Any, value: Any, to: Any, slope: Any, keep: Any
) -> Any:
    """value[to + s] += p_s(u[at + s]) and slope[keep + s] = p_s'(u[at + s]) for s = 0..3; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = _Lanes(context, builder)
        table_type, _, place_type, u_type, _, value_type, _, slope_type, _ = signature.args
        table, first, place, u, at, value, to, slope, keep = values
        starts = []
        for s in range(LANES):
            own = builder.load(lanes.pointer(place_type, place, lanes.ahead(at, s), ir.IntType(64)))
            starts.append(builder.add(first, own))
        c0, c1 = lanes.columns(table_type, table, starts)
        c2, c3 = lanes.columns(table_type, table, [lanes.ahead(start, 2) for start in starts])
        t = lanes.load(u_type, u, at)
        a = lanes.times_plus(c0, t, c1)
        b = lanes.times_plus(a, t, c2)
        c = lanes.times_plus(b, t, c3)
        lanes.store(builder.fadd(lanes.load(value_type, value, to), c, flags=_FUSED), value_type, value, to)
        lanes.store(lanes.times_plus(lanes.times_plus(c0, t, a), t, b), slope_type, slope, keep)
        return context.get_dummy_value()

    return types.void(table, first, place, u, at, value, to, slope, keep), generate


@intrinsic
def power_of_two(_: Any, exponent: Any) -> Any:
    """2^exponent for a whole number from -1022 to 1023, written as the bits of a float64."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        biased = builder.add(values[0], ir.Constant(values[0].type, 1023))
        return builder.bitcast(builder.shl(biased, ir.Constant(biased.type, 52)), _DOUBLE)

    return types.float64(types.int64), generate
