"""
Example 10: the addition of velocities
======================================

(u + v) / (1 + u v), in units of the speed of light. Rapidities add: the formula is tanh(artanh u + artanh v),
a KAN [2, 1, 1]. The network finds this trick from samples, as in pykan's tutorial
"Example_10_relativity-addition".
"""

# %%
# Splines
# -------

import os

from kan_np import KAN, create_dataset, discover

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
SAMPLES = 400 if QUICK else 1000


def f(x):
    """Velocity u as seen from a frame that moves with velocity -v."""
    return x.sum(axis=1, keepdims=True) / (1 + x.prod(axis=1, keepdims=True))


dataset = create_dataset(f, n_var=2, ranges=(-0.9, 0.9), train_num=SAMPLES, seed=0)
x, y = dataset["train_input"], dataset["train_label"]
model = KAN([2, 1, 1], grid=10, k=3, seed=0)
splines = model.fit(dataset, "LM", steps=20)["test_loss"][-1]
print(f"splines: test RMSE {splines:.2e} (pykan 2.31e-03)")
model.plot(x, in_vars=["u", "v"]).savefig("velocities.png", dpi=100)

# %%
# Which functions are they?
# -------------------------
# By how well they fit, artanh comes first, as in the tutorial (0.999992 there).

for fit in model.suggest_symbolic(0, 1, 0, x, top=3):
    print(f"{fit.name:10s} {fit.r2:.6f}")
model.fix_symbolic(0, 0, 0, "arctanh", x=x)
model.fix_symbolic(0, 1, 0, "arctanh", x=x)
middle = model.fit(dataset, "LM", steps=20)["test_loss"][-1]
print(f"two symbols: test RMSE {middle:.2e} (pykan 9.43e-04)")

for fit in model.suggest_symbolic(1, 0, 0, x, top=3):
    print(f"{fit.name:10s} {fit.r2:.6f}")
model.fix_symbolic(1, 0, 0, "tanh", x=x)

# %%
# To rounding
# -----------
# pykan takes 2000 steps of Adam from here, and gets to 2.06e-6.

result = model.fit(dataset, "LM", steps=40)
print(f"three symbols: test RMSE {result['test_loss'][-1]:.1e} (pykan 2.06e-06)")
formula = model.symbolic_formula(["u", "v"], x=x, y=y)
print(formula[0][0])

# %%
# From the data alone
# -------------------

print(discover(dataset, var=["u", "v"], seconds=5 if QUICK else 20).best)

RESULT = {
    "tutorial": "Example_10_relativity-addition",
    "loss": result["test_loss"][-1],
    "pykan": 2.06e-6,
    "what": "test RMSE of tanh(artanh u + artanh v) with trained constants",
    "differs": "Levenberg-Marquardt, 80 steps in all (pykan 40 of L-BFGS and 2000 of Adam)",
}
