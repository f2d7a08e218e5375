"""1,000, 10,000 and 100,000 runs that return at once: what sweeps cost, and how it grows with their number.

Beside the engines stand the commands that work on a finished store. A cost that is linear in the number of
runs shows as ten times the seconds for ten times the runs, less what a command takes to start.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks._common import Bar, show_table
from benchmarks.sweeps._command import MIB, Ended, call, tell
from benchmarks.sweeps._synthetic import SINGLES
from sweeps.storage.store import Store

#: What makes the specification of 100,000 runs one of a tenth of them, and that again: one function of ten,
#: then one grid of ten and one in ten of the MLPs.
_FEWER = (
    ((r"tasks = .*", 'tasks = ["ellipj"]'),),
    (
        (r"grids = .*", "grids = [[5]]"),
        (r"restarts = .*", "restarts = [1]"),
        (r"steps = .*", "steps = [50, 100]"),
    ),
)
SIZES = (1_000, 10_000, 100_000)
#: How often ten times the runs may cost more than ten times as much, in all.
GROWTH_BAR = 13.0
MS_BAR = 3.0


def measure(room: Path) -> list[Bar]:
    """Carry every sweep out in `room`."""
    engines = {"sequential": 1, "threading": 2} | ({"dask": 2} if find_spec("distributed") else {})
    rows, bars, commands = [], [], []
    with tempfile.TemporaryDirectory(dir=room) as name:
        folder = Path(name)
        for engine, jobs in engines.items():
            seconds = []
            for size in SIZES:
                out = folder / f"{engine}-{size}"
                ended = _sweep(folder, out, size, engine, jobs)
                seconds.append(float(ended.output.split()[-1]))
                rows.append(_engine_row(engine, jobs, size, seconds, ended, out))
            bars.append(Bar(f"{engine}, ms a run of {SIZES[-1]}", 1e3 * seconds[-1] / SIZES[-1], MS_BAR))
            bars.append(Bar(f"{engine}, times from {SIZES[-2]} runs", seconds[-1] / seconds[-2], GROWTH_BAR))
        _same_results([folder / f"{engine}-{SIZES[0]}" for engine in engines])
        commands += [_commands(folder, folder / f"sequential-{size}", size) for size in SIZES]
    engine_header = ("engine", "runs", "seconds", "runs a second", "times", "parent MiB", "store MiB")
    show_table("Runs that return at once", engine_header, rows)
    names = list(commands[0])
    table = [
        (name, *(f"{found[name].seconds:.1f}" for found in commands), f"{commands[-1][name].peak_mib:.0f}")
        for name in names
    ]
    header = ("seconds of a command", *(f"{size} runs" for size in SIZES), "peak MiB")
    show_table("What is done with a store", header, table)
    for name in names:
        times = commands[-1][name].seconds / commands[-2][name].seconds
        bars.append(Bar(f"{name}, times from {SIZES[-2]} runs", times, GROWTH_BAR))
    return bars


def specification(size: int) -> str:
    """Return a specification of so many runs, one of `SIZES`."""
    text = SINGLES
    for fewer in _FEWER[: len(SIZES) - 1 - SIZES.index(size)]:
        for pattern, line in fewer:
            text = re.sub(pattern, line, text)
    return text


def _sweep(folder: Path, out: Path, size: int, engine: str, jobs: int) -> Ended:
    tell(f"{size} runs that return at once, {engine} ...")
    spec = folder / f"{size}.toml"
    spec.write_text(specification(size))
    return call(spec, out, engine, jobs, module="benchmarks.sweeps._simulate")


def _engine_row(
    engine: str, jobs: int, size: int, seconds: list[float], ended: Ended, out: Path
) -> tuple[str, ...]:
    return (
        f"{engine}, {jobs} process{'es' if jobs > 1 else ''}",
        str(size),
        f"{seconds[-1]:.1f}",
        f"{size / seconds[-1]:.0f}",
        f"{seconds[-1] / seconds[-2]:.1f}" if len(seconds) > 1 else "",
        f"{ended.peak_mib:.0f}",
        f"{(out / 'results.db').stat().st_size / MIB:.1f}",
    )


def _same_results(outs: list[Path]) -> None:
    found = []
    for out in outs:
        with Store.open(out, readonly=True) as store:
            assert store.counts()["missing"] == 0
            found.append((store.finished_ids(), store.stages()["test_rmse"].tobytes()))
    assert all(one == found[0] for one in found)


def _commands(folder: Path, out: Path, size: int) -> dict[str, Ended]:
    tell(f"commands over {size} runs ...")
    spec, joined = folder / f"{size}.toml", folder / f"joined-{size}"
    ended = {
        "resume": call("run", spec, "--out", out, "--no-report", "--progress", "none"),
        "status": call("status", out),
        "status --watch": call("status", out, "--watch"),
        "report": call("report", out),
        "export to CSV": call("export", out, "-o", folder / "runs.csv"),
        "export to JSON lines": call("export", out, "-o", folder / "runs.jsonl"),
        "merge": call("merge", out, "--out", joined, "--no-report"),
        "repair": call("repair", out, "--out", folder / f"repaired-{size}"),
    }
    assert f"nothing to launch: all {size} runs" in ended["resume"].output
    shutil.rmtree(joined)
    shutil.rmtree(folder / f"repaired-{size}")
    return ended
