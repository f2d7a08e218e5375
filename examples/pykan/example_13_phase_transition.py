"""
Example 13: a border between two phases
=======================================

The label is 1 where g = sin(pi x1) + cos(pi x2) + tan(pi x3 / 2) is positive, else 0. A network is trained to
tell the phases apart; what it computes before its last edge, a tanh, is a coordinate that changes its sign on
the border. The steps of pykan's tutorial "Example_13_phase_transition".
"""

# %%
# Squared errors, a tanh at the end
# ---------------------------------
# pykan prints a train RMSE of 7.71e-2 and a test RMSE of 1.17e-1.

import os

import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN, create_dataset

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
STEPS = 20 if QUICK else 50


def order(x):
    """g, the sign of which is the phase: (n, 1)."""
    return np.sin(np.pi * x[:, [0]]) + np.cos(np.pi * x[:, [1]]) + np.tan(np.pi / 2 * x[:, [2]])


dataset = create_dataset(lambda x: (order(x) > 0).astype(float), n_var=3, seed=0)
x = dataset["train_input"]
print(f"{dataset['train_label'].mean():.3f} of the samples are in phase 1 (pykan 0.506)")
model = KAN([3, 1, 1], grid=3, k=3, seed=0)
model.fix_symbolic(1, 0, 0, "tanh", fit=False, c=0.5, d=0.5)
model.freeze(1)
fit = model.fit(dataset, "LM", steps=STEPS)
train, test = fit["train_loss"][-1], fit["test_loss"][-1]
print(f"train RMSE {train:.3f} (pykan 0.077), test RMSE {test:.3f} (pykan 0.117)")
model.plot(x).savefig("phases.png", dpi=100)

# %%
# As classes
# ----------
# A tanh at the end and squared errors are a classifier that is written out. With cross-entropy the KAN [3, 1]
# is one sum of three functions; a small weight on their bends keeps them apart from the tan, which is steep.

classifier = KAN([3, 1], grid=10, k=3, seed=0)
result = classifier.fit(
    dataset, "LBFGS", steps=STEPS, loss="cross_entropy", smoothing=1e-6, metrics=("accuracy",)
)
print(f"{result['test_accuracy'][-1]:.1%} of the test samples in the right phase")

# %%
# The functions of the border
# ---------------------------
# Labels say where the sum is zero and not how large it is, so that the functions are known up to one factor.

figure = Figure(figsize=(9, 2.8), layout="constrained")
panels = figure.subplots(1, 3)
truth = (
    lambda t: np.sin(np.pi * t),
    lambda t: np.cos(np.pi * t),
    lambda t: np.tan(np.pi / 2 * t),
)
line = np.linspace(-0.7, 0.7, 100)
found = [classifier.take_function(0, i, 0)(line) for i in range(3)]
found = np.array([own - own.mean() for own in found])
expected = np.array([own(line) - own(line).mean() for own in truth])
scale = float(np.sum(found * expected) / np.sum(found**2))
for i, axes in enumerate(panels):
    axes.plot(line, expected[i], "k--", label="of g")
    axes.plot(line, scale * found[i], label="found")
    axes.set(xlabel=f"$x_{i + 1}$")
panels[0].legend()
figure.savefig("border.png", dpi=100)
print(
    "correlation of each with that of g:",
    *(f"{np.corrcoef(a, b)[0, 1]:.4f}" for a, b in zip(found, expected, strict=True)),
)

RESULT = {
    "tutorial": "Example_13_phase_transition",
    "loss": test,
    "pykan": 1.17e-1,
    "what": "test RMSE of the network that ends in a tanh",
    "differs": "Levenberg-Marquardt, edge of the tanh kept as it is (pykan L-BFGS, trained)",
}
