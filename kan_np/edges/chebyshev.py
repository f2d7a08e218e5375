"""Chebyshev polynomials: psi_r(x) = T_r(z), r = 0 .. size, on the interval of the node or squashed.

With ``squash=False`` z = -1 .. 1 over the interval, which follows the samples, and outside each polynomial
goes on as its tangent. With ``squash=True`` z = tanh(x), as in ChebyKAN; there is then no interval. Degrees
are nested: a larger size contains the functions of a smaller one. Source: arXiv:2405.07200; recursions: DLMF
18.9.1 and 18.9.21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.polynomial import chebyshev

from kan_np._validate import FloatArray
from kan_np.edges.composition import composed, tanh_derivatives
from kan_np.edges.family import Basis, Option, RowsKernel, as_float, register
from kan_np.kernels.basis_families import chebyshev_rows
from kan_np.kernels.derivative_rows import chebyshev_derivatives


@register
@dataclass(frozen=True, eq=False)
class Chebyshev(Basis):
    """T_0 .. T_size on the interval of each node, or of tanh(x).

    Attributes
    ----------
    settings : (float,)
        ``squash``, 0 or 1.
    """

    name: ClassVar[str] = "chebyshev"
    kernel: ClassVar[RowsKernel | None] = staticmethod(chebyshev_rows)
    size_name: ClassVar[str] = "degree"
    options: ClassVar[tuple[Option, ...]] = (Option("squash", 0.0, kind=bool),)

    @property
    def follows_samples(self) -> bool:
        """Whether the polynomials are on the interval."""
        return not self.setting("squash")

    @property
    def n_params(self) -> int:
        """Polynomials of degree 0 to size."""
        return self.size + 1

    @property
    def constant(self) -> FloatArray:
        """Parameters of the function 1."""
        return np.eye(self.n_params)[0]

    def local_values(self, t: FloatArray, nu: int) -> FloatArray:
        """Derivatives of T_r(2 t - 1) by t, lines outside of [0, 1]."""
        z = 2.0 * t - 1.0
        inside = np.clip(z, -1.0, 1.0)
        derivatives = self._polynomials(inside, max(nu, 1))
        if nu == 0:
            beyond = np.where(derivatives[1] == 0.0, 0.0, z - inside)  # infinite ones stay on a constant
            return np.asarray(derivatives[0] + beyond * derivatives[1])
        value = 2.0**nu * derivatives[nu]
        return np.asarray(value if nu == 1 else np.where(z == inside, value, 0.0))

    def values(self, x: FloatArray, nu: int = 0) -> FloatArray:
        """nu-th derivatives by x: (n_nodes, n) gives (n_nodes, n_params, n)."""
        return super().values(x, nu) if self.follows_samples else np.moveaxis(self._squashed(x, nu), 0, 1)

    def derivatives(self, x: FloatArray, highest: int) -> FloatArray:
        """See `Basis`; of squashed polynomials by the recursion for T_r and its derivatives."""
        if self.follows_samples:
            return super().derivatives(x, highest)
        out = np.empty((x.shape[0], self.n_params, highest + 1, x.shape[1]))
        chebyshev_derivatives(np.stack(tanh_derivatives(x, highest), axis=1), out)
        return out

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """The polynomial, of tanh(x) if it is squashed; see `EdgeFamily`."""
        import sympy

        low, high = float(self.low[node]), float(self.high[node])
        z = (2 * x - as_float(low + high)) / as_float(high - low) if self.follows_samples else sympy.tanh(x)
        return sympy.Add(*(as_float(c) * sympy.chebyshevt(r, z) for r, c in enumerate(theta)))

    def _squashed(self, x: FloatArray, nu: int) -> FloatArray:
        """nu-th derivatives of T_r(tanh x) by x, by the chain rule."""
        z = tanh_derivatives(x, nu)
        return np.asarray(composed(self._polynomials(z[0], nu), z, nu))

    def _polynomials(self, z: FloatArray, highest: int) -> list[FloatArray]:
        """T_r and derivatives by z up to the highest: each (n_params, *shape of z)."""
        coef = np.eye(self.n_params)
        return [
            np.asarray(chebyshev.chebval(z, chebyshev.chebder(coef, order) if order else coef))
            for order in range(highest + 1)
        ]
