"""Differential equations: networks whose residuals are sums of squares, solved to many digits.

>>> from kan_np import KAN
>>> from kan_np.pde import Problem, Term, boundary, grid, solve
"""

from kan_np.pde import equations
from kan_np.pde.fields import Fields
from kan_np.pde.points import Sampler, boundary, grid, sobol, uniform
from kan_np.pde.problem import PdeWarning, Problem, Term
from kan_np.pde.solution import Solution
from kan_np.pde.solution_formula import SolutionFormula
from kan_np.pde.solve import solve
from kan_np.pde.stage import PdeStage

__all__ = [
    "Fields",
    "PdeStage",
    "PdeWarning",
    "Problem",
    "Sampler",
    "Solution",
    "SolutionFormula",
    "Term",
    "boundary",
    "equations",
    "grid",
    "sobol",
    "solve",
    "uniform",
]
