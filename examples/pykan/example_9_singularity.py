"""
Example 9: functions with a singular point
==========================================

Logarithms and square roots have no derivative where their argument is zero. A symbol that is trained near
such a point must not turn everything into NaN. As in pykan's tutorial "Example_9_singularity".
"""

# %%
# sin(2 (log x1 + log x2))
# ------------------------
# Splines first, then three symbols, then training goes on. pykan prints a test RMSE of 1.29e-1 of the splines
# and 2.75e-7 of the symbols.

import os

import numpy as np

from kan_np import KAN, create_dataset, ex_round

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
SAMPLES = 500 if QUICK else 1000

dataset = create_dataset(
    lambda x: np.sin(2 * np.log(x).sum(axis=1, keepdims=True)),
    n_var=2,
    ranges=(0.2, 5),
    train_num=SAMPLES,
    seed=0,
)
x, y = dataset["train_input"], dataset["train_label"]
starts = []
for seed in range(3 if QUICK else 6):
    model = KAN([2, 1, 1], grid=5, k=3, seed=seed)
    fit = model.fit(dataset, "LM", steps=20)
    starts.append((fit["train_loss"][-1], seed, fit["test_loss"][-1], model))
_, _, splines, model = min(starts)
print(f"splines: test RMSE {splines:.2e} (pykan 1.29e-01)")
model.plot(x).savefig("logarithms.png", dpi=100)
for edge, name in (((0, 0, 0), "log"), ((0, 1, 0), "log"), ((1, 0, 0), "sin")):
    print(name, f"explains {model.fix_symbolic(*edge, name, x=x).r2:.4f} of its edge")
symbols = model.fit(dataset, "LM", steps=40)["test_loss"][-1]
print(f"symbols: test RMSE {symbols:.1e} (pykan 2.75e-07)")
print(model.symbolic_formula(x=x, y=y)[0][0])

# %%
# The length of a vector
# ----------------------
# sqrt(x1^2 + x2^2): the root is singular where both inputs are zero. In pykan the training of its symbols
# ends in NaN unless ``singularity_avoiding=True`` is given, and then at a test RMSE of 5.64e-4 after 1000
# steps of Adam. Here symbols are always guarded beside their poles, and Levenberg-Marquardt needs no learning
# rate.

dataset = create_dataset(
    lambda x: np.sqrt(np.square(x).sum(axis=1, keepdims=True)), n_var=2, train_num=SAMPLES, seed=0
)
x, y = dataset["train_input"], dataset["train_label"]
model = KAN([2, 1, 1], grid=5, k=3, seed=0)
print(f"splines: test RMSE {model.fit(dataset, 'LM', steps=20)['test_loss'][-1]:.2e} (pykan 3.97e-03)")
for edge, name in (((0, 0, 0), "x^2"), ((0, 1, 0), "x^2"), ((1, 0, 0), "sqrt")):
    model.fix_symbolic(*edge, name, x=x)
print("before training:", ex_round(model.symbolic_formula(exact=False)[0][0], 2))
root = model.fit(dataset, "LM", steps=40)["test_loss"][-1]
print(f"symbols: test RMSE {root:.1e} (pykan 5.64e-04)")
print(model.symbolic_formula(x=x, y=y)[0][0])

# %%
# Whatever the input, the model has a value: at the singular point, too.

print("at the origin:", model([[0.0, 0.0]])[0, 0])

RESULT = {
    "tutorial": "Example_9_singularity",
    "loss": symbols,
    "pykan": 2.75e-7,
    "what": "test RMSE of sin(2 (log x1 + log x2)) with trained constants",
    "differs": "Levenberg-Marquardt, the best of six starts by training loss (pykan L-BFGS, one)",
}
