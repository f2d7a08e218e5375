"""The lines of text that `kan-sweep status` and `kan-sweep list` print."""

from __future__ import annotations

import json
import math
import shlex
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sweeps._plural import are, counted
from sweeps._safe_text import one_line
from sweeps.analysis.target_units import error_words, in_target_units, is_other_target, short_error_words
from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.records import best_stage, opt_text
from sweeps.spec.paper import PAPER, PAPER_PRESETS, parts
from sweeps.spec.spec_reader import preset_names
from sweeps.storage.database import DATABASE_NAME
from sweeps.storage.merge_sources import lacks_line
from sweeps.storage.sqlite_errors import understood
from sweeps.storage.store import Store

_SLOWEST = 5
_REASONS = 10


def paper_lines(directory: Path) -> list[str]:
    """Return how far each part of the paper is, and where more is said; empty if it is no folder of them."""
    if (directory / DATABASE_NAME).is_file():
        return []
    begun = {name for name in parts() if (directory / name / DATABASE_NAME).is_file()}
    if not begun:
        return []
    lines: list[str] = []
    readable: list[str] = []
    for name, part in parts().items():
        told = "not begun"
        if name in begun:
            try:
                with understood(directory / name), Store.open(directory / name, readonly=True) as store:
                    told = _counts_line(store)
                readable.append(name)
            except UserError as error:
                told = f"cannot be read: {one_line(str(error))}"
        lines += [f"{name}: {part.title}", f"  {told}"]
    for name in readable[:1]:
        lines += ["", f"more of a part, such as: kan-sweep status {shlex.quote(str(directory / name))}"]
    return lines


def status_lines(store: Store) -> list[str]:
    """Return how far a sweep is: counts in all and by family, the slowest runs, failures by reason.

    All of it is about the runs of the present plan; others are counted in one line of their own.
    """
    with store.snapshot():
        meta, counts, families = store.meta(), store.counts(), _family_lines(store)
        # Mostly there are no others, and nothing has to be looked up in the plan.
        others = counts["unplanned"] > 0
        slowest, failures = store.slowest(_SLOWEST, planned=others), store.failures(planned=others)
        counts_line = _counts_line(store)
        stale = counts["stale"]
        if stale and others:
            stale = len(store.stale_ids() & {run_id for run_id, _ in store.plan_tasks()})
    lines = [one_line(meta["title"]), counts_line]
    if meta["lacks"]:
        lines.append(f"{lacks_line(meta['lacks'].split())}; merge it, or compute all with: {meta['command']}")
    if counts["unplanned"]:
        lines.append(
            f"{counted(counts['unplanned'], 'more run')} {are(counts['unplanned'])} recorded that the "
            "present plan does not ask for; all else here is about those of the plan"
        )
    if stale:
        lines.append(
            f"{counted(stale, 'recorded run')} {are(stale)} stale, computed by another version or kernel "
            "than the last ones; do them again with: kan-sweep run ... --rerun stale"
        )
    lines += ["", *families]
    if slowest:
        lines += ["", "slowest runs"]
        lines += [
            f"  {run_id}  {wall_s:8.2f} s  {_run_text(task, config)}"
            for run_id, wall_s, task, config in slowest
        ]
    if failures:
        lines += ["", "failures"]
        lines += [
            f"  {count} x {one_line(f'{status}: {reason}')}" for status, reason, count in failures[:_REASONS]
        ]
        if len(failures) > _REASONS:
            lines.append(f"  and {len(failures) - _REASONS} more reasons")
    return lines


def _counts_line(store: Store) -> str:
    """Return how many runs of the plan are done, failed and left."""
    counts = store.counts()
    others = counts["unplanned"] > 0
    bad = sum(count for _, _, count in store.failures(planned=others))
    models = store.n_planned_stages() if others else counts["stages"]
    return (
        f"{counted(counts['planned'], 'run')} planned, {counts['planned'] - counts['missing']} recorded, "
        f"{counts['missing']} to do; {bad} failed; {counted(models, 'model')} trained"
    )


