"""Ordinary differential equations: a damped oscillator, and Lotka and Volterra's predators and prey."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.pde.equations.equation import Equation, Formula
from kan_np.pde.names import Names
from kan_np.pde.points import grid, sobol
from kan_np.pde.problem import Problem, Term

_DAMPING, _FREQUENCY = 2.0, 20.0
#: Growth of prey, prey eaten, death of predators, their growth on prey; numbers of both at the start.
_RATES = {"a": 1.5, "b": 1.0, "c": 3.0, "d": 1.0}
_START = (1.0, 1.0)
_END = 4.0


def oscillator(seed: int = 0, **changes: Any) -> Equation:
    """u_tt + 4 u_t + 400 u = 0 on [0, 1], u(0) = 1, u_t(0) = 0: three swings, damped.

    Source: B. Moseley's harmonic oscillator PINN, d = 2, w_0 = 20.

    Parameters
    ----------
    seed : int
        Of the points.
    **changes
        Other fields of `Equation`.
    """
    names, box = Names(("t",), ("u",)), [(0.0, 1.0)]
    d, w0 = _DAMPING, _FREQUENCY
    w = f"sqrt({w0:g}**2 - {d:g}**2)"
    equation = Term(
        f"u_tt/{w0**2!r} + {2.0 * d / w0**2!r}*u_t + u",
        at=sobol(box, 256, seed),
        name="equation",
    )
    own: dict[str, Any] = {
        "network": lambda s: KAN([1, 1], edges="chebyshev", degree=36, seed=s),
        "settings": {"steps": 30},
        "sums": lambda s: KAN([1, 1], grid=80, k=5, seed=s),
        "sums_settings": {"steps": 30},
        "mlp": lambda s: MLP([1, 30, 1], seed=s),
        "mlp_settings": {"steps": 1000},
    }
    return Equation(
        name="oscillator",
        formula="u_tt + 4 u_t + 400 u = 0",
        problem=Problem([equation], names.coordinates, box, lift=1, factor="t**2"),
        reference=Formula(names, {"u": f"exp(-{d:g}*t)*(cos({w}*t) + {d:g}/{w}*sin({w}*t))"}),
        accuracy=0.0,
        **(own | changes),
    )


class PredatorPrey:
    """The solution of Lotka and Volterra's equations, by Runge-Kutta steps of order 8.

    Parameters
    ----------
    tolerance : float
    """

    def __init__(self, tolerance: float = 1e-12) -> None:
        self._tolerance = tolerance

    @cached_property
    def _solution(self) -> Any:
        from scipy.integrate import solve_ivp

        return solve_ivp(
            lambda _, u: np.stack(_right(*u)),
            (0.0, _END),
            _START,
            method="DOP853",
            rtol=self._tolerance,
            atol=0.1 * self._tolerance,
            dense_output=True,
        ).sol

    @property
    def n_values(self) -> int:
        """How many numbers it is made of: u and v after every step."""
        return 2 * int(self._solution.ts.size)

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """See `Reference`."""
        u, v = self._solution(points[:, 0])
        u_t, v_t = _right(u, v)
        found = {"u": u, "v": v, "u_t": u_t, "v_t": v_t}
        return {name: found[name] for name in names}


def lotka_volterra(seed: int = 0, **changes: Any) -> Equation:
    """u_t = 1.5 u - u v, v_t = u v - 3 v on [0, 4], u(0) = v(0) = 1: prey u and predators v.

    Parameters
    ----------
    seed : int
        Of the points.
    **changes
        Other fields of `Equation`.
    """
    problem = _predators_and_prey({name: repr(value) for name, value in _RATES.items()}, seed, 1.0, [])
    return _of_two("lotka_volterra", "u_t = 1.5 u - u v, v_t = u v - 3 v", problem, changes)


def lotka_volterra_inverse(
    seed: int = 0, *, noise: float = 0.02, n_data: int = 60, **changes: Any
) -> Equation:
    """The same with the rates a = 1.5, b = 1, c = 3, d = 1 unknown, from samples of u and v with noise.

    Parameters
    ----------
    seed : int
        Of points and data.
    noise : float
        Standard deviation of the noise.
    n_data : int
        Times at which u and v are measured.
    **changes
        Other fields of `Equation`.
    """
    rng = np.random.default_rng([seed, 1])
    when = grid([(0.0, _END)], n_data).points()
    true = PredatorPrey()(when, "u", "v")
    data = [
        Term(u, at=when, target=true[u] + noise * rng.normal(size=n_data), name=f"data of {u}")
        for u in ("u", "v")
    ]
    problem = _predators_and_prey({name: name for name in _RATES}, seed, 100.0, data)
    own = {"true": dict(_RATES)} | changes
    return _of_two("lotka_volterra_inverse", "u_t = a u - b u v, v_t = d u v - c v", problem, own)


def _predators_and_prey(rates: dict[str, str], seed: int, weight: float, data: list[Term]) -> Problem:
    a, b, c, d = rates.values()
    box = [(0.0, _END)]
    terms = [
        Term(right, at=sobol(box, 1024, seed), weight=weight, name=name)
        for name, right in (("prey", f"u_t - {a}*u + {b}*u*v"), ("predators", f"v_t - {d}*u*v + {c}*v"))
    ]
    unknowns = dict.fromkeys(_RATES, 2.0) if data else None
    return Problem([*terms, *data], ("t",), box, ("u", "v"), unknowns=unknowns, lift=1, factor="t")


def _of_two(name: str, formula: str, problem: Problem, changes: dict[str, Any]) -> Equation:
    own: dict[str, Any] = {
        "network": lambda s: KAN([1, 2], edges="chebyshev", degree=64, seed=s),
        "settings": {"steps": 100},
        "starts": 6,
        "mlp": lambda s: MLP([1, 25, 2], seed=s),
    }
    return Equation(
        name=name,
        formula=formula,
        problem=problem,
        reference=PredatorPrey(),
        accuracy=1e-11,
        **(own | changes),
    )


def _right(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    a, b, c, d = _RATES.values()
    return a * u - b * u * v, d * u * v - c * v
