"""
API 7: prune nodes and edges
============================

What contributes little is cut. The steps of pykan's notebook API_7_pruning, whose fits of [2, 5, 1] to
exp(sin(pi x1) + x2^2) print test losses of 3.46e-02 (20 steps) and 7.80e-02 (6 steps).
"""

# %%
# Nodes
# -----
# By a threshold of their scores, or those that are named. A fit with a penalty is not at its end after twenty
# steps, so that it goes on to a hundred here.

import os

import numpy as np

from kan_np import KAN, create_dataset

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ


def f(x):
    """exp(sin(pi x1) + x2^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


dataset = create_dataset(f, n_var=2, seed=0)
x = dataset["train_input"]


def trained(steps):
    """[2, 5, 1] after some steps with a penalty, and its test loss."""
    model = KAN([2, 5, 1], grid=5, k=3, seed=1)
    return model, model.fit(dataset, opt="LBFGS", steps=steps, lamb=0.01)["test_loss"][-1]


model, loss = trained(20)
print(f"20 steps:  test loss {loss:.2e} (pykan 3.46e-02)")
if not QUICK:
    model, loss = trained(100)
    print(f"100 steps: test loss {loss:.2e}")
model.plot(x).savefig("1_trained.png")
print("scores of the hidden nodes:", model.node_scores(x)[1].round(4))
pruned = model.prune_node(x=x, threshold=1e-2)
print("by the threshold:", pruned.width)
best = int(model.node_scores(x)[1].argmax())
print("the strongest alone:", model.prune_node(active=[[best]]).width)
pruned.plot(x).savefig("2_nodes_pruned.png")

# %%
# Edges
# -----
# After six steps only, when more edges are left.

early, early_loss = trained(6)
print(f"6 steps:  test loss {early_loss:.2e} (pykan 7.80e-02)")
fewer = early.prune_edge(x=x)
print(f"{early.n_edge} edges, {fewer.n_edge} after pruning")
fewer.plot(x).savefig("3_edges_pruned.png")

# %%
# Both
# ----
# What is cut leaves its mean behind, so that the function hardly moves.

smaller = model.prune(x)
after = smaller.evaluate(dataset)["test_loss"]
print(f"{model.width} became {smaller.width}: test loss {loss:.2e} before, {after:.2e} after")
smaller.plot(x).savefig("4_pruned.png")

# %%

RESULT = {
    "tutorial": "API_7_pruning",
    "what": "test RMSE with lamb=0.01",
    "loss": loss,
    "pykan": 3.46e-2,
    "differs": "100 steps (pykan 20)",
}
