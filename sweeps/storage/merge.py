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
from sweeps._plural import are, counted
from sweeps.environment import code_of
from sweeps.errors import UserError
from sweeps.records import canonical_json, text_id
from sweeps.storage.database import DATABASE_NAME
from sweeps.storage.merge_sources import MergeSource, check_one_sweep, lacking, lacks_line, read_part
from sweeps.storage.store import Store

#: Entries of a record in which two computations of the same run may differ.
_TIMES = frozenset({"wall_s", "model"})
_VERSION = re.compile(r"kan_np (\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class CodeVersion:
    """The version and kernel whose runs count, "" if no store has a run.

    `newest` says that it is newer than the others, and not only that of the store named last.
    """

    name: str
    newest: bool


@dataclass(frozen=True)
class Merged:
    """What a merge did: runs of each source in order, how many were there twice, what is missing.

    `replaced` are runs that failed in one store and ended well in another. `missing_shards` names the shards
    of the sweep that are not in the joined store, `codes` how many runs each version and kernel computed, and
    `counts` is the one that counts: the `stale` planned runs of the others are not in the report. `command`
    goes on with the sweep.
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
    counts: CodeVersion
    stale: int
    command: str

    @property
    def complete(self) -> bool:
        """Whether the joined store has every run of the sweep, and none of them is stale."""
        return not (self.missing or self.missing_shards or self.stale)


def merge(sources: Sequence[str | Path], out: str | Path) -> Merged:
    """Join the runs and plans of stores of one sweep in the store of `out`, which is made if it is missing.

    The stores are shards of the sweep or copies of it. While a shard is in none of them the joined store says
    so in its `meta`, as `lacks`; it is done away with by joining the shard too, or by running the whole sweep
    there. A run that several stores have counts once, if its results are the same to the last bit; times may
    differ. One that ended well takes the place of one that failed. The sources are only read. What cannot be
    joined is found before anything is written, and a merge that is cut short is finished by the same command.

    Where the stores were computed by several versions or kernels, the newest counts: one after which no
    store has runs of another one, of several such that of the highest version, else that of the store named
    last. Of a run that several stores have, the copy that it computed is taken; runs that only others
    computed are stale.

    Raises
    ------
    UserError
        If a source has no readable store or no plan, is `out` itself, they are not of one sweep, or shards of
        other numbers of parts, or two stores have different results of one run; the message says which.

    Examples
    --------
    >>> merge(["runs/x/shard-1", "runs/x/shard-2"], "runs/x/all")  # doctest: +SKIP
    """
    paths = [Path(source) for source in sources]
    out = Path(out)
    _check_paths(paths, out)
    parts = [read_part(path) for path in paths]
    missing_shards = _check_parts(parts, out)
    code = _code_that_counts(paths, out)
    chosen, equal, replaced = _choose(paths, out, code.name)
    counts = []
    first = parts[0].meta
    command = command_for(first["command"], out, whole=True)
    with Store.create(out, first["spec"], command, first["table"] or None) as store:
        # Before the runs, so that a merge that is cut short does not leave them without it. A plan that is
        # there already lacks what it lacked until it is joined.
        lacks = {} if store.n_planned() else {"lacks": " ".join(missing_shards)}
        store.set_meta(title=first["title"], shard="", **lacks, **({"code": code.name} if code.name else {}))
        for path in paths:
            with Store.open(path, readonly=True) as source, source.snapshot():
                store.set_tasks(source.tasks())
                counts.append((path, _copy(source, store, chosen.get(path, frozenset()))))
        _join_plans(paths, store, missing_shards)
        found = store.counts()
        codes = store.codes()
        stale = len(store.stale_ids() & {run_id for run_id, _ in store.plan_tasks()})
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
        counts=code,
        stale=stale,
        command=command,
    )


def _check_paths(paths: Sequence[Path], out: Path) -> None:
    resolved = [path.resolve() for path in paths]
    if out.resolve() in resolved:
        raise UserError(f"--out is {out}, which is one of the stores to be joined; choose another directory.")
    twice = [str(path) for path, count in Counter(resolved).items() if count > 1]
    if twice:
        raise UserError(f"{twice[0]} is there twice; give every store once.")


def _check_parts(parts: Sequence[MergeSource], out: Path) -> tuple[str, ...]:
    """Return the shards that the joined store will lack; raise UserError unless all are of one sweep."""
    held = [read_part(out)] if (out / DATABASE_NAME).is_file() else []
    for part in held:
        if part.shard is not None:
            raise UserError(f"--out is {out}, which holds shard {part.shard}; choose another directory.")
    for part in parts:
        if part.shard is None and not part.planned:
            told = (
                "runs and no plan: its merge was cut short. Finish it first, by the same merge or"
                if part.tasks
                else "no plan and no run: its sweep was stopped as it started. Run it again"
            )
            raise UserError(f"{part.path} has {told} with: {part.meta['command']}")
    check_one_sweep([*parts, *(part for part in held if part.tasks)])
    # What a merge that was cut short has left has runs and no plan yet: it holds no shard.
    return lacking([*parts, *(part for part in held if part.planned)])


def _code_that_counts(paths: Sequence[Path], out: Path) -> CodeVersion:
    """Return the code that the joined store goes on with; see `merge`."""
    last: list[str] = []
    left: set[str] = set()
    for path in _with_out(paths, out):
        with Store.open(path, readonly=True) as store:
            code, codes = store.last_code(), store.codes()
        if code:
            last.append(code)
            left |= codes.keys() - {code}
    found = [code for code in last if code not in left] or last
    highest = max(map(_version_of, found), default=[])
    newest = [code for code in found if _version_of(code) == highest]
    return CodeVersion(newest[-1] if newest else "", newest=len(set(newest)) == 1)


def _version_of(code: str) -> list[int]:
    version = _VERSION.match(code)
    return [int(part) for part in version[1].split(".")] if version else []


def _with_out(paths: Sequence[Path], out: Path) -> list[Path]:
    """Return the stores that are joined, what `out` holds already among them."""
    return ([out] if (out / DATABASE_NAME).is_file() else []) + list(paths)


def _choose(paths: Sequence[Path], out: Path, code: str) -> tuple[dict[Path, set[str]], int, int]:
    """Return which runs are taken from which store, how many were the same in two, how many were replaced.

    A run that ended well goes before one that did not, then what `code` computed, then what was named first.
    What `out` holds already is compared too.
    """
    known: dict[str, _Copy] = {}
    equal = replaced = 0
    for path in _with_out(paths, out):
        for run_id, copy in _copies(path, code):
            before = known.setdefault(run_id, copy)
            if before is copy:
                continue
            if (before.status, before.result) == (copy.status, copy.result):
                equal += 1
            elif before.ok != copy.ok:
                replaced += 1
            elif copy.ok:
                raise UserError(_difference(run_id, before.path, path))
            if (copy.ok, copy.counts) > (before.ok, before.counts):
                known[run_id] = copy
    chosen: dict[Path, set[str]] = {}
    for run_id, copy in known.items():
        chosen.setdefault(copy.path, set()).add(run_id)
    return chosen, equal, replaced


@dataclass(frozen=True, slots=True)
class _Copy:
    """A run as one store has it: a hash of its results, and whether the code that counts computed it."""

    path: Path
    status: str
    result: str
    counts: bool

    @property
    def ok(self) -> bool:
        return self.status == "ok"


def _copies(path: Path, code: str) -> Iterator[tuple[str, _Copy]]:
    """Yield the id of every run of a store, and the run."""
    with Store.open(path, readonly=True) as store, store.snapshot():
        for batch in store.records():
            for record in batch:
                result = text_id(canonical_json(_result(record)))
                counts = code_of(record["environment"]) == code
                yield record["run_id"], _Copy(path, record["status"], result, counts)


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
    """Add the chosen runs of a store to the other one; return their number."""
    copied = 0
    for batch in source.records():
        own = [record for record in batch if record["run_id"] in run_ids]
        store.add_all(own)
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
    if merged.stale or len(merged.codes) > 1:
        why = "is the newest of them" if merged.counts.newest else "counts, that of the store named last"
        lines.append(f"{merged.counts.name} {why}")
    lines.append(
        f"{merged.recorded} of {counted(merged.planned, 'planned run')} {are(merged.planned)} recorded in "
        f"{merged.out}" + (f", {merged.missing} {are(merged.missing)} missing" if merged.missing else "")
    )
    if merged.missing_shards:
        lines.append(lacks_line(merged.missing_shards))
    if merged.stale:
        lines.append(
            f"{counted(merged.stale, 'recorded run')} {are(merged.stale)} stale, computed by another version "
            "or kernel, and not in the report"
        )
    if merged.command and (merged.missing or merged.missing_shards):
        lines.append(f"run what is missing with: {merged.command}")
    if merged.command and merged.stale:
        lines.append(f"do stale runs again with: {merged.command} --rerun stale")
    return lines
