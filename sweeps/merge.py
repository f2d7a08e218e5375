"""`kan-sweep merge`: the stores of the shards of a sweep, or several stores of one sweep, become one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps._command import command_for
from sweeps._counted import are, counted
from sweeps._database import DATABASE_NAME
from sweeps._parts import Part, check_one_sweep, lacking, lacks_line, read_part
from sweeps.environment import code_of
from sweeps.errors import UserError
from sweeps.records import canonical_json, text_id
from sweeps.store import Store

#: What two computations of one run may differ in.
_TIMES = frozenset({"wall_s", "model"})
_VERSION = re.compile(r"kan_np (\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class Merged:
    """What a merge did: runs of each source in order, how many were there twice, what is missing.

    `replaced` are runs that failed in one store and ended well in another. `missing_shards` names the shards
    of the sweep that are not in the joined store, `codes` how many runs each version and kernel computed, and
    `code` is the one of them that counts: runs of the others are stale. `command` goes on with the sweep.
    """

    out: Path
    runs: tuple[tuple[Path, int], ...]
    equal: int
    replaced: int
    recorded: int
    planned: int
    missing: int
    missing_shards: tuple[str, ...]
    codes: Mapping[str, int]
    code: str
    command: str

    @property
    def complete(self) -> bool:
        """Whether the joined store has every run of the sweep."""
        return not self.missing and not self.missing_shards


def merge(sources: Sequence[str | Path], out: str | Path) -> Merged:
    """Join the runs and plans of stores of one sweep in the store of `out`, which is made if it is missing.

    The stores are shards of the sweep or copies of it. While a shard is in none of them the joined store says
    so in its `meta`, as `lacks`; it is done away with by joining the shard too, or by running the whole sweep
    there. A run that several stores have counts once, if its results are the same to the last bit; times may
    differ. One that ended well takes the place of one that failed. The sources are only read. What cannot be
    joined is found before anything is written, and a merge that is cut short is finished by the same command.

    Where the stores were computed by several versions or kernels, the newest counts: one that no store has
    gone on from to another one, of several such that of the highest version, at last that of the store named
    last.

    Raises
    ------
    UserError
        If a source has no readable store, is `out` itself, they are not of one sweep, or shards of other
        numbers of parts, or two stores have different results of one run; the message says which.

    Examples
    --------
    >>> merge(["runs/x/shard-1", "runs/x/shard-2"], "runs/x/all")  # doctest: +SKIP
    """
    paths = [Path(source) for source in sources]
    out = Path(out)
    _check_paths(paths, out)
    parts = [read_part(path) for path in paths]
    missing_shards = _check_parts(parts, out)
    chosen, equal, replaced = _choose(paths, out)
    counts = []
    first, code = parts[0].meta, _newest_code(paths, out)
    command = command_for(first["command"], out, whole=True)
    with Store.create(out, first["spec"], command, first["table"] or None) as store:
        # Before the runs, so that a merge that is cut short does not leave them without it.
        store.set_meta(title=first["title"], shard="", **({"code": code} if code else {}))
        for path in paths:
            with Store.open(path, readonly=True) as source, source.snapshot():
                store.set_tasks(source.tasks())
                counts.append((path, _copy(source, store, chosen.get(path, frozenset()))))
        _join_plans(paths, store, missing_shards)
        found = store.counts()
        codes = store.codes()
    return Merged(
        out=out,
        runs=tuple(counts),
        equal=equal,
        replaced=replaced,
        recorded=found["planned"] - found["missing"],
        planned=found["planned"],
        missing=found["missing"],
        missing_shards=missing_shards,
        codes=codes,
        code=code,
        command=command,
    )


def _check_paths(paths: Sequence[Path], out: Path) -> None:
    resolved = [path.resolve() for path in paths]
    if out.resolve() in resolved:
        raise UserError(f"--out is {out}, which is one of the stores to be joined; choose another directory.")
    twice = [str(path) for path, count in Counter(resolved).items() if count > 1]
    if twice:
        raise UserError(f"{twice[0]} is there twice; give every store once.")


def _check_parts(parts: Sequence[Part], out: Path) -> tuple[str, ...]:
    """Return the shards that the joined store will lack; raise UserError unless all are of one sweep."""
    held = [read_part(out)] if (out / DATABASE_NAME).is_file() else []
    for part in held:
        if part.shard is not None:
            raise UserError(f"--out is {out}, which holds shard {part.shard}; choose another directory.")
    for part in parts:
        if part.shard is None and not part.tasks:
            raise UserError(
                f"{part.path} has no plan and no run: its sweep was stopped as it started. Run it again "
                f"with: {part.meta['command']}"
            )
    # What a merge that was cut short has left has no plan yet.
    everything = [*parts, *(part for part in held if part.tasks)]
    check_one_sweep(everything)
    return lacking(everything)


def _newest_code(paths: Sequence[Path], out: Path) -> str:
    """Return the code that the joined store goes on with, "" if no store has a run; see `merge`."""
    last: list[str] = []
    left: set[str] = set()
    for path in _with_out(paths, out):
        with Store.open(path, readonly=True) as store:
            code, codes = store.last_code(), store.codes()
        if code:
            last.append(code)
            left |= codes.keys() - {code}
    found = [code for code in last if code not in left] or last
    # Of equal ones `max` takes the first it sees.
    return max(reversed(found), key=_version_of, default="")


def _version_of(code: str) -> list[int]:
    version = _VERSION.match(code)
    return [int(part) for part in version[1].split(".")] if version else []


def _with_out(paths: Sequence[Path], out: Path) -> list[Path]:
    """Return the stores that are joined, what `out` holds already among them."""
    return ([out] if (out / DATABASE_NAME).is_file() else []) + list(paths)


def _choose(paths: Sequence[Path], out: Path) -> tuple[dict[Path, set[str]], int, int]:
    """Return which runs are taken from which store, how many were the same in two, how many were replaced.

    What `out` holds already is compared too.
    """
    known: dict[str, tuple[Path, str, str]] = {}
    equal = replaced = 0
    for path in _with_out(paths, out):
        for run_id, status, result in _results(path):
            before = known.setdefault(run_id, (path, status, result))
            if before[0] == path:
                continue
            if before[1:] == (status, result):
                equal += 1
            elif (before[1] == "ok") != (status == "ok"):
                replaced += 1
                if status == "ok":
                    known[run_id] = (path, status, result)
            elif status == "ok":
                raise UserError(_difference(run_id, before[0], path))
    chosen: dict[Path, set[str]] = {}
    for run_id, (path, _, _) in known.items():
        chosen.setdefault(path, set()).add(run_id)
    return chosen, equal, replaced


def _results(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield id, status and a hash of the results of every run of a store."""
    with Store.open(path, readonly=True) as store, store.snapshot():
        for batch in store.records():
            for record in batch:
                yield record["run_id"], record["status"], text_id(canonical_json(_result(record)))


