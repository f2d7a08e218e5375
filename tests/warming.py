"""Compiles what most tests call, once, before the processes start that share them.

Kernels are kept on disk, but processes that begin at once find nothing there and all compile the same.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

import kan_np.kernels
from kan_np import KAN
from kan_np.jets.multi_index import DerivativeSet
from kan_np.jets.network import input_derivatives, jets_of
from kan_np.kernels import _cache
from kan_np.objective.network_objective import network_objective
from sweeps.run_one import warm_up

_SHARED = {"task": "toy/product", "data": {}, "opt": "auto", "steps": 2, "restarts": 1, "seed": 0}
_KAN = _SHARED | {"family": "kan", "width": [2, 2, 1], "grids": [3, 50]}
_KINDS = (
    *(_KAN | {"k": k} for k in (3, 2)),
    _SHARED | {"family": "additive", "width": [2, 1], "grids": [3, 50], "k": 3, "smoothing": "gcv"},
    *(_SHARED | {"family": "mlp", "width": [2, 2, 1], "activation": a} for a in ("tanh", "silu")),
)


def compile_kernels() -> None:
    """Fill the cache on disk, unless that was done for the sources of now.

    Plain networks are compiled here and all others in a second process, for most machines have two cores. The
    file that says that it was done lies beside the compiled code: who clears the cache removes it too.
    """
    done = mark()
    if done is not None and not done.exists():
        empty = not any(done.parent.rglob("*.nbi"))
        other = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE)
        warm_up(_KINDS)
        use(KAN([2, 2, 1], grid=3, seed=0))
        KAN([2, 1], grid=3, seed=0).fix_symbolic(0, 0, 0, "sin")
        differentiate(KAN([2, 1, 1], grid=3, seed=0))
        differentiate(KAN([2, [1, 1], 1], edges="chebyshev", squash=True, seed=0))
        found, _ = other.communicate()
        if other.returncode == 0:
            done.write_bytes(found if empty else b"")  # else they may have been on disk


def mark() -> Path | None:
    """The file that says that the cache was filled, and has `bits` of kernels, if they were just compiled."""
    sources = Path(kan_np.kernels.__path__[0])
    folder, state = _cache._folders(sources).writable, _cache._state_of(sources)
    return None if folder is None or state is None else folder / f"bits-{state.hex()[:20]}"


def bits() -> bytes:
    """The gradient of a network with scales and biases of nodes, every bit of it."""
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (100, 3))
    net = KAN([3, 3, 1], grid=3, k=2, seed=0, affine_trainable=True)._network
    return network_objective(net, x, np.sin(2.0 * x[:, :1]))(net.theta)[1].tobytes()


def mixed_model() -> KAN:
    """A network with everything that plain ones lack: a symbol, a product, scales and another family."""
    model = KAN([2, [1, 1], 1], grid=3, seed=0, affine_trainable=True)
    model.fix_symbolic(0, 0, 0, "sin", fit=False)
    model.set_family(0, "chebyshev", [(1, 0)], size=3)
    return model


def use(model: KAN) -> None:
    """Train a model in both ways and under a penalty, and take its derivatives."""
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (300, 2))
    data = {"train_input": x, "train_label": np.sin(x.sum(axis=1, keepdims=True))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        for options in ({"opt": "LM"}, {"opt": "LBFGS"}, {"opt": "LBFGS", "lamb": 1e-3}):
            model.fit(data, steps=1, smoothing=0.0, **options)
    model.input_jacobian(x)


def differentiate(model: KAN) -> None:
    """Derivatives by inputs, and of these by parameters: sums over samples and rows."""
    network, wanted = model._network, DerivativeSet.up_to(2, 2)
    jets = jets_of(network, wanted)
    found = jets.forward(network.values, input_derivatives(wanted, np.zeros((3, 2))))
    for shape in (network.values.shape, (network.values.size, 3)):
        jets.backward(found, np.empty(shape))


if __name__ == "__main__":
    use(mixed_model())
    sys.stdout.buffer.write(bits())
