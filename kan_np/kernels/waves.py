"""Sines and cosines by vector instructions, eight or sixteen numbers at once.

    sine_cosine_octet    sine[to + s] = sin(u[at + s]),  cosine[to + s] = cos(u[at + s]),  s = 0..7,
    sine_panel           values and derivatives of an edge of sines at `PANEL` samples.

The argument is brought into [-pi/4, pi/4] by subtracting multiples of pi/2 in three parts (W. J. Cody and W.
Waite 1980, Software Manual for the Elementary Functions, chapter 8), and polynomials of degree 13 and 14
follow (those of FDLIBM's k_sin.c and k_cos.c). Up to `REDUCED` that is right to about 1 ulp; both return
whether an argument is larger (or no number), and what is then written means nothing. Arrays are C-contiguous,
indices flat, nothing is checked. Only for kernels under `jit_exact`: rounding by adding and taking away a
large number does not survive reordering.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from kan_np.kernels._jit import intrinsic
from kan_np.kernels._vectors import INT64
from kan_np.kernels.microkernels import Columns

#: Up to here the reduction of the argument is exact: multiples of pi/2 have at most 20 bits.
REDUCED = 1e6

#: pi/2 in parts of 33 bits (FDLIBM, e_rem_pio2.c), and the rest.
_PARTS = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
_SINE = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_COSINE = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)
#: Added to a whole number it leaves that number in the lowest bits.
_WHOLE = 1.5 * 2.0**52


class _Waves(Columns):
    """Eight arguments, and their sines and cosines."""

    def sine_cosine(self, u: Any) -> tuple[Any, Any]:
        builder = self.builder
        shifted = builder.fadd(self.times(u, self.constant(2.0 / math.pi)), self.constant(_WHOLE))
        k, y = builder.fsub(shifted, self.constant(_WHOLE)), u
        for part in _PARTS:
            y = self.times_plus(k, self.constant(-part), y)
        z = self.times(y, y)
        sine = self.times_plus(self.times(y, z), self._horner(_SINE, z), y)
        half = self.times_plus(self.constant(-0.5), z, self.constant(1.0))
        cosine = self.times_plus(self.times(z, z), self._horner(_COSINE, z), half)
        integers = ir.VectorType(INT64, self.lanes)
        one, two, to_sign = (ir.Constant(integers, [number] * self.lanes) for number in (1, 2, 62))
        quarter = builder.bitcast(shifted, integers)
        odd = builder.icmp_unsigned("==", builder.and_(quarter, one), one)
        found = []
        for first, second, bits in ((cosine, sine, quarter), (sine, cosine, builder.add(quarter, one))):
            sign = builder.shl(builder.and_(bits, two), to_sign)
            turned = builder.xor(builder.bitcast(builder.select(odd, first, second), integers), sign)
            found.append(builder.bitcast(turned, self.vector))
        return found[0], found[1]

    def far(self, u: Any) -> Any:
        """Lanes with |u| > REDUCED or no number."""
        above = self.builder.fcmp_unordered(">", u, self.constant(REDUCED))
        return self.builder.or_(above, self.builder.fcmp_unordered("<", u, self.constant(-REDUCED)))

    def _horner(self, coefficients: tuple[float, ...], z: Any) -> Any:
        total = self.constant(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            total = self.times_plus(total, z, self.constant(coefficient))
        return total


@intrinsic
def sine_cosine_octet(_: Any, u: Any, at: Any, sine: Any, cosine: Any, to: Any) -> Any:
    """sine[to + s] = sin(u[at + s]) and cosine[to + s] = cos(u[at + s]), s = 0..7; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        waves = _Waves(context, builder)
        u_type, _, sine_type, cosine_type, _ = signature.args
        argument = waves.load(u_type, values[0], values[1])
        found = waves.sine_cosine(argument)
        waves.store(found[0], sine_type, values[2], values[4])
        waves.store(found[1], cosine_type, values[3], values[4])
        return waves.any(waves.far(argument))

    return types.boolean(u, at, sine, cosine, to), generate


@intrinsic
def sine_panel(
    _: Any, coef: Any, at: Any, n_terms: Any, x: Any, sample: Any, rows: Any, slopes: Any, to: Any, width: Any
) -> Any:
    """An edge sum_k a_k sin(w_k x + p_k) + d at x[sample + s], s < PANEL, with coef[at:] = (a, w, p, d).

    rows[to + s], rows[to + width + s], ... are the derivatives by all a, all w, all p and d, and the value;
    slopes[to + s] is the derivative by x.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        waves = _Waves(context, builder)
        waves.align_stack()
        coef_type, _, _, x_type, _, rows_type, slopes_type, _, _ = signature.args
        coef, at, n_terms, x, sample, rows, slopes, to, width = values
        samples = waves.panel_row(x_type, x, sample)
        last = waves.index((n_terms, 3))
        constant = waves.broadcast(waves.number(coef_type, coef, builder.add(at, last)))
        totals = waves.sums([constant] * len(samples))
        by_x = waves.sums([waves.constant(0.0)] * len(samples))
        far = cgutils.alloca_once_value(builder, waves.none)
        builder.store(waves.none, far)
        with waves.counting(n_terms) as k:
            places = [waves.index((n_terms, group), (k, 1)) for group in range(3)]
            a, w, p = (
                waves.broadcast(waves.number(coef_type, coef, builder.add(at, place))) for place in places
            )
            by_a, by_w, by_p = (builder.add(to, builder.mul(place, width)) for place in places)
            for v, own in enumerate(samples):
                u, ahead = waves.times_plus(w, own, p), v * waves.lanes
                sine, cosine = waves.sine_cosine(u)
                builder.store(builder.or_(builder.load(far), waves.far(u)), far)
                pulled = waves.times(a, cosine)
                for vector, place in ((sine, by_a), (waves.times(own, pulled), by_w), (pulled, by_p)):
                    waves.store(vector, rows_type, rows, waves.ahead(place, ahead))
                waves.add(totals[v], a, sine)
                waves.add(by_x[v], w, pulled)
        by_d = builder.add(to, builder.mul(last, width))
        waves.store_row([waves.constant(1.0)] * len(samples), rows_type, rows, by_d)
        waves.store_row([builder.load(own) for own in totals], rows_type, rows, builder.add(by_d, width))
        waves.store_row([builder.load(own) for own in by_x], slopes_type, slopes, to)
        return waves.any(builder.load(far))

    return types.boolean(coef, at, n_terms, x, sample, rows, slopes, to, width), generate
