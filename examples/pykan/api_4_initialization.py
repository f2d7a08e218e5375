"""
API 4: how a network starts
===========================

An edge starts as w_b b(x) + spline(x): a base function b with a random weight, and a small random spline. The
steps of pykan's notebook API_4_initialization, which draws [2, 5, 1] with several options.
"""

# %%
# As it comes
# -----------

import numpy as np

from kan_np import KAN

x = np.random.default_rng(0).normal(size=(100, 2))
starts = {
    "as it comes": {},
    "linear": {"base_fun": "identity", "noise_scale": 0.0},
    "noisy spline": {"noise_scale": 0.3},
    "very noisy spline": {"noise_scale": 10.0},
    "base alone": {"scale_base_mu": 5.0, "scale_base_sigma": 0.0},
    "sparse": {"sparse_init": True},
}
models = {name: KAN([2, 5, 1], grid=5, k=3, seed=0, **options) for name, options in starts.items()}
for name, model in models.items():
    model.plot(x, title=name).savefig(f"{name.replace(' ', '_')}.png")
    values = np.concatenate([phi.ravel() for phi in model.get_act(x).edges])
    print(f"{name:18s} edges {model.n_edge:2d}, largest value on an edge {np.abs(values).max():.2g}")

# %%
# Lines, to rounding
# ------------------
# With the identity as base function and without noise every edge is a line, so that the network is one: its
# gradient is the same everywhere.

gradient = models["linear"].input_jacobian(x)[:, 0]
spread = float(np.ptp(gradient, axis=0).max())
print(f"gradient {gradient[0].round(3)} everywhere, to {spread:.0e}")

# %%
# Sparse
# ------
# pykan sets most weights to zero. Here the other edges are absent: they have no parameters and take no time.

print("parameters:", models["as it comes"].n_params, "as it comes,", models["sparse"].n_params, "sparse")

# %%

RESULT = {
    "tutorial": "API_4_initialization",
    "what": "how much the gradient of the linear start varies",
    "loss": spread,
    "pykan": None,
}
