"""
API 2: pictures of a network
============================

What `plot` can do: names, transparency, measures of importance, size, samples, symbols. The steps of pykan's
notebook API_2_plotting, which trains [2, 5, 1] on exp(sin(pi x1) + x2^2) and prints a test loss of 5.35e-02.
"""

# %%
# Before training
# ---------------
# `plot` takes the samples over which edges are drawn, and returns a figure of matplotlib.

import numpy as np

from kan_np import KAN, create_dataset


def f(x):
    """exp(sin(pi x1) + x2^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


dataset = create_dataset(f, n_var=2, seed=0)
x = dataset["train_input"]
model = KAN([2, 5, 1], grid=3, k=3, seed=0)
names = {"in_vars": [r"$\alpha$", "x"], "out_vars": ["y"]}
model.plot(x, beta=100, title="My KAN", **names).savefig("01_named.png")

# %%
# After training: transparency
# ----------------------------
# An edge with the score s has the opacity tanh(beta s): at a large beta all are black, at a small one only
# those that matter. Fifty steps, since a fit with a penalty is not at its end after pykan's twenty.

result = model.fit(dataset, opt="LBFGS", steps=50, lamb=0.01)
loss = result["test_loss"][-1]
print(f"test loss {loss:.2e} (pykan 5.35e-02)")
for beta in (3, 100000, 0.1):
    model.plot(x, beta=beta, title=f"beta = {beta}").savefig(f"02_beta_{beta}.png")

# %%
# After training: which score
# ---------------------------
# "forward_u" is the spread of an edge, "forward_n" the same over that of its source, "backward" what it
# contributes to the output.

for metric in ("forward_n", "forward_u", "backward"):
    model.plot(x, metric=metric, beta=100, title=metric).savefig(f"03_{metric}.png")
for layer, scores in enumerate(model.edge_scores(x)):
    i, j = np.unravel_index(int(scores.argmax()), scores.shape)
    print(f"the strongest edge of layer {layer} is ({layer}, {i}, {j}), with a score of {scores.max():.2f}")

# %%
# Pruned; larger or smaller
# -------------------------
# The size is that of matplotlib, in inches, where pykan has a factor.

model = model.prune(x)
print("width after pruning:", model.width)
model.plot(x, figsize=(3, 3)).savefig("04_small.png")
model.plot(x, figsize=(7, 6)).savefig("05_large.png")

# %%
# Samples
# -------
# `plot_edge` draws one edge with its axes and the samples that reach it; fewer samples are better seen.

model.plot_edge(0, 1, 0, x[:20]).savefig("06_edge_with_samples.png")

# %%
# Symbols have a colour of their own
# ----------------------------------
# pykan can show the sum of a symbol and a spline, in purple. An edge has one function here: ``mode="ns"``
# makes it a spline near the symbol, and it is black again.

fit = model.fix_symbolic(0, 1, 0, "x^2", x=x)
print(f"x^2 on edge (0, 1, 0): r2 {fit.r2:.5f} (pykan 0.99922)")
model.plot(x).savefig("07_symbol.png")
model.set_mode(0, 1, 0, "ns", x=x)
print("symbols now:", model.symbols)
model.plot(x, beta=100).savefig("08_spline_again.png")

# %%

RESULT = {
    "tutorial": "API_2_plotting",
    "what": "test RMSE with lamb=0.01",
    "loss": loss,
    "pykan": 5.35e-2,
    "differs": "50 steps (pykan 20); start 0 (pykan 1)",
}
