"""What a worker process does: it computes the runs that it is sent, one after the other."""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sweeps._orphans import end_with
from sweeps.interrupts import ignore_terminal
from sweeps.run_one import Record, RunOptions, load_models, warm_up

#: Computes the record of a configuration; never raises. It travels by its name, so it is a module's function.
Compute = Callable[[Mapping[str, Any], RunOptions], Record]

#: What a worker sends besides records: that it has compiled its kernels, and that a batch is at its end.
READY, DONE = "ready", "done"
#: A worker that nobody gives anything to do ends by itself.
IDLE_S = 60.0
#: One model trains on one thread. Libraries that read these as they are loaded start no others.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Terms:
    """What a worker is told: what to compute, with which options, and which kinds of runs will come."""

    compute: Compute
    options: RunOptions
    kinds: tuple[Mapping[str, Any], ...] = ()


def serve(connection: Connection, terms: Terms, parent: int) -> None:
    """Compile kernels, then answer batches of configurations: every record as soon as it is computed.

    A batch comes with a number of seconds, after which no further run of it is begun.
    """
    prepare_worker(parent)
    warm_up(terms.kinds)
    try:
        connection.send(READY)
        while connection.poll(IDLE_S):
            configs, options, seconds = connection.recv()
            end = time.monotonic() + seconds
            for config in configs:
                connection.send(terms.compute(config, options))
                if time.monotonic() >= end:
                    break
            connection.send(DONE)
    except (EOFError, OSError):
        return  # the process that gave the work is gone


def prepare_worker(parent: int) -> None:
    """Prepare a fresh worker process: one thread, Ctrl-C ignored, and an end with its parent.

    `parent` is the process id of the one that started it.
    """
    from threadpoolctl import threadpool_limits

    end_with_parent(parent)
    load_models()
    threadpool_limits(limits=1)
    # What is imported by now stays: the collector need not walk through it time and again.
    gc.freeze()


def end_with_parent(parent: int) -> None:
    """Leave Ctrl-C to the parent process, whose id is `parent`, and end when it has ended, however it did."""
    ignore_terminal()
    if sys.platform == "linux":
        # The kernel ends it even where a run holds on to the interpreter and no thread of Python's can run.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    end_with(parent)
