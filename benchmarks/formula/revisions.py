"""`discover` of two revisions against each other: processor time and exact formulas, in turn.

    python -m benchmarks.formula.revisions v1.0            # against the working tree
    python -m benchmarks.formula.revisions v1.0 main --suites toys,others --check

Each revision is unpacked into a folder for temporary files, with kernels of its own, and answers from a
process of its own, which has compiled before. For each function one searches after the other, the first of
them in turn. The toys and the Feynman functions have one data seed, the others two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks._common import Bar, show_bars, show_table
from benchmarks.formula.problems import SUITES
from benchmarks.revisions import unpack

#: New may take this part of the processor time of old.
BAR = 0.60
#: Data seeds of each suite.
DATA_SEEDS = {"toys": (0,), "feynman": (0,), "others": (11, 12)}
#: Functions that have all kernels compiled which a search can need.
_WARM = ("product", "phase")
_ANSWER = "--answer"


class _Searcher:
    """A process that searches with the kan_np of one folder."""

    def __init__(self, folder: Path) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = {**os.environ, **threads, "PYTHONPATH": str(folder)}
        environment["NUMBA_CACHE_DIR"] = str(folder / "kernels")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.formula.revisions", _ANSWER],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def search(self, suite: str, name: str, data_seed: int) -> dict[str, Any]:
        """The answer of `_answer` for one function."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([suite, name, data_seed]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the search for {name} ended its process; see what it said above")
        return dict(json.loads(line))

    def __enter__(self) -> _Searcher:
        for name in _WARM:
            self.search("toys", name, 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


def _answer() -> None:
    """Read what is asked line by line, and write seconds of processor time and whether it is exact."""
    from benchmarks.formula.searched import EXACT, searched

    for line in sys.stdin:
        suite, name, data_seed = json.loads(line)
        (problem,) = (problem for problem in SUITES[suite]() if problem.name == name)
        _, cpu, error = searched(problem, data_seed=data_seed)
        print(json.dumps({"cpu": cpu, "exact": error < EXACT}), flush=True)


def main() -> int:
    """Compare two revisions."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("old", help="a revision, as git knows it")
    made.add_argument("new", nargs="?", help="another one (default: the working tree)")
    made.add_argument("--suites", default=",".join(SUITES), help="of toys, feynman, others (default: all)")
    made.add_argument("--only", default="", help="functions whose name has this in it")
    made.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    asked = made.parse_args()
    suites = asked.suites.split(",")
    if not set(suites) <= SUITES.keys():
        raise SystemExit(f"--suites has {asked.suites!r}; expected some of {', '.join(SUITES)}")
    with tempfile.TemporaryDirectory() as room:
        folders = []
        for name, revision in (("old", asked.old), ("new", asked.new)):
            (Path(room) / name).mkdir()
            folders.append(unpack(revision, Path(room) / name))
        with _Searcher(folders[0]) as old, _Searcher(folders[1]) as new:
            answers = {suite: _compared(suite, asked.only, old, new) for suite in suites}
    return show_bars(_bars(answers), check=asked.check)


def _compared(suite: str, only: str, old: _Searcher, new: _Searcher) -> list[list[dict[str, Any]]]:
    """Answers of both for the functions of a suite, which are shown."""
    tasks = [
        (problem.name, seed)
        for seed in DATA_SEEDS[suite]
        for problem in SUITES[suite]()
        if only in problem.name
    ]
    found, rows = [], []
    for number, (name, seed) in enumerate(tasks):
        turn = [new, old] if number % 2 else [old, new]
        answered = {searcher: searcher.search(suite, name, seed) for searcher in turn}
        pair = [answered[old], answered[new]]
        found.append(pair)
        verdicts = ["exact" if answer["exact"] else "-" for answer in pair]
        rows.append((name, str(seed), *(f"{answer['cpu']:.1f}" for answer in pair), *verdicts))
        print(*rows[-1], file=sys.stderr, flush=True)
    show_table(f"discover, {suite}", ("function", "data seed", "old [s]", "new [s]", "old", "new"), rows)
    return found


def _bars(answers: dict[str, list[list[dict[str, Any]]]]) -> list[Bar]:
    """Of the benchmark's own functions together, and of the others."""
    bars = []
    for title, suites in (("toys and Feynman", ("toys", "feynman")), ("ten others", ("others",))):
        pairs = [pair for suite in suites for pair in answers.get(suite, [])]
        if pairs:
            seconds = [sum(pair[k]["cpu"] for pair in pairs) for k in (0, 1)]
            exact = [sum(pair[k]["exact"] for pair in pairs) for k in (0, 1)]
            text = f"{title}, {len(pairs)} searches, {seconds[0]:.0f} and {seconds[1]:.0f} s"
            bars.append(Bar(f"{text}: new / old", seconds[1] / seconds[0], BAR))
            bars.append(
                Bar(f"{title}: exact of old beyond {exact[1]} of new", float(exact[0] - exact[1]), 0.0)
            )
    return bars


if __name__ == "__main__":
    if _ANSWER in sys.argv:
        _answer()
    else:
        raise SystemExit(main())
