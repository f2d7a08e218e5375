"""recognise: numbers that a measurement can tell are named, near misses and chance matches are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import E, I, Integer, Rational, log, pi, sqrt

from kan_np.symbolic import recognise


@pytest.mark.parametrize(
    ("number", "sigma"),
    [
        (Integer(0), 1e-6),
        (Integer(1), 1e-2),
        (Integer(2), 1e-3),
        (Integer(-7), 1e-3),
        (Integer(20), 1e-5),
        (Integer(100), 1e-4),
        (Rational(1, 2), 1e-3),
        (Rational(-1, 3), 1e-6),
        (Rational(22, 7), 1e-7),
        (Rational(49, 5), 1e-8),
        (Rational(1, 20), 1e-8),
        (Rational(37, 100), 1e-12),
        (pi, 3e-3),
        (2 * pi / 3, 1e-8),
        (-3 / pi, 1e-8),
        (pi**2 / 6, 1e-10),
        (E, 1e-5),
        (E / 2, 1e-7),
        (-2 * sympy.exp(-1), 1e-8),
        (sqrt(2), 1e-6),
        (sqrt(2) / 2, 1e-6),
        (3 * sqrt(5) / 2, 1e-10),
        (sqrt(pi) / 2, 1e-8),
        (1 / sqrt(2 * pi), 1e-8),
        (log(2), 1e-6),
    ],
)
def test_numbers_are_recognised(number, sigma):
    for off in (0.0, 0.7 * sigma, -1.5 * sigma):
        assert sympy.simplify(recognise(float(number) + off, sigma) - number) == 0


@pytest.mark.parametrize(
    ("value", "sigma"),
    [
        (3.1416, 1e-8),
        (3.14159, 1e-7),
        (2.0000001, 1e-9),
        (0.99999, 1e-7),
        (0.3333, 1e-6),
        (1.41421, 1e-8),
        (2.71828, 1e-8),
        (1e-6, 1e-8),
        (-4.9999, 1e-6),
    ],
)
def test_near_misses_are_not(value, sigma):
    found = recognise(value, sigma)
    assert found.is_Float
    assert abs(float(found) - value) <= sigma


@pytest.mark.parametrize("relative", [1e-2, 1e-3, 1e-4, 1e-6, 1e-9, 1e-12])
def test_chance_matches_are_as_rare_as_the_margin_promises(relative):
    values = 10.0 ** np.random.default_rng(0).uniform(-1, 1, 800)
    for margin in (2.0, 4.0, 6.0):
        named = sum(not recognise(v, v * relative, margin=margin).is_Float for v in values)
        assert named <= 800 * 2.0**-margin


def test_true_numbers_need_bits():
    """The same number is named as soon as its uncertainty is small enough, and stays so."""
    for number in (Integer(3), Rational(3, 4), pi, sqrt(3), 5 * pi / 4):
        named = [recognise(float(number), 10.0**-k) == number for k in range(1, 14)]
        assert not named[0] or number == 3
        assert named[-1]
        assert named == sorted(named)


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (0.3712345, 1e-3, "0.371"),
        (123.456, 10.0, "120"),
        (-2.34567891, 1e-5, "-2.34568"),
        (6.02e23, 1e18, "6.02000e+23"),
        (4.7e-7, 1e-9, "4.70e-7"),
    ],
)
def test_floats_have_the_digits_that_the_uncertainty_supports(value, sigma, text):
    found = recognise(value, sigma)
    assert found.is_Float
    assert str(found) in (text, text + ".0", "1.2e+2")


def test_zero_is_told_beside_its_scale():
    assert recognise(1e-12, 1e-10) == 0
    assert recognise(0.0, 0.0) == 0
    assert recognise(1e-12, 1e-13).is_Float
    assert recognise(1e-3, 0.3).is_Float, "anything could be 0"
    assert recognise(1e-12, 1e-12, scale=1e-11).is_Float
    assert recognise(1e-12, 1e-12, scale=1e-3) == 0


def test_complexity_can_be_limited():
    value = float(Rational(37, 100))
    assert recognise(value, 1e-14) == Rational(37, 100)
    assert recognise(value, 1e-14, max_complexity=15).is_Float
    assert recognise(0.5, 1e-14, max_complexity=15) == Rational(1, 2)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0.0, 1e300))
def test_what_comes_back_is_the_value_to_its_uncertainty(value, sigma):
    found = recognise(value, sigma)
    assert found.is_real
    assert I not in found.atoms()
    least = max(sigma, 2.3e-16 * abs(value), 2.3e-308)
    assert abs(sympy.Float(found, 20) - sympy.Float(value, 20)) <= 3 * least


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((math.nan, 1.0), ValueError, "value is nan"),
        ((1.0, -1.0), ValueError, "sigma is -1"),
        ((1.0, math.inf), ValueError, "sigma is inf"),
        (("one", 1.0), TypeError, "value is 'one'"),
    ],
)
def test_bad_numbers_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        recognise(*arguments)
