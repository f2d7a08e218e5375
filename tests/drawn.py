"""Random edges that are exactly c f(a x + b) + d, in the canonical form, for every built-in symbol and J0."""

from __future__ import annotations

import numpy as np

from kan_np.symbolic import Symbol, SymbolLibrary

LIBRARY = SymbolLibrary().add("J0", "besselj(0, x)")
POWERS = ("x^2", "x^3", "x^4", "x^5")
POLES = ("1/x", "1/x^2", "1/x^3", "1/x^4", "1/x^5")
HALF_LINES = ("sqrt", "x^1.5", "1/sqrt(x)", "log")


def draw(symbol: Symbol, rng: np.random.Generator, n: int = 200):
    """x, y and (a, b, c, d): samples inside the domain, over enough of f to tell it from others."""
    middle, half = rng.uniform(-3, 2), rng.uniform(0.5, 2)
    x = np.sort(rng.uniform(middle - half, middle + half, n))
    c, d = rng.choice([-1, 1]) * rng.uniform(0.5, 3), rng.uniform(-2, 2)
    a, b = _line(symbol.name, middle, half, rng)
    if np.isfinite(symbol.period):
        b -= symbol.period * np.round(b / symbol.period)
    if symbol.name == "0":
        c = 0.0
    return x, c * symbol.value(a * x + b) + d, np.array([a, b, c, d])


def _line(name, middle, half, rng):
    if name in ("x", "0"):
        return 1.0, 0.0
    if name in POWERS:
        return 1.0, -(middle + half * rng.uniform(-1.5, 1.5))
    if name in ("abs", "sgn"):
        return 1.0, -(middle + half * rng.uniform(-0.8, 0.8))
    gap = half * rng.uniform(0.03, 1.5)
    if name in POLES:
        return 1.0, gap - (middle - half) if rng.random() < 0.5 else -gap - (middle + half)
    if name in HALF_LINES:
        side = rng.choice([-1.0, 1.0])
        return side, gap + half - side * middle
    if name == "exp":
        return rng.choice([-1, 1]) * rng.uniform(0.5, 6) / half, 0.0
    if name in ("sin", "cos"):
        return rng.uniform(0.7, 40) / half, rng.uniform(-1.5, 1.5)
    if name == "J0":
        a = rng.uniform(1.5, 20) / half
        return a, rng.uniform(-3, 3) - a * middle
    if name in ("tanh", "arctan", "gaussian"):
        a = rng.uniform(1, 8) / half
        return a, -a * (middle + half * rng.uniform(-0.7, 0.7))
    top = 1.5 if name == "tan" else 0.99
    low, high = rng.uniform(-top, -0.3), rng.uniform(0.3, top)
    a = (high - low) / (2 * half)
    return a, low - a * (middle - half)
