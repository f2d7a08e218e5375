"""Poisson's and Helmholtz' equation on squares, u = 0 on the boundary, with solutions in closed form."""

from __future__ import annotations

from typing import Any

from kan_np.mlp import MLP
from kan_np.pde.equations.equation import Equation, Formula, products, sums_of_splines
from kan_np.pde.names import Names
from kan_np.pde.points import sobol
from kan_np.pde.problem import Problem, Term

_SQUARE = [(-1.0, 1.0), (-1.0, 1.0)]
_UNIT = [(0.0, 1.0), (0.0, 1.0)]


def poisson(seed: int = 0, **changes: Any) -> Equation:
    """u_xx + u_yy = -2 pi^2 sin(pi x) sin(pi y) on [-1, 1]^2: the problem of pykan's tutorial.

    Parameters
    ----------
    seed : int
        Of the points.
    **changes
        Other fields of `Equation`.
    """
    return _equation("poisson", "sin(pi*x)*sin(pi*y)", _SQUARE, 0.0, 18, (5, 10, 20), seed, changes)


def poisson_unit_square(seed: int = 0, **changes: Any) -> Equation:
    """The same on [0, 1]^2, where u has one hump in place of four."""
    return _equation("poisson_unit_square", "sin(pi*x)*sin(pi*y)", _UNIT, 0.0, 16, (5, 10), seed, changes)


def poisson_paper(seed: int = 0, **changes: Any) -> Equation:
    """u_xx + u_yy = f on [-1, 1]^2 with u = sin(pi x) sin(pi y^2): section 3.4 of arXiv:2404.19756."""
    return _equation("poisson_paper", "sin(pi*x)*sin(pi*y**2)", _SQUARE, 0.0, 26, (5, 10, 20), seed, changes)


def helmholtz(seed: int = 0, **changes: Any) -> Equation:
    """u_xx + u_yy + u = f on [-1, 1]^2 with u = sin(pi x) sin(4 pi y)."""
    return _equation("helmholtz", "sin(pi*x)*sin(4*pi*y)", _SQUARE, 1.0, 32, (10, 20, 30), seed, changes)


def _equation(
    name: str,
    solution: str,
    box: list[tuple[float, float]],
    k2: float,
    degree: int,
    grids: tuple[int, ...],
    seed: int,
    changes: dict[str, Any],
) -> Equation:
    """u_xx + u_yy + k2 u = f with a given solution, u = 0 on the boundary built in.

    The recommended network is one product of two sums of polynomials, for the solutions are products; that of
    sums of splines, [2, 5, 1], does not know that.
    """
    import sympy

    names = Names(("x", "y"), ("u",))
    exact = Formula(names, {"u": solution})
    x, y, u = sympy.Symbol("x"), sympy.Symbol("y"), exact.expressions["u"]
    source = sympy.simplify(sympy.diff(u, x, 2) + sympy.diff(u, y, 2) + k2 * u)
    (a, b), _ = box
    residual = sympy.Symbol("u_xx") + sympy.Symbol("u_yy") + k2 * sympy.Symbol("u") - source
    equation = Term(residual, at=sobol(box, 1024, seed), name="equation")
    factor = f"(x - {a})*({b} - x)*(y - {a})*({b} - y)"
    own: dict[str, Any] = {
        "network": products(1, degree),
        "settings": {"steps": 60},
        "starts": 2,
        "sums": sums_of_splines(5, grids[0]),
        "sums_settings": {"grids": grids, "steps": 150},
        "mlp": lambda s: MLP([2, 32, 1], seed=s),
        "mlp_settings": {"steps": 400},
    }
    return Equation(
        name=name,
        formula=f"u_xx + u_yy {'+ u ' if k2 else ''}= f, u = {solution}",
        problem=Problem([equation], names.coordinates, box, factor=factor),
        reference=exact,
        accuracy=0.0,
        **(own | changes),
    )
