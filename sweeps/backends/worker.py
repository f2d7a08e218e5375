"""What a worker process does: one run after the other, until nobody asks for more."""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sweeps._orphans import end_with
from sweeps.interrupts import ignore_terminal
from sweeps.run_one import Record, RunOptions, load_models, warm_up

#: Computes the record of a configuration; never raises. It travels by its name, so it is a module's function.
Compute = Callable[[Mapping[str, Any], RunOptions], Record]

READY = "ready"
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
    """Warm up, say so, and answer every configuration with its record, as soon as it is there."""
    prepare_worker(parent)
    warm_up(terms.kinds)
    try:
        connection.send(READY)
        while connection.poll(IDLE_S):
            configs, options = connection.recv()
            for config in configs:
                connection.send(terms.compute(config, options))
    except (EOFError, OSError):
        return  # whoever gave the work is gone


def prepare_worker(parent: int) -> None:
    """Make a fresh worker process fit for its work: one thread, deaf to Ctrl-C, gone when its parent is.

    `parent` is the process id of the one that started it.
    """
    from threadpoolctl import threadpool_limits

    ignore_terminal()
    if sys.platform == "linux":
        # The kernel ends it even where a run holds on to the interpreter and no thread of Python's can run.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    end_with(parent)
    load_models()
    threadpool_limits(limits=1)
    # What is imported by now stays: the collector need not walk through it time and again.
    gc.freeze()
