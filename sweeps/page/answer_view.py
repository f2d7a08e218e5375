"""What a page shows of the answer on a table: its sentences, figures, tables and the formula."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from sweeps.analysis.results import SweepResult
from sweeps.answer import words
from sweeps.answer.candidates import LOGISTIC
from sweeps.families import LINEAR, by_family
from sweeps.page import answer_figures
from sweeps.page.gallery import Gallery
from sweeps.page.style import label
from sweeps.page.tables import Column, ReportTable
from sweeps.spec.data_summary import legend_text


def answer_view(result: SweepResult) -> dict[str, Any] | None:
    """Return what the first section of a page shows, None if the sweep has no answer."""
    answer = result.answer
    if answer is None:
        return None
    of_classes = answer["kind"] == "classification"
    search = next((task.search for task in result.tasks if task.task == answer["task"] and task.search), None)
    return {
        "of_classes": of_classes,
        "n_classes": len(answer.get("class_names", ())),
        "target": answer["target"],
        "headline": words.headline(answer),
        "share": words.share_sentence(answer),
        "model": words.model_sentence(answer),
        "warning": words.warning_of_size(answer),
        "importance": words.importance_sentence(answer),
        "formula": None if search is None else search.best,
        "legend": next((legend_text(t.description) for t in result.tasks if t.task == answer["task"]), ""),
        "predict": f"kan-sweep predict {shlex.quote(answer['model_file'])} new.csv -o predicted.csv"
        + (" --interval 0.9" if answer.get("interval") else ""),
        "usage": "\n".join(answer["usage"]),
        "why": answer["why"],
        "run_id": answer["run_id"],
        "stage": answer["stage"],
        "folds": answer["folds"],
        "n_test": answer["n_test"],
        "scores": scores_table(answer) if of_classes else None,
    }


def scores_table(answer: Mapping[str, Any]) -> ReportTable:
    """Return log loss, accuracy and Brier score of the best model of every family, and without inputs."""
    columns = [
        *(Column("family"), Column("model"), Column("parameters", "count")),
        *(Column("accuracy", "error"), Column("log loss", "error"), Column("Brier score", "error")),
    ]
    rows: list[list[Any]] = []
    for family in sorted(answer["families"], key=by_family):
        own = answer["families"][family]
        name = LOGISTIC if family == LINEAR.name else label(family)
        mark = " (recommended)" if family == answer["family"] else ""
        scores = (own["accuracy"], own["log_loss"], own["brier"])
        rows.append([name + mark, own["model"], own["n_params"], *scores])
    shares = answer["shares"]
    rows.append(
        ["no inputs", "shares of the classes", None, shares["accuracy"], shares["log_loss"], shares["brier"]]
    )
    caption = "The best model of each family by validation, on the test rows."
    return ReportTable("classes", caption, columns, rows)


def add_figures(gallery: Gallery, answer: Mapping[str, Any]) -> None:
    """Put the figures of an answer into the gallery of a page."""
    target = str(answer["target"])
    if answer["kind"] == "classification":
        confusion = answer_figures.confusion_figure(answer)
        gallery.add_plain(confusion, "answer-confusion", f"Confusion matrix of {target} on the test rows")
        calibration = answer_figures.calibration_figure(answer)
        gallery.add_plain(calibration, "answer-calibration", f"Calibration of {target} on the test rows")
    else:
        parity = answer_figures.parity_figure(answer)
        gallery.add_plain(parity, "answer-parity", f"Predicted against measured {target}, test rows")
    importance = answer_figures.importance_figure(answer)
    gallery.add_plain(importance, "answer-importance", f"Importance of the columns for {target}")
    if answer["curves"]:
        gallery.add_plain(
            answer_figures.curves_figure(answer), "answer-curves", f"Predicted {target} along every column"
        )
