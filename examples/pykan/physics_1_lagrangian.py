"""
Physics 1: the Lagrangian of a relativistic mass
================================================

A mass in a constant field, with velocities in units of that of light: v' = (1 - v^2)^(3/2). From samples of
the acceleration a network learns a Lagrangian L(x, v), which is not in the data: only the equation of motion
is. The steps of pykan's tutorial "Physics_1_Lagrangian".
"""

# %%
# A guess
# -------
# The Newtonian v^2 as a network, and disturbed a little so that it can be trained. `kanpiler` makes a KAN of
# the formula; `perturb` makes splines of its edges and adds the one of x.

import os

import numpy as np
import sympy
from matplotlib.figure import Figure

from kan_np import KAN, create_dataset_from_data, ex_round, kanpiler
from kan_np.pde import Problem, Term, solve, uniform

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
N, STEPS = (1000, 20) if QUICK else (10000, 40)
BOX = [(-2.0, 2.0), (-1.0, 1.0)]
x, v = sympy.symbols("x v")
guess = kanpiler([x, v], v**2, grid=20, k=5)
at = uniform(BOX, N, 0)
guess.perturb(mag=0.1, mode="all", seed=0, x=at.points(0))
guess.plot(at.points(0), in_vars=["x", "v"]).savefig("guess.png", dpi=100)

# %%
# The equation of motion
# ----------------------
# d/dt L_v = L_x, solved for the acceleration, is the tutorial's model of the data. Multiplied by L_vv it is
# linear in the parameters of the network: a few steps solve that, and then the acceleration itself is fitted.
# L is free up to its scale, a constant, and any function of x times v, which is a total derivative in time.
# So a mass of 1 at rest, and no term linear in v, are demanded at some points, and L = 0 at one.

rest = np.stack([np.linspace(-2, 2, 9), np.zeros(9)], axis=1)
gauge = [
    Term("L", at=[[-2.0, 0.0]], name="constant"),
    Term("L_v", at=rest, name="linear term"),
    Term("L_vv - 1", at=rest, name="mass"),
]


def motion(equation):
    """The problem with the equation of motion in one of its forms."""
    term = Term(equation, at=at, name="motion")
    return Problem([term, *gauge], coordinates=("x", "v"), outputs=("L",), domain=BOX)


linear = motion("(1 - v**2)**(3/2)*L_vv + v*L_xv - L_x")
begun = solve(linear, guess, steps=STEPS)
solution = solve(motion("(L_x - v*L_xv)/L_vv - (1 - v**2)**(3/2)"), begun.model, steps=STEPS)
loss = float(np.mean(solution.residuals(1)["motion"] ** 2))
print(f"mean squared error of the acceleration on fresh samples: {loss:.1e} (pykan 5.03e-05)")
solution.model.plot(at.points(0), in_vars=["x", "v"]).savefig("lagrangian.png", dpi=100)

# %%
# What the edges are
# ------------------
# That of x is a line. That of v is no symbol of the list, but an edge after v^2 is: as in the tutorial a
# network [1, 1, 1] learns it, with a square for its first edge. pykan's ends at an RMSE of 3.72e-4 and the
# formula 1.19 - 1.08 sqrt(1 - v^2).

line = np.linspace(-0.999, 0.999, 400)
kinetic = solution(np.stack([np.zeros(400), line], axis=1)) - solution([[0.0, 0.0]])
potential = solution(np.stack([2 * line, np.zeros(400)], axis=1))[:, 0]
print(f"L along x: slope {np.polyfit(2 * line, potential, 1)[0]:.5f}")
own = create_dataset_from_data(line[:, None], kinetic)
network = KAN([1, 1, 1], grid=5, seed=0)
network.fix_symbolic(0, 0, 0, "x^2", fit=False)
rmse = network.fit(own, "LM", steps=50)["test_loss"][-1]
best = network.suggest_symbolic(1, 0, 0, own["train_input"], top=1)[0]
print(
    f"L along v: test RMSE {rmse:.1e} of its own spread {kinetic.std():.1e}, then {best.name} ({best.r2:.6f})"
)
network.fix_symbolic(1, 0, 0, best.symbol, x=own["train_input"])
network.fit(own, "LM", steps=50)
rough = network.symbolic_formula(["v"], x=own["train_input"], exact=False)[0][0]
print("formula of this edge:", ex_round(rough, 3))

# %%
# Back to the equation
# --------------------
# A rough formula is a guess like v^2: as a network it is trained on the equation of motion, which settles its
# numbers.

exact = solve(linear, kanpiler([x, v], x + ex_round(rough, 2)), steps=STEPS)
formula = exact.formula()
print(formula, "exact:", formula.exact)

# %%

figure = Figure(figsize=(5.4, 3.2), layout="constrained")
axes = figure.subplots()
axes.plot(line, kinetic, label="found")
axes.plot(line, 1 - np.sqrt(1 - line**2), "k--", label="$1 - \\sqrt{1 - v^2}$")
axes.set(xlabel="v", ylabel="L along v")
axes.legend()
figure.savefig("kinetic.png", dpi=100)

RESULT = {
    "tutorial": "Physics_1_Lagrangian",
    "loss": loss,
    "pykan": 5.03e-5,
    "what": "mean squared error of the acceleration that the Lagrangian gives, on fresh samples",
    "differs": "Levenberg-Marquardt on two forms of the equation, with conditions that fix what is free "
    "(pykan L-BFGS on one)",
}
