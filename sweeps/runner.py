"""Carrying out a plan: one process computes or hands out runs, and the same one writes every record."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sweeps.backends import WorkerLostError, get_backend, sequential, worker_count
from sweeps.interrupts import StopSignals
from sweeps.plan import Plan
from sweeps.progress import Tally, make_progress
from sweeps.run_one import RunOptions, warm_up
from sweeps.store import Store


class SweepEnd(StrEnum):
    """How a sweep ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    WORKER_LOST = "a worker process was lost"


@dataclass(frozen=True)
class Outcome:
    """What a sweep did: how it ended, and what it added to the store."""

    end: SweepEnd
    message: str
    done: int
    failed: int
    models: int
    wall_s: float
    models_per_minute: float


@dataclass(frozen=True)
class RunnerOptions:
    """How a plan is carried out; none of it changes a result."""

    backend: str = "loky"
    jobs: int = -1
    progress: str = "auto"


def run_plan(
    store: Store,
    plan: Plan,
    run_options: RunOptions,
    runner_options: RunnerOptions,
    say: Callable[[str], None],
) -> Outcome:
    """Launch what a plan has to do and store every record as soon as it is there.

    Parameters
    ----------
    store : Store
        Open for writing.
    plan : Plan
        Its `todo` is launched, in its order.
    run_options : RunOptions
        What every run is told.
    runner_options : RunnerOptions
        Backend, number of processes, display.
    say : callable
        Takes a line of text for the user.

    Returns
    -------
    Outcome
        Ctrl-C, SIGTERM and a lost worker are outcomes, not exceptions: what was complete is stored.

    Raises
    ------
    UserError
        For an unknown backend or display, and if the store cannot be written.
    """
    backend = get_backend(runner_options.backend)
    jobs = min(worker_count(runner_options.jobs), len(plan.todo)) if plan.todo else 0
    if jobs <= 1:
        backend = sequential
    tally = Tally(plan.todo)
    progress = make_progress(runner_options.progress, tally)
    end, message = SweepEnd.FINISHED, ""
    try:
        with StopSignals() as signals:
            if plan.todo:
                say("compiling kernels once, or loading them from the cache ...")
                warm_up(run.config for run in plan.todo)
                signals.check()
                tally.restart_clock()
                where = "in this process" if backend is sequential else f"in {jobs} processes"
                say(f"{len(plan.todo)} runs to do {where}")
            with progress, contextlib.closing(backend(plan.todo, run_options, jobs)) as records:
                for record in records:
                    with signals.held():
                        store.add(record)
                        tally.add(record)
                    progress.update()
    except KeyboardInterrupt:
        end = SweepEnd.INTERRUPTED
    except WorkerLostError as error:
        end, message = SweepEnd.WORKER_LOST, str(error)
    return Outcome(
        end, message, tally.done, tally.failed, tally.models, tally.elapsed_s, tally.models_per_minute
    )
