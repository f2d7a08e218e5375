"""
Physics 4B: a law of elasticity, P12, from the linear one
=========================================================

Component 12 of the stress of a neo-Hookean solid is mu (F11 F21 + F12 F22 + F13 F23): three products. The
linear law mu (F12 + F21) has none of them. As a network it gets a layer and products to grow, and is trained.
The steps of pykan's tutorial "Physics_4B_constitutive_laws_P12_with_prior".
"""

# %%
# The data, and the linear law as a network
# -----------------------------------------

import os

import numpy as np
import sympy

from kan_np import create_dataset_from_data, discover, ex_round, kanpiler

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
N, STEPS = (400, 20) if QUICK else (1000, 100)
MU = 1.0 / 2.4  # Young's modulus 1, Poisson ratio 0.2

rng = np.random.default_rng(0)
F = np.eye(3) + rng.uniform(-0.2, 0.2, (N, 3, 3))
stress = MU * np.sum(F[:, 0] * F[:, 1], axis=1)
dataset = create_dataset_from_data(F.reshape(N, 9), stress[:, None], seed=0)
x, y = dataset["train_input"], dataset["train_label"]
NAMES = sympy.symbols("F11 F12 F13 F21 F22 F23 F31 F32 F33")

model = kanpiler(NAMES, MU * (NAMES[1] + NAMES[3]), base_fun="identity")
print(f"the linear law: test RMSE {model.evaluate(dataset)['test_loss']:.2e}")
model.expand_depth()
model.expand_width(1, 5, sum_bool=False, mult_arity=2)
model.expand_width(1, 4)
model.perturb(mode="all", seed=0, x=x)
print(model)

# %%
# Training
# --------
# A first fit with a small penalty, then the edges that stay. pykan prints test RMSEs of 1.51e-3 and 3.67e-4.

fit = model.fit(dataset, "LBFGS", steps=STEPS, lamb=1e-6)
print(f"with penalty: test RMSE {fit['test_loss'][-1]:.2e} (pykan 1.51e-03)")
model = model.prune(x, edge_th=1e-2)
fit = model.fit(dataset, "LM", steps=STEPS // 2)
splines = fit["test_loss"][-1]
print(f"pruned to {model.width}: test RMSE {splines:.2e} (pykan 3.67e-04)")
model.plot(x, in_vars=NAMES, out_vars=["$P_{12}$"]).savefig("grown.png", dpi=90)

# %%
# A formula
# ---------
# pykan's symbols end at 7.64e-3, and its formula has one of the three products. Example 4C reads a
# formula from a network; here is the search in the data.

found = discover(dataset, var=NAMES, seconds=10 if QUICK else 30, seed=0)
formula = found.best.formula
prediction = formula.numpy()(dataset["test_input"])
loss = float(np.sqrt(np.mean((prediction - dataset["test_label"]) ** 2)))
print("P12 =", ex_round(formula.expressions[0], 4), f"with mu = {MU:.4f}")
print(f"formula: test RMSE {loss:.1e} (pykan 7.64e-03)")

RESULT = {
    "tutorial": "Physics_4B_constitutive_laws_P12_with_prior",
    "loss": splines,
    "pykan": 3.67e-4,
    "what": "test RMSE of the splines after pruning",
    "differs": "lamb 1e-6, then Levenberg-Marquardt (pykan 1e-5, then L-BFGS)",
}
