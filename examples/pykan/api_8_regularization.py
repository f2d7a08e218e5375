"""
API 8: which scores the penalty shrinks
=======================================

The penalty is a norm of scores of edges or nodes, and there are five. The steps of pykan's notebook
API_8_regularization, which prints a test loss of 4.35e-02 for its default; the other four are comments in it.
"""

# %%
# Five scores
# -----------
# A hundred steps, since a fit with a penalty is not at its end after pykan's twenty.

import os

import numpy as np

from kan_np import KAN, create_dataset

STEPS = 20 if "KAN_NP_QUICK_EXAMPLES" in os.environ else 100


def f(x):
    """exp(sin(pi x1) + x2^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


dataset = create_dataset(f, n_var=2, seed=0)
x = dataset["train_input"]
METRICS = {
    "edge_forward_spline_n": "spread of the edge over that of its source",
    "edge_forward_sum": "the same, symbols too",
    "edge_forward_spline_u": "spread of the edge",
    "edge_backward": "what the edge contributes to the output",
    "node_backward": "what the node contributes to the output",
}
models, losses = {}, {}
for metric, words in METRICS.items():
    model = KAN([2, 5, 1], grid=3, k=3, seed=0)
    result = model.fit(dataset, opt="LBFGS", steps=STEPS, lamb=0.01, reg_metric=metric)
    models[metric], losses[metric] = model, result["test_loss"][-1]
    width = model.prune(x).width
    print(f"{metric:21s} test loss {losses[metric]:.2e}, pruned {width}   ({words})")
print("pykan, edge_forward_spline_n: 4.35e-02")

# %%
# Three of them in pictures
# -------------------------
# `plot` calls them "forward_n", "forward_u" and "backward".

model = models["edge_forward_spline_n"]
for metric in ("forward_n", "forward_u", "backward"):
    model.plot(x, metric=metric, title=metric).savefig(f"{metric}.png")

# %%

RESULT = {
    "tutorial": "API_8_regularization",
    "what": "test RMSE with lamb=0.01 and the default score",
    "loss": losses["edge_forward_spline_n"],
    "pykan": 4.35e-2,
    "differs": "100 steps (pykan 20); start 0 (pykan 1)",
}
