"""Rational functions without poles: phi(x) = P(x) / Q(x), Q = 1 + A^2.

    P = p_0 + p_1 x + ... + p_m x^m,    A = q_1 x + ... + q_n x^n,    m = size, n = size // 2

Q is at least 1, so that it cannot vanish, and smooth, unlike 1 + |A| of safe Pade activation units
(arXiv:1907.06732), whose second derivatives jump. It has the degree of P, or one less: outside of the samples
an edge grows no faster than a line where q_n is not 0, and constants, (c Q) / Q, are among the functions. The
powers are those of x as it is: data should be standardised.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any, ClassVar

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.family import RowsKernel, as_float, register
from kan_np.edges.pointwise import Pointwise, start_scales
from kan_np.kernels.pointwise_families import rational_rows

#: Weights of squares in the prior of few samples: of p_1 .. p_m that of base weights; of q by judgement.
_RIDGE, _DENOMINATOR = 20.0, 1.0


@register
@dataclass(frozen=True, eq=False)
class Rational(Pointwise):
    """Degree `size` above, size // 2 squared below; parameters p_0 .. p_m, then q_1 .. q_n."""

    name: ClassVar[str] = "rational"
    kernel: ClassVar[RowsKernel | None] = staticmethod(rational_rows)
    size_name: ClassVar[str] = "degree"
    smallest: ClassVar[int] = 2
    largest: ClassVar[int] = 30
    sizes: ClassVar[tuple[int, ...]] = (2, 4, 8, 16)

    @property
    def groups(self) -> tuple[int, ...]:
        """p, q."""
        return self.size + 1, self.size // 2

    @property
    def linear(self) -> tuple[bool, ...]:
        """phi is linear in p."""
        return True, False

    def phi(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi or its nu-th derivative by x; see `Pointwise`.

        From phi Q = P: phi^(nu) = (P^(nu) - sum_(r < nu) binom(nu, r) phi^(r) Q^(nu - r)) / Q.
        """
        p, _, q = self._derivatives(theta, x, nu)
        return _quotient(p, q)[nu]

    def by_params(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """Derivatives x^j / Q by p_j and -2 A phi x^j / Q by q_j; see `Pointwise`."""
        p, a, q = self._derivatives(theta, x, nu)
        one = [np.full_like(x, float(order == 0)) for order in range(nu + 1)]
        inverse = _quotient(one, q)
        by_q = _product(_product(a, _quotient(p, q)), inverse)
        count = self.size // 2
        found = np.zeros((len(x), self.n_params, x.shape[1]))
        for order in range(nu + 1):
            powers = _powers(x, self.size, order)
            found[:, : self.size + 1] += comb(nu, order) * powers * inverse[nu - order][:, None]
            found[:, self.size + 1 :] -= (
                2.0 * comb(nu, order) * powers[:, 1 : count + 1] * by_q[nu - order][:, None]
            )
        return found

    def plus_constant(self, theta: FloatArray, constant: float) -> FloatArray:
        """P + constant Q; see `EdgeFamily`."""
        more = theta.copy()
        for row in more.reshape(-1, self.n_params):
            a = np.concatenate([[0.0], row[self.size + 1 :]])
            q = np.convolve(a, a)
            q[0] += 1.0
            row[: q.size] += constant * q
        return more

    def prior_matrix(self, curvature: float) -> FloatArray:
        """A ridge on all parameters but p_0; see `EdgeFamily`."""
        weight = np.repeat([_RIDGE, _DENOMINATOR], self.groups)
        weight[0] = 0.0
        return np.diag(weight)

    def idle(self, low: float, high: float) -> FloatArray:
        """P = 0, Q = 1; see `Pointwise`."""
        return np.zeros(self.n_params)

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """P / (1 + A^2); see `EdgeFamily`."""
        import sympy

        p, q = self.split(theta)
        above = sympy.Add(*(as_float(c) * x**j for j, c in enumerate(p)))
        return above / (1 + sympy.Add(*(as_float(c) * x**j for j, c in enumerate(q, start=1))) ** 2)

    def guesses(self, low: float, high: float) -> FloatArray:
        """Denominators that are hardly more than 1, wide, and narrow in the middle; see `Pointwise`."""
        n, reach = self.size // 2, max(abs(low), abs(high))
        found = np.zeros((3, self.n_params))
        for guess, rise in zip(found, (0.1, 1.0, 3.0), strict=True):
            guess[self.size + 1] = rise / reach
            guess[self.size + 2 :] = [0.1 * rise / reach**j for j in range(2, n + 1)]
        return found

    def start(self, init: str, fan_in: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Random polynomials whose coefficients fall, over Q that is not 1; see `Pointwise`."""
        amplitude, frequency = start_scales(init)
        fall = 1.0 / (1.0 + np.arange(self.size + 1.0)) ** 2
        p = amplitude * rng.normal(size=(fan_in.size, self.size + 1)) * fall / np.sqrt(fan_in)[:, None]
        p[:, 1] += 0.5 * amplitude * rng.uniform(-1.0, 1.0, fan_in.size) / np.sqrt(fan_in)
        q = frequency * rng.normal(size=(fan_in.size, self.size // 2)) * fall[: self.size // 2]
        return np.hstack([p, q])

    def _derivatives(
        self, theta: FloatArray, x: FloatArray, highest: int
    ) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """P, A and Q with their derivatives by x."""
        p, a = ([_value(c, x, order) for order in range(highest + 1)] for c in self._polynomials(theta))
        q = _product(a, a)
        q[0] = q[0] + 1.0
        return p, a, q

    def _polynomials(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Coefficients of P and of A, lowest power first, each (n_edges, ...)."""
        p, q = self.split(theta)
        return p, np.hstack([np.zeros((theta.shape[0], 1)), q])


def _value(coef: FloatArray, x: FloatArray, nu: int) -> FloatArray:
    """nu-th derivative of polynomials (n_edges, n_coef) at x (n_edges, n)."""
    derived = np.polynomial.polynomial.polyder(coef, nu, axis=1) if nu else coef
    value = np.zeros_like(x)
    for c in derived.T[::-1]:
        value = value * x + c[:, None]
    return value


def _product(f: list[FloatArray], g: list[FloatArray]) -> list[FloatArray]:
    """Derivatives of a product from those of its factors, by Leibniz' rule."""
    return [
        np.asarray(sum(comb(order, r) * f[r] * g[order - r] for r in range(order + 1)))
        for order in range(len(f))
    ]


def _quotient(p: list[FloatArray], q: list[FloatArray]) -> list[FloatArray]:
    """Derivatives of phi = P / Q from phi Q = P."""
    found: list[FloatArray] = []
    for order, rest in enumerate(p):
        for r in range(order):
            rest = rest - comb(order, r) * found[r] * q[order - r]
        found.append(rest / q[0])
    return found


def _powers(x: FloatArray, highest: int, nu: int) -> FloatArray:
    """nu-th derivatives of x^j, j = 0 .. highest: (n_edges, n) gives (n_edges, highest + 1, n)."""
    j = np.arange(highest + 1)[:, None]
    factor = np.ones_like(j, dtype=np.float64)
    for r in range(nu):
        factor = factor * (j - r)
    return np.asarray(factor * x[:, None, :] ** np.maximum(j - nu, 0))
