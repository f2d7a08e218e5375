"""Chebyshev polynomials: psi_r(x) = T_r(z), z = -1 .. 1 over the interval of the node, r = 0 .. size.

Outside the interval each goes on as its tangent. Degrees are nested: a larger size contains the functions of
a smaller one. Source: arXiv:2405.07200, which takes z = tanh(x) in place of an interval that follows the
samples; recursions: DLMF 18.9.1 and 18.9.21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.polynomial import chebyshev

from kan_np._validate import FloatArray
from kan_np.edges.family import Basis, register
from kan_np.kernels.basis_rows import CHEBYSHEV


@register
@dataclass(frozen=True, eq=False)
class Chebyshev(Basis):
    """T_0 .. T_size on the interval of each node."""

    name: ClassVar[str] = "chebyshev"
    kernel: ClassVar[int | None] = CHEBYSHEV

    @property
    def n_functions(self) -> int:
        """Polynomials of degree 0 to size."""
        return self.size + 1

    def local_values(self, t: FloatArray, nu: int) -> FloatArray:
        """Derivatives of T_r(2 t - 1) by t, lines outside of [0, 1]."""
        z = 2.0 * t - 1.0
        inside = np.clip(z, -1.0, 1.0)
        derivatives = []
        for order in range(max(nu, 1) + 1):
            coef = np.eye(self.n_functions)
            derived = chebyshev.chebder(coef, order) if order else coef
            derivatives.append(chebyshev.chebval(inside, derived))
        if nu == 0:
            beyond = np.where(derivatives[1] == 0.0, 0.0, z - inside)  # infinite ones stay on a constant
            return np.asarray(derivatives[0] + beyond * derivatives[1])
        value = 2.0**nu * derivatives[nu]
        return np.asarray(value if nu == 1 else np.where(z == inside, value, 0.0))
