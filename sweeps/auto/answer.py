"""The answer of `kan-sweep auto`: which model, why, how good it is, its picture, and how to load it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps._plural import with_article
from sweeps._safe_text import one_line
from sweeps.answer import words
from sweeps.answer.candidates import LOGISTIC, TrainedConfiguration, model_name
from sweeps.answer.choice import LEAST_GAIN, excess
from sweeps.answer.evidence import Question
from sweeps.answer.giving import give_answer
from sweeps.auto.search import Finding, Trainer
from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.run_one import RunOptions, load_model_bytes
from sweeps.spec.sweep_spec import TaskInfo
from sweeps.storage.store import Store

FloatArray = NDArray[np.float64]

ANSWER, FACTS, PICTURE = "recommended.txt", "recommended.json", "recommended"
#: What errors of numbers are called, and errors of classes.
RMSE, LOG_LOSS = "RMSE", "log loss"
_RESAMPLES = 2000
#: A note on test errors over folds.
FOLDS_WARNING = (
    "These are not new rows: with --folds the test rows of one fold train and validate in the others, so "
    "they helped to choose this model, and its error on new rows may be higher. For an independent figure, "
    "keep rows aside and give them as --test."
)
#: Errors that differ by less than this factor count as equally good.
_ALIKE = 1.1


@dataclass(frozen=True)
class Unit:
    """What errors are called, and what turns those of the store into the units of the target.

    `scale` is None where there is more than one target: errors are then in standard deviations.
    """

    error: str
    scale: float | None

    @property
    def of_tolerance(self) -> str:
        """What stands behind an error that a tolerance is compared with."""
        return "standard deviations " if self.error == RMSE else ""

    def name(self, candidate: TrainedConfiguration) -> str:
        """Return a model in words."""
        return model_name(candidate, self.error == LOG_LOSS)

    def text(self, value: float) -> str:
        """Return an error as it is said."""
        return f"{value * (1.0 if self.scale is None else self.scale):.3g}"


def unit_of_errors(info: TaskInfo) -> Unit:
    """Return in what the errors of a table are told; with folds the scale is that of the mean fold."""
    if "class_names" in info.description:
        return Unit(LOG_LOSS, None)
    scales = info.description.get("target_scale")
    return Unit(RMSE, float(np.mean(scales)) if scales else None)


@dataclass(frozen=True)
class Answer:
    """What was found, and what is needed to put it into words.

    `columns` are the names of the inputs, `seconds` is what the search took, `notes` what to know about the
    table.
    """

    finding: Finding
    question: Question
    unit: Unit
    columns: tuple[str, ...]
    directory: Path
    seconds: float
    notes: tuple[str, ...]


def write_answer(answer: Answer, trainer: Trainer, store: Store, options: RunOptions) -> list[str]:
    """Write the model, its picture and the answer in words to the directory; return the words as lines.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    finding = answer.finding
    chosen = finding.recommended
    model = load_model_bytes(store.model(chosen.best.run_id, chosen.stage))
    why = _reasons(answer, trainer)
    evidence = give_answer(store, answer.question, options, chosen, finding.candidates, why)
    assert evidence is not None  # noqa: S101  a model was given
    lines = answer_lines(answer, trainer, evidence)
    try:
        folder = answer.directory / "figures"
        folder.mkdir(exist_ok=True)
        # The picture of an MLP has no names at its nodes.
        named = {"out_vars": [answer.question.target]} if model.width[-1] == 1 else {}
        figure = model.plot(in_vars=list(answer.columns), **named) if chosen.grid else model.plot()
        for suffix in ("png", "svg"):
            figure.savefig(folder / f"{PICTURE}.{suffix}", dpi=150)
        (answer.directory / ANSWER).write_text("\n".join(lines) + "\n", encoding="utf-8")
        facts = json.dumps(answer_facts(answer, trainer, evidence), indent=2)
        (answer.directory / FACTS).write_text(facts + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write the answer to {answer.directory}: {error}. Choose another --out."
        ) from None
    return lines


def answer_lines(answer: Answer, trainer: Trainer, evidence: words.Evidence) -> list[str]:
    """Return the answer in words."""
    finding = answer.finding
    chosen, unit = finding.recommended, answer.unit
    opening = [
        words.headline(evidence),
        words.share_sentence(evidence),
        words.importance_sentence(evidence),
        "",
        f"Recommended: {unit.name(chosen)}, {chosen.n_params} parameters "
        f"(run {chosen.best.run_id}, stage {chosen.stage}).",
        words.rows_sentence(evidence),
        words.warning_of_size(evidence),
        _error_sentence(answer, trainer),
    ]
    return [
        *[line for i, line in enumerate(opening) if line or i == 3],
        *_untried_sentences(finding),
        *answer.notes,
        "",
        "Why:",
        *[f"- {sentence}" for sentence in evidence["why"]],
        "",
        f"Its picture: {answer.directory / 'figures' / f'{PICTURE}.png'}",
        "To use it:",
        *[f"    {line}" for line in evidence["usage"]],
    ]


