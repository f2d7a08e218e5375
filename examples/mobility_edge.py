"""
A mobility edge from spectra
============================

Electrons in a quasiperiodic chain are either spread over all of it or held in one place, and which of the two
changes with the energy at the mobility edge. Here the edge of the generalised Aubry-Andre model (S. Ganeshan
et al., 2015) is found from eigenstates alone, as a formula: classes go in, the equation of the boundary
between them comes out.
"""

# %%
# Spectra
# -------
# Chains with random parameters, forty states of each. A state is called localised if its fractal dimension,
# which is 1 for states that are spread evenly and 0 for those on one site, is below 1/2.

import os

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from kan_np import discover_boundary
from kan_np.data.localization import MODELS, load_localization

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
names = ["alpha", "lam", "energy"]
states = load_localization("generalized", 150 if QUICK else 300, n_sites=233 if QUICK else 610, seed=0)
localized = states["localized"]
theory = MODELS["generalized"].edge(*(states[name] for name in names)) > 0
agreement = np.mean(theory == localized)
print(f"{len(localized)} states, {100 * localized.mean():.1f} % of them localised")
print(f"theory, {MODELS['generalized'].formula} > 0: {100 * agreement:.1f} % right")

# %%
# The boundary
# ------------
# `discover_boundary` compares sums of few terms by how well they tell the classes apart, reads other formulas
# from points where trained networks are undecided, and fits the numbers of each to the classes. States of one
# chain share its parameters, which `groups` says.

test = states["spectrum"] % 5 == 0
table = {name: states[name][~test] for name in names}
found = discover_boundary(
    {"train_input": table, "train_label": localized[~test]},
    columns=["lam"],
    groups=states["spectrum"][~test],
    seconds=10 if QUICK else 30,
)
print(found)
held = {name: states[name][test] for name in names}
accuracy = np.mean((found.best.decision(held) > 0) == localized[test])
print(f"{found.best.equation}: {100 * accuracy:.1f} % of the states of held-out chains right")
print(f"the theory: {100 * np.mean(theory[test] == localized[test]):.1f} %")

# %%
# The zero set against theory
# ---------------------------
# A decision function is known up to a factor; where it is zero is not.

edge = 1 - states["alpha"] * states["energy"] / 2
solved = found.best.solved({name: states[name] for name in names})
inside = (edge > 0.5) & (edge < 1.5)
error = np.abs(solved - edge)[inside]
print(
    f"lam on the boundary and in theory: median difference {np.median(error):.1e}, largest {error.max():.1e}"
)

# %%
# The picture
# -----------
# States with alpha between 0.3 and 0.5 in the plane of energy and lambda.

figure, axis = plt.subplots(figsize=(6, 4.5), layout="constrained")
near = (states["alpha"] > 0.3) & (states["alpha"] < 0.5)
for value, colour, label in ((1, "tab:red", "localised"), (0, "tab:blue", "extended")):
    chosen = near & (localized == value)
    axis.plot(
        states["energy"][chosen], states["lam"][chosen], ".", ms=3, color=colour, alpha=0.5, label=label
    )
energy = np.linspace(-3, 4, 100)
axis.plot(energy, 1 - 0.4 * energy / 2, "k--", lw=1, label="theory, alpha = 0.4")
at = {"alpha": np.full(100, 0.4), "lam": np.ones(100), "energy": energy}
axis.plot(energy, found.best.solved(at), color="black", lw=3, alpha=0.3, label="found")
axis.set(xlabel="energy", ylabel="lambda", xlim=(-3, 4), ylim=(0.5, 1.5))
axis.legend(loc="upper right", fontsize=8, framealpha=0.9)
figure.savefig("mobility_edge.png", dpi=60 if QUICK else 110)
plt.close(figure)
