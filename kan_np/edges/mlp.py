"""A small network on every edge: phi(x) = W2 silu(W1 f(x) + b1) + b2.

    f(x) = (x, sin x, sin 2x, sin 4x, ..., cos x, cos 2x, cos 4x, ...)

with `features` sines and as many cosines, sin(2^j x) and cos(2^j x), j < features, and `size` hidden nodes.
The features, their order and their number, 3, are those of MLP-KAN (the package mlp-kan, which has 32 hidden
nodes, 289 numbers an edge). Outside of the samples an edge grows as a line with waves on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any, ClassVar

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.composition import composed, silu_derivatives
from kan_np.edges.family import Option, RowsKernel, as_float, register
from kan_np.edges.pointwise import Pointwise, start_scales
from kan_np.kernels.pointwise_families import mlp_rows

#: Number of sines in MLP-KAN.
_FEATURES = 3
#: Seeds of first guesses: any others would do.
_GUESSES = (0, 1, 2)


@register
@dataclass(frozen=True, eq=False)
class MlpEdge(Pointwise):
    """One hidden layer of `size` nodes; parameters W1 by hidden node, b1, W2, b2.

    Attributes
    ----------
    settings : (float,)
        ``features``, the number of sines and of cosines.
    """

    name: ClassVar[str] = "mlp"
    kernel: ClassVar[RowsKernel | None] = staticmethod(mlp_rows)
    size_name: ClassVar[str] = "hidden"
    options: ClassVar[tuple[Option, ...]] = (Option("features", float(_FEATURES), 0, 8, int),)

    @property
    def n_features(self) -> int:
        """Length of f(x)."""
        return 1 + 2 * int(self.setting("features"))

    @property
    def groups(self) -> tuple[int, ...]:
        """W1, b1, W2, b2."""
        return self.size * self.n_features, self.size, self.size, 1

    @property
    def linear(self) -> tuple[bool, ...]:
        """phi is linear in W2 and b2."""
        return False, False, True, True

    def phi(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi or its nu-th derivative by x, by the chain rule; see `Pointwise`."""
        _, _, w2, b2 = self.split(theta)
        z = [self._hidden(theta, x, order) for order in range(nu + 1)]
        value = np.einsum("eh,ehn->en", w2, composed(silu_derivatives(z[0], nu), z, nu))
        return value + b2 if nu == 0 else value

    def by_params(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """Derivatives by W1, b1, W2 and b2; see `Pointwise`."""
        _, _, w2, _ = self.split(theta)
        z = [self._hidden(theta, x, order) for order in range(nu + 1)]
        b = silu_derivatives(z[0], nu + 1)
        # silu' of the hidden nodes and its derivatives by x, times those of the features by Leibniz' rule
        slopes = [w2[:, :, None] * composed(b[1:], z, order) for order in range(nu + 1)]
        by_feature = np.zeros((len(x), self.size, self.n_features, x.shape[1]))
        for order in range(nu + 1):
            by_feature += comb(nu, order) * slopes[order][:, :, None] * self._features(x, nu - order)[:, None]
        by_w1 = by_feature.reshape(len(x), -1, x.shape[1])
        value = composed(b, z, nu)
        ones = np.full((len(x), 1, x.shape[1]), float(nu == 0))
        return np.concatenate([by_w1, slopes[nu], value, ones], axis=1)

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """The network written out; see `EdgeFamily`."""
        import sympy

        w1, b1, w2, b2 = self.split(theta)
        waves = [2**j * x for j in range(int(self.setting("features")))]
        features = [x, *map(sympy.sin, waves), *map(sympy.cos, waves)]
        hidden = []
        for row, b, w in zip(w1.reshape(self.size, -1), b1, w2, strict=True):
            z = sympy.Add(*(as_float(c) * f for c, f in zip(row, features, strict=True)), as_float(b))
            hidden.append(as_float(w) * z / (1 + sympy.exp(-z)))
        return sympy.Add(*hidden, as_float(b2[0]))

    def guesses(self, low: float, high: float) -> FloatArray:
        """Random first layers whose nodes bend within the interval; see `Pointwise`."""
        found = []
        for seed in _GUESSES:
            rng = np.random.default_rng(seed)
            w1 = rng.normal(size=(self.size, self.n_features))
            w1[:, 0] *= 4.0 / (high - low)
            x = rng.uniform(low, high, (1, self.size))
            b1 = -np.einsum("hf,fh->h", w1, self._features(x, 0)[0])
            found.append(np.concatenate([w1.ravel(), b1, np.zeros(self.size + 1)]))
        return np.stack(found)

    def start(self, init: str, fan_in: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Uniform weights in Glorot's bounds, the last ones over the root of the fan-in; see `Pointwise`."""
        n, f, (amplitude, frequency) = fan_in.size, self.n_features, start_scales(init)
        bound = frequency * np.sqrt(6.0 / (f + self.size))
        w1 = rng.uniform(-bound, bound, (n, self.size * f))
        b1 = rng.uniform(-1.0, 1.0, (n, self.size))
        bound = amplitude * np.sqrt(6.0 / (self.size + 1))
        w2 = rng.uniform(-bound, bound, (n, self.size)) / np.sqrt(fan_in)[:, None]
        return np.hstack([w1, b1, w2, np.zeros((n, 1))])

    def _features(self, x: FloatArray, nu: int) -> FloatArray:
        """nu-th derivative of f by x: (n_edges, n) gives (n_edges, n_features, n)."""
        w = 2.0 ** np.arange(int(self.setting("features")))[:, None]
        u = w * x[:, None, :]
        sine, cosine = np.sin(u), np.cos(u)
        sines = (sine, cosine, -sine, -cosine)[nu % 4] * w**nu
        cosines = (cosine, -sine, -cosine, sine)[nu % 4] * w**nu
        first = x if nu == 0 else np.full_like(x, float(nu == 1))
        return np.concatenate([first[:, None], sines, cosines], axis=1)

    def _hidden(self, theta: FloatArray, x: FloatArray, nu: int) -> FloatArray:
        """W1 f(x) + b1 or its nu-th derivative by x: (n_edges, size, n)."""
        w1, b1, _, _ = self.split(theta)
        z = w1.reshape(-1, self.size, self.n_features) @ self._features(x, nu)
        return z + b1[:, :, None] if nu == 0 else z
