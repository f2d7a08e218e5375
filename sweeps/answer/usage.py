"""Python that uses a recommended model: on new rows, and on the test rows once more.

Names of columns and files stand in it as literals of Python: whatever is in them stays text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def new_rows_lines(
    model: Path, rows_call: str, target: str, of_classes: bool, has_intervals: bool = False
) -> list[str]:
    """Return Python that loads a model and predicts the rows of a table.

    Parameters
    ----------
    model : Path
    rows_call : str
        The call of `kan_np.load_csv` that reads the inputs of a table for ``model``.
    target : str
    of_classes, has_intervals : bool
        Whether the model tells classes apart, and whether it is calibrated.
    """
    lines = [
        "import numpy as np",
        "from kan_np import load_csv, load_model",
        f"model = load_model({str(model)!r})",
        f"new = {rows_call}  # or another table with these columns",
    ]
    if of_classes:
        return [
            *lines,
            f"names = model.classes[{target!r}]",
            "print([names[i] for i in model.predict_class(new['test_input'])[:5]])",
            "print(model.predict_proba(new['test_input'])[:5])  # of the classes in the order of names",
        ]
    if has_intervals:
        return [
            *lines,
            "predicted, low, high = model.predict(new['test_input'], interval=0.9)",
            "print(np.hstack([predicted, low, high])[:5])  # in the units of the table",
        ]
    return [*lines, "print(model.predict(new['test_input'])[:5])  # in the units of the table"]


def scoring_lines(split_call: str, numbers: str) -> list[str]:
    """Return Python that scores ``model`` on its test rows.

    Parameters
    ----------
    split_call : str
        The call of `kan_np.load_csv` that gives the rows split as they were, in the units of the table.
    numbers : str
        Where the target holds classes, what makes their numbers of the labels of the test rows; see
        `class_numbers`.
    """
    lines = [f"rows = {split_call}"]
    if numbers:
        return [
            *lines,
            f"right = model.predict_class(rows['test_input']) == {numbers}",
            "print(np.mean(right))  # the share of the test rows that it tells right",
        ]
    return [
        *lines,
        "error = model.predict(rows['test_input']) - rows['test_label']",
        "print(np.sqrt(np.mean(error**2)))  # the test RMSE of this model, in the units of the target",
    ]


def class_numbers(n_classes: int, values: Sequence[float] | None) -> str:
    """Return Python for the numbers of the classes of the test rows of ``rows``.

    `values` are those of a target of numbers; None for one of text, which has a column a class, or one for
    two classes.
    """
    if values is not None:
        return f"np.searchsorted({list(values)!r}, rows['test_label'][:, 0])"
    return "rows['test_label'].argmax(axis=1)" if n_classes > 2 else "rows['test_label'][:, 0]"
