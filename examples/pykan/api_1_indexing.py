"""
API 1: numbers of edges, nodes and layers
=========================================

An edge is (l, i, j): layer, source and target, each from 0. A node is (l, i). The steps of pykan's notebook
API_1_indexing, which makes single edges of an untrained network [2, 3, 2, 1] sines, and removes nodes.
"""

# %%
# Edges
# -----
# The random start is that of pykan's notebook in kind, not in its numbers: it prints r2 from 0.949 to 0.99999
# for sines on five edges.

import numpy as np

from kan_np import KAN

x = np.random.default_rng(0).normal(size=(100, 2))
model = KAN([2, 3, 2, 1], noise_scale=0.3, seed=0)
model.plot(x, beta=100, indices=True).savefig("edges_with_their_numbers.png")

changes = []
for edge in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (2, 1, 0)):
    before = model(x)
    fit = model.fix_symbolic(*edge, "sin", x=x)
    if edge == (1, 0, 0):
        model.plot(x, beta=100).savefig("edge_1_0_0_is_a_sine.png")
    changes.append(float(np.abs(model(x) - before).max()))
    print(f"edge {edge} as a sine: r2 {fit.r2:.5f}, outputs change by at most {changes[-1]:.1e}")
    model.unfix_symbolic(*edge)

# %%
# Nodes
# -----
# Every call returns a smaller model. Numbers of the nodes behind the one that went fall by one.

smaller = model.remove_node(1, 0)
print("without node (1, 0):", smaller.width)
smaller = smaller.remove_node(2, 1)
print("and without (2, 1): ", smaller.width)
smaller = smaller.remove_node(1, 1)
print("and without (1, 2), now (1, 1):", smaller.width)
smaller.plot(x, beta=100).savefig("nodes_removed.png")

# %%
# Layers
# ------
# What belongs to layer l is entry l of a list: knots, coefficients (sources, targets, G + k), weights of the
# base function. An edge that is a symbol is in `symbols`.

model = KAN([2, 3, 5, 1], seed=0)
for layer, (knots, coef, base) in enumerate(zip(model.knots, model.coef, model.scale_base, strict=True)):
    print(f"layer {layer}: knots {knots.shape}, coefficients {coef.shape}, base {base.shape}")
model.fix_symbolic(2, 4, 0, "sin", x=x)
print({edge: symbol.name for edge, symbol in model.symbols.items()})

# %%

RESULT = {
    "tutorial": "API_1_indexing",
    "what": "largest change of an output when one of five edges becomes the nearest sine",
    "loss": max(changes),
    "pykan": None,
}
