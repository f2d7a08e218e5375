"""Fuzzing: mutated model files, tables, specifications and stores are read for a number of minutes.

    python -m benchmarks.fuzz --minutes 5 --check
    python -m benchmarks.fuzz --only model:1234

Every file has a number, from which it is made; the number of a failure makes it again with `--only`. The
readers work in a process of their own with bounded memory, which is killed when it does not answer; a new one
goes on with the next number.

Bars: no crash, no hang, no undocumented error, nothing above the bounds of time and memory of `_readers`.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks._common import Bar, show_bars, show_table
from benchmarks._mutations import KINDS, mutated
from benchmarks._readers import BOUNDS, read

#: Address space beyond that of a process that has everything loaded.
_ROOM = 3 * 2**30
#: Of real time, on a machine that may be busy; and for the start of a process, with compiling.
_PATIENCE, _START_S = 12.0, 300.0
_SHOWN = 20


class Child:
    """A process that reads one file after another."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.fuzz", "--child"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._answer(_START_S)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self.end()
            return {"answer": "hang", "what": f"no answer within {seconds:g} s"}
        if not line:
            return {"answer": "crash", "what": f"the process ended with code {self._process.wait()}"}
        return dict(json.loads(line))

    def read(self, kind: str, number: int) -> dict[str, Any]:
        """What came of a file."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kind} {number}\n".encode())
        self._process.stdin.flush()
        return self._answer(_PATIENCE * BOUNDS[kind][0])

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()


def child() -> None:
    """Answer numbers on stdin by what came of their files, on stdout, until there are no more."""
    import resource

    with tempfile.TemporaryDirectory() as folder, os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what readers print is not an answer
        for kind in KINDS:  # numbers 0 load and compile everything
            answer(kind, 0, Path(folder))
        pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
        room = pages * resource.getpagesize() + _ROOM
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        print("{}", file=answers, flush=True)
        for line in sys.stdin:
            kind, number = line.split()
            print(json.dumps(answer(kind, int(number), Path(folder))), file=answers, flush=True)


def answer(kind: str, number: int, folder: Path) -> dict[str, Any]:
    """Make a file, give it to its readers, and measure them."""
    data = mutated(kind, number)
    before, clock = _reset_peak(), time.process_time()
    try:
        found, what = read(kind, data, folder), ""
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        found, what = "error", f"{type(error).__name__}: {str(error)[:200]} ({where.name}:{where.lineno})"
    seconds, megabytes = time.process_time() - clock, _peak() - before
    allowed = BOUNDS[kind][0], BOUNDS[kind][1] + 4 * len(data) / 1e6
    if found != "error" and (seconds > allowed[0] or megabytes > allowed[1]):
        found, what = "bound", f"{seconds:.1f} s, {megabytes:.0f} MB"
    return {"answer": found, "what": what, "seconds": seconds, "megabytes": megabytes}


def _reset_peak() -> float:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return _peak()


def _peak() -> float:
    """Largest resident memory in megabytes since the reset; 0 where that cannot be told."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmHWM:")[1].split()[0]) / 1000.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--start", type=int, default=1, help="the first number")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--only", metavar="KIND:NUMBER", help="one file, again, with its traceback")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child()
        return 0
    if arguments.only:
        kind, _, number = arguments.only.partition(":")
        with tempfile.TemporaryDirectory() as folder:
            print(read(kind, mutated(kind, int(number)), Path(folder)))
        return 0
    return _fuzz(arguments.minutes, arguments.start, arguments.kinds, check=arguments.check)


def _fuzz(minutes: float, start: int, kinds: tuple[str, ...], *, check: bool) -> int:
    counts: Counter[tuple[str, str]] = Counter()
    slowest = dict.fromkeys(kinds, 0.0)
    largest = dict.fromkeys(kinds, 0.0)
    failures: list[tuple[str, str]] = []
    # the time is shared evenly: models take a millisecond, stores a hundred times as much
    for kind in kinds:
        worker, number = Child(), start
        end = time.monotonic() + 60.0 * minutes / len(kinds)
        while time.monotonic() < end:
            if not worker.alive:
                worker = Child()
            found = worker.read(kind, number)
            counts[kind, found["answer"]] += 1
            slowest[kind] = max(slowest[kind], found.get("seconds", 0.0))
            largest[kind] = max(largest[kind], found.get("megabytes", 0.0))
            if found["answer"] not in ("read", "refused"):
                failures.append((f"{kind}:{number}", f"{found['answer']}: {found['what']}"))
            number += 1
        worker.end()
    rows = []
    for kind in kinds:
        found = [counts[kind, name] for name in ("read", "refused", "error", "bound", "hang", "crash")]
        rows.append((kind, *found, f"{slowest[kind]:.2f}", f"{largest[kind]:.0f}"))
    header = ("files", "read", "refused", "errors", "too much", "hangs", "crashes", "longest s", "most MB")
    show_table("What became of the files", header, rows)
    for name, what in failures[:_SHOWN]:
        print(f"--only {name}  {what}")
    if len(failures) > _SHOWN:
        print(f"and {len(failures) - _SHOWN} more")
    return show_bars([Bar("files that broke a promise", len(failures), 0)], check=check)


if __name__ == "__main__":
    raise SystemExit(main())
