"""An answer in sentences, made from its evidence: what is predicted how well, and what matters."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sweeps._safe_text import one_line
from sweeps.answer.choice import FEW_LABELS
from sweeps.families import LINEAR

Evidence = Mapping[str, Any]

#: Errors that are smaller than those of a simpler prediction by less than this fraction are no progress;
#: chosen by judgement.
_NO_PROGRESS = 0.05
_MOST_NAMED = 6
_UNIT = re.compile(
    r"\s/\s*(?P<slash>[^/()\[\]]+?)\s*$|\((?P<round>[^()]*)\)\s*$|\[(?P<square>[^\[\]]*)\]\s*$"
)


def unit_of(column: str) -> str:
    """Return the unit in the name of a column, "" where none is told.

    Examples
    --------
    >>> unit_of("yield / %"), unit_of("T [K]"), unit_of("flow (L/min)"), unit_of("L/D")
    ('%', 'K', 'L/min', '')
    """
    found = _UNIT.search(column)
    return "" if found is None else next((part for part in found.groups() if part), "").strip()


def amount(value: float, digits: int = 2) -> str:
    """Return a number as one says it, with at least so many significant digits.

    Examples
    --------
    >>> amount(4.853), amount(15.0), amount(0.00123), amount(2.5e-9), amount(123.4)
    ('4.9', '15', '0.0012', '2.5e-9', '123')
    """
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if value == 0.0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def errors_alike(values: Sequence[float]) -> list[str]:
    """Return errors with as many decimals as the smallest of them needs, as in 4.9, 7.2 and 15.0."""
    finite = [abs(value) for value in values if math.isfinite(value) and value != 0.0]
    if not finite or not (min(finite) >= 1e-4 and max(finite) < 1e6 and max(finite) < 1e4 * min(finite)):
        return [amount(value) for value in values]
    decimals = max(0, 1 - math.floor(math.log10(min(finite))))
    return [f"{value:.{decimals}f}" if math.isfinite(value) else "∞" for value in values]


def headline(evidence: Evidence) -> str:
    """Return how well the target is predicted, beside simpler predictions."""
    target = one_line(evidence["target"])
    if evidence["kind"] == "classification":
        return _headline_of_classes(evidence, target)
    rmse, half, linear, mean = errors_alike([evidence[name] for name in ("rmse", "half", "linear", "mean")])
    unit = unit_of(target)
    said = f"{rmse} {unit}" if unit else rmse
    text = f"{target} is predicted to ± {said} (half of the rows within {half})"
    if not evidence["rmse"] < (1 - _NO_PROGRESS) * evidence["mean"]:
        text = f"{target} is not predicted by these columns: no better than to ± {said}"
    if evidence["family"] == LINEAR.name:
        return f"{text}, by a linear model; guessing the mean: {mean}."
    return f"{text}; a linear model: {linear}; guessing the mean: {mean}."


def _headline_of_classes(evidence: Evidence, target: str) -> str:
    right = f"{target} is told right in {_exactly(evidence['accuracy'])} of the rows"
    common = evidence["shares"]["accuracy"]
    parts = []
    linear = evidence.get("linear")
    if linear and evidence["family"] != LINEAR.name:
        parts.append(f"logistic regression: {_exactly(linear['accuracy'])}")
    parts.append(f"always the most frequent class: {_exactly(common)}")
    by = ", by logistic regression" if evidence["family"] == LINEAR.name else ""
    own, without = amount(evidence["log_loss"]), amount(evidence["shares"]["log_loss"])
    log_loss = f" (log loss {own}, without the inputs {without})"
    return f"{right}{log_loss}{by}; {'; '.join(parts)}."


def share_sentence(evidence: Evidence) -> str:
    """Return the error as a share of the spread of the target."""
    if evidence["kind"] == "classification":
        own, without = amount(evidence["brier"]), amount(evidence["shares"]["brier"])
        return f"The Brier score is {own} (0 at best; {without} without the inputs)."
    share = evidence["rmse"] / evidence["spread"] if evidence["spread"] > 0 else math.inf
    target, spread = one_line(evidence["target"]), amount(evidence["spread"], 3)
    text = f"That is {_percent(share)} of the spread of {target} (its standard deviation, {spread})"
    low, high = evidence["of_runs"]
    if evidence["seeds"] > 1 or evidence["folds"]:
        over = [f"{evidence['seeds']} random starts"] if evidence["seeds"] > 1 else []
        over += [f"{evidence['folds']} folds"] if evidence["folds"] else []
        text += f"; over {' and '.join(over)} the error lies between {amount(low)} and {amount(high)}"
    half = evidence.get("interval")
    interval = f" 90 % of new rows lie within ± {amount(half)} of their prediction." if half else ""
    return f"{text}.{interval}"


def _exactly(share: float) -> str:
    return f"{100 * share:.1f} %"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if share >= 0.1 else f"{amount(100 * share)} %"


def model_sentence(evidence: Evidence) -> str:
    """Return which model it is, and how many rows trained, chose and tested it."""
    return f"The model: {evidence['model']}, {evidence['n_params']} parameters. {rows_sentence(evidence)}"


def rows_sentence(evidence: Evidence) -> str:
    """Return how many rows trained, chose and tested a model."""
    ratio = evidence["n_labels"] / max(evidence["n_params"], 1)
    text = f"{evidence['n_train']} rows train it, {amount(ratio)} for each parameter"
    text += f"; {evidence['n_val']} others chose it" if evidence["n_val"] else ""
    if evidence["folds"]:
        return f"{text}; all {evidence['n_test']} test it, each in the fold that does not train with it."
    return f"{text}; {evidence['n_test']} others test it."


def warning_of_size(evidence: Evidence) -> str:
    """Return a warning where parameters come near the number of rows, else ""."""
    ratio = evidence["n_labels"] / max(evidence["n_params"], 1)
    if ratio >= FEW_LABELS:
        return ""
    return (
        f"{evidence['n_params']} parameters are many for {evidence['n_train']} training rows: the model may "
        "have learnt some of their noise. Trust the error on the test rows rather than the shape of its "
        "curves, and look at the smaller models on the front; more rows help."
    )


def importance_sentence(evidence: Evidence) -> str:
    """Return which columns matter, the most important first, and which do not beyond the noise."""
    clear = [own for own in evidence["importance"] if own["clear"]]
    others = [own for own in evidence["importance"] if not own["clear"]]
    if not clear:
        return "No column matters beyond the noise of the test rows."
    named = ", ".join(f"{one_line(own['column'])} (+{amount(own['value'])})" for own in clear[:_MOST_NAMED])
    more = f" and {len(clear) - _MOST_NAMED} more" if len(clear) > _MOST_NAMED else ""
    text = f"What matters most: {named}{more}; in brackets by how much the error rises if the column is "
    text += "shuffled."
    if others:
        names = ", ".join(one_line(own["column"]) for own in others[:_MOST_NAMED])
        rest = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        verb = "does" if len(others) == 1 else "do"
        text += f" {names}{rest} {verb} not matter beyond the noise."
    return text
