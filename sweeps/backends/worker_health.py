"""Whether a Dask worker, or a run, is the cause of tasks that fail again and again on a cluster.

A run that fails is a record, so a task fails for something around its runs: a node whose disk is full, that
lacks the package, or that cannot read what it is sent. A Dask worker that has computed something is believed
to be sound, and what fails there time and again is given up; of others it is known only that something failed
on them. Where many tasks in a row fail, each for the first time, it is the worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sweeps.backends.failure_records import ATTEMPTS
from sweeps.spec.run_config import RunConfig

#: In place of an address, for tasks that fail before they come to a Dask worker.
SCHEDULER = ""


class WorkerHealth:
    """Counts failures of tasks against addresses of Dask workers and against runs.

    Examples
    --------
    >>> run, health = RunConfig("1", "toy/product", "kan", {}), WorkerHealth()
    >>> health.worked("a")
    >>> for _ in range(3):
    ...     health.failed(["a"], [run], "OSError")
    >>> health.is_hopeless(run), health.is_bad("a")
    (True, False)
    """

    def __init__(self) -> None:
        self._in_a_row: Counter[str] = Counter()
        self._sound: set[str] = set()
        self._suspects: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._killed: set[str] = set()
        self._places: dict[str, set[str]] = {}
        self.reason = ""

    def worked(self, address: str) -> None:
        """Note that a Dask worker has computed something."""
        self._sound |= {address, SCHEDULER}
        for place in (address, SCHEDULER):
            self._in_a_row.pop(place, None)

    def failed(self, addresses: Iterable[str], group: Iterable[RunConfig], reason: str) -> None:
        """Note where a task failed.

        Runs that failed before say nothing against a Dask worker that is believed to be sound.
        """
        self.reason = reason
        runs = [run.run_id for run in group]
        suspected = not self._suspects.isdisjoint(runs)
        places = set(addresses) or {SCHEDULER}
        self._in_a_row.update(place for place in places if not (suspected and place in self._sound))
        self._suspects.update(runs)
        if places.isdisjoint(self._sound):
            return
        self._failures.update(runs)
        for run in runs:
            self._places.setdefault(run, set()).update(places)

    def killed(self, group: Iterable[RunConfig]) -> bool:
        """Note that Dask has given up a task, and return whether its run is to blame for the lost workers.

        The first time that says nothing: others may have been computed there, and done it. The second time
        the run was alone, see `sweeps.backends.cluster`.
        """
        runs = {run.run_id for run in group}
        known = runs <= self._killed
        self._killed |= runs
        return known

    def refuse(self, address: str, reason: str) -> None:
        """Give a Dask worker nothing, for a reason that is known before it fails."""
        self._in_a_row[address] = ATTEMPTS
        self.reason = reason

    def is_bad(self, place: str) -> bool:
        """Whether tasks have failed there so often in a row that it gets no more of them."""
        return self._in_a_row[place] >= ATTEMPTS

    def is_hopeless(self, run: RunConfig) -> bool:
        """Whether a run was tried often enough."""
        return self._failures[run.run_id] >= ATTEMPTS

    def choice(self, group: Iterable[RunConfig], threads: Mapping[str, int]) -> frozenset[str] | None:
        """Return which of the sound Dask workers may take a group, None if any worker may.

        Runs that failed on one of them go to another, if there is one.
        """
        tried = set().union(*(self._places.get(run.run_id, ()) for run in group))
        all_sound = not any(map(self.is_bad, self._in_a_row))
        if not threads or (all_sound and tried.isdisjoint(threads)):
            return None
        return frozenset(set(threads) - tried or threads)
