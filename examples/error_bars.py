"""
Error bars of a pair potential from 50 energies
================================================

A Lennard-Jones curve, E(r) = 1/r^12 - 1/r^6, measured at 50 distances between 0.95 and 2 with a noise of
0.02, and what a KAN says about it: the prediction, the band that should hold 90 % of new energies, and
functions that the data allow, inside the measured range and outside of it, where bands have to widen.
"""

# %%
# The data and the fit
# --------------------

import os
import warnings

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from kan_np import KAN, ExtrapolationWarning, split_validation

NOISE = 0.02


def energy(r):
    """The true curve."""
    return r**-12 - r**-6


rng = np.random.default_rng(7)
r = np.sort(rng.uniform(0.95, 2.0, (50, 1)), axis=0)
dataset = {"train_input": r, "train_label": energy(r) + rng.normal(0.0, NOISE, r.shape)}
model = KAN([1, 2, 1], grid=3, seed=0)
model.fit(dataset, "LM")

# %%
# Error bars
# ----------
# `calibrate` learns from the data of the fit how far predictions may be off; "laplace" is its default and
# takes no further fit. Then `predict` returns a standard deviation or the ends of an interval.

bars = model.calibrate(dataset)
mean, low, high = model.predict([[1.12]], interval=0.9)
print(f"at r = 1.12: {mean[0, 0]:.3f}, 90 % from {low[0, 0]:.3f} to {high[0, 0]:.3f}; {bars}")

new = rng.uniform(r.min(), r.max(), (2000, 1))
label = energy(new) + rng.normal(0.0, NOISE, new.shape)
_, low, high = model.predict(new, interval=0.9)
inside = np.mean((low <= label) & (label <= high))
print(f"of 2000 new energies in the measured range {100 * inside:.1f} % lie in their 90 % interval")

# %%
# Outside the range one warning says how many rows lie there.

grid = np.linspace(0.88, 2.6, 400)[:, None]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", ExtrapolationWarning)
    mean, std, low, high = model.predict(grid, return_std=True, interval=0.9)
print(f"{len(caught)} warning: {caught[0].message}")

# %%
# Functions that the data allow
# -----------------------------
# Each is drawn as a whole: what is computed of every one of them, here the depth and the place of the
# minimum, has the error that the data leave.

fine = np.linspace(1.0, 1.5, 501)[:, None]
drawn = model.sample_predictions(fine, n=500, seed=0)[:, :, 0]
depth, place = drawn.min(axis=1), fine[drawn.argmin(axis=1), 0]
print(f"depth {-depth.mean():.3f} +- {depth.std():.3f} (truth 0.250)")
print(f"minimum at r = {place.mean():.3f} +- {place.std():.3f} (truth {2 ** (1 / 6):.3f})")

# %%
# Four methods
# ------------
# "conformal" needs rows that the fit did not use; "jackknife+" and "ensemble" fit some more models.

widths = {"laplace": high - low}
held = split_validation(dataset, 0.3)
of_fewer = KAN([1, 2, 1], grid=3, seed=0)
of_fewer.fit(held, "LM")
for one, data, method in (
    (of_fewer, held, "conformal"),
    (model.copy(), dataset, "jackknife+"),
    (model.copy(), dataset, "ensemble"),
):
    one.calibrate(data, method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        ends = one.predict(grid, interval=0.9)
    widths[method] = ends[2] - ends[1]
at = [int(np.abs(grid - place).argmin()) for place in (1.2, 2.2, 2.6)]
for method, width in widths.items():
    print(
        f"{method}: 90 % width {width[at[0], 0]:.2f} at r = 1.2, {width[at[1], 0]:.2f} at 2.2 and "
        f"{width[at[2], 0]:.2f} at 2.6"
    )

# %%
# The picture
# -----------

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ExtrapolationWarning)
    functions = model.sample_predictions(grid, n=12, seed=1)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=(3, 2), layout="constrained")
left.axvspan(r.min(), r.max(), color="0.85", label="measured range")
left.fill_between(grid[:, 0], low[:, 0], high[:, 0], color="tab:blue", alpha=0.25, label="90 % band")
left.plot(grid, functions[:, :, 0].T, color="tab:blue", lw=0.5, alpha=0.6)
left.plot([], [], color="tab:blue", lw=0.5, label="functions the data allow")
left.plot(grid, mean, color="tab:blue", lw=2, label="KAN")
left.plot(grid, energy(grid), "k--", lw=1, label="truth")
left.plot(r, dataset["train_label"], "o", color="black", ms=3, label="50 energies")
left.set(xlabel="r", ylabel="E(r)", ylim=(-0.8, 1.2), xlim=(grid[0, 0], grid[-1, 0]))
left.legend(loc="upper center", ncol=2, fontsize=8, frameon=False)
right.axvspan(r.min(), r.max(), color="0.85")
for method, width in widths.items():
    right.semilogy(grid, width, label=method)
right.axhline(2 * 1.645 * NOISE, color="black", ls=":", lw=1, label="noise alone")
right.set(xlabel="r", ylabel="width of the 90 % interval", xlim=(grid[0, 0], grid[-1, 0]))
right.legend(fontsize=8, frameon=False)
figure.savefig("error_bars.png", dpi=60 if "KAN_NP_QUICK_EXAMPLES" in os.environ else 110)
plt.close(figure)
