"""
Interp 11: a sparse start
=========================

Most edges of a network [5, 5, 5, 1] may be left out from the beginning. The steps of pykan's notebook
Interp_11_sparse_init, which draws both networks and prints no numbers.
"""

# %%
# Dense and sparse
# ----------------

import numpy as np

from kan_np import KAN, create_dataset

x = np.random.default_rng(0).random((100, 5))
dense = KAN([5, 5, 5, 1], sparse_init=False, seed=0)
sparse = KAN([5, 5, 5, 1], sparse_init=True, seed=0)
for name, model in {"dense": dense, "sparse": sparse}.items():
    print(f"{name:6s} {model.n_edge} edges, {model.n_params} parameters")
    model.plot(x, title=name).savefig(f"{name}.png")

# %%
# What is absent stays absent
# ---------------------------
# pykan starts the other edges at zero; here they do not exist, so that a fit of the sparse network is faster,
# too. Whether it reaches as far depends on the function: this one is a sum of functions of one variable each.

dataset = create_dataset(
    lambda x: np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + np.exp(x[:, 2]) + x[:, 3], n_var=5, seed=0
)
losses = {
    name: model.fit(dataset, steps=20)["test_loss"][-1]
    for name, model in (("dense", dense), ("sparse", sparse))
}
print("  ".join(f"{name}: test loss {loss:.1e}" for name, loss in losses.items()))
print("edges of the sparse network after the fit:", sparse.n_edge)

# %%

RESULT = {
    "tutorial": "Interp_11_sparse_init",
    "what": "test RMSE of the sparse network on a sum of four functions",
    "loss": losses["sparse"],
    "pykan": None,
}
