"""
Interp 8: auxiliary variables
=============================

To m0 / sqrt(1 - (v/c)^2) two columns are added that somebody who knows relativity would add: beta = v/c and
gamma = 1 / sqrt(1 - beta^2). Then one product is enough. The steps of pykan's notebook
Interp_8_adding_auxillary_variables, which prints a test loss of 6.64e-04 with a penalty, and 1.99e-05 after
pruning.
"""

# %%
# Five columns instead of three
# -----------------------------
# `augment_input` puts the new columns first.

import os

import numpy as np
import sympy

from kan_np import KAN, augment_input, create_dataset, discover

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
m0, v, c = sympy.symbols("m0 v c")
beta = v / c
gamma = 1 / sympy.sqrt(1 - beta**2)


def f(x):
    """m0 / sqrt(1 - v^2/c^2)."""
    return x[:, [0]] / np.sqrt(1 - (x[:, [1]] / x[:, [2]]) ** 2)


plain = create_dataset(f, n_var=3, ranges=[[0, 1], [0, 0.9], [1.1, 2]], seed=0)
dataset = augment_input((m0, v, c), (beta, gamma), plain)
variables = (beta, gamma, m0, v, c)
names = {"in_vars": variables, "out_vars": ["m"]}
x = dataset["train_input"]
model = KAN([5, [0, 1]], mult_arity=2, grid=3, k=3, seed=1)
model.plot(x, **names).savefig("1_before.png")

# %%
# Train with a penalty, prune, train
# ----------------------------------

result = model.fit(dataset, steps=50, lamb=1e-5, lamb_coef=1.0)
print(f"with penalty: test loss {result['test_loss'][-1]:.2e} (pykan 6.64e-04)")
model.plot(x, **names).savefig("2_trained.png")
model = model.prune(x, edge_th=5e-2)
print(f"{model.n_edge} edges are left")
result = model.fit(dataset, steps=100)
print(f"pruned:       test loss {result['test_loss'][-1]:.2e} (pykan 1.99e-05)")
model.plot(x, **names).savefig("3_pruned.png")

# %%
# The formula
# -----------

model.auto_symbolic(x, dataset["train_label"])
model.fit(dataset, opt="LM", steps=20)
loss = float(np.sqrt(np.mean((model(dataset["test_input"]) - dataset["test_label"]) ** 2)))
formula = model.symbolic_formula(var=variables)[0][0]
print(f"formula:      test loss {loss:.2e}")
print(formula)

# %%
# Without the columns
# -------------------
# `discover` finds the formula from the three original ones. It takes a while: the gallery leaves it out.

if not QUICK:
    print(discover(plain, var=["m0", "v", "c"], seed=0).best)

# %%

RESULT = {
    "tutorial": "Interp_8_adding_auxillary_variables",
    "what": "test RMSE after pruning (pykan 1.99e-05), here of the formula",
    "loss": loss,
    "pykan": 1.99e-5,
    "differs": "Levenberg-Marquardt for the formula (pykan has splines)",
}
