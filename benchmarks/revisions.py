"""Two revisions of the project against each other: evaluations and whole fits in turn, in one run.

    python -m benchmarks.revisions v1.0            # against the working tree
    python -m benchmarks.revisions v1.0 main --check
    python -m benchmarks.revisions v1.0 --mixed    # networks with symbols and products

Each revision is unpacked into a folder for temporary files, with a Numba cache of its own, and answers from a
process of its own on the same core. In every round both take each measurement, the first of them in turn; a
ratio is the median over the rounds of new over old. The networks, samples and fits are those of
`benchmarks.peers`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

from benchmarks._common import Bar, median, positive, show_bars, show_table
from benchmarks.mixed_networks import MIXED
from benchmarks.peers.cases import NETWORKS, Numbers, fits
from benchmarks.peers.process import Worker

ROOT = Path(__file__).parents[1]
#: New may take so many times as long as old, in the median over all measurements.
BAR = 1.03
ROUND_S = 0.1


def unpack(revision: str | None, folder: Path) -> Path:
    """Write kan_np of a revision, None for the working tree, and the benchmarks of now into a folder."""
    if revision is None:
        shutil.copytree(ROOT / "kan_np", folder / "kan_np", ignore=shutil.ignore_patterns("__pycache__"))
    else:
        done = subprocess.run(["git", "-C", ROOT, "archive", revision, "kan_np"], capture_output=True)
        if done.returncode:
            raise SystemExit(f"no revision {revision!r}: {done.stderr.decode().strip()}")
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def measurements() -> dict[str, Callable[[Worker, int], float]]:
    """By name what is asked of a worker in a round: seconds."""
    found: dict[str, Callable[[Worker, int], float]] = {}
    for network in NETWORKS:
        numbers = network.numbers()
        found[f"loss and gradient, {network.name}"] = _evaluations(numbers, "time_gradient")
        if network.n_samples == 1000:
            found[f"iteration of LM, {network.name}"] = _evaluations(numbers, "time_normal_equations")
    for fit in fits():
        request = "time_fit" if fit.grid else "time_mlp_fit"
        found[f"fit, {fit.name}"] = lambda worker, seed, fit=fit, request=request: float(
            worker.ask(request, **fit.request(seed))["seconds"]
        )
    return found


def mixed_measurements() -> dict[str, Callable[[Worker, int], float]]:
    """As `measurements`, of networks with symbols and products."""
    found: dict[str, Callable[[Worker, int], float]] = {}
    for number, case in enumerate(MIXED):
        found[f"loss and gradient, {case.name}"] = _mixed_evaluations(number, "time_gradient")
        found[f"normal equations, {case.name}"] = _mixed_evaluations(number, "time_normal_equations")
    return found


def _mixed_evaluations(number: int, request: str) -> Callable[[Worker, int], float]:
    def ask(worker: Worker, _: int) -> float:
        worker.ask("load_mixed", number=number)
        return median(worker.ask(request, seconds=ROUND_S)["seconds"])

    return ask


def _evaluations(numbers: Numbers, request: str) -> Callable[[Worker, int], float]:
    def ask(worker: Worker, _: int) -> float:
        worker.ask("load", numbers=numbers, variant="default")
        return median(worker.ask(request, seconds=ROUND_S)["seconds"])

    return ask


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("old", help="a revision, as git knows it")
    made.add_argument("new", nargs="?", help="another one (default: the working tree)")
    made.add_argument("--only", default="", help="measurements whose name has this in it")
    made.add_argument(
        "--mixed", action="store_true", help="networks with symbols and products, without a bar"
    )
    made.add_argument("--rounds", type=positive, default=15, help="rounds of each measurement (default 15)")
    made.add_argument("--check", action="store_true", help="exit 1 when the bar is missed")
    arguments = made.parse_args()
    rows, ratios = [], []
    with tempfile.TemporaryDirectory() as room:
        folders = []
        for name, revision in (("old", arguments.old), ("new", arguments.new)):
            (Path(room) / name).mkdir()
            folders.append(unpack(revision, Path(room) / name))
        with Worker("kan_np", root=folders[0]) as old, Worker("kan_np", root=folders[1]) as new:
            chosen = mixed_measurements() if arguments.mixed else measurements()
            for name, seconds in chosen.items():
                if arguments.only not in name:
                    continue
                for worker in (old, new):
                    seconds(worker, 0)  # compiles
                pairs = []
                for number in range(arguments.rounds):
                    both = [(old, 0), (new, 1)]
                    taken = dict.fromkeys((0, 1), 0.0)
                    for worker, place in both if number % 2 else both[::-1]:
                        taken[place] = seconds(worker, number)
                    pairs.append((taken[0], taken[1]))
                ratio = median(b / a for a, b in pairs)
                ratios.append(ratio)
                micros = [1e6 * median(pair[place] for pair in pairs) for place in (0, 1)]
                rows.append((name, f"{micros[0]:.0f}", f"{micros[1]:.0f}", f"{ratio:.3f}"))
    if not rows:
        raise SystemExit(f"no measurement has {arguments.only!r} in its name: {', '.join(measurements())}")
    title = f"{arguments.new or 'working tree'} over {arguments.old}, medians of {arguments.rounds} rounds"
    show_table(title, ("measurement", "old [us]", "new [us]", "new / old"), rows)
    if arguments.mixed:
        return 0
    bar = Bar("new / old, median over all measurements", float(np.median(ratios)), BAR)
    return show_bars([bar], check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
