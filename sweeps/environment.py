"""The environment of a run: versions, platform, processor; without paths and names of hosts or users."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "joblib")


@functools.cache
def environment(kan_np_version: str) -> dict[str, Any]:
    """Return the environment of this process as plain values, the same for every run of a machine.

    Parameters
    ----------
    kan_np_version : str
        `kan_np.__version__`, handed in by the one who may import it.

    Examples
    --------
    >>> sorted(environment("0.1.0"))
    ['blas', 'cores', 'cpu', 'kernel', 'platform', 'python', 'versions']
    """
    versions = {"kan_np": kan_np_version} | {name: _version(name) for name in PACKAGES}
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "blas": _blas(),
        "kernel": kernel(),
        "versions": versions,
    }


def code_of(environment: Mapping[str, Any]) -> str:
    """Return what computed a run, in words: the version of kan_np and its kernels.

    Runs of different code may differ in their numbers and are not to be mixed.

    Examples
    --------
    >>> code_of({"versions": {"kan_np": "0.1.0"}, "kernel": "0123abcd"})
    'kan_np 0.1.0, kernels 0123abcd'
    """
    versions = environment.get("versions")
    version = versions.get("kan_np") if isinstance(versions, Mapping) else None
    return f"kan_np {version or 'unknown'}, kernels {environment.get('kernel') or 'unknown'}"


@functools.cache
def kernel() -> str:
    """Return what stands for the compiled part of kan_np: a hash of the text of its kernels."""
    found = find_spec("kan_np")
    folder = Path(next(iter(found.submodule_search_locations or ()), "") if found else "") / "kernels"
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:8]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _blas() -> str:
    """Name the BLAS libraries in use: which one it is decides the last bits of an MLP's numbers."""
    from threadpoolctl import threadpool_info

    names = {
        " ".join(str(library.get(key) or "") for key in ("internal_api", "version", "architecture")).strip()
        for library in threadpool_info()
        if library.get("user_api") == "blas"
    }
    return ", ".join(sorted(names)) or "unknown"
