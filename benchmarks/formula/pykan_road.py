"""pykan's auto_symbolic, used as its documentation recommends, beside `discover` on the same data.

    python -m benchmarks.formula.pykan_road

pykan gets [n, 5, 1] and the steps of its hello world: grid 3, 50 steps of L-BFGS with lamb = 0.001, prune, 50
steps, refine to 10, 50 steps, auto_symbolic with the ten functions of that notebook, 50 steps. Errors are
RMSE on fresh samples in units of the spread of the labels.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.formula.problems import feynman
from benchmarks.peers.environments import PeerError
from benchmarks.peers.process import peer_worker
from kan_np import discover

_NAMES = ("I.6.2b", "I.12.11", "I.13.12", "I.15.3x", "I.16.6", "I.26.2", "I.27.6", "I.29.16", "I.50.26")


def main() -> None:
    """Print a row a function."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"functions; by default {' '.join(_NAMES)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer-python", help="a Python that has pykan; by default an environment is made")
    asked = parser.parse_args()
    titles = f"{'':10s}{'kan_np':>9s}{'CPU s':>7s}{'pykan splines':>15s}{'symbols':>9s}{'CPU s':>6s}"
    print(f"{titles}  pykan's formula")
    for problem in feynman():
        if problem.name not in (asked.names or _NAMES):
            continue
        dataset = problem.dataset(0.0)
        label = dataset["test_label"]
        begin = time.process_time()
        found = discover(dataset, var=problem.variables, seed=asked.seed)
        cpu = time.process_time() - begin
        ours = found.best.formula.numpy()(dataset["test_input"])
        error = float(np.sqrt(np.mean(np.square(ours - label))) / label.std())
        row = f"{problem.name:10s}{error:9.1e}{cpu:7.0f}"
        data = {name: rows.tolist() for name, rows in dataset.items() if isinstance(rows, np.ndarray)}
        width = [len(problem.variables), 5, 1]
        try:
            with peer_worker("pykan", asked.peer_python) as pykan:
                theirs = pykan.ask("formula", width=width, seed=asked.seed, dataset=data)
            spread = float(label.std())
            row += f"{theirs['splines'] / spread:15.1e}{theirs['test_rmse'] / spread:9.1e}"
            row += f"{theirs['cpu_seconds']:6.0f}  {theirs['formula'][:90]}"
        except PeerError as error_of_peer:
            row += f"  pykan: {str(error_of_peer)[-120:]}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
