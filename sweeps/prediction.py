"""Predictions of a saved model for the rows of a table, in the units of the data.

The columns and classes of the table are checked against those that the model keeps; rows outside the range of
the training rows are flagged, and rows with missing cells stay without a prediction.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps._files import write_file
from sweeps._plural import counted
from sweeps._table_files import suffixes, writer_for
from sweeps.checks import nearest
from sweeps.errors import UserError
from sweeps.spec.data_summary import date_of
from sweeps.spec.table_options import worded_as_options

FloatArray = NDArray[np.float64]

#: The column that counts the inputs of a row which lie outside their training range.
OUTSIDE = "out_of_range"
#: Rounding of a range that was standardised and back, as a part of the range.
_ROUNDING = 1e-9
_NAMED = 5  # inputs that a line names
#: What messages advise that there is no option for here: the model says which columns it needs.
_NO_OPTION = re.compile(
    r", or (?:drop|leave) the column(?: out)?(?: by naming the others)? with features=\[\.\.\.\]"
    r"|, leave such rows out with missing='drop'"
)


@dataclass(frozen=True)
class PredictionRequest:
    """What the command line asks of `predict`: paths, the level of intervals, how a table is written."""

    model: str
    table: str
    output: Path
    interval: float | None = None
    decimal: str | None = None
    raw: bool = False


def predict_table(request: PredictionRequest) -> list[str]:
    """Write the columns of a table and what the model predicts to a file, and return what is to be said.

    Raises
    ------
    UserError
        If the model or the table cannot be read, do not go together, or the file cannot be written.
    """
    write = writer_for(request.output.suffix, raw=request.raw)
    if write is None:
        raise UserError(
            f"cannot write predictions to {request.output}: its suffix is {request.output.suffix!r}; "
            f"expected one of {suffixes()}."
        )
    with worded_as_options():
        try:
            model, names, cells, rows = _read(request)
            found = _predicted(model, rows["test_input"], request.interval)
        except OSError as error:
            named = f"cannot read {error.filename}: {error.strerror}." if error.filename else str(error)
            raise UserError(named) from None
        except (ValueError, TypeError) as error:
            raise UserError(_NO_OPTION.sub("", str(error))) from None
    comma = rows.get("decimal") == ","
    columns = {name: [row[i] for row in cells] for i, name in enumerate(names)}
    types: dict[str, type] = dict.fromkeys(names, str)
    if request.output.suffix.lower() != ".csv" or comma:
        numbers = {*rows["feature_names"]} - {*model.dates}
        for name in names:
            columns[name], types[name] = _typed(columns[name], comma, name in numbers)
    outside, ranged = _outside(model, rows["test_input"])
    if outside is not None:
        found[OUTSIDE] = outside.sum(axis=1)
    for wanted, values in found.items():
        name = _free_name(wanted, columns)
        columns[name] = _spread(values, rows["rows"], len(cells))
        types[name] = {"f": float, "i": int}.get(np.asarray(values).dtype.kind, str)
    write_file(request.output, write(columns, types))
    lines = [
        f"{counted(len(rows['rows']), 'row')} of {request.table} predicted by {model!r} of {request.model}.",
        *rows.get("notes", ()),
        *_error_lines(model, names, cells, rows, found),
        *_outside_lines(outside, ranged, len(rows["rows"])),
        f"written: {request.output}",
    ]
    return [line.replace("are read.", "are predicted.") for line in lines]


def _read(request: PredictionRequest) -> tuple[Any, list[str], list[list[str]], Mapping[str, Any]]:
    """Return the model, the names and cells of the table, and its rows as the model takes them."""
    import kan_np

    model = kan_np.load_model(request.model)
    names, cells = kan_np.read_table_text(request.table)
    wanted = model.input_columns
    if wanted is None:
        if len(names) != model.width[0]:
            raise UserError(
                f"{request.table} has {counted(len(names), 'column')}, and {request.model} keeps no names of "
                f"columns and has {counted(model.width[0], 'input')}; expected as many. Set "
                "model.feature_names and save it again, or leave the other columns out of the table."
            )
        wanted = names
    missing = [name for name in wanted if name not in names]
    if missing:
        raise UserError(
            f"{request.table} has no column {', '.join(map(repr, missing[:_NAMED]))}; expected the columns "
            f"that the model was trained on, {', '.join(map(repr, wanted))}, in any order. Rename the "
            f"column, or add it.{nearest(missing[0], names)}"
        )
    rows = kan_np.load_table(
        request.table,
        None,
        features=wanted,
        classes=model.classes,
        dates=model.dates,
        decimal=request.decimal,
        missing="drop",
    )
    place = {name: i for i, name in enumerate(rows["feature_names"])}
    order = [place[name] for name in model.feature_names or rows["feature_names"]]
    return model, names, cells, {**rows, "test_input": rows["test_input"][:, order]}


def _predicted(model: Any, x: FloatArray, interval: float | None) -> dict[str, Any]:
    """Return the columns of predictions by their names."""
    import kan_np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.ExtrapolationWarning)  # counted, and flagged row by row
        if isinstance(model.loss, kan_np.CrossEntropy):
            _refuse_interval(interval, "classes, which have probabilities")
            return _class_columns(model, model.predict_proba(x))
        if isinstance(model.loss, kan_np.Poisson):
            _refuse_interval(interval, "rates of counts")
            values, ends = model.predict_rate(x), ()
        elif interval is None:
            values, ends = model.predict(x), ()
        else:
            values, *ends = model.predict(x, interval=interval)
    found: dict[str, Any] = {}
    names = model.target_names or [f"output {j + 1}" for j in range(values.shape[1])]
    for j, name in enumerate(names if values.shape[1] > 1 or model.target_names else [""]):
        found[f"predicted {name}".strip()] = values[:, j]
        if ends:
            level = f"{100 * float(interval or 0):g} %"
            found[f"lower {level} {name}".strip()] = ends[0][:, j]
            found[f"upper {level} {name}".strip()] = ends[1][:, j]
    return found | _nearest_classes(model, values)


def _refuse_interval(interval: float | None, what: str) -> None:
    if interval is not None:
        raise UserError(f"--interval is given, and the model predicts {what}; expected a model of numbers.")


def _labels(model: Any, n_outputs: int) -> tuple[str, list[str]] | None:
    """Return the target and its classes if the outputs are those of one target with classes."""
    targets = model.target_names or []
    for name, labels in model.classes.items():
        wanted = labels[1:] if len(labels) == 2 and n_outputs == 1 else labels
        if [f"{name}={label}" for label in wanted] == targets:
            return name, labels
    return None


def _class_columns(model: Any, probabilities: FloatArray) -> dict[str, Any]:
    """Return the most probable class of every row, and the probability of each class."""
    found = _labels(model, len(model.target_names or [])) or _labels(model, probabilities.shape[1])
    name, labels = found or ("class", [str(k) for k in range(probabilities.shape[1])])
    columns: dict[str, Any] = {
        f"predicted {name}": np.array(labels, dtype=object)[probabilities.argmax(axis=1)]
    }
    return columns | {f"P({name}={label})": probabilities[:, k] for k, label in enumerate(labels)}


def _nearest_classes(model: Any, values: FloatArray) -> dict[str, Any]:
    """Return the class whose number is largest, where numbers stand for classes; else nothing."""
    found = _labels(model, values.shape[1])
    if found is None:
        return {}
    name, labels = found
    chosen = values.argmax(axis=1) if values.shape[1] > 1 else (values[:, 0] > 0.5).astype(int)
    return {f"predicted {name}": np.array(labels, dtype=object)[chosen]}


def _outside(model: Any, x: FloatArray) -> tuple[Any, Any]:
    """Return which inputs of every row lie outside the training range, and the range; None if not known."""
    limits = model.training_range
    if limits is None:
        return None, None
    slack = _ROUNDING * np.maximum(limits[1] - limits[0], np.abs(limits).max(axis=0))
    return (x < limits[0] - slack) | (x > limits[1] + slack), (model.feature_names, model.dates, limits, x)


def _outside_lines(outside: Any, ranged: Any, n_rows: int) -> list[str]:
    if outside is None:
        return ["The model keeps no training range: rows outside it cannot be flagged."]
    n = int(outside.any(axis=1).sum())
    if not n:
        return []
    names, dates, (low, high), x = ranged
    said = []
    for j in np.argsort(-outside.sum(axis=0), kind="stable")[:_NAMED]:
        if not outside[:, j].any():
            continue
        name = repr(names[j]) if names else f"input {j + 1}"
        far = x[outside[:, j], j]
        is_date = bool(names) and names[j] in dates
        ends = [_written(value, is_date) for value in (far.min(), far.max(), low[j], high[j])]
        here = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
        said.append(f"{len(far)} in {name} ({here}; training: {ends[2]} to {ends[3]})")
    verb = "lies" if n == 1 else "lie"
    return [
        f"{n} of the {counted(n_rows, 'row')} {verb} outside the range of the training rows (see the column "
        f"{OUTSIDE}), where the model is a guess: {', '.join(said)}."
    ]


def _written(value: float, is_date: bool) -> str:
    return date_of(value) if is_date else f"{value:.4g}"


def _error_lines(
    model: Any,
    names: list[str],
    cells: list[list[str]],
    rows: Mapping[str, Any],
    found: Mapping[str, Any],
) -> list[str]:
    """Say how far predictions are off, where the table has the target."""
    targets = model.target_names or []
    if len(targets) != 1 or targets[0] not in names:
        return []
    place, comma = names.index(targets[0]), rows.get("decimal") == ","
    truth = [_number(cells[row][place], comma) for row in rows["rows"]]
    known = np.array([math.nan if value is None else value for value in truth])
    off = (found[f"predicted {targets[0]}"] - known)[np.isfinite(known)]
    if not off.size:
        return []
    rmse = float(np.sqrt(np.mean(np.square(off))))
    return [
        f"The table has {targets[0]!r} in {counted(off.size, 'row')} of these: predictions are off by "
        f"{rmse:.3g} (RMSE), half of them by no more than {float(np.median(np.abs(off))):.3g}."
    ]


def _number(text: str, comma: bool) -> float | None:
    """Return the number in a cell; None for a text."""
    try:
        return float((text.replace(",", ".") if comma else text).replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return None


def _typed(cells: list[str], comma: bool, are_numbers: bool) -> tuple[list[Any], type]:
    """Return a column as numbers if all its cells are, or are known to be, None for others; else as it is."""
    values = [None if not cell else _number(cell, comma) for cell in cells]
    if not are_numbers and any(value is None and cell for value, cell in zip(values, cells, strict=True)):
        return [cell or None for cell in cells], str
    if all(value is None for value in values):
        return list(values), str
    return list(values), float


def _spread(values: Any, rows: NDArray[np.intp], n: int) -> list[Any]:
    """Return the values of the predicted rows among all rows of the table, None for the others."""
    column: list[Any] = [None] * n
    for row, value in zip(rows.tolist(), np.asarray(values).tolist(), strict=True):
        column[row] = value
    return column


def _free_name(wanted: str, taken: Mapping[str, Any]) -> str:
    """Return a name that no column of the table has."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} ({number})", number + 1
    return name
