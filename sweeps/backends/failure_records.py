"""Records of runs whose process was killed, hung or used too much memory, and the errors of workers.

A run whose process was killed, hung or outgrew its memory cannot tell so itself: whoever watched it writes
its record.
"""

from __future__ import annotations

import signal

from sweeps.run_one import Record, RunStatus, make_record
from sweeps.spec.run_config import RunConfig

#: How often a run is begun whose process is lost each time, before it counts as failed.
ATTEMPTS = 3


class WorkerLostError(Exception):
    """The workers are gone, or cannot be started: nothing can be computed any more."""


class StartError(WorkerLostError):
    """No worker process can be started, as where there are too many processes or open files for now."""


class StoppedError(WorkerLostError):
    """The workers were told to stop."""


class SchedulerLostError(WorkerLostError):
    """The scheduler of a cluster is gone or does not answer."""


def lost(run: RunConfig, how: str, wall_s: float) -> Record:
    """Return the record of a run whose process was lost time and again; `how` it ended the last time."""
    reason = f"worker lost: its process ended in every attempt, at last {how}"
    return make_record(run.config, RunStatus.FAILED, reason, wall_s=wall_s)


def never_answered(run: RunConfig, error: str) -> Record:
    """Return the record of a run whose task failed in every attempt for something outside the run."""
    reason = f"worker failed: no attempt came as far as an answer, the last one ended with {error}"
    return make_record(run.config, RunStatus.FAILED, reason, wall_s=0.0)


def hung(run: RunConfig, seconds: float, wall_s: float) -> Record:
    """Return the record of a run that did not end, nor answer, after its time limit of so many seconds."""
    reason = f"timeout: killed after the limit of {seconds:g} s, for it did not answer"
    return make_record(run.config, RunStatus.TIMEOUT, reason, wall_s=wall_s)


def too_large(run: RunConfig, memory: int, wall_s: float) -> Record:
    """Return the record of a run whose process used more than `memory` bytes."""
    reason = f"memory: killed, for its process used more than the limit of {memory_text(memory)}"
    return make_record(run.config, RunStatus.FAILED, reason, wall_s=wall_s)


def ending(code: int | None) -> str:
    """Say how a process ended, from its exit code.

    Examples
    --------
    >>> ending(-9), ending(3)
    ('by SIGKILL (killed from outside, or out of memory)', 'with exit code 3')
    """
    if code is None or code >= 0:
        return f"with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"by {name}" + (" (killed from outside, or out of memory)" if name == "SIGKILL" else "")


def memory_text(n_bytes: float) -> str:
    """Return a number of bytes as one writes it for `--memory`.

    Examples
    --------
    >>> memory_text(2 * 2**30), memory_text(300 * 2**20)
    ('2G', '300M')
    """
    mebibytes = n_bytes / 2**20
    return f"{mebibytes / 1024:g}G" if mebibytes >= 1024 else f"{mebibytes:.4g}M"
