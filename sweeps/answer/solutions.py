"""The best solution of every differential equation of a sweep: its fields are kept with the results."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeps.answer.stored_solutions import ENTRY, VERSION, packed
from sweeps.families import KAN, family_of
from sweeps.records import canonical_json
from sweeps.run_one import load_model_bytes
from sweeps.spec.equations import PREFIX, load_equation, solution_of
from sweeps.storage.store import Store

#: Points along a coordinate, by the number of coordinates.
_POINTS = {1: 1001, 2: 161}


def keep_solutions(store: Store) -> int:
    """Keep the fields of the best KAN of every equation that has none, or those of another run, yet.

    The best is the one with the least residual on fresh points among the runs that a report shows, those in
    the plan that are not stale, whose models are stored; where there is no KAN it is another network. Returns
    the number of equations with fields.
    """
    kept = store.meta()
    best = _best_stages(store)
    for task, (run_id, stage) in best.items():
        before = json.loads(kept.get(f"{ENTRY}{task}", "{}"))
        if [before.get(name) for name in ("run_id", "stage", "version")] != [run_id, stage, VERSION]:
            store.set_meta(**{f"{ENTRY}{task}": canonical_json(found_fields(store, run_id, stage))})
    return len(best)


def _best_stages(store: Store) -> dict[str, tuple[str, int]]:
    """Return run and stage of the best solution of every equation."""
    runs, stages, kept = store.runs(), store.stages(), store.model_stages()
    counted = {run_id for run_id, task in store.plan_tasks() if task.startswith(PREFIX)} - store.stale_ids()
    about = {
        run_id: (task, family)
        for run_id, task, family in zip(runs["run_id"], runs["task"], runs["family"], strict=True)
        if run_id in counted and family_of(family).is_network
    }
    best: dict[str, tuple[tuple[bool, float], tuple[str, int]]] = {}
    columns = zip(stages["run_id"], stages["stage"].tolist(), stages["val_rmse"].tolist(), strict=True)
    for run_id, stage, residual in columns:
        if run_id not in about or (run_id, stage) not in kept or not math.isfinite(residual):
            continue
        task, family = about[run_id]
        order = (family_of(family) is not KAN, residual)
        if task not in best or order < best[task][0]:
            best[task] = order, (run_id, stage)
    return {task: place for task, (_, place) in best.items()}


def found_fields(store: Store, run_id: str, stage: int) -> dict[str, Any]:
    """Return what is kept of a solution: its run and stage, its network, and its fields on an even grid."""
    record = store.run(run_id)
    config, row = record["config"], record["stages"][stage]
    equation = load_equation(config)
    solution = solution_of(config, load_model_bytes(store.model(run_id, stage)), row.get("quantities", {}))
    form = equation.problem.form
    found = solution.fields(_POINTS[len(form.low)], equation.reference)
    return {
        "run_id": run_id,
        "stage": stage,
        "version": VERSION,
        "family": record["family"],
        "n_params": row["n_params"],
        "l2": row["test_rmse"],
        "coordinates": list(found.coordinates),
        "ranges": [[float(low), float(high)] for low, high in zip(form.low, form.high, strict=True)],
        "fields": [[title, packed(np.asarray(field))] for title, field in _titled(found).items()],
    }


def _titled(found: Any) -> Mapping[str, Any]:
    """Return the fields in the order of panels, by their titles."""
    fields = {}
    for name, values in found.values.items():
        fields[name] = values
        fields[f"error of {name}"] = found.errors[name]
    return fields | {"residual": found.residual, "bending": found.bending}
