"""
What the signature of a knot depends on
=======================================

The complement of a hyperbolic knot has a geometry: volumes, and translations of the boundary of its cusp.
A. Davies et al. (2021) found by machine learning that it predicts the signature, a number from algebra, and
by looking at what the network used found why: the natural slope, a simple function of the translations. Here
are 2,000 knots, what the slope alone reaches, and relations that are found without a label.
"""

# %%
# The table
# ---------
# `load_knots` has 2,000 random knots of up to 14 crossings; ``python -m kan_np.data.make_knots`` makes more
# of them with snappy.

import os
import warnings

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from kan_np import KAN, KanWarning, find_relations
from kan_np.data.knots import FEATURES, load_knots, natural_slope

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
knots = load_knots()
signature, slope = knots["signature"], natural_slope(knots)
order = np.random.default_rng(0).permutation(len(signature))
held, train = order[:400], order[400:]
print(f"{len(signature)} knots, signatures {signature.min()} to {signature.max()}")

# %%
# The slope alone
# ---------------
# Two parameters, rounded to the next even number. The paper of KANs reports 81.6 % for a KAN of 17 columns,
# on another sample.

line = np.polyfit(slope[train], signature[train], 1)
rounded = 2 * np.round(np.polyval(line, slope[held]) / 2)
linear = np.mean(rounded == signature[held])
print(f"signature = {line[0]:.3f} slope + {line[1]:.3f}, rounded: {100 * linear:.1f} % of held-out knots")

# %%
# A KAN of all columns
# --------------------
# One hidden node, and an output for each value of the signature, by cross-entropy.

x = np.stack([knots[name] for name in FEATURES], axis=1)
values, classes = np.unique(signature, return_inverse=True)
data = {"train_input": x[train], "train_label": classes[train]}
model = KAN([len(FEATURES), 1, len(values)], grid=5, seed=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", KanWarning)
    model.fit(data, "LBFGS", 30, loss="cross_entropy", standardize=True)
    accuracy = np.mean(model.predict_class(x[held]) == classes[held])
    score = model.feature_score(x[train])
shares = dict(zip(FEATURES, score / score.sum(), strict=True))
print(f"KAN of {model.n_params} parameters: {100 * accuracy:.1f} %; shares of the columns in it:")
for name, share in sorted(shares.items(), key=lambda item: -item[1]):
    print(f"  {name:30s} {share:.3f}")

# %%
# Relations without a label
# -------------------------
# Rows of the table are told from rows whose columns were permuted. The area of the boundary of a cusp is
# twice its volume, and the boundary is a parallelogram: that relation is exact. Others are statistical; the
# one of signature and meridional translation is part of what the slope says.

columns = ("signature", *FEATURES)
table = {name: knots[name].astype(float) for name in columns}
relations = find_relations(table, n_starts=2 if QUICK else 5, max_searches=3 if QUICK else 12)
print(relations)
cusp = relations.of("meridional_translation_imag", "longitudinal_translation", "cusp_volume")
found = cusp.solve(table, "cusp_volume", most_steps=20)
print(f"cusp_volume = {found.best.formula.expressions[0]}")

# %%
# The picture
# -----------

figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
axes[0].plot(slope[held], signature[held], "o", ms=3, alpha=0.4, label="held-out knots")
ends = np.array([slope.min(), slope.max()])
axes[0].plot(ends, np.polyval(line, ends), "k-", lw=1, label="least squares")
axes[0].set(xlabel="natural slope", ylabel="signature", title=f"two parameters: {100 * linear:.1f} % right")
axes[0].legend(frameon=False)
names = sorted(shares, key=lambda name: shares[name])
axes[1].barh([name.replace("_translation", "") for name in names], [shares[name] for name in names])
axes[1].set(xlabel="share", title="what the KAN uses")
for name in cusp.columns:
    axes[2].plot(*cusp.curve(name), label=name.replace("_translation", ""))
axes[2].set(xscale="log", xlabel="value of the column", ylabel="function in the sum", title="the cusp volume")
axes[2].legend(frameon=False, fontsize=8)
figure.savefig("knots.png", dpi=60 if QUICK else 110)
plt.close(figure)
