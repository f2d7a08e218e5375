"""
Physics 2B: all conserved quantities of an oscillator in the plane
==================================================================

An isotropic oscillator in two dimensions conserves the energy in each direction, its angular momentum, and
one more. A network finds one of them, or a mixture, from each start. The steps of pykan's tutorial
"Physics_2B_conservation_law_2D".
"""

# %%
# A network of products
# ---------------------
# x1 and x3 are positions, x2 and x4 velocities. The network is [4, [0, 2], 1], a function of two products of
# two sums, and what is measured is the cosine between its gradient and the flow, of which pykan prints a mean
# square of 1.57e-3 (with a penalty). Trained is what stands above the lengths in it: with one value of H that
# is not zero, H = const is no solution.

import os

import numpy as np
import sympy

from kan_np import KAN, ex_round
from kan_np.pde import Problem, Term, solve, uniform

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
N, STARTS, STEPS = (300, 5, 30) if QUICK else (1000, 8, 60)
BOX = [(-1.0, 1.0)] * 4
problem = Problem(
    [
        Term("x2*H_x1 - x1*H_x2 + x4*H_x3 - x3*H_x4", at=uniform(BOX, N, 0), name="along"),
        Term("H - 1", at=[[1.0, 0.5, -0.3, 0.8]], name="scale"),
    ],
    coordinates=("x1", "x2", "x3", "x4"),
    outputs=("H",),
    domain=BOX,
)
points = problem.points()[0]


def cosine(solution):
    """Mean square of the cosine on points drawn anew."""
    x = problem.points(1)[0]
    slopes = np.stack(list(solution.derivatives(x, "H_x1", "H_x2", "H_x3", "H_x4").values()), axis=1)
    flow = np.stack([x[:, 1], -x[:, 0], x[:, 3], -x[:, 2]], axis=1)
    squares = np.sum(slopes * flow, axis=1) ** 2
    return float(np.mean(squares / (np.sum(slopes**2, axis=1) * np.sum(flow**2, axis=1))))


starts = [KAN([4, [0, 2], 1], grid=3, base_fun="identity", seed=seed) for seed in range(4)]
splines = solve(problem, starts, steps=STEPS)
print(f"splines: mean square of the cosine {cosine(splines):.1e} (pykan 1.57e-03)")
splines.model.plot(points, in_vars=["x1", "x2", "x3", "x4"]).savefig("splines.png", dpi=90)

# %%
# Lines for edges
# ---------------
# In the tutorial a penalty and a choice of seeds make edges straight and most of them vanish, symbols replace
# them, and each of three seeds gives one quantity. Here all edges are lines from the start: H is then a sum
# of two products of linear functions, and what a start finds is conserved to rounding.

quadratic, worst = [], 0.0
x = sympy.symbols("x1:5")
terms = [a * b for n, a in enumerate(x) for b in x[n:]]
for seed in range(STARTS):
    model = KAN([4, [0, 2], 1], edges="linear", seed=seed)
    solution = solve(problem, model, steps=STEPS)
    loss = cosine(solution)
    worst = max(worst, loss)
    formula = solution.model.symbolic_formula([str(own) for own in x], exact=False)[0][0]
    found = sympy.Poly(sympy.expand(formula), *x)
    quadratic.append([float(found.coeff_monomial(term)) for term in terms])
    print(f"seed {seed}: {loss:.1e}  H = {ex_round(found.as_expr(), 2)}")
model.plot(points, in_vars=["x1", "x2", "x3", "x4"]).savefig("lines.png", dpi=90)

# %%
# How many are there?
# -------------------
# Sums of conserved quantities are conserved: what the starts have found spans a space, and the singular
# values say of which dimension. Its reduced basis has the quantities in the simplest form. pykan prints, from
# one seed each, -0.011 x1^2 - 0.01 x2^2, the same of x3 and x4, and -0.003 x1 x4 + 0.0031 x2 x3.

values = np.linalg.svd(np.array(quadratic), compute_uv=False)
print("singular values:", *(f"{value:.1e}" for value in values))
rank = int(np.sum(values > 1e-6 * values[0]))
basis = np.linalg.svd(np.array(quadratic))[2][:rank]
reduced, _ = sympy.Matrix(basis).rref(iszerofunc=lambda value: abs(value) < 1e-6)
for row in reduced.tolist():
    print(ex_round(sum(v * term for v, term in zip(row, terms, strict=True) if abs(v) > 1e-6), 6))

RESULT = {
    "tutorial": "Physics_2B_conservation_law_2D",
    "loss": worst,
    "pykan": 1.57e-3,
    "what": "mean square of the cosine of flow and gradient on fresh points, the worst of the starts",
    "differs": "edges that are lines, no penalty, Levenberg-Marquardt, the worst of eight starts (pykan "
    "splines, a penalty, L-BFGS, chosen starts)",
}
