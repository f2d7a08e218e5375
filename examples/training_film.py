"""
A film of a fit
===============

What happens inside a network while it is trained? A `Film` is a callback that keeps the parameters after
every step, and draws them when the fit has ended: the function of every edge, and the losses beside it. The
GIF needs nothing but matplotlib; ``film.strip()`` is a picture of some frames for a paper.

The fit is that of pykan's tutorial on videos: [4,2,1,1] on four variables, with a sparsity penalty.
"""

# %%
# The fit
# -------
# exp((sin pi(x1^2 + x2^2) + sin pi(x3^2 + x4^2)) / 2) is what this shape can say: squares, sums of two of
# them, sines, their sum, and an exponential.

import os

import numpy as np

from kan_np import KAN, create_dataset
from kan_np.plot import Film

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
SAMPLES, STEPS, DPI = (1500, 6, 40) if QUICK else (3000, 40, 100)


def f(x):
    """Two sines of sums of squares, in an exponential."""
    sines = np.sin(np.pi * (x[:, [0, 2]] ** 2 + x[:, [1, 3]] ** 2))
    return np.exp(0.5 * sines.sum(axis=1, keepdims=True))


dataset = create_dataset(f, n_var=4, train_num=SAMPLES, seed=0)
model = KAN([4, 2, 1, 1], grid=3, k=3, seed=1)
film = Film("training.gif", dpi=DPI, beta=10, in_vars=["$x_1$", "$x_2$", "$x_3$", "$x_4$"], title="RMSE")
result = model.fit(dataset, "LBFGS", STEPS, lamb=1e-3, lamb_entropy=2.0, callback=film)
print(f"{len(film.frames)} frames; RMSE {result['train_loss'][0]:.2e} after the first step, ", end="")
print(f"{result['train_loss'][-1]:.2e} after the last ({result['test_loss'][-1]:.2e} on test samples)")

# %%
# A strip for a paper
# -------------------
# Squares span the same in all frames, so that functions can be compared between them. They show why the fit
# from this start ends in a poor minimum: the sum of the squares of x3 and x4 is found, that of x1 and x2 is
# not.

strip = film.strip(n=6)
strip.savefig("training_strip.pdf")
strip.savefig("training_strip.png", dpi=60 if QUICK else 110)

# %%
# One film of several fits
# ------------------------
# In a ``with`` block the file is written at its end: here the penalty is taken away, and Levenberg-Marquardt
# goes on, a frame every second step. That does not lead out of the minimum; `fit_schedule` with ``restarts``
# would begin from other starts.

with Film("further.gif", dpi=DPI, every=2, beta=10) as further:
    first = model.fit(dataset, "LBFGS", STEPS // 2, callback=further)
    last = model.fit(dataset, "LM", STEPS, callback=further)
print(f"without penalty RMSE {first['train_loss'][-1]:.2e}, and with LM {last['train_loss'][-1]:.2e}")
further.draw(-1).savefig("last_frame.png")
