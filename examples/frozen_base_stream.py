"""
A stream of batches with frozen base functions
==============================================

An edge of a KAN is a base function, which acts everywhere, plus a spline, which acts where its knots are.
Where samples come as a stream, each batch from another part of the range, every step changes the base
functions for all the parts that are not there to object. Frozen base weights stay as they are, and what a
batch teaches stays near its samples.

The stream is that of figure 3.4 of the KAN paper (arXiv:2404.19756): five peaks, shown one after the other.
"""

# %%
# Five peaks, one after the other
# -------------------------------

import os

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN

mpl.rcParams["figure.dpi"] = 120
BATCHES = 10 if os.environ.get("KAN_NP_QUICK_EXAMPLES") else 50  # of every peak
CENTRES = np.linspace(-0.8, 0.8, 5)
rng = np.random.default_rng(0)


def peaks(x):
    """Five bells."""
    return np.exp(-300 * (x - CENTRES) ** 2).sum(axis=1, keepdims=True)


grid = np.linspace(-1, 1, 1000)[:, None]


def train(frozen):
    """Train on the stream; return the model, and the error everywhere after every peak."""
    model, errors = KAN([1, 1], grid=60, grid_range=(-1, 1), scale_base_sigma=0.0, seed=0), []
    if frozen:
        model.freeze(kind="base")
    for centre in CENTRES:
        for _batch in range(BATCHES):
            x = centre + rng.uniform(-0.2, 0.2, (32, 1))
            batch = {"train_input": x, "train_label": peaks(x)}
            model.fit(batch, opt="Adam", lr=0.01, steps=5, update_grid=False)
        errors.append(float(np.sqrt(np.mean((model(grid) - peaks(grid)) ** 2))))
    return model, errors


# %%
# Each call of `fit` goes on from where the model is; ``update_grid=False`` keeps the grid for all of them.

frozen, errors = train(frozen=True)
free, free_errors = train(frozen=False)
print("RMSE over the whole range after each peak")
print("  base frozen: ", "  ".join(f"{error:.3f}" for error in errors))
print("  base trained:", "  ".join(f"{error:.3f}" for error in free_errors))
print(f"base weight: {frozen.scale_base[0][0, 0]:.3f} frozen, {free.scale_base[0][0, 0]:.3f} trained")

# %%

figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
axes.plot(grid, peaks(grid), color="0.7", lw=4, label="five peaks")
axes.plot(grid, frozen(grid), color="#0072B2", label="base frozen")
axes.plot(grid, free(grid), color="#D55E00", ls="--", label="base trained")
axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.18), frameon=False)
figure.savefig("stream.png")
