"""Errors of a table in the units of its target: runs are stored with those of the standardised target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeps.storage.database import Columns

_FOLD = re.compile(r'"fold":(\d+)')
_ERRORS = ("train_rmse", "val_rmse", "test_rmse")


def in_target_units(runs: Columns, stages: Columns, descriptions: Mapping[str, Mapping[str, Any]]) -> Columns:
    """Return stages with their errors in the units of the target, where its standard deviation is known.

    Every fold has training rows, and with them a standard deviation, of its own. Stores of earlier versions
    do not tell it: their errors stay in standard deviations of the target.

    Parameters
    ----------
    runs, stages : mapping of str to ndarray
        From `Store.runs` and `Store.stages`; every stage belongs to one of the runs.
    descriptions : mapping of str to mapping
        From `Store.tasks`: "target_scale" has the standard deviation of every fold.
    """
    scales = {task: own["target_scale"] for task, own in descriptions.items() if own.get("target_scale")}
    if not scales:
        return stages
    columns = zip(runs["run_id"], runs["task"], runs["config"], strict=True)
    unit_of = {run_id: _unit(scales.get(task), config) for run_id, task, config in columns}
    units = np.array([unit_of[run_id] for run_id in stages["run_id"]], dtype=np.float64)
    return dict(stages) | {name: stages[name] * units for name in _ERRORS}


def _unit(scales: list[float] | None, config: str) -> float:
    if scales is None:
        return 1.0
    found = _FOLD.search(config) if len(scales) > 1 else None
    fold = 0 if found is None else int(found[1])
    return float(scales[fold]) if fold < len(scales) else float(np.mean(scales))
