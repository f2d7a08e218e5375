"""What a Dask worker does with a task: each of its threads hands the runs to a process of its own.

Several sweeps may share a Dask worker. Every thread keeps a crew for each of them, by the token that comes
with a task, so that a sweep which is stopped takes nothing away from the others.
"""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import time
from dataclasses import dataclass

from sweeps.backends.failure_records import StoppedError
from sweeps.backends.process_pool import Crew
from sweeps.backends.worker import IDLE_S, Terms
from sweeps.run_one import Record
from sweeps.space import RunConfig

#: A task that has taken so long ends with the run that it is computing.
_LONGEST_S = 1.0
#: Runs are handed to the process one by one, or more and more of them at once while they take no longer.
_TOGETHER_S = 0.1


@dataclass(frozen=True)
class Answer:
    """The records of a task, and the address of the Dask worker that made them."""

    records: list[Record]
    worker: str


@dataclass
class _Member:
    """The crew that a thread keeps for a sweep, and when it was last asked for anything."""

    sweep: str
    crew: Crew
    used: float


#: Of a Dask worker: what each of its threads keeps, all of that, and the sweeps that are over.
_thread = threading.local()
_members: list[_Member] = []
_stopped: set[str] = set()


def compute_group(sweep: str, memory: int | None, work: bytes) -> Answer:
    """Compute a group of runs in the process that this thread of a Dask worker keeps for a sweep.

    `work` are the terms and the runs, pickled: what cannot be read is then an error of this task. Dask's own
    messages carry many tasks at once, and a worker that cannot read one of those loses its connection.

    A group that takes longer than was thought ends early: nobody waits long for what is done, and the runs
    that were not begun go elsewhere. So how many the process has in hand is found out as they are computed.

    Raises
    ------
    StoppedError
        If the sweep is over.
    """
    from distributed import get_worker

    terms, group = _read(work)
    member = _member(sweep, terms, memory)
    records: list[Record] = []
    begin = now = time.monotonic()
    n_begun, n_more = 0, 1
    try:
        while n_begun < len(group) and now - begin < _LONGEST_S:
            for computed in member.crew.compute(group[n_begun : n_begun + n_more]):
                records += computed
            n_begun += n_more
            before, now = now, time.monotonic()
            n_more = 2 * n_more if now - before < _TOGETHER_S else 1
        member.used = now
    except BaseException:
        _dismiss(member)
        raise
    return Answer(records, str(get_worker().address))


def _read(work: bytes) -> tuple[Terms, list[RunConfig]]:
    terms, group = pickle.loads(work)
    return terms, group


def stop_crews(sweep: str) -> None:
    """Kill what this Dask worker computes for a sweep, and begin nothing of it any more."""
    _stopped.add(sweep)
    for member in [member for member in _members if member.sweep == sweep]:
        member.crew.close()


def _member(sweep: str, terms: Terms, memory: int | None) -> _Member:
    """Return what this thread keeps for a sweep, and let go of what others have left behind."""
    kept: dict[str, _Member] = _thread.__dict__.setdefault("kept", {})
    now = time.monotonic()
    for member in list(kept.values()):
        # A process without work ends by itself after that time; so has one whose sweep was killed.
        if member.crew.closed or (member.sweep != sweep and now - member.used > IDLE_S):
            _dismiss(member)
    if sweep not in kept:
        # Dask marks its workers as processes without children; ours end when it does.
        multiprocessing.current_process().daemon = False
        kept[sweep] = _Member(sweep, Crew(1, terms, memory), now)
        _members.append(kept[sweep])
    if sweep in _stopped:  # looked at last: who stops a sweep notes that first, and then closes what there is
        _dismiss(kept[sweep])
        raise StoppedError("the sweep is over")
    return kept[sweep]


def _dismiss(member: _Member) -> None:
    with member.crew:
        _members.remove(member)
        del _thread.kept[member.sweep]
