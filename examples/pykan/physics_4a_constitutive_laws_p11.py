"""
Physics 4A: a law of elasticity, P11
====================================

How does a material answer to a deformation? For small ones linearly; a neo-Hookean solid goes on with squares
of the deformation gradient F and the logarithm of its determinant. The linear law, put into a network, is
trained on data of the other. The steps of pykan's tutorial "Physics_4A_constitutive_laws_P11".
"""

# %%
# The data
# --------
# Component 11 of the stress, P11 = mu (F11^2 + F12^2 + F13^2 - 1) + lambda log det F, of 1000 deformations
# near to none, with a Young's modulus of 1 and a Poisson ratio of 0.2.

import os

import numpy as np
import sympy

from kan_np import augment_input, create_dataset_from_data, discover, ex_round, kanpiler

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
N, STEPS = (400, 20) if QUICK else (1000, 50)
YOUNG, POISSON = 1.0, 0.2
MU = YOUNG / (2 * (1 + POISSON))
LAMBDA = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON))

rng = np.random.default_rng(0)
F = np.eye(3) + rng.uniform(-0.2, 0.2, (N, 3, 3))
stress = MU * (np.sum(F[:, 0] ** 2, axis=1) - 1) + LAMBDA * np.log(np.linalg.det(F))
dataset = create_dataset_from_data(F.reshape(N, 9), stress[:, None], seed=0)
NAMES = sympy.symbols("F11 F12 F13 F21 F22 F23 F31 F32 F33")
F11, F12, F13, F21, F22, F23, F31, F32, F33 = NAMES

# %%
# The linear law as a network
# ---------------------------

LINEAR = 2 * MU * (F11 - 1) + LAMBDA * (F11 + F22 + F33 - 3)
model = kanpiler(NAMES, LINEAR)
print(f"the linear law: test RMSE {model.evaluate(dataset)['test_loss']:.2e}")
model.perturb(mode="all", seed=0, x=dataset["train_input"])
fit = model.fit(dataset, "LM", steps=STEPS)
print(f"trained on data: test RMSE {fit['test_loss'][-1]:.2e} (pykan 6.99e-03)")
model.plot(dataset["train_input"], in_vars=NAMES, out_vars=["$P_{11}$"]).savefig(
    "nine_components.png", dpi=90
)

# %%
# One more column
# ---------------
# Sums of functions of single components are not enough. The determinant is what invariance suggests; as a
# column it comes first, as in the tutorial. There the trained network gets an input more; here the linear law
# is compiled anew, as a network of ten inputs.

det = sympy.Matrix(3, 3, NAMES).det()
longer = augment_input(NAMES, [det], dataset)
columns = [sympy.Symbol("D"), *NAMES]
model = kanpiler(columns, LINEAR)
model.perturb(mode="all", seed=0, x=longer["train_input"])
fit = model.fit(longer, "LM", steps=STEPS)
x, y = longer["train_input"], longer["train_label"]
print(f"with the determinant: test RMSE {fit['test_loss'][-1]:.2e} (pykan 3.21e-04)")
model.plot(x, in_vars=["|F|", *NAMES], out_vars=["$P_{11}$"]).savefig("determinant.png", dpi=90)

# %%
# Symbols
# -------
# pykan's formula is 0.42 F11^2 + 0.42 F12^2 + 0.42 F13^2 + 0.28 log(2.5 det F) - 0.67, after 100 steps at a
# test RMSE of 2.89e-11.

model = model.prune(x)
model.auto_symbolic(x, y)
fit = model.fit(longer, "LM", steps=STEPS)
formula = model.symbolic_formula(columns, x=x, y=y)
print(f"symbols: test RMSE {fit['test_loss'][-1]:.1e} (pykan 2.89e-11)")
print("P11 =", ex_round(formula[0][0], 4))
print(f"mu = {MU:.4f}, lambda = {LAMBDA:.4f}")

# %%
# From the data alone
# -------------------

found = discover(longer, var=columns, seconds=5 if QUICK else 20)
print(found.best.formula)

RESULT = {
    "tutorial": "Physics_4A_constitutive_laws_P11",
    "loss": fit["test_loss"][-1],
    "pykan": 2.89e-11,
    "what": "test RMSE of the law with trained constants",
    "differs": "Levenberg-Marquardt, 50 steps (pykan L-BFGS, 100)",
}
