"""
API 11: ways to make a dataset
==============================

A dataset is a dictionary of arrays, (n_samples, n_features). It comes from a function that is sampled in a
box, or from arrays that are split. The steps of pykan's notebook API_11_create_dataset, which prints shapes
alone.
"""

# %%
# A function in a box
# -------------------
# Columns in brackets, columns without, or rows: the same samples and the same labels.

import numpy as np

from kan_np import create_dataset, create_dataset_from_data

bracketed = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, seed=0)
plain = create_dataset(lambda x: x[:, 0] * x[:, 1], n_var=2, seed=0)
rows = create_dataset(lambda x: x[0] * x[1], n_var=2, f_mode="row", seed=0)
for name, dataset in {"x[:, [0]]": bracketed, "x[:, 0]": plain, "x[0]": rows}.items():
    print(f"{name:10s} labels {dataset['train_label'].shape} (pykan (1000, 1))")
difference = max(float(np.abs(one["train_label"] - bracketed["train_label"]).max()) for one in (plain, rows))
print(f"largest difference of the labels: {difference}")

# %%
# A box of one's own, numbers of samples
# --------------------------------------

dataset = create_dataset(
    lambda x: x[:, 0] / x[:, 1], ranges=[[0, 1], [5, 9]], train_num=200, test_num=50, seed=1
)
x = dataset["train_input"]
print(f"{x.shape[0]} samples from {x.min(axis=0).round(2)} to {x.max(axis=0).round(2)}")

# %%
# Arrays that are there already
# -----------------------------
# The split has a seed of its own: the same call gives the same parts.

rng = np.random.default_rng(0)
dataset = create_dataset_from_data(rng.random((100, 2)), rng.random((100, 1)), train_ratio=0.8, seed=0)
print({key: value.shape for key, value in dataset.items()})

# %%

RESULT = {
    "tutorial": "API_11_create_dataset",
    "what": "largest difference between the labels of the three ways",
    "loss": difference,
    "pykan": None,
}
