"""Where runs are computed: in this process, in worker processes, or on a cluster.

A backend is a function (runs, options, resources, compute) -> generator of records as they are completed, in
lists of those that came together. Every one computes the same numbers, for a run depends on its configuration
only and every process is held to one thread. Nothing but configurations travels to workers: they make the
data themselves.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import Protocol

from sweeps.backends.failure_records import SchedulerLostError, WorkerLostError
from sweeps.backends.joblib_backends import check_joblib_backend, joblib_backend_names
from sweeps.backends.process_pool import DEFAULT_JOBLIB_BACKEND, ProcessPool
from sweeps.backends.resources import Resources, check_choice, check_jobs, worker_count
from sweeps.backends.worker import Compute, Terms
from sweeps.checks import nearest
from sweeps.errors import UserError
from sweeps.run_one import Record, RunOptions, load_models, run_one, tiny_configs
from sweeps.spec.run_config import RunConfig

__all__ = [
    "BACKENDS",
    "DEFAULT_BACKEND",
    "Backend",
    "Compute",
    "Resources",
    "SchedulerLostError",
    "WorkerLostError",
    "check_choice",
    "check_jobs",
    "dask",
    "get_backend",
    "loky",
    "sequential",
    "threading",
    "with_joblib",
    "worker_count",
]


class Backend(Protocol):
    """Computes runs; closing the generator early stops its workers.

    `compute` makes the record of a configuration, `run_one` if not given; it is a function of a module that
    workers can import.
    """

    def __call__(
        self,
        runs: Sequence[RunConfig],
        options: RunOptions,
        resources: Resources,
        compute: Compute | None = None,
    ) -> Generator[list[Record], None, None]: ...


def sequential(
    runs: Sequence[RunConfig],
    options: RunOptions,
    resources: Resources,
    compute: Compute | None = None,
) -> Generator[list[Record], None, None]:
    """Compute one run after the other in this process; `resources` are not used."""
    from threadpoolctl import threadpool_limits

    load_models()
    with threadpool_limits(limits=1):
        for run in runs:
            yield [(compute or run_one)(run.config, options)]


def with_joblib(
    joblib_backend: str,
    runs: Sequence[RunConfig],
    options: RunOptions,
    resources: Resources,
    compute: Compute | None = None,
) -> Generator[list[Record], None, None]:
    """Compute `resources.jobs` runs at a time in worker processes, which a backend of joblib hands them to.

    Raises
    ------
    WorkerLostError
        If workers cannot be started. One that is lost later is replaced, see
        `sweeps.backends.process_pool.ProcessPool`.
    """
    terms = terms_for(runs, options, compute)
    with ProcessPool(resources.jobs, terms, resources.memory, joblib_backend) as pool:
        yield from pool.compute(runs)


threading: Backend = partial(with_joblib, "threading")
loky: Backend = partial(with_joblib, "loky")


def dask(
    runs: Sequence[RunConfig],
    options: RunOptions,
    resources: Resources,
    compute: Compute | None = None,
) -> Generator[list[Record], None, None]:
    """Compute on a Dask cluster: the one of `resources.scheduler`, or one of `jobs` processes started here.

    Raises
    ------
    UserError
        If no scheduler answers at the address, or its installation does not go together with this one.
    SchedulerLostError
        If the scheduler is gone.
    WorkerLostError
        If its workers cannot compute anything.
    """
    from sweeps.backends.cluster import compute_on_cluster

    yield from compute_on_cluster(runs, terms_for(runs, options, compute), resources)


def terms_for(runs: Sequence[RunConfig], options: RunOptions, compute: Compute | None) -> Terms:
    """Return what the workers are told; only runs of this package need compiled kernels."""
    if compute is not None:
        return Terms(compute, options)
    return Terms(run_one, options, tuple(tiny_configs(run.config for run in runs)))


#: The backends that are always there; others are those of joblib, by name.
BACKENDS: dict[str, Backend] = {"sequential": sequential, "threading": threading, "loky": loky, "dask": dask}
DEFAULT_BACKEND = DEFAULT_JOBLIB_BACKEND


def get_backend(name: str) -> Backend:
    """Return the backend of that name: one of `BACKENDS`, or any other one that is registered with joblib.

    Raises
    ------
    UserError
        If there is none; the message gives the choices and the nearest spelling.
    """
    if name in BACKENDS:
        return BACKENDS[name]
    names = list(dict.fromkeys([*BACKENDS, *joblib_backend_names()]))
    if name not in names:
        raise UserError(f"backend is {name!r}; expected one of {', '.join(names)}.{nearest(name, names)}")
    check_joblib_backend(name)
    return partial(with_joblib, name)
