"""Fourier series: psi(x) = 1, cos(k z), sin(k z), k = 1 .. size, z = 2 pi (x - m) / (period L).

m is the middle of the interval of the node and L its length. A series whose period is the interval (period 1)
takes the same value at both ends, whatever is fitted: a function that does not repeat needs a longer one.
With the interval (-pi, pi) and period 1 the functions are those of FourierKAN (GistNoesis/FourierKAN on
GitHub, whose ``gridsize`` is `frequencies` here). Outside the interval the series goes on with its period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.family import Basis, Option, RowsKernel, as_float, register
from kan_np.kernels.basis_families import fourier_rows

#: Period in lengths of the interval. In fits as in `kan_np.edges.gaussian`, of three frequencies, errors
#: were 0.23, 0.058, 0.022, 0.0082, 0.015 and 0.018 with periods 1, 1.25, 1.5, 2, 3 and 4.
_PERIOD = 2.0


@register
@dataclass(frozen=True, eq=False)
class Fourier(Basis):
    """1, cosines and sines up to a frequency.

    Attributes
    ----------
    settings : (float,)
        ``period``, in lengths of the interval.
    """

    name: ClassVar[str] = "fourier"
    kernel: ClassVar[RowsKernel | None] = staticmethod(fourier_rows)
    size_name: ClassVar[str] = "frequencies"
    options: ClassVar[tuple[Option, ...]] = (Option("period", _PERIOD, 0.1, 100.0),)

    @property
    def n_params(self) -> int:
        """The constant, cosines and sines."""
        return 2 * self.size + 1

    @property
    def constant(self) -> FloatArray:
        """Parameters of the function 1."""
        return np.eye(self.n_params)[0]

    def local_values(self, t: FloatArray, nu: int) -> FloatArray:
        """Derivatives by t of 1, the cosines, then the sines."""
        w = 2.0 * np.pi / self.setting("period")
        k = np.arange(1, self.size + 1).reshape(-1, *[1] * t.ndim)
        z = k * (w * (t - 0.5))
        turns = nu * np.pi / 2.0  # each derivative is a quarter of a turn
        if nu % 2 == 0:
            sign = (-1.0) ** (nu // 2)
            cosine, sine = sign * np.cos(z), sign * np.sin(z)
        else:
            sign = float(np.round(np.sin(turns)))
            cosine, sine = -sign * np.sin(z), sign * np.cos(z)
        constant = np.full((1, *t.shape), float(nu == 0))
        return np.concatenate([constant, cosine * (k * w) ** nu, sine * (k * w) ** nu])

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """The series; see `EdgeFamily`."""
        import sympy

        low, high = float(self.low[node]), float(self.high[node])
        w = 2.0 * np.pi / (self.setting("period") * (high - low))
        z = as_float(w) * (x - as_float(0.5 * (low + high)))
        a, b = np.split(theta[1:], 2)
        terms = [as_float(c) * sympy.cos(k * z) for k, c in enumerate(a, start=1)]
        terms += [as_float(c) * sympy.sin(k * z) for k, c in enumerate(b, start=1)]
        return sympy.Add(as_float(theta[0]), *terms)

    def aliasing(self, node: int, theta: FloatArray, values: FloatArray) -> str:
        """Whether there are more functions than distinct values in a period; see `EdgeFamily`."""
        length = self.setting("period") * (self.high[node] - self.low[node])
        with np.errstate(over="ignore", invalid="ignore"):
            places = np.unique(np.mod(values - self.low[node], length))
        if 2 * self.size + 1 <= places.size:
            return ""
        return (
            f"has {places.size} distinct values in a period, fewer than the {2 * self.size + 1} functions of "
            f"{self.size} frequencies, which cannot be told apart there: between the values the fit is "
            "arbitrary. Use fewer frequencies, or more samples."
        )
