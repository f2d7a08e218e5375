"""
Edges that interpolate linearly, with and without a penalty
===========================================================

The package *MLP-KAN* (Zhangyanbo, 2024) has a second kind of edge: values at equally spaced points with lines
between them. Its page trains [2, 1, 1] on exp(sin(pi x) + y^2) by 20,000 steps of Adam, with a penalty on
differences of neighbouring values, finds it harder to train than small networks on edges ("adding
smooth_penalty may help"), and draws the loss; it prints no number. Here `smooth_penalty` weighs the mean
squared difference of neighbouring slopes.
"""

# %%
# The same network twice
# ----------------------
# Coarse intervals first, then finer ones: every stage goes on from the one before.

import os

import numpy as np
from matplotlib.figure import Figure

from kan_np import create_dataset, fit_schedule

STEPS = 10 if os.environ.get("KAN_NP_QUICK_EXAMPLES") else 40


def target(rows):
    """exp(sin(pi x) + y^2)."""
    return np.exp(np.sin(np.pi * rows[:, [0]]) + rows[:, [1]] ** 2)


dataset = create_dataset(target, n_var=2, train_num=1000, test_num=1000, seed=0)


def train(smooth_penalty):
    """All stages of a training, and the RMSE of the training samples after every step."""
    stages = fit_schedule(
        [2, 1, 1],
        dataset,
        grids=(10, 20, 40),
        opt="LM",
        steps=STEPS,
        restarts=4,
        seed=0,
        val_fraction=0.0,
        edges="piecewise_linear",
        fit_options={"smooth_penalty": smooth_penalty},
    )
    return stages, np.concatenate([stage.result["train_loss"] for stage in stages])


plain, plain_losses = train(0.0)
smooth, smooth_losses = train(1e-4)
for name, stages in (("without penalty", plain), ("with penalty", smooth)):
    print(f"{name}: test RMSE", ", ".join(f"{s.test_rmse:.1e} (G = {s.grid})" for s in stages))

# %%
# Losses and functions beside each other
# --------------------------------------

figure = Figure(figsize=(9, 2.8), layout="constrained")
losses, *functions = figure.subplots(1, 4)
losses.semilogy(plain_losses, color="#D55E00", label="without")
losses.semilogy(smooth_losses, color="#0072B2", ls="--", label="with penalty")
losses.set(xlabel="step", title="training RMSE")
losses.legend(frameon=False, loc="upper right")
for axes, edge, name in zip(functions, ((0, 0, 0), (0, 1, 0), (1, 0, 0)), ("x", "y", "sum"), strict=True):
    for stages, style in ((plain, {"color": "#D55E00"}), (smooth, {"color": "#0072B2", "ls": "--"})):
        model = stages[-1].model
        ends = (-1.0, 1.0) if edge[0] == 0 else model.knots[1][0][[0, -1]]
        at = np.linspace(*ends, 401)
        axes.plot(at, model.take_function(*edge)(at), **style)
    axes.set_title(f"edge of {name}")
figure.savefig("piecewise_linear_edges.png")
