"""
API 6: strength of the penalty, entropy, seed
=============================================

A penalty makes a network sparse, at a price. The steps of pykan's notebook API_6_training_hyperparameter:
six fits of [2, 5, 1] to exp(sin(pi x1) + x2^2), 20 steps of L-BFGS each.
"""

# %%
# Six fits
# --------
# An edge counts as alive if its score is above 0.01. Twenty steps do not bring a fit with a penalty to its
# end, so that the losses say as much about the random start as about the options: see the fit without penalty
# for a comparison. Where the penalty wins, a warning says that nothing was learnt.

import warnings

import numpy as np

from kan_np import KAN, create_dataset


def f(x):
    """exp(sin(pi x1) + x2^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


dataset = create_dataset(f, n_var=2, seed=0)
x = dataset["train_input"]
#: Options, the seed and the grid of the model, and the test loss that pykan prints.
CASES = {
    "lamb 0.01": ({"lamb": 0.01}, 1, 5, 3.29e-2),
    "lamb 0": ({"lamb": 0.0}, 1, 5, 6.14e-3),
    "lamb 1": ({"lamb": 1.0}, 0, 5, 1.73),
    "no entropy": ({"lamb": 0.01, "lamb_entropy": 0.0}, 1, 5, 4.50e-2),
    "much entropy": ({"lamb": 0.01, "lamb_entropy": 10.0}, 1, 5, 7.74e-2),
    "another seed": ({"lamb": 0.01}, 42, 3, 5.72e-2),
}
losses = {}
for name, (options, seed, grid, printed) in CASES.items():
    model = KAN([2, 5, 1], grid=grid, k=3, seed=seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = model.fit(dataset, opt="LBFGS", steps=20, **options)
    losses[name] = result["test_loss"][-1]
    alive = sum(int((scores > 0.01).sum()) for scores in model.edge_scores(x))
    print(f"{name:13s} test loss {losses[name]:.2e} (pykan {printed:.2e}), {alive:2d} of 15 edges alive")
    for warning in caught:
        print("   ", str(warning.message).split(": ")[0])
    model.plot(x, title=name).savefig(f"{name.replace(' ', '_')}.png")

# %%
# A penalty that fades
# --------------------
# `lamb` may be a sequence, a value for each part of the steps: strong, then none. What has vanished stays
# small, and the rest fits freely.

model = KAN([2, 5, 1], grid=5, k=3, seed=1)
result = model.fit(dataset, opt="LBFGS", steps=20, lamb=(0.01, 0.0))
alive = sum(int((scores > 0.01).sum()) for scores in model.edge_scores(x))
print(f"lamb 0.01, then 0: test loss {result['test_loss'][-1]:.2e}, {alive} edges alive")

# %%

RESULT = {
    "tutorial": "API_6_training_hyperparameter",
    "what": "test RMSE with lamb=0, the lowest of six fits",
    "loss": losses["lamb 0"],
    "pykan": 6.14e-3,
}
