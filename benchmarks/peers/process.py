"""A worker: a library in its own process with one thread, which answers requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.peers.environments import PEERS, PeerError, peer_python

_ROOT = Path(__file__).parents[2]
_ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
}


class Worker:
    """A module of `benchmarks.peers.workers`, running under a Python that has its library.

    Parameters
    ----------
    module : str
        Name of the module.
    python : str
        Path of the Python; by default that of this process.
    root : Path
        Folder with the packages `benchmarks` and `kan_np`; a Numba cache in it is used, if it is another.
    """

    def __init__(self, module: str, python: str = sys.executable, root: Path = _ROOT) -> None:
        self._module = module
        self._folder = tempfile.TemporaryDirectory()  # pykan writes files into the current folder
        self._log = Path(self._folder.name) / "stderr.txt"
        own = {"PYTHONPATH": str(root)}
        if root != _ROOT:
            own["NUMBA_CACHE_DIR"] = str(root / "numba-cache")
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [python, "-W", "ignore", "-m", f"benchmarks.peers.workers.{module}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self._folder.name,
                env={**os.environ, **_ONE_THREAD, **own},
            )

    def ask(self, request: str, **fields: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises
        ------
        PeerError
            If the worker answers with an error or has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"request": request, **fields}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            said = self._log.read_text(encoding="utf-8").strip().splitlines()
            raise PeerError(f"the worker {self._module!r} ended: {said[-1] if said else 'it said nothing'}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{request} of the worker {self._module!r} failed: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def peer_worker(name: str, given: str | None = None) -> Worker:
    """Start the worker of a peer, in the Python `given` or in an environment made for it.

    Raises
    ------
    PeerError
        If the peer cannot be had or cannot be imported.
    """
    worker = Worker(PEERS[name].worker, peer_python(PEERS[name], given))
    try:
        worker.ask("describe")
    except PeerError:
        worker.close()
        raise
    return worker
