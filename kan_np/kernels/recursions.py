"""Chebyshev polynomials and Gaussians of a node, which follow from one another in vector registers.

    chebyshev_panel    T_r(z) and w T_r'(z) for r = 2 .. degree, from z and w in the rows of T_1,
    gaussian_panel     Gaussians around one centre and its neighbours, with their derivatives,

for `PANEL` samples. Written as passes over rows of samples they would be loaded again for every function,
which takes longer than their arithmetic. Arrays are C-contiguous, indices flat, row r begins at `to` + r
`width`, nothing is checked. `tests/kernels/test_recursions.py` has slow twins.
"""

from __future__ import annotations

from typing import Any

from numba import types

from kan_np.kernels._jit import intrinsic
from kan_np.kernels.exponential import Octet
from kan_np.kernels.microkernels import Tile


@intrinsic
def chebyshev_panel(_: Any, degree: Any, rows: Any, slopes: Any, to: Any, width: Any) -> Any:
    """T_{r+1} = 2 z T_r - T_{r-1} and S_{r+1} = 2 z S_r + 2 w T_r - S_{r-1}; z = T_1, w = S_1, 1 = T_0.

    rows[to + width + s] = z and slopes[to + width + s] = w are given, the rows behind them are written.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        panel = Tile(context, builder)
        _, rows_type, slopes_type, _, _ = signature.args
        degree, rows, slopes, to, width = values
        first = builder.add(to, width)
        z, w = panel.panel_row(rows_type, rows, first), panel.panel_row(slopes_type, slopes, first)
        z_twice, w_twice = ([builder.fadd(own, own) for own in each] for each in (z, w))
        t, s = panel.sums(z), panel.sums(w)
        t_before = panel.sums([panel.constant(1.0)] * len(z))
        s_before = panel.sums([panel.constant(0.0)] * len(z))
        with panel.counting(builder.sub(degree, degree.type(1))) as r:
            place = panel.index((builder.add(r, r.type(1)), width), (first, 1))
            for v in range(len(z)):
                value, slope = builder.load(t[v]), builder.load(s[v])
                new = panel.times_plus(z_twice[v], value, builder.fneg(builder.load(t_before[v])))
                pulled = panel.times_plus(w_twice[v], value, builder.fneg(builder.load(s_before[v])))
                steep = panel.times_plus(z_twice[v], slope, pulled)
                for vector, now, before, old in (
                    (new, t[v], t_before[v], value),
                    (steep, s[v], s_before[v], slope),
                ):
                    builder.store(old, before)
                    builder.store(vector, now)
                here = panel.ahead(place, v * panel.lanes)
                panel.store(new, rows_type, rows, here)
                panel.store(steep, slopes_type, slopes, here)
        return context.get_dummy_value()

    return types.void(degree, rows, slopes, to, width), generate


@intrinsic
def gaussian_panel(
    _: Any,
    x: Any,
    sample: Any,
    low: Any,
    scale: Any,
    shift: Any,
    distance: Any,
    limit: Any,
    fall: Any,
    n_left: Any,
    n_right: Any,
    rows: Any,
    slopes: Any,
    to: Any,
    width: Any,
) -> Any:
    """exp(-(u - m d)^2) and its derivative by x for m = -n_left .. n_right; u = scale (x - low) - shift.

    d is `distance`, `fall` is exp(-d^2). With P = exp(2 d u) it is exp(-u^2) P^m exp(-m^2 d^2): neighbours
    follow by multiplications. u is held within +-limit, which is at most 26. The row of m = 0 begins at `to`.
    Only for kernels under `jit_exact`, see `kan_np.kernels.exponential`.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        panel, octet = Tile(context, builder), Octet(context, builder)
        panel.align_stack()
        x_type, rows_type, slopes_type = (signature.args[i] for i in (0, 10, 11))
        x, sample, low, scale, shift, distance, limit, fall, n_left, n_right, rows, slopes, to, width = values
        fall = panel.broadcast(fall)
        ratio, minus_scale = (
            panel.times(fall, fall),
            panel.broadcast(builder.fneg(builder.fadd(scale, scale))),
        )
        step = panel.times(panel.broadcast(builder.fneg(distance)), minus_scale)
        middle, up, down, steep = [], [], [], []
        for own in panel.panel_row(x_type, x, sample):
            away = builder.fsub(own, panel.broadcast(low))
            u = panel.times_plus(away, panel.broadcast(scale), panel.broadcast(builder.fneg(shift)))
            unknown = builder.fcmp_unordered("uno", u, u)
            for end, relation in ((builder.fneg(limit), "<"), (limit, ">")):
                bound = panel.broadcast(end)
                u = builder.select(builder.fcmp_ordered(relation, u, bound), bound, u)
            g = octet.exponential_near(builder.fneg(panel.times(u, u)))
            middle.append(builder.select(unknown, u, g))
            steep.append(panel.times(minus_scale, u))
            pair = octet.exponential_pair(panel.times(panel.broadcast(builder.fadd(distance, distance)), u))
            up.append(panel.times(pair[0], fall))
            down.append(panel.times(pair[1], fall))
        panel.store_row(middle, rows_type, rows, to)
        panel.store_row(
            [panel.times(a, b) for a, b in zip(middle, steep, strict=True)], slopes_type, slopes, to
        )
        for n, factors, sign in ((n_right, up, 1), (n_left, down, -1)):
            g, factor, slope = panel.sums(middle), panel.sums(factors), panel.sums(steep)
            change = step if sign == 1 else builder.fneg(step)
            with panel.counting(n) as m:
                rest = builder.mul(builder.add(m, m.type(1)), width)
                place = builder.add(to, rest) if sign == 1 else builder.sub(to, rest)
                for v in range(len(middle)):
                    here = panel.ahead(place, v * panel.lanes)
                    value = panel.times(builder.load(g[v]), builder.load(factor[v]))
                    lean = builder.fadd(builder.load(slope[v]), change)
                    builder.store(value, g[v])
                    builder.store(panel.times(builder.load(factor[v]), ratio), factor[v])
                    builder.store(lean, slope[v])
                    panel.store(value, rows_type, rows, here)
                    panel.store(panel.times(value, lean), slopes_type, slopes, here)
        return context.get_dummy_value()

    args = (
        x,
        sample,
        low,
        scale,
        shift,
        distance,
        limit,
        fall,
        n_left,
        n_right,
        rows,
        slopes,
        to,
        width,
    )
    return types.void(*args), generate
