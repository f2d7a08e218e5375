"""
Example 7: Poisson's equation on finer and finer grids
======================================================

The equation of example 6, on 51 x 51 points and grids of 5, 10 and 20 intervals, as in pykan's tutorial
"Example_7_PDE_accuracy". :doc:`/gallery/poisson_accuracy` has networks that suit the equation better.
"""

# %%
# Three grids
# -----------
# Fifty steps each. pykan prints mean squares of the residual, on the boundary and of the error after each
# grid.

import os

import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN
from kan_np.pde import Problem, Term, boundary, grid, solve

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
SIDE, GRIDS, STEPS = (15, (5, 10), 15) if QUICK else (51, (5, 10, 20), 50)
BOX = [(-1.0, 1.0), (-1.0, 1.0)]
problem = Problem(
    [
        Term(
            "u_xx + u_yy = -2*pi**2*sin(pi*x)*sin(pi*y)",
            at=grid(BOX, SIDE, ends=True),
            weight=0.01,
            name="equation",
        ),
        Term("u", at=boundary(BOX, SIDE), name="boundary"),
    ],
    coordinates=("x", "y"),
    domain=BOX,
)
points = problem.points()[0]
truth = np.sin(np.pi * points).prod(axis=1)
objective, squares = [], []


def keep(solution):
    """Keep the three mean squares after a grid."""
    own = {name: float(np.mean(rest**2)) for name, rest in solution.residuals(0).items()}
    squares.append((len(objective), *own.values(), float(np.mean((solution(points)[:, 0] - truth) ** 2))))


starts = [KAN([2, 2, 1], grid=5, k=3, extrapolation="continue", seed=seed) for seed in range(10, 14)]
solution = solve(problem, starts, grids=GRIDS, steps=STEPS, on_stage=keep, callback=objective.append)
PYKAN = ((2.13, 1.80e-3, 3.11e-3), (5.68e-1, 5.30e-4, 1.03e-3), (1.23e-1, 1.51e-4, 1.74e-4))
for size, (_, *own), printed in zip(GRIDS, squares, PYKAN, strict=False):
    for name, value, other in zip(("equation", "boundary", "error"), own, printed, strict=True):
        print(f"grid {size:2d}: {name:8s} {value:.2e} (pykan {other:.2e})")

# %%
# The objective falls where the grid gets finer (in the beginning it is that of four starts in turn).

figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.subplots()
axes.semilogy(objective)
for ended, *_ in squares:
    axes.axvline(ended, color="0.8")
axes.set(xlabel="iteration", ylabel="objective")
figure.savefig("pde_accuracy.png", dpi=100)
solution.plot(lambda x, *_: {"u": np.sin(np.pi * x).prod(axis=1)}).savefig("solution.png", dpi=80)

RESULT = {
    "tutorial": "Example_7_PDE_accuracy",
    "loss": squares[-1][-1],
    "pykan": 1.74e-4,
    "what": "mean squared error of the solution on the finest grid",
    "differs": "Levenberg-Marquardt, the best of four starts by training loss (pykan L-BFGS, one)",
}
