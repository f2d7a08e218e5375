"""
Example 12: relations among columns without a label
===================================================

Six columns: x3 = exp(sin(pi x1) + x2^2), x4 = x5^3, and x6 by itself. No column is the label; which belong
together? A network is trained to tell rows of the table from rows whose columns were permuted, each by
itself. Its last edge is a Gaussian, so that the sum before it is zero where the relation holds. The steps of
pykan's tutorial "Example_12_unsupervised_learning".
"""

# %%
# Rows of the table, and permuted rows
# ------------------------------------

import os

import numpy as np

from kan_np import KAN, find_relations

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
N, STARTS, STEPS = (300, 2, 20) if QUICK else (500, 4, 60)


def table(n, rng):
    """n rows of six columns."""
    x = rng.uniform(-1, 1, (n, 6))
    x[:, 2] = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    x[:, 3] = x[:, 4] ** 3
    return x


def contrast(x, rng):
    """The rows with label 1, and as many with permuted columns and label 0."""
    permuted = np.stack([rng.permutation(column) for column in x.T], axis=1)
    return np.concatenate([x, permuted]), np.repeat([[1.0], [0.0]], len(x), axis=0)


rng = np.random.default_rng(0)
rows = table(N, rng)
dataset = dict(zip(("train_input", "train_label"), contrast(rows, rng), strict=True))
dataset |= zip(("test_input", "test_label"), contrast(table(N, rng), rng), strict=True)
x = dataset["train_input"]

# %%
# One relation a start
# --------------------
# [6, 1, 1] with a Gaussian at the end. The tutorial's penalty holds from the first step; with us no start got
# away from the mean of the labels then, so that it begins after half of the steps. Which relation a network
# finds, or whether it mixes both, depends on its start. pykan prints a test RMSE of 1.78e-1 for a seed that
# finds x4 and x5; here the start with the least training loss is taken.

names = [f"x{i}" for i in range(1, 7)]
starts = []
for seed in range(STARTS):
    model = KAN([6, 1, 1], grid=3, k=3, seed=seed)
    model.fix_symbolic(1, 0, 0, "gaussian", fit=False)
    fit = model.fit(dataset, "LBFGS", steps=STEPS, lamb=(0.0, 0.002), lamb_entropy=10.0, lamb_coef=1.0)
    starts.append((fit["train_loss"][-1], seed, fit["test_loss"][-1], model))
    scores = model.feature_score(x)
    used = [name for name, score in zip(names, scores, strict=True) if score > 0.2 * scores.max()]
    print(
        f"seed {seed}: train RMSE {starts[-1][0]:.3f}, test RMSE {starts[-1][2]:.3f}, "
        f"columns {', '.join(used)}"
    )
_, seed, loss, best = min(starts)
print(f"seed {seed} has the least training loss; its test RMSE is {loss:.3f} (pykan 0.178)")
best.plot(x, in_vars=names).savefig("relation.png", dpi=100)

# %%
# All relations at once
# ---------------------
# `find_relations` looks first for the sums of functions of columns that vary least, one relation after the
# other, and trains such a network for each. No start has to be lucky.

relations = find_relations(rows, names=names, n_starts=2 if QUICK else 5)
print(relations.table())

RESULT = {
    "tutorial": "Example_12_unsupervised_learning",
    "loss": loss,
    "pykan": 1.78e-1,
    "what": "test RMSE of telling rows from permuted ones, of the start with the least training loss",
    "differs": "60 steps, penalty in the second half, the best of four starts by training loss (pykan "
    "50, all, a chosen one)",
}