def answer_facts(answer: Answer, trainer: Trainer, evidence: words.Evidence) -> dict[str, Any]:
    """Return the answer as plain values, for a program.

    RMSE are in standard deviations of the target, which "target_scale" brings into its units (None where
    there is more than one target, or the target holds classes, whose errors are log losses under the same
    names); "evidence" is in its units.
    """
    finding = answer.finding
    chosen = finding.recommended
    folds = len({run.fold for run in chosen.runs})
    left_out = ("parity", "curves", "usage", "why", "notes", "model_file")
    return {
        "headline": words.headline(evidence),
        "run_id": chosen.best.run_id,
        "stage": chosen.stage,
        "family": chosen.family,
        "width": list(chosen.width),
        "grid": chosen.grid,
        "n_params": chosen.n_params,
        "error": answer.unit.error,
        "target_scale": answer.unit.scale,
        "val_rmse": chosen.val,
        "test_rmse": chosen.test,
        "test_rmse_of_runs": [run.test for run in chosen.runs],
        "test_rmse_interval": list(_interval(answer, trainer)),
        "test_rows_helped_to_choose": folds > 1,
        "test_note": FOLDS_WARNING if folds > 1 else "",
        "columns": list(answer.columns),
        "as_good": [c.family for c in finding.baselines if _is_alike(c, chosen, trainer)],
        "set_aside": [candidate.best.run_id for candidate in finding.set_aside],
        "budget_over": finding.budget_over,
        "untried": list(finding.untried),
        "notes": list(answer.notes),
        "evidence": {key: value for key, value in evidence.items() if key not in left_out},
    }


def rmse_interval(squared: FloatArray) -> tuple[float, float]:
    """Return the 95 % interval of the RMSE of a model over test samples drawn again, by the bootstrap.

    Percentiles of the RMSE of samples drawn with replacement (Efron and Tibshirani 1993, section 13.3); the
    random numbers are the same in every call.
    """
    generator = np.random.default_rng(0)
    n = squared.size
    rmse = [math.sqrt(np.mean(squared[generator.integers(0, n, n)])) for _ in range(_RESAMPLES)]
    low, high = np.percentile(rmse, [2.5, 97.5])
    return float(low), float(high)


