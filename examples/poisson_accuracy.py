"""
Poisson's equation: from grid to grid, and to a formula
=======================================================

pykan's tutorial "PDE accuracy": u_xx + u_yy = -2 pi^2 sin(pi x) sin(pi y) on [-1, 1]^2 with u = 0 on the
boundary, by a KAN [2, 2, 1] of cubic splines on grids of 5, 10 and 20 intervals. The tutorial prints, after
105 s on a GPU, a mean squared residual of 0.123, 1.5e-4 on the boundary, and a mean squared error of 1.7e-4.
Then the same with orders and networks that suit the equation, and the formula of the solution.
"""

# %%
# The tutorial
# ------------

import os

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from kan_np import KAN
from kan_np.pde import Problem, Term, boundary, equations, grid, solve

QUICK = bool(os.environ.get("KAN_NP_QUICK_EXAMPLES"))
BOX = [(-1.0, 1.0), (-1.0, 1.0)]
mesh = grid(BOX, 51, ends=True)
problem = Problem(
    [
        Term("u_xx + u_yy = -2*pi**2*sin(pi*x)*sin(pi*y)", at=mesh, weight=0.01, name="equation"),
        Term("u", at=boundary(BOX, 51), name="boundary"),
    ],
    coordinates=("x", "y"),
    domain=BOX,
)
starts = [KAN([2, 2, 1], grid=5, k=3, extrapolation="continue", seed=seed) for seed in range(10, 14)]
cubic = solve(problem, starts, grids=(5, 10, 20), steps=50)
for stage in cubic.stages:
    print(f"grid {stage.grid}: objective {stage.objective:.2e}, {stage.seconds:.1f} s")
squares = {name: float(np.mean(own**2)) for name, own in cubic.residuals(0).items()}
x = mesh.points()
error = float(np.mean((cubic(x)[:, 0] - np.prod(np.sin(np.pi * x), axis=1)) ** 2))
print(
    f"mean squares: equation {squares['equation']:.1e}, boundary {squares['boundary']:.1e}, error {error:.1e}"
)

# %%
# Boundary values built in, and splines whose second derivative has no kinks
# ---------------------------------------------------------------------------

poisson = equations.poisson()
solutions = {
    "cubic, as the tutorial": cubic,
    "order 5, boundary built in": poisson.solve(0, by="sums", steps=75 if QUICK else 150),
    "a product of polynomials": poisson.solve(0),
}
errors = {name: poisson.errors(solution).l2 for name, solution in solutions.items()}
for name, relative in errors.items():
    print(f"{name}: relative L2 error {relative:.1e}")

# %%
# The formula
# -----------

formula = solutions["a product of polynomials"].formula()
print(formula, "exact:", formula.exact)

# %%
# Where the errors are
# --------------------

axis = np.linspace(-1.0, 1.0, 101)
points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
true = np.prod(np.sin(np.pi * points), axis=1)
figure, panels = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
for panel, (name, solution) in zip(panels, solutions.items(), strict=True):
    apart = np.abs(solution(points)[:, 0] - true).reshape(101, 101)
    image = panel.pcolormesh(axis, axis, np.log10(apart + 1e-17).T, shading="nearest")
    figure.colorbar(image, ax=panel, label="log10 |u - sin(pi x) sin(pi y)|")
    panel.set_title(f"{name}\n{errors[name]:.1e}", fontsize=9)
figure.savefig("poisson_accuracy.png", dpi=120)
