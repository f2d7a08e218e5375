"""Piecewise linear functions: psi_r is 1 at knot r of an even grid, 0 at the others, and straight between.

The lines of the outermost intervals go on outside. Grids are nested: with a multiple of its intervals a grid
contains the functions of the coarser one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.family import Basis, RowsKernel, as_float, register
from kan_np.kernels.basis_families import hat_rows


@register
@dataclass(frozen=True, eq=False)
class PiecewiseLinear(Basis):
    """Hat functions at the size + 1 knots of an even grid over the interval of each node."""

    name: ClassVar[str] = "piecewise_linear"
    kernel: ClassVar[RowsKernel | None] = staticmethod(hat_rows)

    @property
    def n_params(self) -> int:
        """Number of knots, size + 1."""
        return self.size + 1

    @property
    def roughness(self) -> FloatArray:
        """Second differences at the knots, in place of second derivatives, which vanish between."""
        if self.size < 2:
            return np.zeros((self.n_params, self.n_params))
        bends = np.diff(np.eye(self.n_params), 2, axis=0)
        rough: FloatArray = self.size**3 * bends.T @ bends
        return rough

    def local_values(self, t: FloatArray, nu: int) -> FloatArray:
        """Values, slopes (at a knot the slope to its right) or second derivatives, which are zero."""
        rows = np.zeros((self.n_params, *t.shape))
        if nu > 1:
            return rows
        u = t * self.size
        interval = np.clip(np.floor(np.nan_to_num(u)), 0, self.size - 1).astype(np.int64)
        rest = u - interval
        step = np.full(t.shape, float(self.size))
        pairs = (1.0 - rest, rest) if nu == 0 else (-step, step)
        for offset, values in enumerate(pairs):
            np.put_along_axis(rows, (interval + offset)[None], values[None], axis=0)
        return rows

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """A line and |x - t_r| at the inner knots, times half the change of slope; see `EdgeFamily`."""
        import sympy

        t = np.linspace(float(self.low[node]), float(self.high[node]), self.size + 1)
        slopes = np.diff(theta) / np.diff(t)
        bends = 0.5 * np.diff(slopes)
        slope = 0.5 * (slopes[0] + slopes[-1])
        first = theta[0] - slope * t[0] - bends @ np.abs(t[0] - t[1:-1])
        corners = [as_float(b) * sympy.Abs(x - as_float(k)) for b, k in zip(bends, t[1:-1], strict=True)]
        return sympy.Add(as_float(first), as_float(slope) * x, *corners)
