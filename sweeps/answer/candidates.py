"""The trained models of a table among which one is recommended: every stage of every configuration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sweeps.families import LINEAR, family_of
from sweeps.records import group_id

#: What the linear model of classes is called.
LOGISTIC = "logistic regression"


@dataclass(frozen=True)
class Fitted:
    """One trained model: a stage of a run."""

    run_id: str
    seed: int
    fold: int
    train: float
    val: float
    test: float


@dataclass(frozen=True)
class TrainedConfiguration:
    """One configuration at one stage, with the errors of all its seeds and folds.

    Errors are RMSE in standard deviations of the target, of classes log losses.
    """

    group_id: str
    family: str
    width: tuple[int, ...]
    grid: int | None
    stage: int
    n_params: int
    runs: tuple[Fitted, ...]

    @property
    def val(self) -> float:
        """The median validation error; infinite if one is not finite."""
        errors = [run.val for run in self.runs]
        return median(errors) if all(map(math.isfinite, errors)) else math.inf

    @property
    def test(self) -> float:
        """The median test error."""
        return median(run.test for run in self.runs)

    @property
    def seeds(self) -> list[int]:
        """The seeds that were trained."""
        return sorted({run.seed for run in self.runs})

    @property
    def best(self) -> Fitted:
        """The model with the lowest validation error."""
        return min(self.runs, key=_by_validation)

    @property
    def best_of_folds(self) -> list[Fitted]:
        """The model with the lowest validation error of every fold."""
        folds = sorted({run.fold for run in self.runs})
        return [min((run for run in self.runs if run.fold == fold), key=_by_validation) for fold in folds]

    @property
    def is_deterministic(self) -> bool:
        """Whether the seed says nothing: least squares has one solution."""
        return family_of(self.family).is_deterministic


def _by_validation(run: Fitted) -> tuple[float, int]:
    """Order models by validation error; what is not finite comes last."""
    return (run.val if math.isfinite(run.val) else math.inf, run.seed)


def model_name(candidate: TrainedConfiguration, of_classes: bool = False) -> str:
    """Return a model in words; the linear one `of_classes` is logistic regression.

    Examples
    --------
    >>> model_name(TrainedConfiguration("", "kan", (2, 1, 1), 5, 1, 27, ()))
    'KAN [2,1,1], G = 5'
    """
    family = family_of(candidate.family)
    if of_classes and candidate.family == LINEAR.name:
        return LOGISTIC
    name = family.one_model
    if family.has_hidden:
        name += f" [{','.join(map(str, candidate.width))}]"
    return f"{name}, G = {candidate.grid}" if candidate.grid else name


def candidates_of(records: Iterable[Mapping[str, Any]]) -> list[TrainedConfiguration]:
    """Return every stage of every configuration that all its records have with finite errors.

    Searches for formulas are none.
    """
    by_group: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if not family_of(record["family"]).searches_formulas:
            by_group.setdefault(group_id(record["config"]), []).append(record)
    return [found for own in by_group.values() for found in candidates_of_one(own)]


def candidates_of_one(records: Sequence[Mapping[str, Any]]) -> list[TrainedConfiguration]:
    """Return every stage that all records have with finite errors; records of one configuration."""
    by_stage: dict[int, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for record in records:
        for stage in filter(_is_finite, record["stages"]):
            by_stage.setdefault(stage["stage"], []).append((record, stage))
    return [_candidate(number, rows) for number, rows in by_stage.items() if len(rows) == len(records)]


def _is_finite(stage: Mapping[str, Any]) -> bool:
    errors = (stage[f"{part}_rmse"] for part in ("train", "val", "test"))
    return stage["status"] != "non-finite" and all(map(math.isfinite, errors))


def _candidate(
    number: int, rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> TrainedConfiguration:
    record, stage = rows[0]
    config = record["config"]
    return TrainedConfiguration(
        group_id=group_id(config),
        family=record["family"],
        width=tuple(config["width"]),
        grid=stage["grid"],
        stage=number,
        n_params=stage["n_params"],
        runs=tuple(
            Fitted(
                run_id=record["run_id"],
                seed=record["config"]["seed"],
                fold=record["config"].get("fold", 0),
                train=stage["train_rmse"],
                val=stage["val_rmse"],
                test=stage["test_rmse"],
            )
            for record, stage in rows
        ),
    )
