"""Sines of trained frequencies and phases: phi(x) = sum_k a_k sin(w_k x + p_k) + d.

SineKAN (arXiv:2407.04149) trains amplitudes and frequencies and keeps the phases; the sine layer of jaxKAN
trains frequencies and phases of a layer. Here every edge has its own. Outside of the samples the waves go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.family import RowsKernel, as_float, register
from kan_np.edges.pointwise import Pointwise, start_scales
from kan_np.kernels.pointwise_families import sine_rows

#: Periods of the lowest frequency of first guesses, in lengths of the interval.
_PERIODS = (2.0, 4.0, 1.0)


@register
@dataclass(frozen=True, eq=False)
class Sine(Pointwise):
    """`size` sines and a constant; parameters a, w, p of all sines, then d."""

    name: ClassVar[str] = "sine"
    kernel: ClassVar[RowsKernel | None] = staticmethod(sine_rows)
    size_name: ClassVar[str] = "sines"

    @property
    def groups(self) -> tuple[int, ...]:
        """a, w, p, d."""
        return self.size, self.size, self.size, 1

    @property
    def linear(self) -> tuple[bool, ...]:
        """phi is linear in a and d."""
        return True, False, False, True

    def phi(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi or its nu-th derivative by x; see `Pointwise`."""
        a, w, p, d = self.split(theta)
        u = w[:, :, None] * x[:, None, :] + p[:, :, None]
        value = np.einsum("ek,ekn->en", a * w**nu, _wave(u, nu))
        return value + d if nu == 0 else value

    def by_params(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """Derivatives by a, w, p and d; see `Pointwise`."""
        a, w, p, _ = (part[:, :, None] for part in self.split(theta))
        u = w * x[:, None, :] + p
        by_a, by_p = w**nu * _wave(u, nu), a * w**nu * _wave(u, nu + 1)
        by_w = x[:, None, :] * by_p
        if nu > 0:
            by_w += nu * a * w ** (nu - 1) * _wave(u, nu)
        return np.concatenate([by_a, by_w, by_p, np.full((len(x), 1, x.shape[1]), float(nu == 0))], axis=1)

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """The sum of sines; see `EdgeFamily`."""
        import sympy

        a, w, p, d = ([as_float(value) for value in part] for part in self.split(theta))
        waves = [a_k * sympy.sin(w_k * x + p_k) for a_k, w_k, p_k in zip(a, w, p, strict=True)]
        return sympy.Add(*waves, *d)

    def guesses(self, low: float, high: float) -> FloatArray:
        """Sines and cosines of multiples of a frequency, in turn; see `Pointwise`."""
        number = np.arange(self.size)
        middle = 0.5 * (low + high)
        found = []
        for period in _PERIODS:
            w = 2.0 * np.pi / (period * (high - low)) * (number // 2 + 1)
            p = 0.5 * np.pi * (number % 2) - w * middle
            found.append(np.concatenate([np.zeros(self.size), w, p, [0.0]]))
        return np.stack(found)

    def aliasing(self, node: int, theta: FloatArray, values: FloatArray) -> str:
        """Whether a sine has more half waves than there are gaps between the values; see `EdgeFamily`."""
        a, w, _, _ = self.split(theta)
        fastest = float(np.abs(w[a != 0.0]).max(initial=0.0))
        waves = fastest * float(values[-1] - values[0]) / np.pi
        if not waves > max(values.size - 1, 1):
            return ""
        return (
            f"has {values.size} distinct values, and a sine of an edge from it has {waves:.3g} half waves "
            "over them: it cannot be told from a slower one there, and between the values the fit is "
            "arbitrary. Use more samples, fewer sines, or another family."
        )

    def start(self, init: str, fan_in: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Normal frequencies, all phases, large amplitudes; see `Pointwise`."""
        shape, (amplitude, frequency) = (fan_in.size, self.size), start_scales(init)
        a = 2.0 * amplitude * rng.normal(size=shape) / np.sqrt(fan_in * self.size)[:, None]
        w = 1.5 * frequency * rng.normal(size=shape)
        p = rng.uniform(-np.pi, np.pi, shape)
        return np.hstack([a, w, p, np.zeros((fan_in.size, 1))])


def _wave(u: FloatArray, nu: int) -> FloatArray:
    """nu-th derivative of the sine."""
    value = np.sin(u) if nu % 2 == 0 else np.cos(u)
    return -value if nu % 4 in (2, 3) else value
