"""The answer of a sweep on a table: a model is chosen, and its evidence kept with the results."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from sweeps._files import write_file
from sweeps.answer.candidates import TrainedConfiguration, candidates_of
from sweeps.answer.choice import recommended
from sweeps.answer.evidence import Evidence, Question, evidence_of
from sweeps.answer.stored import ENTRY
from sweeps.answer.stored_models import StoredModels
from sweeps.answer.usage import class_numbers, new_rows_lines, scoring_lines
from sweeps.records import canonical_json
from sweeps.run_one import RunOptions
from sweeps.storage.store import Store

#: The file of the recommended model.
MODEL = "recommended.npz"
#: Of the intervals that are told.
LEVEL = 0.9


def give_answer(
    store: Store,
    question: Question,
    options: RunOptions,
    chosen: TrainedConfiguration | None = None,
    candidates: Sequence[TrainedConfiguration] = (),
    why: Sequence[str] = (),
) -> Evidence | None:
    """Choose a model, write it to ``recommended.npz`` and its evidence to the store; return the evidence.

    Parameters
    ----------
    store : Store
        Open for writing.
    question : Question
    options : RunOptions
        Where the tables are.
    chosen, candidates : TrainedConfiguration, sequence, optional
        What was chosen among what; by default it is chosen here among all planned runs, and None is returned
        if there is none that can be: of several targets, or without models or validation rows. A model with
        more parameters than training rows is not.
    why : sequence of str
        Sentences on the choice.

    Raises
    ------
    UserError
        If the model cannot be written.
    OSError, ValueError
        If the table cannot be read any more.
    """
    models = StoredModels(store, options)
    if chosen is None:
        candidates = _stored_candidates(store, question)
        most = question.description.get("n_train", math.inf)
        small = [candidate for candidate in candidates if candidate.n_params <= most]
        chosen = recommended(small, lambda candidate: models.losses(candidate, "val"))
        if chosen is None:
            return None
    found = evidence_of(question, chosen, candidates, models)
    path = store.directory / MODEL
    of_classes = found["kind"] == "classification"
    content, found["interval"] = store.model(chosen.best.run_id, chosen.stage), None
    if not of_classes:
        content, found["interval"] = _with_intervals(models, chosen)
    write_file(path, content)
    values = models.dataset(chosen.best).get("class_values")
    numbers = class_numbers(len(found["class_names"]), values) if of_classes else ""
    new_rows, has_intervals = models.new_rows_call(chosen.best), found["interval"] is not None
    found["usage"] = [
        *new_rows_lines(path, new_rows, question.target, of_classes, has_intervals),
        *scoring_lines(models.split_call(chosen.best), numbers),
    ]
    found |= {"why": list(why), "model_file": str(path)}
    store.set_meta(**{ENTRY: canonical_json(_plain(found))})
    return found


def _with_intervals(models: StoredModels, chosen: TrainedConfiguration) -> tuple[bytes, float | None]:
    """Return the file of a model that knows how far it may be off, and half of its usual 90 % interval.

    Split conformal prediction from the test rows: neither a fit nor a choice has used them. Without enough of
    them the model stays as it is.
    """
    model = models.model(chosen.best, chosen.stage)
    rows = {part: models.rows(chosen.best, part) for part in ("train", "test")}
    dataset = {"train_input": rows["train"].x, "train_label": rows["train"].y}
    dataset |= {"val_input": rows["test"].x, "val_label": rows["test"].y}
    half: float | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows outside: the interval widens there
        try:
            model.calibrate(dataset, method="conformal")
            _, low, high = model.predict(rows["test"].x, interval=LEVEL)
            half = float(np.median(high - low) / 2.0)
        except ValueError:
            model = models.model(chosen.best, chosen.stage)
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue(), half


def _stored_candidates(store: Store, question: Question) -> list[TrainedConfiguration]:
    """Return the planned models of a table that are stored; none of several targets."""
    planned = [run_id for run_id, task in store.plan_tasks() if task == question.task]
    done = store.statuses()
    records = [store.run(run_id) for run_id in planned if run_id in done]
    if any(record["config"]["width"][-1] != 1 for record in records if "width" in record["config"]) and (
        "class_names" not in question.description
    ):
        return []
    kept = store.model_stages()
    return [
        candidate
        for candidate in candidates_of(records)
        if all((run.run_id, candidate.stage) in kept for run in candidate.runs)
    ]


def _plain(value: Any) -> Any:
    """Return values that JSON has; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(key): _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
