"""Time of the README's first command for a new user: empty kernel cache, quick preset, report included.

    python -m benchmarks.quick_sweep --check

Bars: at least 300 models (a grid stage counts as one) of both families, several shapes and at least two
seeds, in at most 240 s on two cores; the same command again launches nothing.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS_BAR = 300
SECONDS_BAR = 240.0


def sweep(out: Path, cache: Path, jobs: int) -> tuple[float, str]:
    """Run the command; seconds and what it printed."""
    command = [sys.executable, "-m", "sweeps", "run", "special", "--preset", "quick"]
    clock = time.perf_counter()
    result = subprocess.run(
        [*command, "--out", str(out), "--jobs", str(jobs)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - clock, result.stdout + result.stderr


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="keep the sweep here")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        out = arguments.out or room / "special"
        seconds, _ = sweep(out, room / "cache", arguments.jobs)
        again, printed = sweep(out, room / "cache", arguments.jobs)
        table = room / "runs.csv"
        subprocess.run(
            [sys.executable, "-m", "sweeps", "export", str(out), "-o", str(table)],
            check=True,
            capture_output=True,
        )
        rows = list(csv.DictReader(table.open()))
    families = {row["family"] for row in rows}
    shapes = {row["p_width"] for row in rows}
    seeds = {row["seed"] for row in rows}
    failed = {row["run_id"] for row in rows if row["status"] != "ok"}
    print(
        f"{len(rows)} models of {len(families)} families, {len(shapes)} shapes, {len(seeds)} seeds "
        f"(bar {MODELS_BAR}, 2, several, 2); {len(failed)} failed runs"
    )
    print(
        f"{seconds:.0f} s with {arguments.jobs} jobs, compiling and report included (bar {SECONDS_BAR:.0f}): "
        f"{60 * len(rows) / seconds:.0f} models a minute"
    )
    print(f"the same command again: {again:.0f} s, launched nothing: {'nothing to launch' in printed}")
    met = (
        len(rows) >= MODELS_BAR
        and len(families) == 2
        and len(shapes) > 3
        and len(seeds) >= 2
        and seconds <= SECONDS_BAR
        and "nothing to launch" in printed
    )
    print("all bars met" if met else "a bar is missed")
    return 1 if arguments.check and not met else 0


if __name__ == "__main__":
    raise SystemExit(main())