def run_lines(store: Store) -> list[str]:
    """Return one line a recorded run: id, status, best errors by validation, what it is.

    Runs that the present plan does not ask for are marked as such.
    """
    with store.snapshot():
        runs, formulas, told = store.runs(), store.formulas(), store.tasks()
        stages = in_target_units(runs, store.stages(), told)
        planned = {run_id for run_id, _ in store.plan_tasks()}
    best = _best_stages(stages) | _best_formulas(stages, formulas)
    error, unit = _error_of(set(runs["task"]), told)
    lines = [f"errors are {error} {unit}".rstrip()] if unit or error != "RMSE" else []
    heads = _heads(set(runs["task"]), told)
    lines.append(f"{'run':16}  {'status':8}  {'params':>7}  {heads[0]:>9}  {heads[1]:>9}  task and model")
    for run_id, task, text, status in zip(
        runs["run_id"], runs["task"], runs["config"], runs["status"], strict=True
    ):
        config = json.loads(text)
        i = best.get(run_id)
        opt = "" if i is None else str(stages["opt"][i])
        params, val, test = (
            ("-", "-", "-")
            if i is None
            else (str(stages["n_params"][i]), _number(stages["val_rmse"][i]), _number(stages["test_rmse"][i]))
        )
        what = _run_text(task, config, opt)
        if planned and run_id not in planned:
            what += "  (not in the present plan)"
        if is_other_target(told.get(task, {}), text):
            what += "  (errors in standard deviations)"
        lines.append(f"{run_id:16}  {status:8}  {params:>7}  {val:>9}  {test:>9}  {what}")
    return lines


def _error_of(tasks: set[str], told: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return what the errors of runs are called and in what units they are, if that is the same for all."""
    found = {error_words(told.get(task, {}), task.startswith("csv/")) for task in tasks}
    return found.pop() if len(found) == 1 else ("RMSE", "")


def _heads(tasks: set[str], told: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return the heads of the columns of validation and test errors."""
    found = {short_error_words(told.get(task, {}), task.startswith("csv/"))[1:] for task in tasks}
    return found.pop() if len(found) == 1 else ("val RMSE", "test RMSE")


def _run_text(task: str, config: Mapping[str, Any], opt: str = "") -> str:
    """Return a run in words; of a table with its target, for a store may hold runs of several."""
    target = config["data"].get("target")
    named = task if target is None else f"{task}: {target}"
    fold = f"  fold {config['fold']}" if "fold" in config else ""
    data_seed = config["data"].get("seed")
    samples = f"  samples {data_seed}" if data_seed else ""
    return one_line(f"{named}  {model_text(config, opt)}  seed {config['seed']}{samples}{fold}")


def catalogue_lines() -> list[str]:
    """Return the built-in suites with their functions, and the presets."""
    from sweeps.spec.tasks import suite_overview

    lines = ["suites"]
    for name, (description, functions) in suite_overview().items():
        lines += [f"  {name} ({len(functions)}): {description}", *_wrapped(functions)]
    paper = f"{PAPER}: all parts of arXiv:2404.19756, presets {' and '.join(PAPER_PRESETS)}"
    return [*lines, "", paper, *_wrapped(list(parts())), "", f"presets: {', '.join(preset_names())}"]


def model_text(config: Mapping[str, Any], opt: str = "") -> str:
    """Return a model in a few words, with the optimizer `opt` if it is known which one was used.

    Examples
    --------
    >>> model_text({"family": "mlp", "width": [2, 5, 1], "activation": "tanh", "opt": "auto"}, "LM")
    'mlp [2,5,1] tanh LM (auto)'
    """
    text = family_of(config["family"]).text(config)
    return f"{text} {opt_text(config.get('opt', ''), opt)}".rstrip()


def _family_lines(store: Store) -> list[str]:
    planned, models = store.plan_families(), store.plan_models()
    missing, failed = store.plan_missing(), store.plan_failed()
    columns = ("done", "failed", "to do", "models")
    lines = [f"{'family':8}" + "".join(f"{name:>8}" for name in columns)]
    for family, count in planned.items():
        bad, left = failed.get(family, 0), missing.get(family, 0)
        numbers = (count - bad - left, bad, left, models[family])
        lines.append(f"{family:8}" + "".join(f"{number:8d}" for number in numbers))
    return lines


def _best_stages(stages: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Return for every run that has a stage the position of its best one in the columns."""
    names = ("stage", "val_rmse", "train_rmse")
    rows: dict[str, dict[int, tuple[int, dict[str, Any]]]] = {}
    for i, run_id in enumerate(stages["run_id"]):
        row = {name: stages[name][i] for name in names}
        rows.setdefault(run_id, {})[int(row["stage"])] = (i, row)
    return {
        run_id: chain[best_stage([row for _, row in chain.values()])][0] for run_id, chain in rows.items()
    }


def _best_formulas(stages: Mapping[str, np.ndarray], formulas: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Return the same for the runs that looked for a formula: the one that the search recommends."""
    places = zip(stages["run_id"], stages["stage"].tolist(), strict=True)
    row_of = {place: i for i, place in enumerate(places)}
    best = formulas["best"] == 1
    recommended = zip(formulas["run_id"][best], formulas["stage"][best].tolist(), strict=True)
    return {run_id: row_of[run_id, stage] for run_id, stage in recommended}


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2e}"


def _wrapped(names: list[str], width: int = 92) -> list[str]:
    text = ", ".join(names)
    return textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
