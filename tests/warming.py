"""Compiles what most tests call, once, before the processes start that share them.

Kernels are kept on disk, but processes that begin at once find nothing there and all compile the same.
"""

from __future__ import annotations

from pathlib import Path

import kan_np.kernels
from kan_np.kernels import _cache
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

    The file that says so lies beside the compiled code: who clears the cache removes it too.
    """
    sources = Path(kan_np.kernels.__path__[0])
    folder, state = _cache._folders(sources).writable, _cache._state_of(sources)
    if folder is None or state is None:
        return
    done = folder / f"warmed-{state.hex()[:20]}"
    if not done.exists():
        warm_up(_KINDS)
        done.touch()
