"""Carries out a plan: one process computes or distributes the runs, and writes all records to the store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sweeps._plural import counted
from sweeps.backends import (
    DEFAULT_BACKEND,
    Backend,
    Compute,
    Resources,
    WorkerLostError,
    check_choice,
    get_backend,
    worker_count,
)
from sweeps.interrupts import StopSignals
from sweeps.progress import Tally, make_progress
from sweeps.run_one import RunOptions, warm_up
from sweeps.spec.plan import Plan
from sweeps.storage.store import Store

#: Takes a line of text for the user.
Say = Callable[[str], None]


class SweepEnd(StrEnum):
    """How a sweep ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    WORKER_LOST = "the workers were lost"


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
    """How a plan is carried out; none of it changes a result.

    `scheduler` is the address of a Dask cluster, `memory` how many bytes a worker process may use.
    """

    backend: str = DEFAULT_BACKEND
    jobs: int = -1
    progress: str = "auto"
    scheduler: str | None = None
    memory: int | None = None


def run_plan(
    store: Store,
    plan: Plan,
    run_options: RunOptions,
    runner_options: RunnerOptions,
    say: Say,
    compute: Compute | None = None,
    backend: Backend | None = None,
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
    compute : callable, optional
        Makes the record of a configuration in place of `run_one`; a function of an importable module.
    backend : callable, optional
        Computes the runs in place of the backend that `runner_options` names.

    Returns
    -------
    Outcome
        Ctrl-C, SIGTERM and a lost scheduler are outcomes, not exceptions: what was complete is stored.

    Raises
    ------
    UserError
        For an unknown backend or display, resources that the backend cannot give, and if the store cannot
        be written.
    """
    if not plan.todo:  # then no engine is asked for, which takes longer to load than the store to read
        return Outcome(SweepEnd.FINISHED, "", 0, 0, 0, 0.0, 0.0)
    named, resources = _engine(len(plan.todo), runner_options, say)
    tally = Tally(plan.todo)
    progress = make_progress(runner_options.progress, tally)
    end, message = SweepEnd.FINISHED, ""
    try:
        with StopSignals() as signals:
            if compute is None and resources.scheduler is None:
                say("compiling kernels once, or loading them from the cache ...")
                warm_up(run.config for run in plan.todo)
            signals.check()
            tally.restart_clock()
            say(f"{counted(len(plan.todo), 'run')} to do {_place(runner_options.backend, resources)}")
            groups = (backend or named)(plan.todo, run_options, resources, compute)
            with contextlib.closing(groups), progress:
                for records in groups:
                    with signals.held():
                        store.add_all(records)
                        for record in records:
                            tally.add(record)
                    progress.update()
    except KeyboardInterrupt:
        end = SweepEnd.INTERRUPTED
    except WorkerLostError as error:
        end, message = SweepEnd.WORKER_LOST, str(error)
    return Outcome(
        end, message, tally.done, tally.failed, tally.models, tally.elapsed_s, tally.models_per_minute
    )


def _engine(n_runs: int, asked: RunnerOptions, say: Say) -> tuple[Backend, Resources]:
    """Return the backend that was asked for and its resources.

    A single process is a worker too, not this one: a run that takes its process with it must leave this one,
    which writes its record.
    """
    backend = get_backend(asked.backend)
    check_choice(asked.backend, asked.scheduler, asked.memory)
    jobs = min(worker_count(asked.jobs), n_runs)
    return backend, Resources(jobs, asked.memory, asked.scheduler, say)


def _place(name: str, resources: Resources) -> str:
    if name == "sequential":
        return "in this process"
    if resources.scheduler is not None:
        return f"on the Dask cluster at {resources.scheduler}"
    one, many = ("Dask worker", "Dask workers") if name == "dask" else ("process", "processes")
    return f"in {resources.jobs} {many if resources.jobs > 1 else one}"
