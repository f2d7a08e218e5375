"""
Example 11: edges that want to be straight
==========================================

If it is not known how deep a network has to be, take one that is too deep and make edges straight where
nothing asks for a bend. sin(pi x) needs a single edge; here it gets three in a row, [1, 1, 1, 1]. The steps
of pykan's tutorial "Example_11_encouraing_linear".
"""

# %%
# Without and with a preference
# -----------------------------
# Two tricks: the base function is x itself, so that an edge without spline is a line, and the coefficients of
# splines are penalised. pykan prints test RMSEs of 3.84e-4 without and 8.40e-3 with them.

import os

import numpy as np

from kan_np import KAN, create_dataset

STEPS = 10 if "KAN_NP_QUICK_EXAMPLES" in os.environ else 40
dataset = create_dataset(lambda x: np.sin(np.pi * x), n_var=1, seed=0)
x = dataset["train_input"]


def bends(model):
    """Part of each edge's variance that no straight line explains, for the three edges in a row."""
    return [1 - model.suggest_symbolic(layer, 0, 0, x, lib=["x"])[0].r2 for layer in range(3)]


def trained(base_fun, **penalty):
    """Three networks [1, 1, 1, 1] from different starts, and the worst of their test RMSEs."""
    models, losses = [], []
    for seed in range(3):
        model = KAN([1, 1, 1, 1], grid=5, k=3, noise_scale=0.1, base_fun=base_fun, seed=seed)
        losses.append(model.fit(dataset, "LBFGS", steps=STEPS, **penalty)["test_loss"][-1])
        models.append(model)
        print(f"  seed {seed}: test RMSE {losses[-1]:.2e}, bends", *(f"{bend:.3f}" for bend in bends(model)))
    return models, max(losses)


print("without (pykan 3.84e-04)")
plain, _ = trained("silu")

# %%
# The penalty is on coefficients alone: the tutorial adds that on the size of edges, which makes edges vanish
# and not straighten. From two of the three starts two of the edges are lines to one per cent.

print("with (pykan 8.40e-03)")
straight, loss = trained("identity", lamb=1e-4, lamb_coef=1.0, lamb_l1=0.0, lamb_entropy=0.0)
plain[1].plot(x, title="without").savefig("without.png", dpi=80)
straight[1].plot(x, title="with").savefig("with.png", dpi=80)

# %%
# A depth to choose from
# ----------------------
# The other way round: begin with one edge, and stop where more depth does not lower the error.

errors = {}
for depth in (1, 2, 3):
    model = KAN([1] * (depth + 1), grid=5, k=3, seed=0)
    errors[depth] = model.fit(dataset, "LM", steps=STEPS)["test_loss"][-1]
    print(f"{depth} edges in a row: test RMSE {errors[depth]:.2e}, {model.n_params} parameters")

# %%
# Twenty intervals on the one edge that is needed, and its formula.

model = KAN([1, 1], grid=20, k=3, seed=0)
print(f"test RMSE {model.fit(dataset, 'LM', steps=20)['test_loss'][-1]:.1e}")
model.auto_symbolic(x, dataset["train_label"])
model.fit(dataset, "LM", steps=20)
print(model.symbolic_formula(x=x, y=dataset["train_label"])[0][0])

RESULT = {
    "tutorial": "Example_11_encouraing_linear",
    "loss": loss,
    "pykan": 8.40e-3,
    "what": "test RMSE of three edges in a row with a penalty on bends, the worst of three starts",
    "differs": "40 steps, lamb_coef 1 without L1 and entropy, the worst of three starts (pykan 20, 10 "
    "with them, one)",
}
