"""
Example 8: five peaks, one after the other
==========================================

Samples of a function with five peaks come peak by peak, and earlier ones are gone. The splines of a KAN [1,
1] are local: what is learnt at one peak stays when the next is learnt. As in pykan's tutorial
"Example_8_continual_learning", which prints an RMSE of 3.99e-6 on the samples of each phase.
:doc:`/gallery/continual_learning` goes on to two inputs, where this is not so.
"""

# %%
# Samples in phases
# -----------------

import os

import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN, fit_phases

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
GRID, STEPS = (50, 5) if QUICK else (200, 10)
CENTRES = np.linspace(-0.8, 0.8, 5)


def peaks(x):
    """Five Gaussian peaks."""
    return np.exp(-300 * (x - CENTRES) ** 2).sum(axis=1, keepdims=True)


x = [np.linspace(centre - 0.2, centre + 0.2, 100)[:, None] for centre in CENTRES]
phases = [{"train_input": own, "train_label": peaks(own)} for own in x]

# %%
# Phase by phase
# --------------
# Without base function, which would act everywhere, and with a grid that does not move. The tutorial scores
# each phase on its own samples; what counts is the error on all peaks in the end.

model = KAN([1, 1], grid=GRID, k=3, noise_scale=0.1, base_fun="zero", seed=0)
fits = fit_phases(model, phases, "LM", STEPS, anchored=False, smoothing=0.0)
for number, (own, whole) in enumerate(zip(np.diag(fits.losses), fits.whole, strict=True), 1):
    print(f"phase {number}: RMSE {own:.2e} on its peak (pykan 3.99e-06), {whole:.2e} on all five")

# %%
# What the model knows after each phase
# -------------------------------------

figure = Figure(figsize=(11, 2.2), layout="constrained")
line = np.linspace(-1, 1, 500)[:, None]
shown = model.copy()
for number, axes in enumerate(figure.subplots(1, 5, sharey=True)):
    shown.fit(phases[number], "LM", STEPS, smoothing=0.0, update_grid=False)
    axes.plot(line, peaks(line), color="0.8")
    axes.plot(line, shown(line), color="C0")
    axes.set_title(f"phase {number + 1}", fontsize=9)
figure.savefig("five_phases.png", dpi=100)

RESULT = {
    "tutorial": "Example_8_continual_learning",
    "loss": float(fits.whole[-1]),
    "pykan": 3.99e-6,
    "what": "RMSE on all five peaks after the last phase (pykan: on the last peak)",
    "differs": "Levenberg-Marquardt, 10 steps a peak (pykan L-BFGS, 100); all five peaks (pykan the last)",
}
