"""Guarded values: finite for every finite number, exact but for a tiny neighbourhood, without jumps."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import LIBRARY
from hypothesis import given, settings
from hypothesis import strategies as st

from kan_np.functions.guard import MARGIN
from kan_np.symbolic import make_symbol

OWN = [
    make_symbol("f", text)
    for text in (
        "1/(x**2 - 1)",
        "sin(x)/x",
        "x**3/(exp(x) - 1)",
        "cot(x)",
        "gamma(x)",
        "airyai(x)",
        "acosh(x)",
    )
]
SYMBOLS = [*LIBRARY, *OWN]
EXTREMES = [0.0, -0.0, 1.0, -1.0, np.pi / 2, -np.pi / 2, np.pi, 5e-324, 1e-300, 1e-9, 1e308, -1e308, 1e100]


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda s: s.expression)
@settings(max_examples=30)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=8))
def test_everything_is_finite(symbol, numbers):
    powers = 10.0 ** np.linspace(-320, 308, 80)
    u = np.concatenate([EXTREMES, np.nextafter(EXTREMES, 0.0), powers, -powers, numbers])
    for array in symbol.guarded(u, 2):
        assert array.shape == u.shape
        assert np.isfinite(array).all()


@pytest.mark.parametrize("symbol", LIBRARY, ids=lambda s: s.name)
def test_it_is_exact_outside_of_a_tiny_neighbourhood(symbol):
    low, high = max(symbol.domain[0], -40.0), min(symbol.domain[1], 40.0)
    u = np.linspace(low, high, 4001)
    singular = [s for s in (*symbol.domain, *symbol.poles) if np.isfinite(s)]
    if symbol.poles and np.isfinite(symbol.period):
        singular = [symbol.poles[0] + k * symbol.period for k in range(-14, 14)]
    for s in singular:
        u = u[np.abs(u - s) > 1.01 * MARGIN * max(1.0, abs(s))]
    assert u.size > 1500
    for guarded, exact in zip(
        symbol.guarded(u, 2), (symbol.value, symbol.derivative, symbol.second_derivative), strict=True
    ):
        assert np.array_equal(guarded, exact(u))


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda s: s.expression)
def test_value_and_slope_have_no_jump(symbol):
    """Across each edge of the patches, neighbouring numbers have neighbouring values and slopes."""
    guard = symbol.guard
    edges = guard.edges[np.abs(guard.edges) < 1e4]
    below, above = symbol.guarded(np.nextafter(edges, -np.inf)), symbol.guarded(np.nextafter(edges, np.inf))
    scale = 1.0 + np.abs(above[1])
    assert np.all(np.abs(above[0] - below[0]) <= 1e-9 + 4 * np.spacing(1.0 + np.abs(edges)) * scale)
    assert np.all(np.abs(above[1] - below[1]) <= 1e-5 * scale)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_poles_are_bridged_by_the_documented_cubic(n):
    symbol = LIBRARY["1/x" if n == 1 else f"1/x^{n}"]
    v = np.linspace(-0.99, 0.99, 41)
    value, slope, curvature = symbol.guarded(v * MARGIN, 2)
    if n % 2:
        p, q = (n + 3) / 2, (n + 1) / 2
        expected = p * v - q * v**3, p - 3 * q * v**2, -6 * q * v
    else:
        expected = 1 + n / 2 - n / 2 * v**2, -n * v, np.full_like(v, -n)
    for k, (found, cubic) in enumerate(zip((value, slope, curvature), expected, strict=True)):
        unit = MARGIN ** -(n + k)
        assert np.allclose(found, cubic * unit, rtol=1e-6, atol=1e-6 * unit)


def test_roots_are_zero_at_zero_and_go_on_below():
    value, slope = LIBRARY["sqrt"].guarded([0.0, -1.0, -2.0])
    assert value[0] == 0.0
    assert np.allclose(value[1:], [-slope[0], -2 * slope[0]])
    assert np.isclose(slope[0], 1.25 / np.sqrt(MARGIN))


def test_samples_outside_of_the_domain_are_led_back():
    """Gauss-Newton in b of log(x + b), from a b that leaves a fifth of the samples without a logarithm."""
    x, b = np.linspace(0, 1, 20), -0.2
    y = np.log(x + 0.3)
    for _ in range(20):
        value, slope = LIBRARY["log"].guarded(x + b)
        b += slope @ (y - value) / (slope @ slope)
    assert abs(b - 0.3) < 1e-12


@pytest.mark.parametrize(
    "symbol", [LIBRARY["log"], LIBRARY["tan"], make_symbol("f", "1/(x**2 - 1)")], ids=str
)
def test_shapes_are_kept_and_nan_is_not_hidden(symbol):
    u = np.array([[0.5, -0.5, np.nan], [2.0, 0.0, 1.0]])
    value, slope = symbol.guarded(u)
    assert value.shape == slope.shape == u.shape
    assert np.isnan(value[0, 2])
    assert np.isfinite(value).sum() == 5
    assert symbol.guarded(np.empty((0, 3)))[0].shape == (0, 3)


def test_contains_tells_where_the_formula_is_real():
    assert LIBRARY["sqrt"].contains([-1e-300, 0.0, 1.0]).tolist() == [False, True, True]
    assert LIBRARY["log"].contains([0.0, 1e-300]).tolist() == [False, True]
    assert LIBRARY["1/x"].contains([-1.0, 0.0]).tolist() == [True, False]
    assert LIBRARY["arcsin"].contains([-1.0, 1.0, 1.0000001]).tolist() == [True, True, False]
