"""The queue of runs that wait to be computed, handed out in groups large enough for one message.

Sending a run to a process and waiting for its answer costs about a millisecond on one machine and several
over a network. Runs that take longer travel alone; tiny ones are put together until a group is worth it. How
long a run takes is judged by its estimated cost, corrected by what runs of its family have really taken.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from sweeps.spec.plan import cost
from sweeps.spec.run_config import RunConfig

#: Weight of the last measurement in the running mean.
_NEWEST = 0.1


@dataclass(frozen=True)
class GroupSize:
    """A group ends with the run that brings it to `seconds`, or when it has `runs` runs."""

    seconds: float
    runs: int


class DurationEstimate:
    """How long runs take: `sweeps.spec.plan.cost`, scaled by what was measured, family by family.

    Examples
    --------
    >>> durations = DurationEstimate()
    >>> run = RunConfig("1", "toy/product", "formula", {"family": "formula", "seconds": 2.0})
    >>> durations.seconds(run)
    2.0
    >>> durations.learn(run, 1.0)
    >>> durations.seconds(run)
    1.0
    """

    def __init__(self) -> None:
        self._scales: dict[str, float] = {}

    def seconds(self, run: RunConfig) -> float:
        """Return the seconds that a run is expected to take."""
        return cost(run.config) * self._scales.get(run.family, 1.0)

    def learn(self, run: RunConfig, wall_s: float) -> None:
        """Take into account how long a run took."""
        expected = cost(run.config)
        if expected <= 0.0 or not math.isfinite(wall_s):
            return
        measured = wall_s / expected
        before = self._scales.get(run.family, measured)
        self._scales[run.family] = before + _NEWEST * (measured - before)


class TaskQueue:
    """Runs in the order in which they are to be computed, from which groups are taken; threads may share it.

    Parameters
    ----------
    runs : iterable of RunConfig
        What is to be done, longest first.
    durations : DurationEstimate
        How long they take.
    size : GroupSize
        Bounds of a group.
    """

    def __init__(self, runs: Iterable[RunConfig], durations: DurationEstimate, size: GroupSize) -> None:
        self._runs = deque(runs)
        self._alone: set[str] = set()
        self._durations = durations
        self._size = size
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._runs)

    def take(self, workers: int) -> list[RunConfig]:
        """Take the next group, for one of so many workers; it is empty if nothing is left.

        Towards the end groups get smaller, so that the last ones end together.
        """
        with self._lock:
            at_most = min(self._size.runs, math.ceil(len(self._runs) / (2 * max(workers, 1))))
            group: list[RunConfig] = []
            seconds = 0.0
            while len(group) < at_most and seconds < self._size.seconds:
                if group and self._runs[0].run_id in self._alone:
                    break
                run = self._runs.popleft()
                group.append(run)
                if run.run_id in self._alone:
                    break
                seconds += self._durations.seconds(run)
            return group

    def give_back(self, group: Iterable[RunConfig], *, alone: bool = False) -> None:
        """Put runs that were not computed to the front.

        Under suspicion they are `alone`: none may share a group from now on, and the others come first.
        """
        runs = list(group)
        with self._lock:
            if alone:
                self._runs.extend(runs)
                self._alone.update(run.run_id for run in runs)
            else:
                self._runs.extendleft(reversed(runs))
