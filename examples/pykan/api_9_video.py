"""
API 9: a film of a fit
======================

Every step of a fit as a picture, together a film. The steps of pykan's notebook API_9_video, which writes
JPEG files into a folder, makes an MP4 of them with a further package, and prints a test loss of 2.96e-01.

:doc:`/gallery/training_film` has more on films.
"""

# %%
# Ten steps
# ---------
# pykan's film has five, in which the network has hardly begun to move.

import os

import numpy as np

from kan_np import KAN, create_dataset
from kan_np.plot import Film

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ


def f(x):
    """exp((sin(pi (x1^2 + x2^2)) + sin(pi (x3^2 + x4^2))) / 2)."""
    squares = x**2
    inner = np.sin(np.pi * squares[:, :2].sum(axis=1)) + np.sin(np.pi * squares[:, 2:].sum(axis=1))
    return np.exp(0.5 * inner)


dataset = create_dataset(f, n_var=4, train_num=1000 if QUICK else 3000, seed=0)
model = KAN([4, 2, 1, 1], grid=3, k=3, seed=1)
film = Film("fit.gif", in_vars=["x1", "x2", "x3", "x4"], out_vars=["y"], beta=10)
result = model.fit(
    dataset, opt="LBFGS", steps=5 if QUICK else 10, lamb=0.001, lamb_entropy=2.0, callback=film
)
loss = result["test_loss"][-1]
print(f"{len(film.frames)} frames; test loss {loss:.2e} (pykan 2.96e-01)")

# %%
# A strip for a paper
# -------------------

film.strip(6).savefig("strip.png")

# %%

RESULT = {
    "tutorial": "API_9_video",
    "what": "test RMSE with lamb=0.001",
    "loss": loss,
    "pykan": 2.96e-1,
    "differs": "10 steps (pykan 5)",
}
