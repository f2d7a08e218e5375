"""
Layers used like those of torch
===============================

A `KANLayer` is a function of arrays, and `Sequential` puts layers one after the other, as in
``Sequential(KANLayer(2, 5), KANLayer(5, 1))`` of the packages for torch. The network is a `KAN` like any
other: `model` is what trains, draws and saves it.
"""

# %%
# Sixteen random rows
# -------------------

import numpy as np

from kan_np import KANLayer, Sequential, create_dataset

x = np.random.default_rng(0).normal(size=(16, 2))
first, second = KANLayer(2, 5, seed=0), KANLayer(5, 1, seed=1)
network = Sequential(first, second)
print(network)
print("rows in and out:", x.shape, "->", first(x).shape, "->", network(x).shape)
print("the same as layer by layer:", bool(np.allclose(network(x), second(first(x)))))

# %%
# Training
# --------
# By Adam, as the scripts for torch do it, or to the end by Levenberg-Marquardt.


def product(rows):
    """The product of two inputs."""
    return rows[:, [0]] * rows[:, [1]]


dataset = create_dataset(product, n_var=2, train_num=500, test_num=500, seed=0)
result = network.model.fit(dataset, opt="Adam", lr=0.01, batch=64, steps=500)
print(f"test RMSE after 500 steps of Adam: {result['test_loss'][-1]:.1e}")
result = network.model.fit(dataset, opt="LM", steps=50)
print(f"test RMSE after 50 steps of LM more: {result['test_loss'][-1]:.1e}")

# %%
# Layers of the trained network can be taken out again.

hidden = network[0](dataset["test_input"])
print("spread of the hidden nodes:", np.round(hidden.std(axis=0), 2))
