"""
Interp 10: the curvature of the loss
====================================

The eigenvalues of the loss's second derivatives by the parameters say how many directions the data determine.
The steps of pykan's notebook Interp_10_hessian: [1, 5, 1] learns x^2 by 1000 steps of Adam, with a test loss
of 8.26e-04.
"""

# %%
# The fit
# -------
# Adam as in the notebook, and Levenberg-Marquardt from the same start.

import os

import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN, MLP, create_dataset

STEPS = 300 if "KAN_NP_QUICK_EXAMPLES" in os.environ else 1000
dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, seed=0)
x, y = dataset["train_input"], dataset["train_label"]
model = KAN([1, 5, 1], grid=3, seed=0)
best = model.copy()
result = model.fit(dataset, opt="Adam", lr=1e-2, steps=STEPS)
loss = result["test_loss"][-1]
further = best.fit(dataset, opt="LM", steps=50)["test_loss"][-1]
print(f"Adam, {STEPS} steps: test loss {loss:.2e} (pykan 8.26e-04)")
print(f"Levenberg-Marquardt, 50 steps: {further:.2e}")
model.plot(x).savefig("1_network.png")

# %%
# Eigenvalues
# -----------
# "spectrum" are the eigenvalues of the Hessian, in ascending order. ``method="gauss_newton"`` leaves out the
# part that vanishes with the residuals: it has no negative eigenvalues, and is fast for large networks.

values = model.get_derivative(x, y, "spectrum")
near = model.get_derivative(x, y, "spectrum", method="gauss_newton")
largest = values.max()
print(
    f"{values.size} eigenvalues up to {largest:.2g}, {(values > 1e-6 * largest).sum()} over a millionth of it"
)
print(f"largest relative difference of Gauss-Newton's: {np.abs(near - values).max() / largest:.1e}")

# %%
# Beside an MLP
# -------------
# The notebook proposes to compare with an MLP [1, 30, 1]: it has more parameters, but fewer directions that
# count. Its Jacobian J, by differences, gives the same matrix, 2 J^T J / n.

mlp = MLP([1, 30, 1], seed=0)
mlp.fit(dataset, opt="Adam", lr=1e-2, steps=STEPS)
theta, columns = mlp.theta, []
for p in range(theta.size):
    step = np.zeros_like(theta)
    step[p] = 1e-6
    mlp.theta = theta + step
    upper = mlp(x)[:, 0]
    mlp.theta = theta - step
    columns.append((upper - mlp(x)[:, 0]) / 2e-6)
mlp.theta = theta
jacobian = np.column_stack(columns)
flat = np.linalg.eigvalsh(2 * jacobian.T @ jacobian / len(x))
print(f"KAN: {(near > 1e-6 * near.max()).sum()} of {near.size} directions count, ", end="")
print(f"MLP: {(flat > 1e-6 * flat.max()).sum()} of {flat.size}")

figure = Figure(figsize=(5.5, 3.2), layout="constrained")
axes = figure.subplots()
for name, own in {"KAN": near, "MLP": flat}.items():
    axes.semilogy(np.arange(own.size), np.maximum(own[::-1], 1e-16 * own.max()), marker="o", ms=3, label=name)
axes.set(xlabel="number of the eigenvalue", ylabel="eigenvalue")
axes.legend()
figure.savefig("2_spectrum.png")

# %%

RESULT = {
    "tutorial": "Interp_10_hessian",
    "what": "test RMSE after 1000 steps of Adam",
    "loss": loss,
    "pykan": 8.26e-4,
    "differs": "start 0 (pykan 1)",
}
