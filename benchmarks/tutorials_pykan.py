"""pykan's own notebooks beside the scripts that port them: seconds of both, measured in turn in one run.

    python -m benchmarks.tutorials_pykan FOLDER [NAME ...] [--peer-python PATH]

FOLDER is a copy of pykan's repository. The code cells of a notebook run one after the other in a process that
has pykan 0.2.8 (`benchmarks.peers.environments` makes an environment of it), without a window and with one
thread; then the script of `examples/pykan` does, at full size. Seconds are processor time of the whole
processes, imports included. A notebook that fails as it was published is shown as such, with its last words.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import tutorials
from benchmarks._common import show_table
from benchmarks.peers.environments import PEERS, peer_python

#: Those that take pykan some minutes together, of every kind.
NAMES = (
    "hellokan",
    "api_6_training_hyperparameter",
    "api_7_pruning",
    "api_8_regularization",
    "example_1_function_fitting",
    "example_4_classfication",
    "example_5_special_functions",
    "example_8_continual_learning",
    "example_9_singularity",
    "example_10_relativity_addition",
    "interp_1_hello_multkan",
    "interp_9_different_plotting_metrics",
)
HEADER = ("tutorial", "pykan s", "kan_np s", "ratio")
#: What runs in the process of a notebook. Lines for IPython itself, "%matplotlib inline", are left out.
_RUN = """
import contextlib, io, json, sys, time
import matplotlib
matplotlib.use("Agg")
cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
names = {"__name__": "__main__"}
with contextlib.redirect_stdout(io.StringIO()):
    for cell in cells:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            exec("\\n".join(line for line in lines if not line.lstrip().startswith(("%", "!"))), names)
print(time.process_time())
"""


def notebooks(folder: Path) -> dict[str, Path]:
    """Notebooks below a folder by the names that their scripts have here."""
    paths = [path for path in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
    return {re.sub("[^a-z0-9]+", "_", path.stem.lower()): path for path in paths}


def run(python: str, notebook: Path) -> float | str:
    """Processor seconds of a notebook in an empty folder, or the last line of the error it ends with."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [python, "-c", _RUN, str(notebook.resolve())]
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | one
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["no word"]
    return float(lines[-1]) if done.returncode == 0 else lines[-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="a copy of pykan's repository")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scripts without .py; a dozen without")
    parser.add_argument("--peer-python", metavar="PATH", help="a Python that has pykan")
    arguments = parser.parse_intermixed_args()
    found = notebooks(arguments.folder)
    chosen = arguments.names or NAMES
    if missing := sorted(set(chosen) - set(found)):
        parser.error(f"{arguments.folder} has no notebook of {', '.join(missing)}")
    python = peer_python(PEERS["pykan"], arguments.peer_python)
    rows = []
    for name in chosen:
        theirs, ours = run(python, found[name]), tutorials.run(name)
        if isinstance(theirs, str):
            rows.append((ours.tutorial, f"fails: {theirs[:60]}", f"{ours.seconds:.1f}", ""))
        else:
            ratio = f"{theirs / ours.seconds:.0f}"
            rows.append((ours.tutorial, f"{theirs:.1f}", f"{ours.seconds:.1f}", ratio))
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    show_table("pykan's notebooks and their ports, processor seconds", HEADER, rows)


if __name__ == "__main__":
    main()
