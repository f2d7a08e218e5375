"""
A training loop of one's own, and the graph of one prediction
==============================================================

The repository *kan-implementation* (mr-seifi, 2024) builds a KAN [2, 2, 2, 1] from scalars that remember how
they were computed, trains it on four points by 100 epochs of gradient descent, and draws the graph of one
prediction with all its values and gradients. Its page prints no numbers; the four labels are those below.
Here the same is done with `loss_and_gradient` and `draw_graph`.
"""

# %%
# Four points
# -----------
# The label is 0.25 where both inputs agree and 0.75 where they do not.

import numpy as np

from kan_np import KAN

x = np.array([[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]])
y = np.array([[0.25], [0.75], [0.75], [0.25]])
model = KAN([2, 2, 2, 1], grid=3, grid_range=(0, 1), seed=0)

# %%
# Gradient descent by hand
# ------------------------
# `loss_and_gradient` returns the mean squared error and its derivatives by all parameters, which are the
# vector `theta`.

losses = []
for _epoch in range(100):
    loss, gradient = model.loss_and_gradient(x, y)
    losses.append(loss)
    model.theta -= 0.3 * gradient

print(
    f"mean squared error: {losses[0]:.3g} before, {losses[50]:.3g} after 50, {losses[-1]:.3g} after 99 epochs"
)
print("lower in every one of the last 50 epochs:", bool((np.diff(losses[-51:]) < 0).all()))

# %%
# The gradient is exact: central differences agree to their own error.


def error(theta):
    """Mean squared error of a model with these parameters."""
    other = model.copy()
    other.theta = theta
    return np.mean((other(x) - y) ** 2)


loss, gradient = model.loss_and_gradient(x, y)
steps = 1e-5 * np.eye(model.n_params)
differences = np.array([(error(model.theta + d) - error(model.theta - d)) / 2e-5 for d in steps])
print(f"largest difference of gradient and central differences: {np.abs(gradient - differences).max():.1e}")

# %%
# The graph of one prediction
# ---------------------------
# Every box has a value and the derivative of the prediction by it. Graphviz draws it where it is installed,
# otherwise matplotlib.

graph = model.draw_graph([0.25, 0.75])
graph.save("prediction.svg")
print(f"prediction {graph.vertices[-1].value:.4f}, label 0.75; drawn by {graph.renderer} in prediction.svg")

# %%
# The same without a loop
# -----------------------
# One line does the 100 epochs, and Levenberg-Marquardt gets to the bottom.

dataset = {"train_input": x, "train_label": y}
same = KAN([2, 2, 2, 1], grid=3, grid_range=(0, 1), seed=0)
same.fit(dataset, opt="SGD", lr=0.3, steps=100, update_grid=False)
best = KAN([2, 2, 2, 1], grid=3, grid_range=(0, 1), seed=0)
best.fit(dataset, opt="LM", steps=100, smoothing=0.0, update_grid=False)
print(
    f"mean squared error: {np.mean((same(x) - y) ** 2):.3g} by SGD, {np.mean((best(x) - y) ** 2):.1e} by LM"
)
