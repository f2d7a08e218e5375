"""The five functions of the scaling figure of arXiv:2404.19756, on [-1, 1]^d."""

from __future__ import annotations

import numpy as np
import scipy

from kan_np._validate import FloatArray
from kan_np.data.suites import Suite, entry

_UNIT = (-1.0, 1.0)


def _box(n_var: int) -> dict[str, tuple[float, float]]:
    return {f"x{i}": _UNIT for i in range(1, n_var + 1)}


def _high_dimensional(*x: FloatArray) -> FloatArray:
    return np.exp(np.mean(np.sin(np.pi * np.stack(x) / 2) ** 2, axis=0))


def _four_variables(x1: FloatArray, x2: FloatArray, x3: FloatArray, x4: FloatArray) -> FloatArray:
    return np.exp((np.sin(np.pi * (x1**2 + x2**2)) + np.sin(np.pi * (x3**2 + x4**2))) / 2)


SUITE = Suite(
    "toy",
    "Five functions with a known Kolmogorov-Arnold form, from the scaling figure of arXiv:2404.19756",
    (
        entry("bessel", "J_0(20 x)", {"x": _UNIT}, (1, 1), lambda x: scipy.special.j0(20 * x)),
        entry(
            "expsin",
            "exp(sin(pi x) + y^2)",
            {"x": _UNIT, "y": _UNIT},
            (2, 1, 1),
            lambda x, y: np.exp(np.sin(np.pi * x) + y**2),
        ),
        entry("product", "x y", {"x": _UNIT, "y": _UNIT}, (2, 2, 1), lambda x, y: x * y),
        entry(
            "highdim",
            "exp(mean of sin^2(pi x_i / 2) over i = 1..100)",
            _box(100),
            (100, 1, 1),
            _high_dimensional,
        ),
        entry(
            "fourvar",
            "exp((sin(pi (x1^2 + x2^2)) + sin(pi (x3^2 + x4^2))) / 2)",
            _box(4),
            (4, 4, 2, 1),
            _four_variables,
        ),
    ),
)
