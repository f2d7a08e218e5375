"""
Interp 2: products of three factors and more
============================================

How many factors a product has is `mult_arity`: one number, or a list for each layer. The steps of pykan's
notebook Interp_2_Advanced MultKAN, which draws networks and prints no numbers.
"""

# %%
# Two, three or four factors
# --------------------------

import numpy as np

from kan_np import KAN

x = np.random.default_rng(0).normal(size=(100, 2))
for arity in (2, 3, 4):
    model = KAN([2, [3, 2], 1], mult_arity=arity, seed=0)
    print(f"{arity} factors: {model.n_edge} edges, {model.n_params} parameters")
    model.plot(x, title=f"{arity} factors").savefig(f"{arity}_factors.png")

# %%
# A number for each product
# -------------------------
# A list for each layer of nodes, inputs and outputs included.

mixed = KAN([2, [3, 2], 1], mult_arity=[[], [2, 3], []], seed=0)
print("factors:", mixed.mult_arity, "edges:", mixed.n_edge)
mixed.plot(x).savefig("mixed.png")

# %%
# Deeper
# ------
# Products may be in every layer, the last included.

deep = KAN([2, [2, 2], [1, 3], [3, 2], [1, 1]], mult_arity=2, seed=0)
print("outputs:", deep(x).shape, "edges:", deep.n_edge)
deep.plot(x, figsize=(12, 9)).savefig("deep.png")

# %%
# What a product is
# -----------------
# Its factors are sums of edges, as any other node's; `get_act` returns them.

act = mixed.get_act(x)
first = act.subnodes[0][:, 3] * act.subnodes[0][:, 4]
second = act.subnodes[0][:, 5:8].prod(axis=1)
difference = float(np.abs(np.column_stack([first, second]) - act.nodes[1][:, 3:]).max())
print(f"products of the factors are the nodes to {difference:.0e}")

# %%

RESULT = {
    "tutorial": "Interp_2_Advanced_MultKAN",
    "what": "largest difference between product nodes and the products of their factors",
    "loss": difference,
    "pykan": None,
}
