"""
Interp 6: the tree of a trained network
=======================================

A network has learnt a function; how does it combine the variables? The steps of pykan's notebook
Interp_6_test_symmetry_NN, which trains [4, 5, 5, 1] to a test loss of 4.79e-03 and draws its tree with
thresholds a hundred times wider than those for the function. A spline's second derivatives are less right
than its values; how much less, independent fits tell.
"""

# %%
# The tree of the function
# ------------------------

import os

import numpy as np

from kan_np import KAN, create_dataset, fit_schedule
from kan_np.plot import plot_tree
from kan_np.structure import find_tree, is_separable

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ


def f(x):
    """(x1^2 + x2^2)^2 + (x3^2 + x4^2)^2."""
    squares = x**2
    return squares[:, :2].sum(axis=1) ** 2 + squares[:, 2:].sum(axis=1) ** 2


points = np.random.default_rng(0).uniform(-1, 1, (100, 4))
tree = find_tree(f, points)
print("function:", tree)
plot_tree(tree).savefig("1_function.png")

# %%
# The fit of the notebook
# -----------------------

dataset = create_dataset(f, n_var=4, seed=0)
model = KAN([4, 5, 5, 1], grid=3, seed=0)
result = model.fit(dataset, steps=20 if QUICK else 100)
loss = result["test_loss"][-1]
print(f"one network: test loss {loss:.2e} (pykan 4.79e-03)")

# %%
# Several fits tell what is known
# -------------------------------
# Levenberg-Marquardt from three starts, of a network that has the shape of the function. Where they disagree
# about a derivative, nothing is concluded from it.

fits = [
    fit_schedule(
        [4, 2, 1], dataset, grids=(5, 10) if QUICK else (5, 10, 20), opt="LM", steps=30, restarts=3, seed=seed
    ).best
    for seed in range(1 if QUICK else 3)
]
fits.sort(key=lambda stage: stage.train_rmse)
print("test losses:", "  ".join(f"{stage.test_rmse:.1e}" for stage in fits))
models = [stage.model for stage in fits]
inner = 0.8 * points
test = is_separable(models, inner, [[0, 1], [2, 3]], "add")
print(f"additive in (1, 2) and (3, 4): {test.passed}, {test.statistic:.0e} beside {test.error:.0e}")
found = find_tree(models, inner)
print("networks:", found)
plot_tree(found).savefig("2_networks.png")

# %%
# From the samples themselves
# ---------------------------

rows = slice(0, 300 if QUICK else 1000)
print("samples:", find_tree(dataset["train_label"][rows], dataset["train_input"][rows]))

# %%

RESULT = {
    "tutorial": "Interp_6_test_symmetry_NN",
    "what": "test RMSE of [4, 5, 5, 1] after 100 steps",
    "loss": loss,
    "pykan": 4.79e-3,
}
