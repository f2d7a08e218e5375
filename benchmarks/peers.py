"""A throw-away environment with pykan and torch, and a process in it that fits on demand.

The process answers one line of JSON a request, so that fits of both libraries can be interleaved in one run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from types import TracebackType
from typing import Any

PYKAN = ["torch==2.13.0", "pykan==0.2.8"]
#: What pykan imports without declaring it.
UNDECLARED = ["numpy", "matplotlib", "scikit-learn", "pandas", "pyyaml", "sympy", "tqdm", "setuptools"]

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def peer_python(given: str | None) -> str:
    """Path of a Python that has pykan: the given one, or that of an environment made once for all runs."""
    if given:
        return given
    folder = Path(tempfile.gettempdir()) / "kan_np-peers"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making an environment with {', '.join(PYKAN)} ...", file=sys.stderr)
        venv.create(folder, with_pip=True)
        try:
            # torch first and alone: pykan's own range would take the newest build with its CUDA packages
            subprocess.run([python, "-m", "pip", "install", "-q", PYKAN[0]], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *PYKAN[1:], *UNDECLARED], check=True)
        except subprocess.CalledProcessError:
            python.unlink()
            raise SystemExit(
                "pykan cannot be had here; pass --peer-python PATH of a Python that has it."
            ) from None
    return str(python)


class PykanProcess:
    """pykan in its own process with one thread; ``ask`` sends a request of `benchmarks/pykan_worker.py`."""

    def __init__(self, python: str) -> None:
        worker = Path(__file__).parent / "pykan_worker.py"
        self._folder = tempfile.TemporaryDirectory()  # pykan writes files into the current folder
        self._process = subprocess.Popen(
            [python, "-W", "ignore", worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self._folder.name,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": ""},
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the pykan process ended; run benchmarks/pykan_worker.py by hand to see why.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> PykanProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()
