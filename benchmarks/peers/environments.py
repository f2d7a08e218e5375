"""Throw-away environments with the peers, outside this package: one a family of dependencies.

They lie in the folder for temporary files and are used again by the next run. Where the packages come from is
the business of pip's own settings.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock


class PeerError(Exception):
    """A peer that cannot be had, or that failed."""


@dataclass(frozen=True)
class Peer:
    """A library to compare with, and how to install it.

    Attributes
    ----------
    name : str
        As ``--only`` takes it.
    module : str
        What is imported.
    worker : str
        Module of `benchmarks.peers.workers` that answers for it.
    group : str
        Environment that it shares with peers of the same dependencies.
    installs : tuple of tuple of str
        Requirements, one tuple a call of pip.
    """

    name: str
    module: str
    worker: str
    group: str
    installs: tuple[tuple[str, ...], ...]


def _torch() -> str:
    """The CPU build of torch; only on Linux with an x86 processor has the plain version come with CUDA."""
    with_cuda = sys.platform == "linux" and platform.machine() == "x86_64"
    return "torch==2.13.0+cpu" if with_cuda else "torch==2.13.0"


# what pykan imports and does not declare
_UNDECLARED = ("numpy", "matplotlib", "scikit-learn", "pandas", "pyyaml", "sympy", "tqdm", "setuptools")
_JAXKAN = ("jaxkan==0.3.7", "jax==0.10.2", "flax==0.12.8")

PEERS = {
    peer.name: peer
    for peer in (
        # torch first and alone, so that no later requirement can choose another build
        Peer("pykan", "kan", "pykan", "torch", ((_torch(),), ("pykan==0.2.8", *_UNDECLARED))),
        Peer("jaxkan", "jaxkan.models.KAN", "jaxkan", "jax", (_JAXKAN,)),
        Peer("mlp-kan", "mlp_kan", "mlp_kan", "torch", ((_torch(),), ("mlp-kan==0.1.0", "numpy"))),
        Peer("scikit-learn", "sklearn", "sklearn", "sklearn", (("scikit-learn==1.9.1",),)),
    )
}


def peer_python(peer: Peer, given: str | None = None) -> str:
    """Path of a Python that has the peer: the given one if it does, else that of an environment made here.

    Raises
    ------
    PeerError
        If neither can be had.
    """
    if given and _imports(given, peer):
        return given
    folder = Path(tempfile.gettempdir()) / "kan_np-peers" / peer.group
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        _complete(folder, python, peer)
    return str(python)


def _imports(python: str, peer: Peer) -> bool:
    try:
        done = subprocess.run([python, "-c", f"import {peer.module}"], capture_output=True, check=False)
    except OSError as error:
        raise PeerError(f"{python} cannot be run ({error}); expected the path of a Python.") from None
    return done.returncode == 0


def _complete(folder: Path, python: Path, peer: Peer) -> None:
    """Make the environment and install the peer, unless its mark says that this was done."""
    wanted = "\n".join([sys.version, *(name for names in peer.installs for name in names)])
    mark = folder / f"{peer.name}.installed"
    if python.exists() and mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    print(f"installing {peer.name} into {folder} ...", file=sys.stderr, flush=True)
    if not python.exists():
        venv.create(folder, with_pip=True, clear=True)
    for names in peer.installs:
        _install(python, names)
    mark.write_text(wanted, encoding="utf-8")


def _install(python: Path, names: tuple[str, ...]) -> None:
    command = [str(python), "-m", "pip", "install", "-q", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        raise PeerError(
            f"pip cannot install {' '.join(names)} ({reasons[-1] if reasons else 'no reason given'}); point "
            "pip's settings to where it is, or pass --peer-python PATH of a Python that has it"
        )
