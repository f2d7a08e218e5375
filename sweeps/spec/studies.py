"""The tasks of the suite "study": parts of the KAN paper that are no fit of one function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.checks import pick
from sweeps.errors import UserError
from sweeps.families import STUDY, family_of
from sweeps.spec.sweep_spec import STUDIES, StudySource, SweepSpec, TaskInfo
from sweeps.studies import STUDIES as KNOWN
from sweeps.studies import Study, study_of

STUDIES_DESCRIPTION = "studies of arXiv:2404.19756 that are no fit of one function"
PREFIX = f"{STUDIES}/"
#: How many seeds studies are measured with, and in a first look.
_SEEDS, _QUICK_SEEDS = 5, 2


def study_names() -> list[str]:
    """Return the names of all studies, which are those of the tasks."""
    return list(KNOWN)


def is_study(config: Mapping[str, Any]) -> bool:
    """Say whether the task of a configuration is a study."""
    return str(config.get("task", "")).startswith(PREFIX)


def study_of_run(config: Mapping[str, Any]) -> Study:
    """Return the study that a configuration names; raise a ValueError if this version has none."""
    return study_of(config["task"].removeprefix(PREFIX))


def study_values(names: Sequence[str] = (), *, quick: bool = False) -> dict[str, Any]:
    """Return a specification of studies with all their methods, as a TOML file gives it.

    Examples
    --------
    >>> study_values(["continual"], quick=True)["models"][0]["tasks"]
    ['continual']
    """
    chosen = list(names or study_names())
    size = {"quick": True} if quick else {}
    models = [
        {"family": STUDY.name, "tasks": [name], "method": list(study_of(name).METHODS), **size}
        for name in chosen
    ]
    seeds = _QUICK_SEEDS if quick else _SEEDS
    return {"suite": STUDIES, "tasks": chosen, "seeds": seeds, "save_models": "all", "models": models}


def describe_studies(spec: SweepSpec, source: StudySource) -> list[TaskInfo]:
    """Return the tasks of a specification; see `sweeps.spec.tasks.describe`."""
    names = study_names()
    chosen = [pick(f"a task of suite {STUDIES}", name, names) for name in source.studies or names]
    for table in spec.models:
        if not family_of(table.family).measures_studies:
            raise UserError(
                f"a table of models has the family {table.family!r}, which measures no studies; expected "
                f"{STUDY.name!r}."
            )
        methods = dict(table.axes)["method"]
        for name in table.tasks or chosen:
            known = study_of(pick("a task of a table of models", name, names)).METHODS
            for method in methods:
                pick(f"a method of study {name}", method, known)
    return [_described(name) for name in chosen]


def _described(name: str) -> TaskInfo:
    study = study_of(name)
    description = {
        "suite": STUDIES,
        "name": name,
        "formula": study.DESCRIPTION,
        "methods": list(study.METHODS),
        "quantities": [list(pair) for pair in study.QUANTITIES.items()],  # as JSON a mapping loses its order
        "paper": dict(study.PAPER),
    }
    return TaskInfo(f"{PREFIX}{name}", (1, 1), {}, description)
