"""
Physics 2A: a conserved quantity from a flow
============================================

A quantity H is conserved where its gradient is perpendicular to the flow. For the harmonic oscillator, x' = p
and p' = -x, the energy is found from the flow alone. The steps of pykan's tutorial
"Physics_2A_conservation_law".
"""

# %%
# Perpendicular to the flow
# -------------------------
# The tutorial's residual is the part of the flow along the gradient of a KAN [2, 1], divided by the length of
# the gradient; it prints 1.17e-4 for the mean square on test samples. The length is there since H = 0 is
# conserved, too. Two values, at the origin and at x = 1, do the same and choose one of the functions of the
# energy. Without the length the residual is linear in the parameters, and the solution does not depend on the
# start.

import os

import numpy as np

from kan_np import KAN
from kan_np.pde import Problem, Term, solve, uniform

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
N = 300 if QUICK else 1000
BOX = [(-1.0, 1.0), (-1.0, 1.0)]
problem = Problem(
    [
        Term("p*H_x - x*H_p", at=uniform(BOX, N, 42), name="along"),
        Term("H", at=[[0.0, 0.0]], name="origin"),
        Term("H - 1/2", at=[[1.0, 0.0]], name="scale"),
    ],
    coordinates=("x", "p"),
    outputs=("H",),
    domain=BOX,
)
solution = solve(problem, KAN([2, 1], grid=5, k=3, seed=42), steps=30)
points = problem.points(1)[0]  # drawn anew
slopes = solution.derivatives(points, "H_x", "H_p")
along = points[:, 1] * slopes["H_x"] - points[:, 0] * slopes["H_p"]
loss = float(np.mean(np.square(along / np.hypot(slopes["H_x"], slopes["H_p"]))))
print(f"mean square of the part along the gradient, on fresh points: {loss:.1e} (pykan 1.17e-04)")
solution.model.plot(points, in_vars=["x", "p"]).savefig("energy.png", dpi=100)

# %%
# The formula
# -----------
# pykan's is ``-1.191*x_1**2 - 1.191*x_2**2 + 2.329``. With the numbers that the equation settles:

formula = solution.formula(seconds=10)
print(formula, "exact:", formula.exact)

# %%
# Values of H along an orbit, which the network has never seen as such.

angle = np.linspace(0, 2 * np.pi, 50)
orbit = solution(0.8 * np.stack([np.cos(angle), -np.sin(angle)], axis=1))[:, 0]
print(f"on the circle of radius 0.8: {orbit.mean():.4f} +- {orbit.std():.1e} (0.8^2 / 2 = 0.32)")

RESULT = {
    "tutorial": "Physics_2A_conservation_law",
    "loss": loss,
    "pykan": 1.17e-4,
    "what": "mean square of the component of the flow along the gradient, on fresh points",
    "differs": "Levenberg-Marquardt, residual without the length of the gradient, two values given "
    "(pykan L-BFGS, with it)",
}
