"""
Interp 3: from a formula to a network
=====================================

What is known goes in as a formula; the network computes it to rounding, gets nodes to grow, and is trained on
what the formula leaves. The steps of pykan's notebook Interp_3_KAN_Compiler, which prints a mean square of
1.54e-15 for a formula of Feynman's lectures.
"""

# %%
# exp(sin(pi x) + y^2)
# --------------------

import numpy as np
import sympy

from kan_np import create_dataset, kanpiler

x, y = sympy.symbols("x y")
model = kanpiler([x, y], sympy.exp(sympy.sin(sympy.pi * x) + y**2))
dataset = create_dataset(lambda x: np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2), n_var=2, seed=0)
print(f"RMSE {model.evaluate(dataset)['test_loss']:.1e}, width {model.width}")
model.plot(dataset["train_input"], in_vars=["x", "y"]).savefig("1_compiled.png")

# %%
# A formula from the lectures
# ---------------------------
# The relativistic Doppler shift omega0 (1 + v/c) / sqrt(1 - v^2/c^2), which is pykan's number 36 (I.34.14).

w, v, c = sympy.symbols("omega_0 v c")
doppler = w * (1 + v / c) / sympy.sqrt(1 - v**2 / c**2)
model = kanpiler([w, v, c], doppler)
data = create_dataset(
    lambda x: x[:, 0] * (1 + x[:, 1] / x[:, 2]) / np.sqrt(1 - (x[:, 1] / x[:, 2]) ** 2),
    n_var=3,
    ranges=[[0, 1], [-0.9, 0.9], [1.1, 2]],
    seed=0,
)
square = float(np.mean((model(data["train_input"]) - data["train_label"]) ** 2))
print(f"mean square {square:.1e} (pykan 1.54e-15), width {model.width}")
names = {"in_vars": [w, v, c], "out_vars": [sympy.Symbol("omega")]}
model.plot(data["train_input"], beta=10000, **names).savefig("2_doppler.png")

# %%
# Room to grow
# ------------
# A further layer, two sums, two products with two and three factors: the function stays as it is.

before = model(data["train_input"])
model.expand_depth(data["train_input"])
model.expand_width(1, 2)
model.expand_width(2, 2, sum_bool=False, mult_arity=[2, 3])
changed = float(np.abs(model(data["train_input"]) - before).max())
print(f"{model.n_edge} edges, {len(model.symbols)} symbols; outputs changed by at most {changed:.0e}")
model.plot(data["train_input"], **names).savefig("3_expanded.png")

# %%
# From symbols to splines that can be trained
# -------------------------------------------
# ``mode="all"`` makes every edge a spline near to what it was.

model.perturb(mag=0.1, mode="all", seed=0, x=data)
print(f"after the perturbation RMSE {model.evaluate(data)['test_loss']:.1e}, {model.n_params} parameters")
model.plot(data["train_input"], metric="forward_n", **names).savefig("4_perturbed.png")

# %%
# The law is not quite right: train on data
# -----------------------------------------
# Data that the formula misses by a few per cent. What is trained is the network that came out of the formula.

true = {**data}
for part in ("train", "test"):
    rows = data[f"{part}_input"]
    true[f"{part}_label"] = data[f"{part}_label"] + 0.05 * np.sin(3 * rows[:, [0]]) * rows[:, [1]]
wrong = kanpiler([w, v, c], doppler).evaluate(true)["test_loss"]
result = model.fit(true, "LM", steps=10)
print(f"formula alone: RMSE {wrong:.1e}; network after ten steps: {result['test_loss'][-1]:.1e}")

# %%

RESULT = {
    "tutorial": "Interp_3_KAN_Compiler",
    "what": "mean square error of the compiled Doppler formula",
    "loss": square,
    "pykan": 1.5383e-15,
}