def _result(record: Mapping[str, Any]) -> list[Any]:
    return [
        record["config"],
        *(
            {name: _plain(value) for name, value in stage.items() if name not in _TIMES}
            for stage in record["stages"]
        ),
    ]


def _plain(value: Any) -> Any:
    # NaN has no place in JSON; a float as hexadecimal text is itself to the last bit.
    return value.hex() if isinstance(value, float) and not math.isnan(value) else str(value)


def _difference(run_id: str, left: Path, right: Path) -> str:
    records, first = [], ""
    for path in (left, right):
        with Store.open(path, readonly=True) as store:
            records.append(store.run(run_id))
    codes = [code_of(record["environment"]) for record in records]
    for a, b in zip(records[0]["stages"], records[1]["stages"], strict=False):
        names = [name for name in a if name not in _TIMES and _plain(a[name]) != _plain(b.get(name))]
        if names:
            first = f" (stage {a['stage']}: {names[0]} is {a[names[0]]!r} and {b.get(names[0])!r})"
            break
    made = f" They were computed by {codes[0]} and by {codes[1]}." if codes[0] != codes[1] else ""
    return (
        f"run {run_id} has different results in {left} and in {right}{first}.{made} Nothing was written. "
        "Decide which one holds, and leave the other store out or compute it again with --rerun stale."
    )


def _copy(source: Store, store: Store, run_ids: frozenset[str] | set[str]) -> int:
    """Add the chosen runs of a store to the other one, those that are not there yet; return their number."""
    there = store.statuses()
    copied = 0
    for batch in source.records():
        own = [record for record in batch if record["run_id"] in run_ids]
        new = [
            r for r in own if r["run_id"] not in there or (there[r["run_id"]] != "ok" and r["status"] == "ok")
        ]
        store.add_all(new)
        copied += len(own)
    return copied


def _join_plans(paths: Sequence[Path], store: Store, missing_shards: Sequence[str]) -> None:
    """Make the plan of the joined store the plans of all, in the order of the whole sweep."""
    rows: dict[str, tuple[int, tuple[str, str, str, str]]] = {}
    for position, row in store.plan_rows():
        rows[row[0]] = (position, row)
    for path in paths:
        with Store.open(path, readonly=True, look_through=False) as source:
            for position, row in source.plan_rows():
                rows.setdefault(row[0], (position, row))
    ordered = sorted(rows.values(), key=lambda item: item[0])
    places = [position for position, _ in ordered]
    # With the plan at once: without what it lacks a plan is that of a whole sweep.
    store.set_plan([row for _, row in ordered], positions=places, lacks=" ".join(missing_shards))


def merge_lines(merged: Merged) -> list[str]:
    """Return what a merge did as lines of text."""
    lines = [f"{count:8d} {'run ' if count == 1 else 'runs'} from {path}" for path, count in merged.runs]
    if merged.equal == 1:
        lines.append("1 run was there twice, with the same results, and counts once")
    elif merged.equal:
        lines.append(f"{merged.equal} runs were there twice, with the same results, and count once")
    if merged.replaced:
        runs = counted(merged.replaced, "run")
        lines.append(f"{runs} failed in one store and ended well in another, which counts")
    if len(merged.codes) > 1:
        told = "; ".join(f"{count} by {code}" for code, count in merged.codes.items())
        lines.append(f"the runs were computed by {len(merged.codes)} versions: {told}")
        lines.append(f"{merged.code} is the newest of them; the others' runs are stale and not in the report")
    lines.append(
        f"{merged.recorded} of {counted(merged.planned, 'planned run')} {are(merged.planned)} recorded in "
        f"{merged.out}" + (f", {merged.missing} {are(merged.missing)} missing" if merged.missing else "")
    )
    if merged.missing_shards:
        lines.append(lacks_line(merged.missing_shards))
    if not merged.complete and merged.command:
        lines.append(f"run what is missing with: {merged.command}")
    return lines
