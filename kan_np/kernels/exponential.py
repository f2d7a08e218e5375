"""SiLU and tanh by a vectorised exponential, eight numbers at once.

    silu_octet    value[to + s] = x S,  slope[to + s] = S (1 + x (1 - S)),  S = 1 / (1 + exp(-x)),
    tanh_octet    value[to + s] = T,    slope[to + s] = 1 - T^2,  T = e / (e + 2),  e = exp(2 x) - 1,
    tanh_slope_octet  the same, with the slope 4 w / (w + 1)^2, w = exp(-2 |x|), which does not cancel,
    exp_octet     value[to + s] = exp(x)

at x = x[at + s], with exp(x) = 2^m exp(r), |r| <= ln(2) / 2 and a polynomial for exp(r): right to about 2 ulp
for |x| <= 700, clipped there. libm's exp, one number at a time, would cost four times as much. Arrays are
C-contiguous, indices flat, nothing is checked. Only for kernels under `jit_exact`: rounding by adding and
taking away a large number does not survive reordering.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types

from kan_np.kernels._jit import intrinsic
from kan_np.kernels._vectors import INT64, Vectors

OCTET = 8

_LIMIT = 700.0
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
#: (exp(r) - 1) / r for |r| <= ln(2) / 2, highest power first: Chebyshev approximation of degree 10 with a
#: relative error of 1.8e-17, computed with 40 digits.
_EXP = (
    2.5105217004720745e-08,
    2.7626371065696354e-07,
    2.7557255400206422e-06,
    2.480150431378554e-05,
    0.00019841269874820627,
    0.001388888893251478,
    0.008333333333326136,
    0.041666666666573066,
    0.1666666666666667,
    0.5000000000000006,
    1.0,
)
#: Added to a whole number it leaves that number in the lowest bits.
_WHOLE = 1.5 * 2.0**52


class Octet(Vectors):
    """Eight numbers, and functions of them."""

    def __init__(self, context: Any, builder: Any) -> None:
        super().__init__(context, builder, OCTET)

    def clipped(self, x: Any) -> Any:
        """x between -_LIMIT and _LIMIT; NaN becomes the lower."""
        low, high = self.constant(-_LIMIT), self.constant(_LIMIT)
        x = self.builder.select(self.builder.fcmp_ordered(">", x, low), x, low)
        return self.builder.select(self.builder.fcmp_ordered("<", x, high), x, high)

    def exponential(self, x: Any) -> Any:
        scale, rest = self._parts(x)
        return self.builder.fmul(self.builder.fadd(rest, self.constant(1.0)), scale)

    def exponential_minus_one(self, x: Any) -> Any:
        """exp(x) - 1 = 2^m (exp(r) - 1) + (2^m - 1), which does not cancel near 0, where m = 0."""
        return self.exponential_both(x)[1]

    def exponential_both(self, x: Any) -> tuple[Any, Any]:
        """exp(x) and exp(x) - 1."""
        scale, rest = self._parts(x)
        less = self.times_plus(scale, rest, self.builder.fsub(scale, self.constant(1.0)))
        return self.builder.fmul(self.builder.fadd(rest, self.constant(1.0)), scale), less

    def exponential_near(self, x: Any) -> Any:
        """exp(x) for |x| <= 700, which is not checked."""
        scale, rest = self._near_parts(x)
        return self.builder.fmul(self.builder.fadd(rest, self.constant(1.0)), scale)

    def exponential_pair(self, x: Any) -> tuple[Any, Any]:
        """exp(x) and exp(-x) for |x| <= 700, which is not checked: exp(r) and exp(-r) share their halves."""
        shifted, r = self._reduced(x)
        square = self.times(r, r)
        even, odd = (self.polynomial(_EXP[::-1][first::2], square) for first in (0, 1))
        first, second = self.times_plus(square, odd, self.constant(1.0)), self.times(r, even)
        up, down = self.builder.fadd(first, second), self.builder.fsub(first, second)
        twice = self.constant(2.0 * _WHOLE)
        mirrored = self.builder.fsub(twice, shifted)  # -m + _WHOLE
        return self.times(up, self.power_of_two(shifted)), self.times(down, self.power_of_two(mirrored))

    def _parts(self, x: Any) -> tuple[Any, Any]:
        """2^m and exp(r) - 1 for x = m ln(2) + r."""
        return self._near_parts(self.clipped(x))

    def _near_parts(self, x: Any) -> tuple[Any, Any]:
        shifted, r = self._reduced(x)
        return self.power_of_two(shifted), self.times(self.polynomial(_EXP[::-1], r), r)

    def _reduced(self, x: Any) -> tuple[Any, Any]:
        """m + _WHOLE and r for x = m ln(2) + r."""
        whole = self.constant(_WHOLE)
        shifted = self.times_plus(x, self.constant(1.0 / math.log(2.0)), whole)
        m = self.builder.fsub(shifted, whole)
        r = self.times_plus(m, self.constant(-_LN2_HIGH), x)
        return shifted, self.times_plus(m, self.constant(-_LN2_LOW), r)

    def polynomial(self, coefficients: Sequence[float], x: Any) -> Any:
        """Sum of coefficients[i] x^i, added up in pairs: fewer steps wait for each other than in Horner's."""
        terms = [self.constant(coefficient) for coefficient in coefficients]
        while len(terms) > 1:
            evens, odds = terms[::2], terms[1::2]
            pairs = [self.times_plus(odd, x, even) for even, odd in zip(evens, odds, strict=False)]
            terms = pairs + evens[len(odds) :]
            x = self.times(x, x)
        return terms[0]

    def power_of_two(self, shifted: Any) -> Any:
        """2^m from m + _WHOLE: m and the bias of exponents, moved to where a float64 has its exponent."""
        integers = ir.VectorType(INT64, OCTET)
        bias, places = (ir.Constant(integers, [number] * OCTET) for number in (1023, 52))
        biased = self.builder.add(self.builder.bitcast(shifted, integers), bias)
        return self.builder.bitcast(self.builder.shl(biased, places), self.vector)


