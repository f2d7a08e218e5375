"""The heat equation with a source, forward, and its diffusivity from noisy data."""

from __future__ import annotations

from typing import Any

import numpy as np

from kan_np.mlp import MLP
from kan_np.pde.equations.equation import Equation, Formula, products, sums_of_splines
from kan_np.pde.names import Names
from kan_np.pde.points import sobol
from kan_np.pde.problem import Problem, Term

_BOX = [(0.0, 1.0), (0.0, 1.0)]
#: The diffusivity that is to be found.
_DIFFUSIVITY = 0.25
_BUILT_IN: dict[str, Any] = {"lift": "sin(pi*x)", "factor": "t*x*(1 - x)"}


def heat(seed: int = 0, **changes: Any) -> Equation:
    """u_t = u_xx + (pi^2 - 1) exp(-t) sin(pi x) on [0, 1]^2, u = exp(-t) sin(pi x).

    Parameters
    ----------
    seed : int
        Of the points.
    **changes
        Other fields of `Equation`.
    """
    names = Names(("x", "t"), ("u",))
    equation = Term(
        "u_t - u_xx - (pi**2 - 1)*exp(-t)*sin(pi*x)",
        at=sobol(_BOX, 512, seed),
        name="equation",
    )
    own: dict[str, Any] = {
        "network": products(1, 14),
        "settings": {"steps": 200},
        "starts": 2,
        "sums": sums_of_splines(3, 5),
        "sums_settings": {"grids": (5, 10), "steps": 150},
        "mlp": lambda s: MLP([2, 20, 1], seed=s),
    }
    return Equation(
        name="heat",
        formula="u_t = u_xx + (pi^2 - 1) exp(-t) sin(pi x)",
        problem=Problem([equation], names.coordinates, _BOX, **_BUILT_IN),
        reference=Formula(names, {"u": "exp(-t)*sin(pi*x)"}),
        accuracy=0.0,
        **(own | changes),
    )


def heat_inverse(seed: int = 0, *, noise: float = 0.01, n_data: int = 1000, **changes: Any) -> Equation:
    """D of u_t = D u_xx + (pi^2 / 4 - 1) exp(-t) sin(pi x) from samples of u with noise; it is 1/4.

    Parameters
    ----------
    seed : int
        Of points and data.
    noise : float
        Standard deviation of the noise, in standard deviations of u over the samples.
    n_data : int
    **changes
        Other fields of `Equation`.
    """
    names = Names(("x", "t"), ("u",), ("D",))
    exact = Formula(names, {"u": "exp(-t)*sin(pi*x)"})
    rng = np.random.default_rng([seed, 1])
    where = rng.uniform(0.0, 1.0, (n_data, 2))
    clean = exact(where, "u")["u"]
    measured = clean + noise * clean.std() * rng.normal(size=n_data)
    terms = [
        Term(
            f"u_t - D*u_xx - ({_DIFFUSIVITY}*pi**2 - 1)*exp(-t)*sin(pi*x)",
            at=sobol(_BOX, 256, seed),
            weight=100.0,
            name="equation",
        ),
        Term("u", at=where, target=measured, name="data"),
    ]
    own: dict[str, Any] = {
        "network": products(1, 6),
        "settings": {"steps": 100},
        "mlp": lambda s: MLP([2, 10, 1], seed=s),
    }
    problem = Problem(terms, names.coordinates, _BOX, unknowns={"D": 1.0}, **_BUILT_IN)
    return Equation(
        name="heat_inverse",
        formula="u_t = D u_xx + (pi^2 / 4 - 1) exp(-t) sin(pi x), D from data",
        problem=problem,
        reference=exact,
        accuracy=0.0,
        true={"D": _DIFFUSIVITY},
        **(own | changes),
    )


def least_standard_error(equation: Equation, noise: float = 0.01) -> float:
    """The Cramer-Rao bound of D: no unbiased estimate from such data has a smaller standard deviation.

    It is sigma / abs(du/dD) at the samples, where u = a(t) sin(pi x),
    a' = -D pi^2 a + (pi^2 / 4 - 1) exp(-t), a(0) = 1, depends on D by
    da/dD = -pi^2 (exp(-t) - exp(-D pi^2 t)) / (D pi^2 - 1).
    """
    x, t = equation.problem.points()[1].T
    sigma = noise * float(equation.reference(np.stack([x, t], axis=1), "u")["u"].std())
    rate = _DIFFUSIVITY * np.pi**2
    by_d = -(np.pi**2) * (np.exp(-t) - np.exp(-rate * t)) / (rate - 1.0) * np.sin(np.pi * x)
    return sigma / float(np.linalg.norm(by_d))
