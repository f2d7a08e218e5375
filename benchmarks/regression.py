"""Checks that no kernel became twice as slow: ratios of times within one run against stored ratios.

    python -m benchmarks.regression --check     exits 1 when a kernel has become too slow
    python -m benchmarks.regression --update    stores the ratios of now: after kernels have changed

Time alone says nothing: a shared core is half as slow again from one minute to the next, and another core is
another core. So the time of every kernel is divided by that of a yardstick, measured right before and right
after it; the figure is the median over many rounds. Seconds are processor time of this thread, so that other
processes hardly count.

A yardstick is a fixed bit of NumPy of the kind of work that the kernel does, because what slows a core down
(a neighbour on the same core, a lower clock, narrower vectors) does not slow all work alike: `cubic_pieces`
for splines, `tanh_layer` for MLPs. Ratios among our own kernels would be blind where all of them share a slow
part, and would accuse the others where the divisor became quick. Instructions would be better to count than
seconds, but the counters of a processor are usually out of reach in containers.

In twenty runs of the unchanged code on a shared core, times varied by factors of 1.5 to 1.9 and were between
0.90 and 1.33 of the stored ones when divided by their yardsticks. So a limit of 1.5 lies between the same and
twice the time, on the kind of processor that the ratios were stored on. On others ratios shift, and the limit
is 2: it tells what is grossly slow. For more, store the ratios of an earlier revision there:

    python -m benchmarks.regression --update --ratios FILE     in the earlier revision
    python -m benchmarks.regression --check --ratios FILE      in the later one
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from llvmlite.binding import get_host_cpu_name
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, show_bars, show_table
from benchmarks.evaluations import EVALUATIONS, Call, Evaluation

RATIOS = Path(__file__).with_suffix(".json")
SAME_CPU_LIMIT = 1.5
OTHER_CPU_LIMIT = 2.0

_ROUNDS = 60
_UPDATE_ROUNDS = 300
_BATCH_S = 1e-3
#: What is over the limit is measured twice again, each time a while later; the median of the three counts.
AGAIN_AFTER_S = 5.0
_PACKAGES = ("numpy", "scipy", "numba")

_rng = np.random.default_rng(0)
_x = _rng.random(4096)
_table = _rng.normal(size=(64, 4))
_square = _rng.normal(size=(128, 128)) / np.sqrt(128)
_product = np.empty_like(_square)


def cubic_pieces() -> None:
    """One edge: a cubic of the piece in which each sample lies, and four sums by pieces."""
    piece = (64 * _x).astype(np.intp)
    c = _table[piece]
    y = ((c[:, 3] * _x + c[:, 2]) * _x + c[:, 1]) * _x + c[:, 0]
    for _ in range(4):
        np.bincount(piece, y, 64)
        y *= _x


def tanh_layer() -> None:
    """One layer of an MLP, 128 wide, 128 samples."""
    np.tanh(np.matmul(_square, _square, out=_product), out=_product)


class Batch:
    """As many calls as take about a millisecond."""

    def __init__(self, call: Call) -> None:
        self._call, self._calls = call, 1
        call()  # compiles, where nothing has before
        while (spent := self._calls * min(self.seconds() for _ in range(3))) < _BATCH_S / 4:
            self._calls *= 2
        self._calls = max(round(self._calls * _BATCH_S / spent), 1)

    def seconds(self) -> float:
        """Processor time of one call."""
        clock = time.thread_time()
        for _ in range(self._calls):
            self._call()
        return (time.thread_time() - clock) / self._calls


@dataclass(frozen=True)
class Figure:
    """What was measured of a kernel: medians over the rounds."""

    ratio: float
    micros: float


def measure(evaluations: Iterable[Evaluation], rounds: int) -> dict[str, Figure]:
    """Measure kernels over their yardsticks, in turn, `rounds` times."""
    with threadpool_limits(1):
        yardsticks = {yardstick: Batch(yardstick) for yardstick in (cubic_pieces, tanh_layer)}
        pairs = {
            evaluation.name: (
                Batch(evaluation.prepare()),
                yardsticks[tanh_layer if evaluation.network.grid is None else cubic_pieces],
            )
            for evaluation in evaluations
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in pairs}
        for _ in range(rounds):
            for name, (kernel, yardstick) in pairs.items():
                before, own, after = yardstick.seconds(), kernel.seconds(), yardstick.seconds()
                seconds[name].append((own, (before + after) / 2))
    return {
        name: Figure(median(own / unit for own, unit in found), 1e6 * median(own for own, _ in found))
        for name, found in seconds.items()
    }


def compare(stored: Mapping[str, float], limit: float) -> list[Bar]:
    """Measure all kernels and set their ratios beside the stored ones; print them."""
    found = measure(EVALUATIONS, _ROUNDS)
    suspects = [entry for entry in EVALUATIONS if found[entry.name].ratio > limit * stored[entry.name]]
    trials = [found]
    for _ in range(2 if suspects else 0):
        time.sleep(AGAIN_AFTER_S)
        trials.append(measure(suspects, _ROUNDS))
    for name in (entry.name for entry in suspects):
        found[name] = sorted((trial[name] for trial in trials), key=lambda figure: figure.ratio)[1]
    show(found, stored)
    return [Bar(name, figure.ratio / stored[name], limit) for name, figure in found.items()]


def show(found: Mapping[str, Figure], stored: Mapping[str, float]) -> None:
    rows = [
        (name, f"{figure.micros:.0f}", f"{figure.ratio:.3f}", f"{stored[name]:.3f}")
        for name, figure in found.items()
    ]
    show_table("Times over their yardstick's, 1000 samples", ("kernel", "us", "ratio", "stored"), rows)


def conditions() -> dict[str, str]:
    """The processor, by the name that the compiler has for it, and versions."""
    versions = {name: version(name) for name in _PACKAGES}
    return {"cpu": get_host_cpu_name(), "python": platform.python_version(), **versions}


def store(path: Path, rounds: int = _UPDATE_ROUNDS) -> None:
    """Write the ratios of now, and the conditions under which they were measured."""
    ratios = {name: round(figure.ratio, 4) for name, figure in measure(EVALUATIONS, rounds).items()}
    path.write_text(json.dumps({"conditions": conditions(), "ratios": ratios}, indent=2) + "\n")
    print(f"stored {len(ratios)} ratios in {path}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.regression",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a kernel has become too slow")
    parser.add_argument("--update", action="store_true", help="store the ratios of now")
    parser.add_argument("--ratios", type=Path, default=RATIOS, metavar="FILE", help="where ratios are stored")
    arguments = parser.parse_args(argv)
    if arguments.update:
        store(arguments.ratios)
        return 0
    if not arguments.ratios.is_file():
        parser.error(f"there is no {arguments.ratios}; write it with --update")
    content = json.loads(arguments.ratios.read_text())
    there, stored, here = content["conditions"], content["ratios"], conditions()
    if stored.keys() != {evaluation.name for evaluation in EVALUATIONS}:
        parser.error(f"{arguments.ratios} has the ratios of other kernels; write it anew with --update")
    print("\n".join(f"{name} {here[name]}, stored with {there[name]}" for name in here))
    limit = SAME_CPU_LIMIT if here["cpu"] == there["cpu"] else OTHER_CPU_LIMIT
    return show_bars(compare(stored, limit), check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