@intrinsic
def silu_octet(_: Any, x: Any, at: Any, value: Any, slope: Any, to: Any) -> Any:
    """value[to + s] = b(x[at + s]) and slope[to + s] = b'(x[at + s]), s = 0..7; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        octet = Octet(context, builder)
        x_type, _, value_type, slope_type, _ = signature.args
        x, at, value, slope, to = values
        z, one = octet.load(x_type, x, at), octet.constant(1.0)
        sigma = builder.fdiv(one, builder.fadd(one, octet.exponential(builder.fneg(z))))
        # the factors z keep NaN
        octet.store(octet.times(z, sigma), value_type, value, to)
        rest = octet.times_plus(z, builder.fsub(one, sigma), one)
        octet.store(octet.times(sigma, rest), slope_type, slope, to)
        return context.get_dummy_value()

    return types.void(x, at, value, slope, to), generate


@intrinsic
def tanh_octet(_: Any, x: Any, at: Any, value: Any, slope: Any, to: Any) -> Any:
    """value[to + s] = tanh(x[at + s]) and slope[to + s] = 1 - tanh(x[at + s])^2, s = 0..7; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        octet = Octet(context, builder)
        x_type, _, value_type, slope_type, _ = signature.args
        x, at, value, slope, to = values
        z = octet.load(x_type, x, at)
        e = octet.exponential_minus_one(builder.fadd(z, z))
        t = builder.fdiv(e, builder.fadd(e, octet.constant(2.0)))
        t = builder.select(builder.fcmp_unordered("uno", z, z), z, t)  # NaN stays
        octet.store(t, value_type, value, to)
        octet.store(octet.times_plus(builder.fneg(t), t, octet.constant(1.0)), slope_type, slope, to)
        return context.get_dummy_value()

    return types.void(x, at, value, slope, to), generate


@intrinsic
def tanh_slope_octet(_: Any, x: Any, at: Any, value: Any, slope: Any, to: Any) -> Any:
    """As `tanh_octet`, with a slope that keeps its digits where |x| is large; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        octet = Octet(context, builder)
        x_type, _, value_type, slope_type, _ = signature.args
        x, at, value, slope, to = values
        z, one = octet.load(x_type, x, at), octet.constant(1.0)
        negative = builder.fcmp_ordered("<", z, octet.constant(0.0))
        minus = builder.select(negative, z, builder.fneg(z))  # -|x|
        w, less = octet.exponential_both(builder.fadd(minus, minus))
        more = builder.fadd(w, one)
        inverse, t = builder.fdiv(one, more), builder.fdiv(less, more)
        t = builder.select(negative, t, builder.fneg(t))
        own = octet.times(octet.times(octet.times(octet.constant(4.0), w), inverse), inverse)
        unknown = builder.fcmp_unordered("uno", z, z)
        octet.store(builder.select(unknown, z, t), value_type, value, to)
        octet.store(builder.select(unknown, z, own), slope_type, slope, to)
        return context.get_dummy_value()

    return types.void(x, at, value, slope, to), generate


@intrinsic
def exp_octet(_: Any, x: Any, at: Any, value: Any, to: Any) -> Any:
    """value[to + s] = exp(x[at + s]), s = 0..7; see the module."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        octet = Octet(context, builder)
        x_type, _, value_type, _ = signature.args
        x, at, value, to = values
        octet.store(octet.exponential(octet.load(x_type, x, at)), value_type, value, to)
        return context.get_dummy_value()

    return types.void(x, at, value, to), generate
