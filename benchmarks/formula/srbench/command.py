"""The command: which searches are asked for, their processes, and the report."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import benchmarks.formula.srbench as protocol
from benchmarks._common import positive, show_bars
from benchmarks.formula.srbench.equations import Equation, read_equations
from benchmarks.formula.srbench.methods import EVERY, ONE_THREAD, Task, python_of, run, warm_up
from benchmarks.formula.srbench.report import SOLVED, bars_of, show_result, show_summary
from benchmarks.formula.srbench.store import Store
from benchmarks.peers.environments import PeerError


def main(arguments: Sequence[str] | None = None) -> int:
    """Search, and report."""
    asked = _parser().parse_args(arguments)
    tasks, missing = _tasks(asked)
    if not tasks:
        raise SystemExit("nothing to search for; see --only, --part and --methods")
    store = Store(asked.results)
    results = [result for result in map(store.result, tasks) if result is not None]
    rest = [task for task in tasks if store.result(task) is None]
    print(f"{len(tasks)} searches, {len(results)} of them known from {asked.results}", flush=True)
    for task, fields in _searched(rest, asked.jobs):
        results.append(store.add(task, fields))
        show_result(results[-1])
    show_summary(results)
    if missing:
        print("\nNot measured:\n  " + "\n  ".join(missing))
    return show_bars(bars_of(results), check=asked.check)


def _searched(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Results of tasks as they come, from processes of one thread each."""
    if not tasks:
        return
    os.environ.update(ONE_THREAD)  # for the processes, which start anew
    warm = warm_up if any(task.method == "discover" for task in tasks) else None
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=warm)
    running = {pool.submit(run, task): task for task in tasks}
    try:
        for done in as_completed(running):
            yield running[done], done.result()
    finally:  # what has not begun when one interrupts does not begin any more
        pool.shutdown(cancel_futures=True)


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.formula srbench",
        description=protocol.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--only", type=_texts, default=(), help="names of equations: I.6.2,lv1")
    made.add_argument("--part", type=_part, default=(1, 1), help="i/n: the i-th of n interleaved parts")
    levels = ",".join(f"{noise:g}" for noise in SOLVED)
    made.add_argument("--noise", type=_levels, default=tuple(SOLVED), help=f"levels (default {levels})")
    made.add_argument("--data-seeds", type=_numbers, default=(0, 1, 2), help="default 0,1,2")
    made.add_argument("--methods", type=_methods, default=tuple(EVERY), help=f"of {','.join(EVERY)}")
    made.add_argument("--seconds", type=float, default=30.0, help="processor time of a search (default 30)")
    made.add_argument("--seed", type=int, default=0, help="of the searches")
    made.add_argument("--jobs", type=positive, default=1, help="processes, each with one thread (default 1)")
    made.add_argument("--results", type=Path, default=Path("runs/srbench.jsonl"), help="file of results")
    made.add_argument("--peer-python", help="a Python for the peers that it has, in place of an environment")
    made.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    return made


def _tasks(asked: argparse.Namespace) -> tuple[list[Task], list[str]]:
    """What is asked for in the order of the table, level by level; and which peers cannot be had, and why."""
    equations = read_equations()
    unknown = set(asked.only) - {equation.name for equation in equations}
    if unknown:
        raise SystemExit(f"no equation {', '.join(sorted(unknown))}; see equations.csv for their names")
    pythons, missing = {}, []
    for method in asked.methods:
        try:
            pythons[method] = python_of(method, asked.peer_python)
        except PeerError as error:
            missing.append(f"{method}: {error}")
    tasks = [
        Task(method, equation.name, noise, data_seed, asked.seconds, 1000, asked.seed, pythons[method])
        for noise in asked.noise
        for data_seed in asked.data_seeds
        for number, equation in enumerate(equations)
        for method in pythons
        if _is_asked_for(asked, number, equation, method)
    ]
    return tasks, missing


def _is_asked_for(asked: argparse.Namespace, number: int, equation: Equation, method: str) -> bool:
    part, parts = asked.part
    if number % parts != part - 1 or number % EVERY[method]:
        return False
    return not asked.only or equation.name in asked.only


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _levels(text: str) -> tuple[float, ...]:
    levels = tuple(map(float, text.split(",")))
    if min(levels) < 0:
        raise argparse.ArgumentTypeError(f"{text}; expected levels of at least 0, parts of the labels' RMS")
    return levels


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _methods(text: str) -> tuple[str, ...]:
    names = _texts(text)
    unknown = [name for name in names if name not in EVERY]
    if unknown:
        raise argparse.ArgumentTypeError(f"no method {', '.join(unknown)}; there are {', '.join(EVERY)}")
    return names


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    number, of = int(part), int(parts)
    if not 1 <= number <= of:
        raise argparse.ArgumentTypeError(f"{text}; expected i/n with i from 1 to n")
    return number, of


if __name__ == "__main__":
    sys.exit(main())
