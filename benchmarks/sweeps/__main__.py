"""What a sweep costs besides its training.

    python -m benchmarks.sweeps --check [--only scaling,overhead,throughput,resume,report,memory,growth]

scaling     a real sweep of at least 500 runs on one core and on two
overhead    what one more run costs besides its training, per backend
throughput  how fast the store takes runs
resume      `status`, and the same `run` again, over 100,000 finished runs
report      the report over 100,000 points
memory      the parent and its workers over a long sweep
growth      1,000, 10,000 and 100,000 runs that return at once through every engine, and what is done with
            their stores: resume, status, report, export, merge

Wants two idle cores, and some 600 MB of disk for made-up sweeps; with --room they are kept and used again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks._common import Bar, show_bars
from benchmarks.sweeps import growth, memory, overhead, report, resume, scaling, throughput

FIGURES: dict[str, Callable[[Path], list[Bar]]] = {
    module.__name__.rpartition(".")[2]: module.measure
    for module in (scaling, overhead, throughput, resume, report, memory, growth)
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweeps",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--only", default=",".join(FIGURES), help="which figures, separated by commas")
    parser.add_argument("--room", type=Path, help="keep the made-up sweeps here")
    arguments = parser.parse_args()
    names = [name.strip() for name in arguments.only.split(",")]
    unknown = sorted(set(names) - FIGURES.keys())
    if unknown:
        parser.error(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    with tempfile.TemporaryDirectory() as folder:
        room = arguments.room or Path(folder)
        room.mkdir(parents=True, exist_ok=True)
        bars = [bar for name in names for bar in FIGURES[name](room)]
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
