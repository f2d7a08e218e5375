"""Navier and Stokes' equations behind a grid: Kovasznay's exact flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from kan_np.mlp import MLP
from kan_np.pde.equations.equation import Equation, Formula, products, sums_of_splines
from kan_np.pde.names import Names
from kan_np.pde.points import boundary, sobol
from kan_np.pde.problem import Problem, Term

REYNOLDS = 40.0
_BOX = [(-0.5, 1.0), (-0.5, 1.5)]


def kovasznay(seed: int = 0, **changes: Any) -> Equation:
    """u u_x + v u_y = -p_x + (u_xx + u_yy) / Re, likewise for v, and u_x + v_y = 0; Re = 40.

    u and v are given on the boundary, the pressure at one corner. Source: L. I. G. Kovasznay (1948), Proc.
    Camb. Phil. Soc. 44, 58: u = 1 - exp(l x) cos(2 pi y), v = l / (2 pi) exp(l x) sin(2 pi y),
    p = (1 - exp(2 l x)) / 2, l = Re / 2 - sqrt(Re^2 / 4 + 4 pi^2).

    Parameters
    ----------
    seed : int
        Of the points.
    **changes
        Other fields of `Equation`.
    """
    names = Names(("x", "y"), ("u", "v", "p"))
    rate = float(REYNOLDS / 2.0 - np.sqrt(REYNOLDS**2 / 4.0 + 4.0 * np.pi**2))
    exact = {
        "u": f"1 - exp({rate!r}*x)*cos(2*pi*y)",
        "v": f"{rate!r}/(2*pi)*exp({rate!r}*x)*sin(2*pi*y)",
        "p": f"(1 - exp({2.0 * rate!r}*x))/2",
    }
    inside = sobol(_BOX, 512, seed)
    edge = boundary(_BOX, 40)
    weight = 10.0
    terms = [
        Term(f"u*u_x + v*u_y + p_x - (u_xx + u_yy)/{REYNOLDS!r}", at=inside, name="momentum along x"),
        Term(f"u*v_x + v*v_y + p_y - (v_xx + v_yy)/{REYNOLDS!r}", at=inside, name="momentum along y"),
        Term("u_x + v_y", at=inside, name="continuity"),
        Term(f"u - ({exact['u']})", at=edge, weight=weight, name="u on the boundary"),
        Term(f"v - ({exact['v']})", at=edge, weight=weight, name="v on the boundary"),
        Term(f"p - ({exact['p']})", at=[[-0.5, -0.5]], weight=weight, name="pressure"),
    ]
    own: dict[str, Any] = {
        "network": products(4, 16, 3),
        "settings": {"steps": 200},
        "sums": sums_of_splines(5, 5, 3),
        "sums_settings": {"grids": (5, 10), "steps": 100},
        "mlp": lambda s: MLP([2, 30, 3], seed=s),
    }
    return Equation(
        name="kovasznay",
        formula="u u_x + v u_y = -p_x + (u_xx + u_yy)/40, ..., u_x + v_y = 0",
        problem=Problem(terms, names.coordinates, _BOX, names.outputs),
        reference=Formula(names, exact),
        accuracy=0.0,
        **(own | changes),
    )
