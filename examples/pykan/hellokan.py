"""
hellokan: train, prune, refine, read the formula
================================================

A network [2, 5, 1] learns exp(sin(pi x1) + x2^2), loses what it does not need, and becomes a formula. The
steps of pykan's notebook of this name, which prints a test loss of 1.77e-02 after the first fit, 1.72e-02
after pruning, 4.73e-04 on the finer grid and 7.20e-11 for the formula.
"""

# %%
# The data, and a network before training
# ---------------------------------------

import os

import numpy as np

from kan_np import KAN, create_dataset, discover, ex_round

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
STEPS = 30 if QUICK else 50


def f(x):
    """exp(sin(pi x1) + x2^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


dataset = create_dataset(f, n_var=2, seed=0)
x = dataset["train_input"]
model = KAN([2, 5, 1], grid=3, k=3, seed=42)
model.plot(x).savefig("1_before_training.png")

# %%
# Train with a penalty, prune
# ---------------------------
# The penalty lets most edges vanish. `prune` returns a smaller model.

result = model.fit(dataset, opt="LBFGS", steps=STEPS, lamb=0.001)
print(f"with penalty:   test loss {result['test_loss'][-1]:.2e} (pykan 1.77e-02)")
model = model.prune(x)
print("width after pruning:", model.width)
model.plot(x).savefig("2_pruned.png")

# %%
# Train on, on a finer grid
# -------------------------
# `refine` keeps the function, and gives each edge ten intervals.

result = model.fit(dataset, opt="LBFGS", steps=STEPS)
print(f"pruned:         test loss {result['test_loss'][-1]:.2e} (pykan 1.72e-02)")
model = model.refine(10)
result = model.fit(dataset, opt="LBFGS", steps=STEPS)
print(f"ten intervals:  test loss {result['test_loss'][-1]:.2e} (pykan 4.73e-04)")

# %%
# Symbols, and the formula
# ------------------------
# Given the labels, `auto_symbolic` trains the constants between one symbol and the next, so that nothing is
# left for a last fit.

library = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"]
model.auto_symbolic(x, dataset["train_label"], lib=library)
model.fit(dataset, opt="LM", steps=STEPS)
loss = float(np.sqrt(np.mean((model(dataset["test_input"]) - dataset["test_label"]) ** 2)))
print(f"formula:        test loss {loss:.2e} (pykan 7.20e-11)")
print(ex_round(model.symbolic_formula(exact=False)[0][0], 4))
model.plot(x, in_vars=["x1", "x2"], out_vars=["y"]).savefig("3_symbols.png")

# %%
# The same in one call
# --------------------
# `discover` trains, prunes and names by itself. It takes some ten seconds, so that the gallery, whose scripts
# run at a small size, leaves it out; it ends with exp(x_2**2 + sin(pi*x_1)), exact.

if not QUICK:
    few = create_dataset(f, n_var=2, train_num=300, seed=0)
    print(discover(few, seed=0))

# %%

RESULT = {
    "tutorial": "hellokan",
    "what": "test RMSE of the formula",
    "loss": loss,
    "pykan": 7.20e-11,
    "differs": "Levenberg-Marquardt for the formula; symbols by the labels (pykan L-BFGS; by the edges)",
}
