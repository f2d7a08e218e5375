"""Allen and Cahn's equation: fronts that form and steepen, with a reference made by Chebyshev collocation."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from kan_np.mlp import MLP
from kan_np.pde.classical import RootTimeSeries, evolution
from kan_np.pde.equations.equation import Equation, smooth
from kan_np.pde.names import Names
from kan_np.pde.points import sobol
from kan_np.pde.problem import Problem, Term

_BOX = [(-1.0, 1.0), (0.0, 1.0)]
_DIFFUSIVITY, _RATE = 1e-3, 5.0
_NAMES = Names(("x", "t"), ("u",))


def by_collocation(n: int = 384, n_times: int = 48, tolerance: float = 1e-11) -> RootTimeSeries:
    """The solution by Chebyshev collocation in x and Radau steps in time; it takes about a second.

    Beside n = 512 with tolerance 1e-12 its u differs by 2.6e-8 and its u_x by 1.9e-6, relatively: boundary
    values that do not fit the equation at t = 0 leave a weak singularity in the corners.
    """
    values = evolution(
        lambda x: x**2 * np.cos(np.pi * x),
        lambda x, u, u_x, t: _RATE * (u - u**3),
        lambda u, u_x: (_RATE * (1.0 - 3.0 * u**2), 0.0),
        _DIFFUSIVITY,
        _BOX,
        n,
        n_times,
        tolerance,
    )
    return RootTimeSeries.through(_NAMES, _BOX, values[None])


@cache
def _reference() -> RootTimeSeries:
    return by_collocation()


def allen_cahn(seed: int = 0, **changes: Any) -> Equation:
    """u_t = 0.001 u_xx + 5 (u - u^3) on [-1, 1] x [0, 1], u(x, 0) = x^2 cos(pi x), u(-1, t) = u(1, t) = -1.

    Where u is near to 0 an error grows as exp(5 t): the residual is weighed by exp(-5 t).

    Parameters
    ----------
    seed : int
        Of the points.
    **changes
        Other fields of `Equation`.
    """
    equation = Term(
        f"exp(-{_RATE!r}*t)*(u_t - {_DIFFUSIVITY!r}*u_xx - {_RATE!r}*(u - u**3))",
        at=sobol(_BOX, 2048, seed),
        name="equation",
    )
    own: dict[str, Any] = {
        "network": smooth(8, 5),
        "settings": {"steps": 150, "rounds": 6, "opt": "LM-normal"},
        "mlp": lambda s: MLP([2, 20, 20, 1], seed=s),
        "starts": 2,
        "mlp_settings": {"steps": 150, "rounds": 6, "opt": "LM-normal"},
    }
    form: dict[str, Any] = {"lift": "x**2*cos(pi*x)", "factor": "t*(1 - x**2)"}
    return Equation(
        name="allen_cahn",
        formula="u_t = 0.001 u_xx + 5 (u - u^3)",
        problem=Problem([equation], _NAMES.coordinates, _BOX, **form),
        reference=lambda points, *names: _reference()(points, *names),
        accuracy=3e-8,
        **(own | changes),
    )
