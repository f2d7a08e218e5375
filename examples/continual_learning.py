"""
Data that come in phases: what a model forgets, and an anchor that keeps it
===========================================================================

Measurements of one region come today, those of the next tomorrow, and the earlier ones are gone. A spline
edge changes only where the samples are; an edge of another layer, and every weight of an MLP, changes
everywhere. An anchor is what a model keeps of earlier samples: the curvature of their loss at the
parameters that it had, a quadratic form that later fits add to the loss of their own samples.

First one input, the five peaks of figure 3.4 of the KAN paper (arXiv:2404.19756), then two inputs, where
plain networks forget.
"""

# %%
# One input: nothing to forget
# ----------------------------
# One edge with 200 intervals and without base function, a peak a phase. `fit_phases` trains on each in turn
# and measures the RMSE on all five after each.

import os

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN, MLP, fit_phases

mpl.rcParams["figure.dpi"] = 120
QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
SAMPLES, STEPS = (700, 10) if QUICK else (1500, 50)

CENTRES = np.linspace(-0.8, 0.8, 5)
line = []
for centre in CENTRES:
    x = np.linspace(centre - 0.2, centre + 0.2, 100)[:, None]
    line.append({"train_input": x, "train_label": np.exp(-300 * (x - CENTRES) ** 2).sum(1, keepdims=True)})

edge = KAN([1, 1], grid=200, base_fun="zero", seed=0)
one = fit_phases(edge, line, "LM", 9, smoothing=0.0)
print("RMSE on all five peaks after each phase:", "  ".join(f"{rmse:.1e}" for rmse in one.whole))
print("iterations of the phases:", *(result.n_iter for result in one.results))

# %%
# Two inputs: five bells in a square
# ----------------------------------
# Each phase has the samples that are nearest to one bell.

rng = np.random.default_rng(0)
BELLS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.0, 0.0), (-0.5, 0.5), (0.5, 0.5)])


def bells(x):
    """Five bells of width 0.2."""
    return np.exp(-12.5 * np.square(x[:, None] - BELLS).sum(axis=2)).sum(axis=1, keepdims=True)


x, new = rng.uniform(-1, 1, (SAMPLES, 2)), rng.uniform(-1, 1, (2000, 2))
nearest, nearest_new = (np.square(own[:, None] - BELLS).sum(axis=2).argmin(axis=1) for own in (x, new))
phases = []
for number in range(5):
    own, held = x[nearest == number], new[nearest_new == number]
    phases.append(
        {"train_input": own, "train_label": bells(own), "test_input": held, "test_label": bells(held)}
    )

# %%
# A network whose layers are all trained, and an MLP. ``ridge`` holds the parameters that no sample has
# determined yet: the curvature of a network of several layers is right near the parameters only.

kan = KAN([2, 16, 1], grid=5, base_fun="zero", seed=0)
mlp = MLP([2, 30, 12, 1], seed=0)
of_kan, of_mlp = {"smoothing": 1e-5, "ridge": 1e-3}, {"weight_decay": 1e-4}
found = {}
for anchored in (False, True):
    found["KAN", anchored] = fit_phases(kan, phases, "LM", min(STEPS, 20), anchored=anchored, **of_kan)
    found["MLP", anchored] = fit_phases(mlp, phases, "LM", STEPS, anchored=anchored, **of_mlp)

# %%
# Linear in what is trained: nothing is lost
# ------------------------------------------
# Where the first layer is fixed, here to projections on sixteen directions, the model is linear in the
# parameters that are trained. The anchor is then exact: phases in turn end where one fit to all samples
# would.

fixed = KAN([2, 16, 1], grid=20, edges=["linear", "bspline"], base_fun="zero", seed=0)
angle, theta = np.pi * np.arange(16) / 16, fixed.theta
theta[-32:] = np.concatenate([np.cos(angle), np.sin(angle)]) / np.sqrt(2)
fixed.theta = theta
fixed.freeze(0)
for anchored in (False, True):
    found["fixed", anchored] = fit_phases(fixed, phases, "LM", STEPS, anchored=anchored, smoothing=1e-7)

together = fixed.copy()
everything = {key: np.concatenate([phase[key] for phase in phases]) for key in phases[0]}
result = together.fit(everything, "LM", STEPS, smoothing=1e-7, update_grid=False)

print(f"RMSE on all five bells in the end (labels have a spread of {bells(new).std():.2f})")
for name in ("KAN", "MLP", "fixed"):
    plain, kept = (found[name, anchored].whole[-1] for anchored in (False, True))
    print(f"  {name:5s} {plain:.1e} without, {kept:.1e} with anchor")
print(f"  fixed, all samples at once: {result['test_loss'][-1]:.1e}")

# %%
# The forgetting matrix
# ---------------------
# Row p is what the model knows after phase p, column q how well it does on phase q.

print(found["fixed", True])
matrix = found["fixed", True].plot()
matrix.savefig("forgetting.png")

# %%
# An anchor by hand
# -----------------
# In a stream every phase is one call of `fit` and one of `anchor`; both files together are all that has to be
# kept.

from kan_np import Anchor, load_model

model, anchor = fixed.copy(), None
for phase in phases[:4]:
    model.fit(phase, "LM", STEPS, smoothing=1e-7, update_grid=False, anchor=anchor)
    anchor = model.anchor(phase, previous=anchor)
model.save("model.npz")
anchor.save("anchor.npz")
model, anchor = load_model("model.npz"), Anchor.load("anchor.npz")
model.fit(phases[4], "LM", STEPS, smoothing=1e-7, update_grid=False, anchor=anchor)
same = np.array_equal(model.theta, found["fixed", True].model.theta)
print(f"{anchor}; the same parameters as before: {same}")

# %%

figure = Figure(figsize=(8.4, 5.6), layout="constrained")
side = np.linspace(-1, 1, 80)
square = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
panels = figure.subplots(2, 3)
titles = {"KAN": "all trained", "MLP": "MLP", "fixed": "fixed directions"}
for column, (name, title) in enumerate(titles.items()):
    for row, anchored in enumerate((False, True)):
        shown = found[name, anchored].model(square).reshape(80, 80)
        axes = panels[row, column]
        axes.imshow(shown.T, origin="lower", extent=(-1, 1, -1, 1), vmin=-0.2, vmax=1.0, cmap="Blues")
        axes.set_title(f"{title}, {'with' if anchored else 'without'} anchor", fontsize=9)
        axes.set(xticks=(), yticks=())
figure.savefig("continual_learning.png")
