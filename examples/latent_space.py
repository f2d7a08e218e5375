"""
A KAN in a latent space
=======================

Where the label is a function of a few combinations of many inputs, a linear layer finds the combinations, a
layer of splines the functions, and another linear layer adds them up: linear, KAN, linear. With
``edges="linear"`` an edge is a plain weight.
"""

# %%
# Fifty inputs, two of whose combinations matter
# ----------------------------------------------

import os

import numpy as np
from matplotlib.figure import Figure
from scipy.linalg import subspace_angles

from kan_np import fit_mlp, fit_schedule

QUICK = bool(os.environ.get("KAN_NP_QUICK_EXAMPLES"))
rng = np.random.default_rng(0)
directions = np.linalg.qr(rng.normal(size=(50, 2)))[0]


def label(x):
    """sin(2 u) + v^2 / 2 of the projections u and v."""
    u, v = (x @ directions).T
    return (np.sin(2 * u) + 0.5 * v**2)[:, None]


x, x_test = rng.normal(size=(1000, 50)), rng.normal(size=(1000, 50))
dataset = {"train_input": x, "train_label": label(x), "test_input": x_test, "test_label": label(x_test)}

# %%
# Linear, splines, linear
# -----------------------

stages = fit_schedule(
    [50, 2, 1, 1],
    dataset,
    grids=(5, 10) if QUICK else (5, 10, 20),
    opt="LM",
    steps=40,
    restarts=3,
    seed=0,
    edges=["linear", "bspline", "linear"],
)
model = stages.best.model
spread = dataset["test_label"].std()
print(
    f"test RMSE {stages.best.test_rmse:.1e} of labels with spread {spread:.2f}; {model.n_params} parameters"
)

# %%
# The weights of the first layer span the plane of the two directions.

weights = np.array([[model.take_function(0, i, j)(1.0) for j in range(2)] for i in range(50)])
angle = np.degrees(subspace_angles(weights, directions).max())
print(f"largest angle between the plane that was found and the true one: {angle:.1e} degrees")

# %%
# An MLP of the same samples, trained by the same optimizer, and a linear model.

mlp = fit_mlp([50, 8, 8, 1], dataset, opt="LM", steps=20 if QUICK else 60, restarts=1 if QUICK else 3, seed=0)
plane = np.linalg.lstsq(np.column_stack([x, np.ones(1000)]), dataset["train_label"], rcond=None)[0]
flat = np.column_stack([x_test, np.ones(1000)]) @ plane - dataset["test_label"]
print(f"test RMSE of an MLP [50, 8, 8, 1] {mlp.test_rmse:.2f}, of a line {np.sqrt(np.mean(flat**2)):.2f}")

# %%

figure = Figure(figsize=(6, 2.6), layout="constrained")
for j, axes in enumerate(figure.subplots(1, 2)):
    at = np.sort(x_test @ weights[:, j])[10:-10]
    axes.plot(at, model.take_function(1, j, 0)(at), color="#0072B2")
    axes.set(xlabel=f"latent variable {j + 1}", ylabel="its function")
figure.savefig("latent_space.png")
