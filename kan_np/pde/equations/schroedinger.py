"""Schroedinger's equation in a well with a field: the lowest energy as an unknown number."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.pde.equations.equation import Equation
from kan_np.pde.points import sobol
from kan_np.pde.problem import Problem, Term

FIELD = 20.0


class AiryState:
    """The lowest state of -u_xx + F x u = E u, u(0) = u(1) = 0, with u_x(0) = 1, by Airy functions.

    With s = F^(1/3) (x - E / F) it is u = c (Bi(s_0) Ai(s) - Ai(s_0) Bi(s)), s_0 at x = 0, and E the least
    root of u(1).

    Parameters
    ----------
    field : float
        F.
    """

    def __init__(self, field: float) -> None:
        self._field = field

    def _state(self, x: Any, energy: float) -> tuple[Any, Any]:
        """u and u_x."""
        from scipy.special import airy

        scale = np.cbrt(self._field)
        ai0, aip0, bi0, bip0 = airy(-scale * energy / self._field)
        ai, aip, bi, bip = airy(scale * (x - energy / self._field))
        slope = scale * (bi0 * aip0 - ai0 * bip0)
        return (bi0 * ai - ai0 * bi) / slope, scale * (bi0 * aip - ai0 * bip) / slope

    @cached_property
    def energy(self) -> float:
        """E."""
        from scipy.optimize import brentq

        low, high = np.pi**2, np.pi**2 + self._field  # without the field, and with all of it
        return float(brentq(lambda energy: self._state(1.0, energy)[0], low, high, xtol=1e-14))

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """See `Reference`."""
        u, u_x = self._state(points[:, 0], self.energy)
        return {name: {"u": u, "u_x": u_x}[name] for name in names}


def schroedinger(seed: int = 0, **changes: Any) -> Equation:
    """-u_xx + 20 x u = E u on [0, 1], u(0) = u(1) = 0, u_x(0) = 1, E unknown.

    All conditions are built in, with x (1 - x) for a first guess of u; that of E is near to pi^2 + 10, what
    perturbation theory says of the lowest state.

    Parameters
    ----------
    seed : int
        Of the points.
    **changes
        Other fields of `Equation`.
    """
    box = [(0.0, 1.0)]
    equation = Term(f"u_xx - ({FIELD!r}*x - E)*u", at=sobol(box, 128, seed), name="equation")
    own: dict[str, Any] = {
        "network": lambda s: KAN([1, 1], edges="chebyshev", degree=18, seed=s),
        "mlp": lambda s: MLP([1, 10, 1], seed=s),
        "settings": {"steps": 100},
    }
    form: dict[str, Any] = {"lift": "x*(1 - x)", "factor": "x**2*(1 - x)"}
    reference = AiryState(FIELD)
    return Equation(
        name="schroedinger",
        formula="-u_xx + 20 x u = E u, E unknown",
        problem=Problem([equation], ("x",), box, unknowns={"E": 20.0}, **form),
        reference=reference,
        accuracy=1e-14,
        true={"E": reference.energy},
        **(own | changes),
    )
