"""Runs scripts of `examples` at their small size."""

from __future__ import annotations

import os
import runpy
import tempfile
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def run_script(path: Path) -> tuple[dict, str, dict[str, int]]:
    """What a script leaves behind, quickly: its names, what it printed, and the sizes of its files."""
    os.environ["KAN_NP_QUICK_EXAMPLES"] = "1"
    printed = StringIO()
    try:
        with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(printed):
            names = runpy.run_path(str(path))
            files = {path.name: path.stat().st_size for path in Path(folder).iterdir()}
    finally:
        del os.environ["KAN_NP_QUICK_EXAMPLES"]
    return names, printed.getvalue(), files
