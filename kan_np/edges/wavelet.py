"""Mexican hats: phi(x) = sum_k w_k psi((x - t_k) / s_k) + d.

    psi(u) = 2 / (sqrt(3) pi^(1/4)) (1 - u^2) exp(-u^2 / 2)

Amplitude w, shift t and scale s of every wavelet are trained. The sign is that of the Ricker wavelet; the
code of Wav-KAN has psi with the other sign: its weights are -w. Wav-KAN has one wavelet an edge and no d. Far
from all shifts an edge is its constant d. Source: arXiv:2405.12832.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.family import RowsKernel, as_float, register
from kan_np.edges.pointwise import Pointwise, start_scales
from kan_np.kernels.pointwise_families import wavelet_rows

_HEIGHT = 2.0 / (np.sqrt(3.0) * np.pi**0.25)
#: exp(-u^2 / 2) is 0 beyond.
_WIDEST = 40.0
#: Scales of first guesses, in distances of the shifts.
_SCALES = (1.0, 0.5, 2.0)


@register
@dataclass(frozen=True, eq=False)
class Wavelet(Pointwise):
    """`size` Mexican hats and a constant; parameters w, t, s of all wavelets, then d."""

    name: ClassVar[str] = "wavelet"
    kernel: ClassVar[RowsKernel | None] = staticmethod(wavelet_rows)
    size_name: ClassVar[str] = "wavelets"

    @property
    def groups(self) -> tuple[int, ...]:
        """w, t, s, d."""
        return self.size, self.size, self.size, 1

    @property
    def linear(self) -> tuple[bool, ...]:
        """phi is linear in w and d."""
        return True, False, False, True

    def phi(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi or its nu-th derivative by x; see `Pointwise`."""
        w, t, s, d = self.split(theta)
        u = _argument(x, t, s)
        value = np.einsum("ek,ekn->en", w / s**nu, _psi(u, nu))
        return value + d if nu == 0 else value

    def by_params(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """Derivatives by w, t, s and d; see `Pointwise`."""
        w, t, s, _ = self.split(theta)
        u = _argument(x, t, s)
        scale = (w / s ** (nu + 1))[:, :, None]
        by_t = -scale * _psi(u, nu + 1)
        by_w = _psi(u, nu) / s[:, :, None] ** nu
        by_s = u * by_t - nu * scale * _psi(u, nu) if nu else u * by_t
        return np.concatenate([by_w, by_t, by_s, np.full((len(x), 1, x.shape[1]), float(nu == 0))], axis=1)

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """The sum of Mexican hats; see `EdgeFamily`."""
        import sympy

        w, t, s, d = ([as_float(value) for value in part] for part in self.split(theta))
        hats = []
        for w_k, t_k, s_k in zip(w, t, s, strict=True):
            square = ((x - t_k) / s_k) ** 2
            hats.append(as_float(_HEIGHT) * w_k * (1 - square) * sympy.exp(-square / 2))
        return sympy.Add(*hats, *d)

    def guesses(self, low: float, high: float) -> FloatArray:
        """Shifts spread over the interval, with several scales; see `Pointwise`."""
        t = low + (high - low) * (np.arange(self.size) + 0.5) / self.size
        step = (high - low) / self.size
        zero = np.zeros(self.size)
        return np.stack([np.concatenate([zero, t, np.full(self.size, c * step), [0.0]]) for c in _SCALES])

    def start(self, init: str, fan_in: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Shifts spread over (-1, 1), scales about 1, large amplitudes; see `Pointwise`."""
        shape, (amplitude, frequency) = (fan_in.size, self.size), start_scales(init)
        w = 2.0 * amplitude * rng.normal(size=shape) / np.sqrt(fan_in * self.size)[:, None]
        t = rng.uniform(-1.5, 1.5, shape)
        s = np.exp(rng.uniform(-0.5, 0.5, shape)) / frequency
        return np.hstack([w, t, s, np.zeros((fan_in.size, 1))])


def _argument(x: FloatArray, t: FloatArray, s: FloatArray) -> FloatArray:
    """u = (x - t) / s for all edges, wavelets and samples, held where psi is not 0 in float64."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.clip((x[:, None, :] - t[:, :, None]) / s[:, :, None], -_WIDEST, _WIDEST)


def _psi(u: FloatArray, nu: int) -> FloatArray:
    """nu-th derivative of psi: +- He_(nu+2)(u) exp(-u^2 / 2), He the Hermite polynomials."""
    square = u * u
    factor = (
        1.0 - square,
        (square - 3.0) * u,
        (6.0 - square) * square - 3.0,
        ((square - 10.0) * square + 15.0) * u,
        ((15.0 - square) * square - 45.0) * square + 15.0,
        (((square - 21.0) * square + 105.0) * square - 105.0) * u,
    )[nu]
    return np.asarray(_HEIGHT * factor * np.exp(-0.5 * square))
