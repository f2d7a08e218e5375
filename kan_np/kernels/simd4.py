"""Vector instructions on four numbers, for cubics whose coefficients lie at another address for every sample.

LLVM turns loops over samples into vector code, but not where each sample reads another part of memory (the
coefficients of its piece of a spline). These are four neighbouring numbers, which fill one vector register:

    add_row        target[to + d] += factor * source[at + d],                               d = 0..3
    add_product    target[to + d] += sum_r factor[start + r] * table[at + 4 r + d],         d, r = 0..3
    param_grad_quad   target[to + s apart + place[at + s] + d] += factor[start + s] u[at + s]^(3 - d),
    spline_quad    value[to + s] += p_s(u[at + s]),  slope[keep + s] = p_s'(u[at + s]),     d, s = 0..3

with p_s(u) = ((c_0 u + c_1) u + c_2) u + c_3 and c_d = table[first + place[at + s] + d]. All arrays are
C-contiguous and addressed by their flat index; nothing is checked. `tests/reference.py` has slow twins.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from kan_np.kernels._jit import intrinsic
from kan_np.kernels._vectors import DOUBLE, INT64, Vectors

LANES = 4


class _Lanes(Vectors):
    """Four numbers."""

    def __init__(self, context: Any, builder: Any) -> None:
        super().__init__(context, builder, LANES)

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
        pair = ir.VectorType(DOUBLE, 2)
        pairs = [self.builder.load(self.pointer(array_type, array, i, pair), align=8) for i in starts]
        even, odd = self.pick(pairs[0], pairs[2], 0, 1, 2, 3), self.pick(pairs[1], pairs[3], 0, 1, 2, 3)
        return self.pick(even, odd, 0, 4, 2, 6), self.pick(even, odd, 1, 5, 3, 7)


@intrinsic
def add_row(_: Any, factor: Any, source: Any, at: Any, target: Any, to: Any) -> Any:
    """target[to + d] += factor * source[at + d] for d = 0..3."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = _Lanes(context, builder)
        _, source_type, _, target_type, _ = signature.args
        factor, source, at, target, to = values
        old = lanes.load(target_type, target, to)
        new = lanes.times_plus(lanes.broadcast(factor), lanes.load(source_type, source, at), old)
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
            one = lanes.number(factor_type, factor, lanes.ahead(start, r))
            row = lanes.load(table_type, table, lanes.ahead(at, LANES * r))
            total = lanes.times_plus(lanes.broadcast(one), row, total)
        lanes.store(total, target_type, target, to)
        return context.get_dummy_value()

    return types.void(factor, start, table, at, target, to), generate


@intrinsic
def param_grad_quad(
    _: Any, factor: Any, start: Any, u: Any, at: Any, place: Any, target: Any, to: Any, apart: Any
) -> Any:
    """target[to + s apart + place[at + s] + d] += factor[start + s] * u[at + s]^(3 - d) for s, d = 0..3."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = _Lanes(context, builder)
        factor_type, _, u_type, _, place_type, target_type, _, _ = signature.args
        factor, start, u, at, place, target, to, apart = values
        t = lanes.load(u_type, u, at)
        powers = [lanes.load(factor_type, factor, start)]
        for _ in range(LANES - 1):
            powers.insert(0, lanes.times(powers[0], t))
        for s, row in enumerate(lanes.transposed(powers)):
            own = lanes.number(place_type, place, lanes.ahead(at, s), INT64)
            there = lanes.index((to, 1), (apart, s), (own, 1))
            old = lanes.load(target_type, target, there)
            lanes.store(builder.fadd(old, row), target_type, target, there)
        return context.get_dummy_value()

    return types.void(factor, start, u, at, place, target, to, apart), generate


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
            own = lanes.number(place_type, place, lanes.ahead(at, s), INT64)
            starts.append(builder.add(first, own))
        c0, c1 = lanes.columns(table_type, table, starts)
        c2, c3 = lanes.columns(table_type, table, [lanes.ahead(start, 2) for start in starts])
        t = lanes.load(u_type, u, at)
        a = lanes.times_plus(c0, t, c1)
        b = lanes.times_plus(a, t, c2)
        c = lanes.times_plus(b, t, c3)
        lanes.store(builder.fadd(lanes.load(value_type, value, to), c), value_type, value, to)
        lanes.store(lanes.times_plus(lanes.times_plus(c0, t, a), t, b), slope_type, slope, keep)
        return context.get_dummy_value()

    return types.void(table, first, place, u, at, value, to, slope, keep), generate
