"""Where runs are computed: in this process, or in worker processes.

A backend is a function (runs, options, jobs) -> generator of records, in the order in which they are
completed. Every one computes the same numbers, for a run depends on its configuration only and every process
is held to one thread. A further backend is one more entry of `BACKENDS`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence

from sweeps.checks import nearest
from sweeps.errors import UserError
from sweeps.run_one import Record, RunOptions, run_one
from sweeps.space import RunConfig

Backend = Callable[[Sequence[RunConfig], RunOptions, int], Generator[Record, None, None]]

_ORPHAN_CHECK_S = 0.5


class WorkerLostError(Exception):
    """A worker process ended while it was computing: killed from outside, or out of memory."""


def sequential(runs: Sequence[RunConfig], options: RunOptions, jobs: int) -> Generator[Record, None, None]:
    """Compute one run after the other in this process; `jobs` is not used."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        for run in runs:
            yield run_one(run.config, options)


def loky(runs: Sequence[RunConfig], options: RunOptions, jobs: int) -> Generator[Record, None, None]:
    """Compute `jobs` runs at a time in worker processes (joblib, loky).

    Closing the iterator early kills the workers.

    Raises
    ------
    WorkerLostError
        If a worker process dies.
    """
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import BrokenProcessPool

    records: Generator[Record, None, None] | None = None
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1), _deaf_children():
            parallel = Parallel(
                n_jobs=jobs, return_as="generator_unordered", max_nbytes=None, initializer=prepare_worker
            )
            records = parallel(delayed(run_one)(run.config, options) for run in runs)
        # `yield from` would close joblib's generator outside of the block that silences its warning.
        for record in records:  # noqa: UP028
            yield record
    except BrokenProcessPool as error:
        raise WorkerLostError(str(error).split("\n", 1)[0]) from None
    finally:
        with warnings.catch_warnings():
            # joblib warns about records that are given up; giving them up is what closing is for.
            warnings.simplefilter("ignore")
            if records is not None:
                records.close()


BACKENDS: dict[str, Backend] = {"sequential": sequential, "loky": loky}


def get_backend(name: str) -> Backend:
    """Return the backend of that name.

    Raises
    ------
    UserError
        If there is none; the message gives the choices and the nearest spelling.
    """
    if name in BACKENDS:
        return BACKENDS[name]
    raise UserError(f"backend is {name!r}; expected one of {', '.join(BACKENDS)}.{nearest(name, BACKENDS)}")


def worker_count(jobs: int) -> int:
    """Return the number of worker processes that `jobs` stands for: -1 is every core this process may use.

    Raises
    ------
    UserError
        For 0.

    Examples
    --------
    >>> worker_count(3)
    3
    """
    check_jobs(jobs)
    if jobs > 0:
        return jobs
    from joblib import cpu_count

    return max(1, cpu_count() + 1 + jobs)


def check_jobs(jobs: int) -> None:
    """Raise a UserError if `jobs` stands for no number of processes."""
    if jobs == 0:
        raise UserError(
            "jobs is 0; expected a number of processes, or -1 for one per core, -2 for all cores but one."
        )


@contextlib.contextmanager
def _deaf_children() -> Iterator[None]:
    """Start processes in the block that Ctrl-C does not reach, and put off signals of this one to its end.

    Ctrl-C goes to every process of a terminal; the parent is the one that answers and ends its workers. They
    inherit a mask that blocks SIGINT, where there are masks, and keep it until `prepare_worker`. SIGINT and
    SIGTERM of the parent are noted and raised again after the block, so that none is lost and none cuts the
    start in two.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda number, _: noted.append(number)) for number in numbers}
    unblock = _block_interrupt()
    try:
        yield
    finally:
        unblock()  # a signal that waited is noted here
        for number, handler in previous.items():
            signal.signal(number, handler)
        for late in noted:
            signal.raise_signal(late)


def _block_interrupt() -> Callable[[], object]:
    """Block SIGINT in this thread, and what it starts, where there are masks; return what undoes it."""
    if not hasattr(signal, "pthread_sigmask"):
        return lambda: None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    return lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prepare_worker() -> None:
    """Make a fresh worker process fit for its work: one thread, deaf to Ctrl-C, gone when its parent is."""
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threadpool_limits(limits=1)
    # What is imported by now stays. Where psutil is not installed loky collects garbage every second, and
    # would walk through a hundred thousand such objects each time: some 3 % of a worker.
    gc.freeze()
    if os.name == "posix":
        threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()


def _exit_with_parent(parent: int) -> None:
    """End this process once its parent is gone (killed), rather than compute what nobody will collect."""
    while os.getppid() == parent:
        time.sleep(_ORPHAN_CHECK_S)
    os._exit(1)
