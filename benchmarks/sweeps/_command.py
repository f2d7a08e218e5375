"""The command line in a process of its own: its time, its processor time, its greatest memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True)
class Ended:
    """A command that has ended: seconds from its start, imports included, and peak memory of its process."""

    seconds: float
    cpu_s: float
    peak_mib: float
    output: str


def call(*arguments: object, module: str = "sweeps") -> Ended:
    """Run ``kan-sweep``, or another module, with these arguments to its end; `RuntimeError` if it fails.

    Exit code 1, with which a sweep tells that some of its runs have failed, is no failure.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        result, output = Path(folder) / "result.json", Path(folder) / "output.txt"
        timed = [sys.executable, str(Path(__file__).with_name("_timed.py")), str(result), str(output)]
        subprocess.run([*timed, *command], check=True)
        took, text = json.loads(result.read_text()), output.read_text()
    if took["code"] not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} ended with code {took['code']}:\n{text[-2000:]}")
    return Ended(took["seconds"], took["cpu_s"], took["peak_bytes"] / MIB, text)


def tell(line: str) -> None:
    """Say what is being done, for whoever waits."""
    print(line, file=sys.stderr, flush=True)
