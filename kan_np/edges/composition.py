"""Derivatives of functions of functions of one variable, and of the functions that networks are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kan_np._validate import FloatArray


def composed(g: Sequence[FloatArray], z: Sequence[FloatArray], nu: int) -> FloatArray:
    """nu-th derivative of g(z(x)) by x, nu = 0 to 4 (Faa di Bruno's formula).

    Parameters
    ----------
    g : sequence of ndarray
        g and its derivatives by z, at z(x), up to the nu-th.
    z : sequence of ndarray
        z and its derivatives by x, up to the nu-th.
    """
    if nu == 0:
        return g[0]
    if nu == 1:
        return g[1] * z[1]
    if nu == 2:
        return g[2] * z[1] ** 2 + g[1] * z[2]
    if nu == 3:
        return g[3] * z[1] ** 3 + 3.0 * g[2] * z[1] * z[2] + g[1] * z[3]
    return (
        g[4] * z[1] ** 4
        + 6.0 * g[3] * z[1] ** 2 * z[2]
        + g[2] * (3.0 * z[2] ** 2 + 4.0 * z[1] * z[3])
        + g[1] * z[4]
    )


def silu_derivatives(z: FloatArray, highest: int) -> list[FloatArray]:
    """z S, S = 1 / (1 + exp(-z)), and its derivatives up to the highest, at most the fourth."""
    from scipy.special import expit  # imported here, since the import takes 0.1 s

    s = expit(z)
    rest = s * (1.0 - s)
    turn = 1.0 - 2.0 * s
    third = rest * (turn**2 - 2.0 * rest)  # of S
    return [
        z * s,
        s + z * rest,
        rest * (2.0 + z * turn),
        3.0 * rest * turn + z * third,
        4.0 * third + z * rest * turn * (turn**2 - 8.0 * rest),
    ][: highest + 1]


def tanh_derivatives(z: FloatArray, highest: int) -> list[FloatArray]:
    """tanh z and its derivatives up to the highest, at most the fourth."""
    t = np.tanh(z)
    q = 1.0 - t * t
    return [
        t,
        q,
        -2.0 * t * q,
        q * (6.0 * t * t - 2.0),
        8.0 * t * q * (2.0 - 3.0 * t * t),
    ][: highest + 1]


def relu_derivatives(z: FloatArray, highest: int) -> list[FloatArray]:
    """max(z, 0), its slope (0 at 0), and zeros for the derivatives above."""
    return [np.maximum(z, 0.0), (z > 0.0).astype(np.float64), *[np.zeros_like(z)] * 3][: highest + 1]


def identity_derivatives(z: FloatArray, highest: int) -> list[FloatArray]:
    """z, 1, and zeros for the derivatives above."""
    return [z, np.ones_like(z), *[np.zeros_like(z)] * 3][: highest + 1]


def zero_derivatives(z: FloatArray, highest: int) -> list[FloatArray]:
    """Zeros."""
    return [np.zeros_like(z)] * (highest + 1)


#: Derivatives by name of base functions and activations.
DERIVATIVES = {
    "silu": silu_derivatives,
    "tanh": tanh_derivatives,
    "relu": relu_derivatives,
    "identity": identity_derivatives,
    "zero": zero_derivatives,
}
