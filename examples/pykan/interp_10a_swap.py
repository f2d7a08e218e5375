"""
Interp 10A: put the nodes into order
====================================

The order of hidden nodes is arbitrary. `auto_swap` chooses one in which edges reach less far across the
picture, so that modules are seen. The steps of pykan's notebook Interp_10A_swap: nine bits, the majority of
three majorities, which [9, 10, 10, 1] learns with all test rows right.
"""

# %%
# Nine bits
# ---------

import os

import numpy as np

from kan_np import KAN, MLP, create_dataset_from_data

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
bits = np.array(list(np.ndindex(*[2] * 9)), dtype=float)
inner = bits.reshape(-1, 3, 3).sum(axis=2) > 1.5
labels = (inner.sum(axis=1) > 1.5).astype(float)[:, None]
dataset = create_dataset_from_data(bits, labels, seed=5)
x = dataset["train_input"]


def wrong(model, part):
    """The part of the rows on whose side of 1/2 the output is not."""
    return float(np.mean((model(dataset[f"{part}_input"]) > 0.5) != (dataset[f"{part}_label"] > 0.5)))


model = KAN([9, 10, 10, 1], grid=3, noise_scale=1.0, seed=5)
result = model.fit(dataset, steps=5 if QUICK else 20, lamb=0.001, lamb_entropy=5.0)
loss = wrong(model, "test")
print(f"training loss {result['train_loss'][-1]:.2e} (pykan 2.40e-02); wrong rows: ", end="")
print(f"{wrong(model, 'train'):.1%} of the training, {loss:.1%} of the test samples (pykan 0 %)")

# %%
# Order, then prune
# -----------------
# The cost is the sum of scores times squared distances in the picture.

before = model.connection_cost(x)
outputs = model(x)
model.auto_swap(x)
print(f"cost {before:.2f} before, {model.connection_cost(x):.2f} after; ", end="")
print(f"outputs changed by {np.abs(model(x) - outputs).max():.0e}")
smaller = model.prune(x, node_th=5e-2)
print("width after pruning:", smaller.width)
smaller.plot(x, figsize=(9, 6)).savefig("1_pruned.png")

# %%
# An MLP of the same data
# -----------------------
# Its nodes could be ordered likewise; here it is drawn as it was trained.

mlp = MLP([9, 20, 20, 1], seed=5)
mlp.fit(dataset, steps=5 if QUICK else 50, lamb=1e-4)
print(f"MLP: wrong rows: {wrong(mlp, 'train'):.1%} and {wrong(mlp, 'test'):.1%} (pykan 0 %)")
mlp.plot().savefig("2_mlp.png")

# %%

RESULT = {
    "tutorial": "Interp_10A_swap",
    "what": "part of the test rows that are wrong (pykan prints an accuracy of 1)",
    "loss": loss,
    "pykan": 0.0,
}
