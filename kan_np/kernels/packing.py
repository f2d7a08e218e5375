"""Instructions that fill panels with the functions of a source node at the samples of a block.

    lay_even     B-splines of all samples of a panel at once, on equal intervals
    lay          the four cubics of one sample, from the coefficients of its piece
    clear_rows   zeros
    copy_row     the base function
    scale_row    reads a panel: one of its rows times a number for each sample, for rows of a Jacobian

Arrays are C-contiguous, positions are flat indices, nothing is checked. See `kan_np.kernels.microkernels`.
"""

from __future__ import annotations

from typing import Any

from numba import types

from kan_np.kernels._jit import intrinsic
from kan_np.kernels._vectors import DOUBLE, Vectors
from kan_np.kernels.microkernels import PANEL, Columns, Tile


class _Cubics(Columns):
    """Piecewise cubics of eight samples."""

    def cubics(self, weights: list[Any], u: Any) -> list[tuple[Any, Any]]:
        """Four cubics and their derivatives; coefficient d of cubic r is weights[4 d + r], highest first."""
        found = []
        for c0, c1, c2, c3 in zip(*(weights[4 * d : 4 * d + 4] for d in range(4)), strict=True):
            a = self.times_plus(c0, u, c1)
            b = self.times_plus(a, u, c2)
            slope = self.times_plus(self.times_plus(c0, u, a), u, b)
            found.append((self.times_plus(b, u, c3), slope))
        return found

    def slide(
        self, p: Any, n_intervals: Any, vectors: list[Any], array_type: Any, array: Any, to: Any
    ) -> None:
        """Write rows 0 .. n_intervals + 2; in each lane four vectors begin at row p, the rest is zero.

        A window of four rows slides over the intervals: where p is the interval it takes the vectors, its
        first row is written, the others move up.
        """
        window = self.sums([self.constant(0.0)] * 4)
        with self.counting(n_intervals) as q:
            here = self.builder.fcmp_ordered("==", p, self.broadcast(self.builder.sitofp(q, DOUBLE)))
            taken = [
                self.builder.select(here, vector, self.builder.load(row))
                for vector, row in zip(vectors, window, strict=True)
            ]
            self.store(taken[0], array_type, array, self.index((to, 1), (q, PANEL)))
            for row, vector in zip(window, [*taken[1:], self.constant(0.0)], strict=True):
                self.builder.store(vector, row)
        for r in range(3):
            place = self.ahead(self.index((to, 1), (n_intervals, PANEL)), PANEL * r)
            self.store(self.builder.load(window[r]), array_type, array, place)


@intrinsic
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
    polynomials are table[piece + 4 d + r] for every p: rows p to p + 3 of its column get their values (and
    derivatives if `with_slopes`), the others zero. Returns whether a sample lies outside [low, high]; NaN
    counts as inside.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = _Cubics(context, builder)
        with_slopes, x, sample, low, high, start, step, n_intervals, table, piece, rows, slopes, to = values
        x_type, table_type, rows_type, slopes_type = (signature.args[i] for i in (1, 8, 10, 11))
        last = tile.broadcast(builder.sitofp(tile.ahead(n_intervals, -1), DOUBLE))
        low, high, start, step = (tile.broadcast(number) for number in (low, high, start, step))
        weights = [tile.broadcast(tile.number(table_type, table, tile.ahead(piece, i))) for i in range(16)]
        outside: Any = tile.none
        for v, z in enumerate(tile.panel_row(x_type, x, sample)):
            for test in (builder.fcmp_ordered("<", z, low), builder.fcmp_ordered(">", z, high)):
                outside = builder.or_(outside, test)
            t = tile.times(builder.fsub(z, start), step)
            p = tile.whole_between_zero_and(last, t)
            cubics, here = tile.cubics(weights, builder.fsub(t, p)), tile.ahead(to, tile.lanes * v)
            tile.slide(p, n_intervals, [value for value, _ in cubics], rows_type, rows, here)
            with builder.if_then(with_slopes):
                by_x = [tile.times(slope, step) for _, slope in cubics]
                tile.slide(p, n_intervals, by_x, slopes_type, slopes, here)
        return tile.any(outside)

    args = (with_slopes, x, sample, low, high, start, step, n_intervals, table, piece, rows, slopes, to)
    return types.boolean(*args), generate


@intrinsic
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
        with_slopes, table, piece, u, stretch, rows, slopes, to = values

        def scatter(vector: Any, array_type: Any, array: Any) -> None:
            for r in range(4):
                lanes.put(lanes.lane(vector, r), array_type, array, lanes.ahead(to, PANEL * r))

        c0, c1, c2, c3 = (lanes.load(table_type, table, lanes.ahead(piece, 4 * d)) for d in range(4))
        t = lanes.broadcast(u)
        a = lanes.times_plus(c0, t, c1)
        b = lanes.times_plus(a, t, c2)
        scatter(lanes.times_plus(b, t, c3), rows_type, rows)
        with builder.if_then(with_slopes):
            slope = lanes.times_plus(lanes.times_plus(c0, t, a), t, b)
            scatter(lanes.times(slope, lanes.broadcast(stretch)), slopes_type, slopes)
        return context.get_dummy_value()

    return types.void(with_slopes, table, piece, u, stretch, rows, slopes, to), generate


@intrinsic
def clear_rows(_: Any, rows: Any, at: Any, n_rows: Any) -> Any:
    """Set n_rows rows of panels to zero, from the flat index `at` on."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        tile = Tile(context, builder)
        rows, at, n_rows = values
        zeros = [tile.constant(0.0)] * (PANEL // tile.lanes)
        with tile.counting(n_rows) as r:
            tile.store_row(zeros, signature.args[0], rows, tile.index((at, 1), (r, PANEL)))
        return context.get_dummy_value()

    return types.void(rows, at, n_rows), generate


@intrinsic
def copy_row(_: Any, values: Any, at: Any, rows: Any, to: Any) -> Any:
    """rows[to + s] = values[at + s] for the samples of one panel, at flat indices."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile = Tile(context, builder)
        values_type, _, rows_type, _ = signature.args
        values, at, rows, to = arguments
        tile.store_row(tile.panel_row(values_type, values, at), rows_type, rows, to)
        return context.get_dummy_value()

    return types.void(values, at, rows, to), generate


@intrinsic
def scale_row(_: Any, factors: Any, at: Any, rows: Any, row: Any, out: Any, to: Any) -> Any:
    """out[to + s] = factors[at + s] rows[row + s] for the samples of one panel, at flat indices."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile = Tile(context, builder)
        factors_type, _, rows_type, _, out_type, _ = signature.args
        factors, at, rows, row, out, to = arguments
        pairs = zip(
            tile.panel_row(factors_type, factors, at), tile.panel_row(rows_type, rows, row), strict=True
        )
        tile.store_row([tile.times(a, b) for a, b in pairs], out_type, out, to)
        return context.get_dummy_value()

    return types.void(factors, at, rows, row, out, to), generate


@intrinsic
def put(_: Any, number: Any, rows: Any, at: Any) -> Any:
    """rows[at] = number, at a flat index."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number, rows, at = values
        Tile(context, builder).put(number, signature.args[1], rows, at)
        return context.get_dummy_value()

    return types.void(number, rows, at), generate