def mean_interval(losses: FloatArray) -> tuple[float, float]:
    """Return the 95 % interval of a mean over test samples drawn again; otherwise as `rmse_interval`."""
    generator, n = np.random.default_rng(0), losses.size
    means = [float(np.mean(losses[generator.integers(0, n, n)])) for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _interval(answer: Answer, trainer: Trainer) -> tuple[float, float]:
    losses = trainer.losses(answer.finding.recommended, "test")
    return rmse_interval(losses) if answer.unit.error == RMSE else mean_interval(losses)


def _error_sentence(answer: Answer, trainer: Trainer) -> str:
    chosen = answer.finding.recommended
    tests = [run.test for run in chosen.runs]
    unit, scale = answer.unit, answer.unit.scale
    where = f" in the units of {one_line(answer.question.target)}" if scale is not None else ""
    if scale is None and unit.error == RMSE:
        where = " standard deviations of the target"
    text = f"Its test {unit.error} is {unit.text(chosen.test)}{where}"
    folds, n = len({run.fold for run in chosen.runs}), len(chosen.seeds)
    over = [f"{n} seeds"] if n > 1 else []
    over += [f"{folds} folds"] if folds > 1 else []
    if over:
        text += (
            f", the median over {' and '.join(over)}, which lie between "
            f"{unit.text(min(tests))} and {unit.text(max(tests))}"
        )
    elif chosen.is_deterministic:
        text += ", the same for every seed"
    else:
        text += ", from one seed only" + (", for the budget was over" if answer.finding.budget_over else "")
    low, high = map(unit.text, _interval(answer, trainer))
    text += f". Other test rows would give {low} to {high} (95 % of those drawn again)."
    return f"{text} {FOLDS_WARNING}" if folds > 1 else text


def _reasons(answer: Answer, trainer: Trainer) -> list[str]:
    finding = answer.finding
    chosen, best, unit = finding.recommended, finding.best, answer.unit
    sentences = []
    if chosen == best:
        sentences.append(
            f"No other model has a lower validation {unit.error} than its {unit.text(chosen.val)}."
        )
    else:
        sentences.append(
            f"It is the smallest model whose validation {unit.error} ({unit.text(chosen.val)}) is as good as "
            f"the lowest one ({unit.text(best.val)}, {unit.name(best)}, {best.n_params} parameters), within "
            f"the noise of the validation samples or {LEAST_GAIN:.0%}."
        )
    sentences += _grid_sentence(finding, unit)
    for what, word in (("width", "wider"), ("depth", "deeper")):
        failed = [t.candidate for t in finding.trials if t.what == what and not t.better]
        if failed:
            models = ", ".join(f"[{','.join(map(str, c.width))}] {unit.text(c.val)}" for c in failed)
            sentences.append(
                f"No {word} network was better beyond the noise (validation {unit.error} of {models})."
            )
    sentences += _baseline_sentences(answer, trainer)
    sentences += [
        f"{unit.name(candidate)} (validation {unit.error} {unit.text(candidate.val)}) was set aside: "
        "training failed or diverged with another seed."
        for candidate in finding.set_aside
    ]
    if finding.budget_over:
        tried = dict.fromkeys(unit.name(replace(c, grid=None)) for c in finding.candidates)
        sentences.append(
            f"The budget was over after {answer.seconds:.0f} s. Tried: {', '.join(tried)}. Not tried, or not "
            f"to the end: {', '.join(finding.untried)}. The same command with a larger --budget goes on from "
            "here; of these models only those that were cut short are trained again."
        )
    elif finding.enough:
        sentences.append(
            f"The search ended after {answer.seconds:.1f} s, for a validation {unit.error} of "
            f"{finding.best.val:.1g} {unit.of_tolerance}is good enough (--tolerance)."
        )
    else:
        sentences.append(f"The search ended after {answer.seconds:.1f} s because nothing improved any more.")
    return sentences


def _untried_sentences(finding: Finding) -> list[str]:
    if not finding.budget_over or finding.tried_a_network:
        return []
    return ["No network was tried, for the budget was over: the same command with a larger --budget goes on."]


def _grid_sentence(finding: Finding, unit: Unit) -> list[str]:
    chosen = finding.recommended
    finer = [c for c in finding.candidates if c.group_id == chosen.group_id and c.stage > chosen.stage]
    if not finer:
        return []
    errors = ", ".join(f"G = {c.grid}: {unit.text(c.val)}" for c in finer)
    return [f"Finer grids bring nothing (validation {unit.error} {errors})."]


def _baseline_sentences(answer: Answer, trainer: Trainer) -> list[str]:
    """Compare with the models without a hidden layer, on the test samples."""
    finding, unit = answer.finding, answer.unit
    chosen, sentences = finding.recommended, []
    others = [c for c in finding.candidates if not family_of(c.family).is_baseline]
    for simple in finding.baselines:
        name = _with_article(simple, unit)
        if simple.family != chosen.family:
            sentences.append(
                f"{name} has test {unit.error} {unit.text(simple.test)}: "
                f"{_compared(simple, chosen, trainer, unit)}."
            )
        elif others:
            rival = min(others, key=lambda c: c.val)
            sentences.append(
                f"{name} is as good as any network: its test {unit.error} is {unit.text(simple.test)}, that "
                f"of the best network ({unit.name(rival)}, {rival.n_params} parameters) is "
                f"{unit.text(rival.test)}."
            )
    return sentences


def _with_article(simple: TrainedConfiguration, unit: Unit) -> str:
    """Return a baseline as a sentence begins with it."""
    if unit.name(simple) == LOGISTIC:
        return LOGISTIC.capitalize()
    return with_article(family_of(simple.family).one_model)


def _compared(
    simple: TrainedConfiguration, chosen: TrainedConfiguration, trainer: Trainer, unit: Unit
) -> str:
    factor = _factor(simple, chosen)
    if _is_alike(simple, chosen, trainer):
        own = unit.text(chosen.test)
        return f"as good as the recommended model's {own} within the noise of the test samples"
    if factor >= 1.0:
        return f"{factor:.3g} times that of the recommended model"
    return f"lower than the recommended model's {unit.text(chosen.test)}, but not on the validation samples"


def _is_alike(simple: TrainedConfiguration, chosen: TrainedConfiguration, trainer: Trainer) -> bool:
    """Say whether the test samples cannot tell a simple model from the recommended one."""
    if simple == chosen:
        return True
    factor = _factor(simple, chosen)
    if not 1.0 / _ALIKE <= factor <= _ALIKE:
        return False
    return abs(excess(trainer.losses(simple, "test"), trainer.losses(chosen, "test"))) <= 2.0


def _factor(simple: TrainedConfiguration, chosen: TrainedConfiguration) -> float:
    return simple.test / chosen.test if chosen.test > 0.0 else math.inf
