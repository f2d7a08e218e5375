"""A pool of worker processes that is kept from one plan of runs to the next."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sweeps.backends.failure_records import WorkerLostError
from sweeps.backends.process_pool import ProcessPool
from sweeps.backends.resources import Resources
from sweeps.backends.worker import Compute, Terms
from sweeps.run_one import Record, RunOptions, run_one
from sweeps.spec.run_config import RunConfig


class PersistentPool:
    """A backend whose worker processes are started once, not for every plan; a context that ends them.

    Parameters
    ----------
    jobs : int
        At most so many processes.
    kinds : sequence of mapping
        Configurations of the kinds of runs that will come, small ones: workers load kernels for them.

    Examples
    --------
    >>> with PersistentPool(2, kinds) as backend:  # doctest: +SKIP
    ...     run_plan(store, plan, options, RunnerOptions(), print, backend=backend)
    """

    def __init__(self, jobs: int, kinds: Sequence[Mapping[str, Any]] = ()) -> None:
        self._jobs, self._kinds = jobs, tuple(kinds)
        self._pool: ProcessPool | None = None

    def __call__(
        self,
        runs: Sequence[RunConfig],
        options: RunOptions,
        resources: Resources,
        compute: Compute | None = None,
    ) -> Generator[list[Record], None, None]:
        """Compute runs, as every backend does; of `resources` the memory is used."""
        pool = self._pool_for(Terms(compute or run_one, RunOptions(), self._kinds), resources.memory)
        yield from pool.compute(runs, options)

    def start(self) -> None:
        """Start a worker and wait until it is ready. Where that fails the first plan fails, and says so."""
        with contextlib.suppress(WorkerLostError):
            self._pool_for(Terms(run_one, RunOptions(), self._kinds), None).start()

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _pool_for(self, terms: Terms, memory: int | None) -> ProcessPool:
        pool = self._pool
        if pool is None or pool.closed or (pool.terms, pool.memory) != (terms, memory):
            self.close()
            self._pool = pool = ProcessPool(self._jobs, terms, memory)
        return pool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
