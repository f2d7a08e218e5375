"""The resources that a sweep may use: number of processes, memory of each, a cluster."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.errors import UserError

_STATM = Path("/proc/self/statm")


@dataclass(frozen=True)
class Resources:
    """What the runs of a sweep are given; none of it changes a result.

    `jobs` is how many processes this machine lends, `memory` how many bytes each of them may use (None:
    all there are), `scheduler` the address of a Dask cluster (None: one is started here); `say` takes a line
    for the user about them, such as that there are none at the moment.
    """

    jobs: int = 1
    memory: int | None = None
    scheduler: str | None = None
    say: Callable[[str], object] = field(default=lambda line: None, compare=False, repr=False)


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


def check_choice(backend: str, scheduler: str | None, memory: int | None) -> None:
    """Raise a UserError if these do not go together, or what they need is missing here."""
    if scheduler is not None and backend != "dask":
        raise UserError(f"a scheduler goes with the backend dask, not with {backend}: add --backend dask.")
    if scheduler is not None and "://" not in scheduler:
        raise UserError(
            f"scheduler is {scheduler!r}; expected the address that `dask scheduler` prints, "
            "such as tcp://10.0.0.1:8786."
        )
    if backend == "dask" and importlib.util.find_spec("distributed") is None:
        raise UserError("the backend dask needs the package distributed: pip install 'kan_np[dask]'")
    if memory is None:
        return
    if backend == "sequential":
        raise UserError("a memory limit needs worker processes, which can be stopped: use --backend loky.")
    if not _STATM.exists() and importlib.util.find_spec("psutil") is None:
        raise UserError("on this system a memory limit needs the package psutil: pip install psutil")


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, 0 once it is gone.

    It is what the kernel counts when memory runs out, and what a batch system's limit is about. Address
    space, which a process can be denied by itself (RLIMIT_AS), is another matter: compilers and BLAS reserve
    far more of it than they touch.
    """
    if _STATM.exists():
        import resource

        try:
            return int((_STATM.parents[1] / f"{pid}/statm").read_text().split()[1]) * resource.getpagesize()
        except (OSError, IndexError):
            return 0
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
