"""
API 3: the function of an edge
==============================

A picture shows functions, `get_fun` returns their values. The steps of pykan's notebook
API_3_extract_activations, which takes edge (0, 0, 3) of an untrained network [2, 5, 1].
"""

# %%
# Values at samples
# -----------------
# Sorted by x, ready to be drawn.

import numpy as np

from kan_np import KAN

samples = np.random.default_rng(0).normal(size=(100, 2))
model = KAN([2, 5, 1], grid=3, k=3, seed=1)
x, y = model.get_fun(0, 0, 3, samples)
print(f"{len(x)} values, x ascending: {bool((np.diff(x) >= 0).all())}")
model.plot_edge(0, 0, 3, samples).savefig("edge.png")

# %%
# The range
# ---------
# pykan's samples go from -1.61 to 3.38 and its edge, of another random start, from -0.19 to 0.56.

low_x, high_x, low_y, high_y = model.get_range(0, 0, 3, samples)
print(f"x from {low_x:.2f} to {high_x:.2f}, y from {low_y:.2f} to {high_y:.2f}")

# %%
# As a function
# -------------
# `take_function` returns the edge as a callable with its derivative; it does not change when the model is
# trained further.

phi = model.take_function(0, 0, 3)
difference = float(np.abs(phi(x) - y).max())
print(f"largest difference to the values above: {difference:.1e}")
print(f"phi(0.5) = {float(phi(0.5)):.4f}")

# %%

RESULT = {
    "tutorial": "API_3_extract_activations",
    "what": "largest difference between the values of an edge and its callable",
    "loss": difference,
    "pykan": None,
}
