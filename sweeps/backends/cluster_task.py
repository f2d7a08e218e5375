"""What a Dask worker does with a task: it has a supervised worker process compute the runs."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

from sweeps.backends.batch import compute_batch
from sweeps.backends.worker import Terms
from sweeps.run_one import Record
from sweeps.spec.run_config import RunConfig


@dataclass(frozen=True)
class Answer:
    """The records of a task, and the address of the Dask worker that made them."""

    records: list[Record]
    worker: str


def compute_task(sweep: str, memory: int | None, work: bytes) -> Answer:
    """Compute runs in a process beside this Dask worker; those that were not begun in time have no record.

    `work` are the terms and the runs, pickled: what cannot be read is then an error of this task. Dask's own
    messages carry many tasks at once, and a worker that cannot read one of those loses its connection.

    Raises
    ------
    StoppedError
        If the sweep is over.
    """
    from distributed import get_worker

    terms, runs = _read(work)
    records = compute_batch(sweep, terms, memory, runs)
    return Answer(records, str(get_worker().address))


def _read(work: bytes) -> tuple[Terms, list[RunConfig]]:
    terms, runs = pickle.loads(work)
    return terms, runs
