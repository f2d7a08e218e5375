"""Equations that ship, each with its solution, how exact that is, and networks and settings that solve it.

>>> from kan_np.pde import equations
>>> equations.names()[:3]
('allen_cahn', 'burgers', 'heat')
"""

from kan_np.pde.equations.allen_cahn import allen_cahn
from kan_np.pde.equations.burgers import burgers
from kan_np.pde.equations.classical_solutions import classical_solution
from kan_np.pde.equations.elliptic import helmholtz, poisson, poisson_paper, poisson_unit_square
from kan_np.pde.equations.equation import ClassicalSolution, Equation, Errors, Formula, Reference
from kan_np.pde.equations.heat import heat, heat_inverse, least_standard_error
from kan_np.pde.equations.kovasznay import kovasznay
from kan_np.pde.equations.ordinary import lotka_volterra, lotka_volterra_inverse, oscillator
from kan_np.pde.equations.schroedinger import schroedinger

__all__ = [
    "ClassicalSolution",
    "Equation",
    "Errors",
    "Formula",
    "Reference",
    "allen_cahn",
    "burgers",
    "classical_solution",
    "heat",
    "heat_inverse",
    "helmholtz",
    "kovasznay",
    "least_standard_error",
    "lotka_volterra",
    "lotka_volterra_inverse",
    "names",
    "oscillator",
    "poisson",
    "poisson_paper",
    "poisson_unit_square",
    "schroedinger",
]


def names() -> tuple[str, ...]:
    """Names of all equations, which are functions of this module: ``getattr(equations, name)(seed=0)``."""
    others = {"Equation", "Errors", "Formula", "Reference", "least_standard_error", "names"}
    others |= {"ClassicalSolution", "classical_solution"}
    return tuple(name for name in __all__ if name not in others)
