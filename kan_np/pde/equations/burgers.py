"""Burgers' equation with a shock, and its solution by the Cole-Hopf transformation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial.hermite import hermgauss

from kan_np._validate import FloatArray
from kan_np.mlp import MLP
from kan_np.pde.equations.equation import Equation, smooth
from kan_np.pde.points import Sampler, sobol
from kan_np.pde.problem import Problem, Term

_BOX = [(-1.0, 1.0), (0.0, 1.0)]
VISCOSITY = 0.01 / np.pi


class ColeHopf:
    """The solution of Burgers' equation for u(x, 0) = -sin(pi x), by Gauss-Hermite quadrature.

    u = - int sin(pi z) f(z) exp(-y^2 / (4 nu t)) dy / int f(z) exp(-y^2 / (4 nu t)) dy with z = x - y and
    f(z) = exp(-cos(pi z) / (2 pi nu)). Source: C. Basdevant et al. (1986), Comput. Fluids 14, 23.

    Parameters
    ----------
    viscosity : float
    n : int
        Nodes; with viscosity 0.01 / pi 100 and 300 differ by 3e-16.
    """

    def __init__(self, viscosity: float, n: int = 120) -> None:
        self._viscosity = viscosity
        self._nodes, self._weights = hermgauss(n)

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """u, u_x and u_t at points (x, t); see `Reference`."""
        nu, (x, t) = self._viscosity, points.T[:, :, None]
        y = 2.0 * np.sqrt(nu * t) * self._nodes
        sine, cosine = np.sin(np.pi * (x - y)), np.cos(np.pi * (x - y))
        mass = self._weights * np.exp(-cosine / (2.0 * np.pi * nu))
        # derivatives by z of f and of sin(pi z) f, over f
        by_f, by_sf = sine / (2.0 * nu), np.pi * cosine + sine**2 / (2.0 * nu)
        total, moment = mass.sum(axis=1), (mass * sine).sum(axis=1)
        u = -moment / total

        def slope(turn: FloatArray | float) -> FloatArray:
            """Derivative of u where z moves by `turn`."""
            return np.asarray(
                -((mass * by_sf * turn).sum(axis=1) + u * (mass * by_f * turn).sum(axis=1)) / total
            )

        found = {"u": u, "u_x": slope(1.0)}
        later = t > 0.0
        found["u_t"] = slope(np.where(later, -y / (2.0 * np.where(later, t, 1.0)), 0.0))
        at_once = ~later[:, 0]
        sine, cosine = np.sin(np.pi * points[at_once, 0]), np.cos(np.pi * points[at_once, 0])
        found["u_t"][at_once] = np.pi * sine * (nu * np.pi - cosine)
        return {name: found[name] for name in names}


def burgers(seed: int = 0, *, viscosity: float = VISCOSITY, **changes: Any) -> Equation:
    """u_t + u u_x = 0.01 / pi u_xx on [-1, 1] x [0, 1], u = -sin(pi x) at first, u = 0 at both ends.

    A shock of width 0.005 forms at x = 0 by t = 0.4. Half of the points lie near to it, where the residual,
    a sum of terms of some hundreds, is weighed down by (x^2 + 0.01^2)^(1/4); an error elsewhere is carried
    into the shock, one there is not carried out. u(0, t) = 0, which follows from symmetry, is a term of its
    own: without it the shock drifts.

    Parameters
    ----------
    seed : int
        Of the points.
    viscosity : float
    **changes
        Other fields of `Equation`.
    """
    times = np.linspace(0.0, 1.0, 101)[1:]
    terms = [
        Term(
            f"(x**2 + 0.0001)**0.25*(u_t + u*u_x - {viscosity!r}*u_xx)",
            at=concentrated(6000, 0.02, seed),
            name="equation",
        ),
        Term("u", at=np.stack([np.zeros(100), times], axis=1), weight=100.0, name="symmetry"),
    ]
    own: dict[str, Any] = {
        "network": smooth(10, 5),
        "settings": {"steps": 100, "rounds": 6, "opt": "LM-normal"},
        "mlp": lambda s: MLP([2, 24, 24, 1], seed=s),
        "mlp_settings": {"steps": 100, "rounds": 6, "opt": "LM-normal"},
    }
    form: dict[str, Any] = {"lift": "-sin(pi*x)", "factor": "t*(1 - x**2)"}
    return Equation(
        name="burgers",
        formula="u_t + u u_x = 0.01/pi u_xx",
        problem=Problem(terms, ("x", "t"), _BOX, **form),
        reference=ColeHopf(viscosity),
        accuracy=1e-14,
        **(own | changes),
    )


def concentrated(n: int, width: float, seed: int) -> Sampler:
    """n points of a Sobol sequence; of every second one x, even in (-1, 1), is drawn towards 0.

    There |x| becomes width (1 + 1 / width)^|x| - width.
    """
    even = sobol(_BOX, n, seed)

    def draw(round_: int) -> FloatArray:
        points = even.points(round_)
        half = points[::2]
        v = half[:, 0]
        half[:, 0] = np.sign(v) * width * (np.expm1(np.abs(v) * np.log1p(1.0 / width)))
        return points

    return Sampler(draw)
