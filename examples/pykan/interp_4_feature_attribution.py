"""
Interp 4: which inputs matter
=============================

Scores of inputs, of the whole and of single nodes, and pruning by them. The steps of pykan's notebook
Interp_4_feature_attribution, which prints test losses of 8.47e-03 for four inputs and 5.46e-02 for a hundred.
"""

# %%
# Four inputs, one of which does nothing
# --------------------------------------

import os

import numpy as np
from matplotlib.figure import Figure

from kan_np import KAN, create_dataset

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
names = [f"$x_{i}$" for i in range(4)]
dataset = create_dataset(lambda x: x[:, 0] ** 2 + 0.3 * x[:, 1] + 0.1 * x[:, 2] ** 3, n_var=4, seed=0)
x = dataset["train_input"]
model = KAN([4, 5, 1], grid=3, seed=0)
result = model.fit(dataset, steps=40, lamb=0.001)
few_loss = result["test_loss"][-1]
print(f"test loss {few_loss:.2e} (pykan 8.47e-03)")
print("scores:", model.feature_score(x).round(4), "(pykan 0.8916 0.5155 0.1079 0.0040)")

# %%
# What a hidden node depends on
# -----------------------------
# The strongest and the weakest node.

nodes = model.node_scores(x)[1]
for name, i in {"strongest": int(nodes.argmax()), "weakest": int(nodes.argmin())}.items():
    attribution = model.attribute(1, i, x)
    print(f"{name} node (1, {i}):", np.asarray(attribution.inputs).ravel().round(6))
model.attribute(1, int(nodes.argmax()), x).plot().savefig("1_node.png")

# %%
# Prune inputs
# ------------

smaller = model.prune_input(x=x)
print("inputs that are left:", smaller.input_id)
smaller.plot(x[:, smaller.input_id], in_vars=[names[i] for i in smaller.input_id]).savefig(
    "2_inputs_pruned.png"
)

# %%
# A hundred inputs
# ----------------
# y is the sum of x_i^2 / 2^i. The scores fall like the terms, until they meet what the network makes of
# chance.

N = 30 if QUICK else 100
weights = 0.5 ** np.arange(N)
many = create_dataset(lambda x: x**2 @ weights, n_var=N, seed=0)
wide = KAN([N, 10, 10, 1], grid=3, seed=2)
result = wide.fit(many, steps=10 if QUICK else 50, lamb=1e-3)
loss = result["test_loss"][-1]
print(f"{N} inputs: test loss {loss:.2e} (pykan, 100 inputs, 5.46e-02)")
scores = wide.feature_score(many["train_input"])
figure = Figure(figsize=(5, 3), layout="constrained")
axes = figure.subplots()
axes.scatter(np.arange(N) + 1, scores, s=12)
axes.set(xscale="log", yscale="log", xlabel="rank of the input", ylabel="score")
figure.savefig("3_scores.png")

# %%
# Prune nodes, then inputs, and draw what is left
# -----------------------------------------------

small = wide.prune(many["train_input"])
small = small.prune_input(3e-2, x=many["train_input"])
print("width", small.width, "of the inputs", small.input_id + 1)
small.plot(many["train_input"], in_vars=[f"$x_{{{i + 1}}}$" for i in small.input_id]).savefig("4_pruned.png")

# %%

RESULT = {
    "tutorial": "Interp_4_feature_attribution",
    "what": "test RMSE with a hundred inputs",
    "loss": loss,
    "pykan": 5.46e-2,
}
