"""The stores that `merge` joins: the part of a sweep in each, and whether all belong to the same sweep."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps._command import command_for
from sweeps.errors import UserError
from sweeps.spec.shard import Shard, parse_shard, shard_of
from sweeps.storage.provenance import plain
from sweeps.storage.store import Store
from sweeps.storage.task_data import Data, data_differences, task_data

#: Entries in which two specifications of the same sweep may differ: the title, and which models are saved.
_FREE = frozenset({"title", "name", "save_models"})
#: Paths of tables may differ between machines; their contents are compared by the data of the tasks.
_PATHS = frozenset({"csv", "test"})
_WIDTH = 100


@dataclass(frozen=True)
class MergeSource:
    """A store: its `meta`, which shard it is, if one, and the tasks it has planned runs of, with their data.

    `lacks` are the shards of the sweep that it does not hold. It is `planned` unless it was stopped before it
    had a plan, which may be an empty one.
    """

    path: Path
    meta: Mapping[str, Any]
    shard: Shard | None
    lacks: frozenset[Shard]
    planned: bool
    descriptions: Mapping[str, Mapping[str, Any]]
    tasks: Mapping[str, Sequence[Data]]


def read_part(path: Path) -> MergeSource:
    """Read what a store says of itself.

    Raises
    ------
    UserError
        If it cannot be read, contradicts itself, or its plan has gaps of which it says nothing.
    """
    with Store.open(path, readonly=True, look_through=False) as store, store.snapshot():
        meta, descriptions, tasks = store.meta(), store.tasks(), task_data(store)
        places = [position for position, _ in store.plan_rows()]
    shard, lacks = shard_of(meta), shards_in(meta["lacks"])
    if shard is not None:
        lacks = tuple(Shard(i, shard.count) for i in range(1, shard.count + 1) if i != shard.number)
    gaps = shard is None and not lacks and bool(places) and places[-1] >= len(places)
    if gaps or meta.get("plan_damaged"):
        raise UserError(
            f"the plan of {path} has gaps: a part of it was lost to damage, or an earlier version joined it "
            f"from some shards only. Make it whole with: {command_for(meta['command'], path)}, or join the "
            "shards again in a new directory."
        )
    planned = bool(places or meta["plan_of"])
    return MergeSource(path, meta, shard, frozenset(lacks), planned, descriptions, tasks)


def shards_in(text: str) -> tuple[Shard, ...]:
    """Return the shards that `lacks` in the `meta` of a store names."""
    return tuple(parse_shard(word) for word in text.split())


def check_one_sweep(parts: Sequence[MergeSource]) -> None:
    """Raise UserError, which names a difference, unless all stores are of one sweep in one number of shards.

    It may be of several versions: their runs are told apart by what computed them.
    """
    first = parts[0]
    for other in parts[1:]:
        if differs := [
            *_spec_differences(first.meta["spec"], other.meta["spec"]),
            *_task_differences(first, other),
        ]:
            raise UserError(
                f"{first.path} and {other.path} hold different sweeps (the one | the other): "
                f"{'; '.join(differs[:4])}. Nothing was written. Join stores of one specification only: run "
                "a shard again whose specification has changed since, choose a new --out, or set two sweeps "
                f"side by side with: kan-sweep compare {first.path} {other.path}"
            )
    numbers = {
        shard.count: part for part in parts for shard in [*part.lacks, part.shard] if shard is not None
    }
    if len(numbers) > 1:
        told = ", ".join(f"{part.path} to one in {count}" for count, part in sorted(numbers.items()))
        raise UserError(
            f"the stores belong to divisions of the sweep into different numbers of shards: {told}. Nothing "
            "was written. Join the shards of one division."
        )


def lacking(parts: Sequence[MergeSource]) -> tuple[str, ...]:
    """Return the shards that no store holds, as texts."""
    lacks = frozenset.intersection(*(part.lacks for part in parts))
    return tuple(str(shard) for shard in sorted(lacks, key=lambda shard: shard.number))


def lacks_line(shards: Sequence[str]) -> str:
    """Return a sentence on the shards that a store lacks.

    Examples
    --------
    >>> lacks_line(["2/3"])
    'this is not the whole sweep: shard 2/3 is missing, whose runs are not among the planned ones'
    """
    named = f"shard {shards[0]} is" if len(shards) == 1 else f"shards {', '.join(shards)} are"
    return f"this is not the whole sweep: {named} missing, whose runs are not among the planned ones"


def _spec_differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    names = [name for name in dict.fromkeys([*first, *second]) if name not in _FREE]
    pairs = [(name, _value(name, first.get(name)), _value(name, second.get(name))) for name in names]
    return [f"{name}: {_short(a)} | {_short(b)}" for name, a, b in pairs if a != b]


def _value(name: str, value: Any) -> Any:
    return Path(value).name if name in _PATHS and value is not None else value


def _short(value: Any) -> str:
    return "–" if value is None else textwrap.shorten(plain(value), _WIDTH, placeholder=" ...")


def _task_differences(first: MergeSource, second: MergeSource) -> list[str]:
    found = []
    for task in first.descriptions.keys() & second.descriptions.keys():
        descriptions = [part.descriptions[task] for part in (first, second)]
        differs = data_differences(descriptions, [part.tasks.get(task, ()) for part in (first, second)])
        found += [f"{task}, {difference}" for difference in differs]
    return sorted(found)
