"""
API 5: splines and their grids
==============================

What an edge is made of, and how its knots follow the samples. The steps of pykan's notebook API_5_grid.
"""

# %%
# The basis
# ---------
# G intervals and order k make G + k functions, each of which is not zero on k + 1 intervals.

import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN, design_matrix

G, k = 5, 3
model = KAN([1, 1], grid=G, k=k, grid_range=(-1, 1), seed=0)
knots = model.knots[0][0]
x = np.linspace(-1, 1, 1001)
basis = np.asarray(design_matrix(x, knots, k))
print(
    f"G + k = {G + k}: {basis.shape[1]} functions, whose sum is 1 to {abs(basis.sum(axis=1) - 1).max():.0e}"
)

figure = Figure(figsize=(5, 3), layout="constrained")
axes = figure.subplots()
axes.plot(x, basis)
axes.set(xlabel="x", ylabel="$B_i(x)$")
figure.savefig("basis.png")

# %%
# An edge is the spline and the base function
# -------------------------------------------
# The scale of the spline, which pykan keeps apart, is in the coefficients.

output = model(x[:, None])[:, 0]
spline = basis @ model.coef[0][0, 0]
base = model.scale_base[0][0, 0] * x / (1 + np.exp(-x))
without = float(np.mean((output - spline) ** 2))
difference = float(np.mean((output - spline - base) ** 2))
print(
    f"mean square of output - spline {without:.1e} (pykan 0.0099), minus base function {difference:.0e} (0)"
)

# %%
# Grids that follow samples
# -------------------------

for half in (10, 0.5):
    own = KAN([1, 1], grid=G, k=k, seed=0)
    own.update_grid_from_samples(np.linspace(-half, half, 1001)[:, None])
    inner = own.knots[0][0]
    print(f"samples in [-{half}, {half}]: knots {inner.round(2)}")

# %%
# Uniform, or by quantiles
# ------------------------
# ``grid_eps=1`` spaces knots evenly, ``grid_eps=0`` puts as many samples into each interval.

normal = np.random.default_rng(0).normal(size=(1000, 1))
for eps in (1.0, 0.0):
    own = KAN([1, 1], grid=G, k=k, grid_eps=eps, seed=0)
    own.update_grid_from_samples(normal)
    inner = own.knots[0][0]
    counts = np.histogram(normal, inner)[0]
    print(f"grid_eps={eps}: knots {inner.round(2)}, samples {counts}")

# %%

RESULT = {
    "tutorial": "API_5_grid",
    "what": "mean square of edge - spline - base function",
    "loss": difference,
    "pykan": None,
}
