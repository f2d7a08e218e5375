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
from sweeps.auto.search import LEAST_GAIN, Finding, TrainedConfiguration, Trainer, excess
from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.run_one import load_model_bytes
from sweeps.storage.store import Store

FloatArray = NDArray[np.float64]

MODEL, ANSWER, FACTS, PICTURE = "recommended.npz", "recommended.txt", "recommended.json", "recommended"
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
class Answer:
    """What was found, and what is needed to put it into words.

    `label_scale` turns an RMSE into the units of the target, `columns` are the names of the inputs, `seconds`
    is what the search took, `notes` what to know about the table, and `rows` the call that loads its rows in
    its own units.
    """

    finding: Finding
    label_scale: float | None
    columns: tuple[str, ...]
    directory: Path
    seconds: float
    notes: tuple[str, ...]
    rows: str


def write_answer(answer: Answer, trainer: Trainer, store: Store) -> list[str]:
    """Write the model, its picture and the answer in words to the directory; return the words as lines.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    chosen = answer.finding.recommended
    model = load_model_bytes(store.model(chosen.best.run_id, chosen.stage))
    lines = answer_lines(answer, trainer)
    try:
        model.save(answer.directory / MODEL)
        folder = answer.directory / "figures"
        folder.mkdir(exist_ok=True)
        # The picture of an MLP has no names at its nodes.
        figure = model.plot(in_vars=list(answer.columns)) if chosen.grid else model.plot()
        for suffix in ("png", "svg"):
            figure.savefig(folder / f"{PICTURE}.{suffix}", dpi=150)
        (answer.directory / ANSWER).write_text("\n".join(lines) + "\n", encoding="utf-8")
        facts = json.dumps(answer_facts(answer, trainer), indent=2)
        (answer.directory / FACTS).write_text(facts + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write the answer to {answer.directory}: {error}. Choose another --out."
        ) from None
    return lines


def answer_lines(answer: Answer, trainer: Trainer) -> list[str]:
    """Return the answer in words."""
    finding = answer.finding
    chosen = finding.recommended
    return [
        f"Recommended: {model_name(chosen)}, {chosen.n_params} parameters "
        f"(run {chosen.best.run_id}, stage {chosen.stage}).",
        _error_sentence(answer, trainer),
        *_untried_sentences(finding),
        *answer.notes,
        "",
        "Why:",
        *[f"- {sentence}" for sentence in _reasons(answer, trainer)],
        "",
        f"Its picture: {answer.directory / 'figures' / f'{PICTURE}.png'}",
        "To use it:",
        *[f"    {line}" for line in usage_lines(answer)],
    ]


def usage_lines(answer: Answer) -> list[str]:
    """Return Python that loads the model, predicts with it, and scores it on the test rows."""
    columns = ", ".join(map(repr, answer.columns))  # a name must not end the comment
    instead = " in place of folds and fold" if "folds=" in answer.rows else ""
    return [
        "import numpy as np",
        "from kan_np import load_csv, load_model",
        f"model = load_model({str(answer.directory / MODEL)!r})",
        f"rows = {answer.rows}",
        f"# predict takes and gives the units of the table; columns of x: {columns}",
        "error = model.predict(rows['test_input']) - rows['test_label']",
        "print(np.sqrt(np.mean(error**2)))  # the test RMSE of this model, in the units of the target",
        f"# The rows of another table: the same call with test='its path'{instead}.",
    ]


def answer_facts(answer: Answer, trainer: Trainer) -> dict[str, Any]:
    """Return the answer as plain values, for a program; RMSE are in standard deviations of the target."""
    finding = answer.finding
    chosen = finding.recommended
    folds = len({run.fold for run in chosen.runs})
    return {
        "run_id": chosen.best.run_id,
        "stage": chosen.stage,
        "family": chosen.family,
        "width": list(chosen.width),
        "grid": chosen.grid,
        "n_params": chosen.n_params,
        "val_rmse": chosen.val,
        "test_rmse": chosen.test,
        "test_rmse_of_runs": [run.test for run in chosen.runs],
        "test_rmse_interval": list(rmse_interval(trainer.squared_errors(chosen, "test"))),
        "test_rows_helped_to_choose": folds > 1,
        "test_note": FOLDS_WARNING if folds > 1 else "",
        "columns": list(answer.columns),
        "as_good": [c.family for c in finding.baselines if _is_alike(c, chosen, trainer)],
        "set_aside": [candidate.best.run_id for candidate in finding.set_aside],
        "budget_over": finding.budget_over,
        "untried": list(finding.untried),
        "notes": list(answer.notes),
    }


def model_name(candidate: TrainedConfiguration) -> str:
    """Return a model in words.

    Examples
    --------
    >>> model_name(TrainedConfiguration("", "kan", (2, 1, 1), 5, 1, 27, ()))
    'KAN [2,1,1], G = 5'
    """
    family = family_of(candidate.family)
    name = family.one_model
    if family.has_hidden:
        name += f" [{','.join(map(str, candidate.width))}]"
    return f"{name}, G = {candidate.grid}" if candidate.grid else name


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


def _error_sentence(answer: Answer, trainer: Trainer) -> str:
    chosen = answer.finding.recommended
    tests = [run.test for run in chosen.runs]
    unit = ""
    if answer.label_scale is not None:
        unit = f" ({answer.label_scale * chosen.test:.3g} in the units of the target)"
    text = f"Its test RMSE is {chosen.test:.3g} standard deviations of the target{unit}"
    folds, n = len({run.fold for run in chosen.runs}), len(chosen.seeds)
    over = [f"{n} seeds"] if n > 1 else []
    over += [f"{folds} folds"] if folds > 1 else []
    if over:
        text += (
            f", the median over {' and '.join(over)}, which lie between {min(tests):.3g} and {max(tests):.3g}"
        )
    elif chosen.is_deterministic:
        text += ", the same for every seed"
    else:
        text += ", from one seed only" + (", for the budget was over" if answer.finding.budget_over else "")
    low, high = rmse_interval(trainer.squared_errors(chosen, "test"))
    text += f". Other test rows would give {low:.3g} to {high:.3g} (95 % of those drawn again)."
    return f"{text} {FOLDS_WARNING}" if folds > 1 else text


def _reasons(answer: Answer, trainer: Trainer) -> list[str]:
    finding = answer.finding
    chosen, best = finding.recommended, finding.best
    sentences = []
    if chosen == best:
        sentences.append(f"No other model has a lower validation RMSE than its {chosen.val:.3g}.")
    else:
        sentences.append(
            f"It is the smallest model whose validation RMSE ({chosen.val:.3g}) is as good as the lowest one "
            f"({best.val:.3g}, {model_name(best)}, {best.n_params} parameters), within the noise of the "
            f"validation samples or {LEAST_GAIN:.0%}."
        )
    sentences += _grid_sentence(finding)
    for what, word in (("width", "wider"), ("depth", "deeper")):
        failed = [t.candidate for t in finding.trials if t.what == what and not t.better]
        if failed:
            models = ", ".join(f"[{','.join(map(str, c.width))}] {c.val:.3g}" for c in failed)
            sentences.append(f"No {word} network was better beyond the noise (validation RMSE of {models}).")
    sentences += _baseline_sentences(finding, trainer)
    sentences += [
        f"{model_name(candidate)} (validation RMSE {candidate.val:.3g}) was set aside: training failed or "
        "diverged with another seed."
        for candidate in finding.set_aside
    ]
    if finding.budget_over:
        tried = dict.fromkeys(model_name(replace(c, grid=None)) for c in finding.candidates)
        sentences.append(
            f"The budget was over after {answer.seconds:.0f} s. Tried: {', '.join(tried)}. Not tried, or not "
            f"to the end: {', '.join(finding.untried)}. The same command with a larger --budget goes on from "
            "here; of these models only those that were cut short are trained again."
        )
    elif finding.enough:
        sentences.append(
            f"The search ended after {answer.seconds:.1f} s, for a validation RMSE of {finding.best.val:.1g} "
            "is good enough (--tolerance)."
        )
    else:
        sentences.append(f"The search ended after {answer.seconds:.1f} s because nothing improved any more.")
    return sentences


def _untried_sentences(finding: Finding) -> list[str]:
    if not finding.budget_over or finding.tried_a_network:
        return []
    return ["No network was tried, for the budget was over: the same command with a larger --budget goes on."]


def _grid_sentence(finding: Finding) -> list[str]:
    chosen = finding.recommended
    finer = [c for c in finding.candidates if c.group_id == chosen.group_id and c.stage > chosen.stage]
    if not finer:
        return []
    errors = ", ".join(f"G = {c.grid}: {c.val:.3g}" for c in finer)
    return [f"Finer grids bring nothing (validation RMSE {errors})."]


def _baseline_sentences(finding: Finding, trainer: Trainer) -> list[str]:
    """Compare with the models without a hidden layer, on the test samples."""
    chosen, sentences = finding.recommended, []
    others = [c for c in finding.candidates if not family_of(c.family).is_baseline]
    for simple in finding.baselines:
        name = with_article(family_of(simple.family).one_model)
        if simple.family != chosen.family:
            sentences.append(f"{name} has test RMSE {simple.test:.3g}: {_compared(simple, chosen, trainer)}.")
        elif others:
            rival = min(others, key=lambda c: c.val)
            sentences.append(
                f"{name} is as good as any network: its test RMSE is {simple.test:.3g}, that of the best "
                f"network ({model_name(rival)}, {rival.n_params} parameters) is {rival.test:.3g}."
            )
    return sentences


def _compared(simple: TrainedConfiguration, chosen: TrainedConfiguration, trainer: Trainer) -> str:
    factor = _factor(simple, chosen)
    if _is_alike(simple, chosen, trainer):
        return f"as good as the recommended model's {chosen.test:.3g} within the noise of the test samples"
    if factor >= 1.0:
        return f"{factor:.3g} times that of the recommended model"
    return f"lower than the recommended model's {chosen.test:.3g}, but not on the validation samples"


def _is_alike(simple: TrainedConfiguration, chosen: TrainedConfiguration, trainer: Trainer) -> bool:
    """Say whether the test samples cannot tell a simple model from the recommended one."""
    if simple == chosen:
        return True
    factor = _factor(simple, chosen)
    if not 1.0 / _ALIKE <= factor <= _ALIKE:
        return False
    return abs(excess(trainer.squared_errors(simple, "test"), trainer.squared_errors(chosen, "test"))) <= 2.0


def _factor(simple: TrainedConfiguration, chosen: TrainedConfiguration) -> float:
    return simple.test / chosen.test if chosen.test > 0.0 else math.inf
