"""
Community 1: a flow through a channel
=====================================

The stationary Navier-Stokes equations in a channel of length 10 and height 2: u = 1 at the inlet, no slip at
the walls, no pressure at the outlet. A network gives both velocities and the pressure. The steps of pykan's
tutorial "Community_1_physics_informed_kan", whose loss is 0.011 after 2 h 52 min on a CPU.
"""

# %%
# Equations and conditions
# ------------------------
# Density 1, viscosity 0.01, and residuals on 100 x 20 points, each term with weight 1 as in the tutorial.
# (What it calls second derivatives are those of a sum over both directions; ours are those of the equations.)

import os

import numpy as np
from matplotlib.figure import Figure
from scipy.integrate import trapezoid

from kan_np import KAN
from kan_np.pde import Problem, Term, solve

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
NX, NY, GRID, STEPS = (40, 10, 4, 15) if QUICK else (100, 20, 8, 60)
BOX = [(0.0, 10.0), (0.0, 2.0)]
x, y = np.linspace(*BOX[0], NX), np.linspace(*BOX[1], NY)
points = np.stack([side.ravel() for side in np.meshgrid(x, y, indexing="ij")], axis=1)
walls = points[np.isin(points[:, 1], BOX[1])]
inlet, outlet = points[points[:, 0] == 0.0], points[points[:, 0] == 10.0]
TERMS = [
    Term("u_x + v_y", at=points, name="continuity"),
    Term("u*u_x + v*u_y + p_x - 0.01*(u_xx + u_yy)", at=points, name="momentum along"),
    Term("u*v_x + v*v_y + p_y - 0.01*(v_xx + v_yy)", at=points, name="momentum across"),
    Term("u", at=walls, name="no slip, u"),
    Term("v", at=walls, name="no slip, v"),
    Term("p", at=outlet, name="outlet"),
]
problem = Problem(
    [*TERMS, Term("u - 1", at=inlet, name="inlet")],
    coordinates=("x", "y"),
    outputs=("u", "v", "p"),
    domain=BOX,
)

# %%
# Levenberg-Marquardt
# -------------------
# The tutorial has [2, 3, 3, 3] with splines of order 10; one layer of more nodes, order 5, trains better.

model = KAN([2, 8, 3], grid=GRID, k=5, extrapolation="continue", seed=0)
solution = solve(problem, model, steps=STEPS, opt="LM-normal")
squares = {name: float(np.mean(own**2)) for name, own in solution.residuals(0).items()}
loss = sum(squares.values())
for name, value in squares.items():
    print(f"{name:16s} {value:.1e}")
print(f"sum {loss:.5f} (pykan 0.011)")

# %%
# What is left
# ------------
# In two corners the conditions contradict each other: u is 1 at the inlet and 0 at the wall. The best that
# any function can do there follows from the weights of one point among those of the walls and among those of
# the inlet.

of_wall, of_inlet = 1 / len(walls), 1 / len(inlet)
floor = 2 * of_wall * of_inlet / (of_wall + of_inlet)
print(f"of which the two corners: {floor:.5f}; everything else: {loss - floor:.1e}")

# %%
# The flow
# --------

fields = solution(points).reshape(NX, NY, 3)
shown = {"speed": np.hypot(fields[..., 0], fields[..., 1])}
shown |= {name: fields[..., i] for i, name in enumerate(("u", "v", "p"))}
figure = Figure(figsize=(10, 4.2), layout="constrained")
for axes, (name, values) in zip(figure.subplots(2, 2).flat, shown.items(), strict=True):
    image = axes.pcolormesh(
        x, y, values.T, shading="gouraud", cmap="viridis" if name == "speed" else "coolwarm"
    )
    figure.colorbar(image, ax=axes)
    axes.set_title(name, fontsize=9)
figure.savefig("channel.png", dpi=100)
solution.model.plot(points, in_vars=["x", "y"], out_vars=["u", "v", "p"]).savefig("network.png", dpi=90)
through = trapezoid(fields[..., 0], y, axis=1)
print(f"volume that passes: {through[0]:.3f} at the inlet, {through[-1]:.3f} at the outlet")

# %%
# A small loss is not yet a flow: part of the volume gets lost on the way, and the flow is not symmetric, as
# it should be. The loss sees neither, since it has 20 points across and a jump in two corners.
#
# An inlet without a jump
# -----------------------
# With u = 3/2 y (2 - y) at the inlet nothing contradicts the walls. A network [2, 3] has no hidden layer: u,
# v and p are each a function of x and one of y, added. Here that is enough, which its residuals say, and the
# solution is known: the same profile everywhere, v = 0, and p = 0.03 (10 - x).

profile = 1.5 * inlet[:, 1] * (2 - inlet[:, 1])
smooth = Problem(
    [*TERMS, Term("u", at=inlet, target=profile, name="inlet")],
    coordinates=("x", "y"),
    outputs=("u", "v", "p"),
    domain=BOX,
)
parabolic = solve(smooth, KAN([2, 3], edges="chebyshev", degree=4, seed=0), steps=STEPS)
print(f"sum of the mean squared residuals {parabolic.stages[-1].objective:.1e}")
truth = np.stack(
    [1.5 * points[:, 1] * (2 - points[:, 1]), 0 * points[:, 0], 0.03 * (10 - points[:, 0])], axis=1
)
apart = np.abs(parabolic(points) - truth).max(axis=0)
print("largest errors:", *(f"{name} {error:.1e}" for name, error in zip("uvp", apart, strict=True)))
through = trapezoid(parabolic(points).reshape(NX, NY, 3)[..., 0], y, axis=1)
print(f"volume that passes: {through[0]:.4f} at the inlet, {through[-1]:.4f} at the outlet")

RESULT = {
    "tutorial": "Community_1_physics_informed_kan",
    "loss": loss,
    "pykan": 0.011,
    "what": "sum of the mean squared residuals (0.00909 of it from corners that contradict each other)",
    "differs": "[2, 8, 3] of order 5 on 8 intervals, Levenberg-Marquardt (pykan [2, 3, 3, 3] of order "
    "10 on 5, L-BFGS)",
}
