"""
Interp 1: product nodes
=======================

A sum of functions of one variable can express x1 x2, but one does not read it off. A node that multiplies
makes it one edge each. The steps of pykan's notebook Interp_1_Hello, MultKAN, which prints a test loss of
7.16e-02 with a penalty, 1.66e-07 after pruning, and 1.28e-16 for the formula.
"""

# %%
# Sums alone
# ----------
# The network uses squares: x1 x2 = ((x1 + x2)^2 - (x1 - x2)^2) / 4.

import numpy as np

from kan_np import KAN, create_dataset

dataset = create_dataset(lambda x: x[:, 0] * x[:, 1], n_var=2, seed=0)
x = dataset["train_input"]
model = KAN([2, 5, 1], grid=3, seed=0)
result = model.fit(dataset, steps=20, lamb=0.001)
print(f"sums alone:     test loss {result['test_loss'][-1]:.2e}")
model.plot(x).savefig("1_sums.png")

# %%
# Five sums and two products
# --------------------------
# ``[5, 2]`` in the width are five sums and two products of two factors.

model = KAN([2, [5, 2], 1], grid=3, base_fun="identity", seed=0)
model.plot(x).savefig("2_before.png")
result = model.fit(dataset, steps=20, lamb=0.01, lamb_coef=1.0)
print(f"with products:  test loss {result['test_loss'][-1]:.2e} (pykan 7.16e-02)")
model.plot(x).savefig("3_trained.png")

# %%
# Prune, and train on
# -------------------

model = model.prune(x)
print("after pruning: ", model.width, "with products", model.n_mult)
result = model.fit(dataset, steps=20)
print(f"pruned:         test loss {result['test_loss'][-1]:.2e} (pykan 1.66e-07)")
model.plot(x).savefig("4_pruned.png")

# %%
# The formula
# -----------

model.auto_symbolic(x, dataset["train_label"])
model.fit(dataset, opt="LM", steps=20)
network = float(np.sqrt(np.mean((model(dataset["test_input"]) - dataset["test_label"]) ** 2)))
formula = model.symbolic_formula()
loss = float(np.sqrt(np.mean((formula.numpy()(dataset["test_input"]) - dataset["test_label"]) ** 2)))
print(f"network of symbols: test loss {network:.2e} (pykan 1.28e-16)")
print(f"its formula {formula[0][0]}: {loss:.2e}")

# %%

RESULT = {
    "tutorial": "Interp_1_Hello_MultKAN",
    "what": "test RMSE of the formula",
    "loss": loss,
    "pykan": 1.28e-16,
    "differs": "Levenberg-Marquardt for the symbols, start 0 (pykan L-BFGS, 1)",
}
