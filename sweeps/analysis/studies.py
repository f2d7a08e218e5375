"""Studies in a store: every method's numbers over its seeds, formulas, and the arrays of one run."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.spec.sweep_spec import STUDIES
from sweeps.storage.store import Store
from sweeps.studies.measured import Measured

_PREFIX = f"{STUDIES}/"


@dataclass(frozen=True)
class MethodResult:
    """What the runs of one method measured.

    Attributes
    ----------
    method : str
    values : mapping of str to list of float
        Every quantity over the runs that ended well and found it, in the order of their seeds.
    formulas : list of mapping
        Those of each run, in the same order.
    first : Measured or None
        Everything of the run with the least seed, for figures.
    n_planned, n_done, n_failed : int
        Runs.
    sought : set of str
        Quantities that this method has, whether or not a run found them.
    """

    method: str
    values: Mapping[str, list[float]] = field(default_factory=dict)
    formulas: list[Mapping[str, str]] = field(default_factory=list)
    first: Measured | None = None
    n_planned: int = 0
    n_done: int = 0
    n_failed: int = 0
    sought: frozenset[str] = frozenset()

    def n_found(self, quantity: str) -> int:
        """Return how many of the runs that ended well found a quantity."""
        return len(self.values.get(quantity, ()))

    def median(self, quantity: str) -> float:
        """Return the median of a quantity, NaN where it was not measured."""
        values = self.values.get(quantity, [])
        return statistics.median(values) if values else math.nan

    def ends(self, quantity: str) -> tuple[float, float]:
        """Return its least and its greatest value, NaN where there is none."""
        values = self.values.get(quantity, [])
        return (min(values), max(values)) if values else (math.nan, math.nan)


@dataclass(frozen=True)
class StudyResult:
    """A study: its description as the store has it, and its methods in their order."""

    name: str
    description: Mapping[str, Any]
    methods: list[MethodResult]

    @property
    def quantities(self) -> Mapping[str, str]:
        """Every quantity that was measured, in words."""
        seen = {name for method in self.methods for name in (*method.values, *method.sought)}
        return {name: words for name, words in self.description.get("quantities", ()) if name in seen}

    @property
    def paper(self) -> Mapping[str, str]:
        """What the paper prints, by quantity or method."""
        found: Mapping[str, str] = self.description.get("paper", {})
        return found


def read_studies(store: Store) -> list[StudyResult]:
    """Return the studies in the plan of a store; runs that are stale are left out, as in a report."""
    told = store.tasks()
    if not any(task.startswith(_PREFIX) for task in told):
        return []
    with store.snapshot():
        plan, stale = store.plan_rows(), store.stale_ids()
        statuses = store.statuses()
        records = {record["run_id"]: record for batch in store.records() for record in batch}
    runs: dict[str, dict[str, list[tuple[int, str]]]] = {}
    for _, (run_id, task, _, text) in plan:
        if task.startswith(_PREFIX):
            config = json.loads(text)
            runs.setdefault(task, {}).setdefault(str(config.get("method", "")), []).append(
                (int(config["seed"]), run_id)
            )
    return [
        StudyResult(
            task.removeprefix(_PREFIX),
            told.get(task, {}),
            [
                _method(name, sorted(own), {r: s for r, s in statuses.items() if r not in stale}, records)
                for name, own in _in_order(methods, told.get(task, {}))
            ],
        )
        for task, methods in runs.items()
    ]


def _in_order(
    methods: Mapping[str, list[tuple[int, str]]], description: Mapping[str, Any]
) -> list[tuple[str, list[tuple[int, str]]]]:
    order = {name: place for place, name in enumerate(description.get("methods", ()))}
    return sorted(methods.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))


def _method(
    name: str,
    runs: list[tuple[int, str]],
    statuses: Mapping[str, str],
    records: Mapping[str, Mapping[str, Any]],
) -> MethodResult:
    done = [records[run_id] for _, run_id in runs if statuses.get(run_id) == "ok"]
    found = [_measured(record) for record in done]
    values: dict[str, list[float]] = {}
    for one in found:
        for quantity, value in one.quantities.items():
            if not math.isnan(value):
                values.setdefault(quantity, []).append(value)
    return MethodResult(
        name,
        values,
        [one.formulas for one in found],
        found[0] if found else None,
        n_planned=len(runs),
        n_done=len(done),
        n_failed=sum(statuses.get(run_id, "ok") != "ok" for _, run_id in runs),
        sought=frozenset(quantity for one in found for quantity in one.quantities),
    )


def _measured(record: Mapping[str, Any]) -> Measured:
    stage = record["stages"][-1]
    quantities = {
        name: math.nan if value is None else value for name, value in stage.get("quantities", {}).items()
    }
    content = stage.get("model")
    return Measured(quantities) if content is None else Measured.of_bytes(content, quantities)
