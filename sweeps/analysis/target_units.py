"""Errors of a table in the units of its target: runs are stored with those of the standardised target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeps.records import member_json
from sweeps.storage.database import Columns

_FOLD = re.compile(r'"fold":(\d+)')
#: The error of the solution of a differential equation.
RELATIVE_L2 = "relative L2 error"
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
    if not any(own.get("target_scale") for own in descriptions.values()):
        return stages
    columns = zip(runs["run_id"], runs["task"], runs["config"], strict=True)
    unit_of = {run_id: _unit(descriptions.get(task, {}), config) for run_id, task, config in columns}
    units = np.array([unit_of[run_id] for run_id in stages["run_id"]], dtype=np.float64)
    return dict(stages) | {name: stages[name] * units for name in _ERRORS}


def _unit(description: Mapping[str, Any], config: str) -> float:
    if is_other_target(description, config):
        return 1.0
    found = _FOLD.search(config)
    return unit_of_run(description, 0 if found is None else int(found[1]))


def is_other_target(description: Mapping[str, Any], config: str) -> bool:
    """Say whether a configuration, in canonical JSON, is of another target than the description of its task.

    A store may hold runs of an earlier plan: those of another target have units of their own.
    """
    if not description.get("target_scale"):
        return False
    return member_json("target", description.get("target")) not in config


def unit_of_run(description: Mapping[str, Any], fold: int = 0) -> float:
    """Return what brings the errors of a run into the units of the target, 1 where that is not known.

    Examples
    --------
    >>> unit_of_run({"target_scale": [2.0, 2.5]}, 1), unit_of_run({})
    (2.5, 1.0)
    """
    scales = description.get("target_scale") or [1.0]
    return float(scales[fold]) if fold < len(scales) else float(np.mean(scales))


def is_equation(description: Mapping[str, Any]) -> bool:
    """Say whether a task is a differential equation; nothing is trained on samples of its solution."""
    return "reference_error" in description


def short_error_words(description: Mapping[str, Any], is_table: bool) -> tuple[str, str, str]:
    """Return what the errors of training, validation and test are called in the heads of narrow columns.

    Examples
    --------
    >>> short_error_words({}, False), short_error_words({"reference_error": 0.0}, False)
    (('train RMSE', 'val RMSE', 'test RMSE'), ('residual', 'fresh res.', 'L2 error'))
    """
    if is_equation(description):
        return "residual", "fresh res.", "L2 error"
    error = error_words(description, is_table)[0]
    name = "loss" if error == "log loss" else error
    return f"train {name}", f"val {name}", f"test {name}"


def test_error_words(error: str) -> str:
    """Return what the errors that models are judged by are called; those of equations have no test samples.

    Examples
    --------
    >>> test_error_words("RMSE"), test_error_words("relative L2 error")
    ('test RMSE', 'relative L2 error')
    """
    return error if error == RELATIVE_L2 else f"test {error}"


def error_words(description: Mapping[str, Any], is_table: bool) -> tuple[str, str]:
    """Return what the errors of a task are called, and in what units they are, "" where that is plain.

    Examples
    --------
    >>> error_words({"target": "T / K", "target_scale": [2.0]}, True)
    ('RMSE', 'in the units of T / K')
    >>> error_words({"reference_error": 0.0}, False)
    ('relative L2 error', '')
    >>> error_words({"class_names": ["a", "b"]}, True)
    ('log loss', '')
    """
    if description.get("class_names"):
        return "log loss", ""
    if is_equation(description):
        return RELATIVE_L2, ""
    if description.get("target_scale"):
        return "RMSE", f"in the units of {description.get('target', 'the target')}"
    return "RMSE", "in standard deviations of the target" if is_table else ""
