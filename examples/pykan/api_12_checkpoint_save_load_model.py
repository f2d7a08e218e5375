"""
API 12: save, load, and go back
===============================

A network in a file, and the versions that it had on the way. The steps of pykan's notebook
API_12_checkpoint_save_load_model, whose fit of [2, 5, 1] prints a test loss of 3.29e-02; back at that version
two more steps without a penalty end at 2.18e-02.
"""

# %%
# Versions are kept where that is asked for
# -----------------------------------------
# pykan writes files into a folder by itself, ``auto_save=True``. Here copies are kept in memory from
# `keep_history` on, and with ``folder=`` in files as well. A fit with a penalty is not at its end after
# twenty steps, so that it goes on to a hundred here.

import os
from pathlib import Path

import numpy as np

from kan_np import KAN, create_dataset, load_model

STEPS = 20 if "KAN_NP_QUICK_EXAMPLES" in os.environ else 100


def f(x):
    """exp(sin(pi x1) + x2^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


dataset = create_dataset(f, n_var=2, seed=0)
x = dataset["train_input"]
model = KAN([2, 5, 1], grid=5, k=3, seed=1)
Path("versions").mkdir()
model.keep_history(folder="versions")
first = model.fit(dataset, opt="LBFGS", steps=STEPS, lamb=0.01)["test_loss"][-1]
print(f"{STEPS} steps with a penalty: test loss {first:.2e} (pykan, 20 steps, 3.29e-02)")
model.plot(x).savefig("1_trained.png")
trained = model(x)

# %%
# A change, and back
# ------------------

model = model.prune(x)
print("pruned:", model.width)
model = model.rewind("0.1")
print("back:", model.width, "the same outputs:", np.array_equal(model(x), trained))
print(*model.history(), sep="\n")
loss = model.fit(dataset, opt="LBFGS", steps=2)["test_loss"][-1]
print(f"two steps more, without a penalty: test loss {loss:.2e} (pykan, 2 steps, 2.18e-02)")

# %%
# From a file
# -----------
# A saved model is an npz file with nothing in it that is executed. What is loaded computes the same bits.

model.save("model.npz")
again = load_model("model.npz")
version = load_model("versions/0.1.npz")
same = np.array_equal(again(x), model(x)) and np.array_equal(version(x), trained)
print("files in versions:", *sorted(path.name for path in Path("versions").iterdir()))
print("the same bits from files:", same)
if not same:
    raise RuntimeError("a model from a file computes something else than the one that was saved")

# %%
# What pykan saved
# ----------------
# `load_pykan` reads a checkpoint of pykan, the files ``model/0.3_config.yml`` and ``model/0.3_state`` beside
# it, without torch: the same function, to pykan's single precision. The call is ``load_pykan("model/0.3")``.

RESULT = {
    "tutorial": "API_12_checkpoint_save_load_model",
    "what": "test RMSE of the version that was gone back to, after two steps without a penalty",
    "loss": loss,
    "pykan": 2.18e-2,
    "differs": "100 steps with the penalty (pykan 20)",
}
