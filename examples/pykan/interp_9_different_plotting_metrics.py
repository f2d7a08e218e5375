"""
Interp 9: three measures of how much an edge matters
====================================================

The opacity of an edge shows its score. An edge may vary a lot and yet not matter, since a later edge is flat:
"backward" knows this, the other two do not. The steps of pykan's notebook
Interp_9_different_plotting_metrics, which prints a test loss of 1.53e-02.
"""

# %%
# A fit
# -----

import numpy as np

from kan_np import KAN, create_dataset


def f(x):
    """exp(sin(pi x1) + x2^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


dataset = create_dataset(f, n_var=2, seed=0)
x = dataset["train_input"]
model = KAN([2, 5, 1], grid=3, seed=0)
result = model.fit(dataset, steps=50, lamb=1e-3)
loss = result["test_loss"][-1]
print(f"test loss after 50 steps {loss:.2e} (pykan, 20 steps, 1.53e-02)")

# %%
# Three pictures
# --------------
# "forward_u" is the spread of the edge, "forward_n" the same over that of its source, "backward" what it
# contributes to the output, from the output down.

for metric in ("forward_u", "forward_n", "backward"):
    model.plot(x, metric=metric, title=metric).savefig(f"{metric}.png")

# %%
# As numbers
# ----------
# Of the first layer, a row for each input.

for metric in ("edge_forward_spline_u", "edge_forward_spline_n", "edge_backward"):
    print(metric)
    print(np.array2string(model.edge_scores(x, metric)[0], precision=3, suppress_small=True))

# %%

RESULT = {
    "tutorial": "Interp_9_different_plotting_metrics",
    "what": "test RMSE with lamb=0.001",
    "loss": loss,
    "pykan": 1.53e-2,
    "differs": "50 steps (pykan 20); start 0 (pykan 1)",
}
