"""Options of the command line for a table, besides its target and features."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.checks import pick
from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.families.sklearn import require_sklearn
from sweeps.spec.model_tables import baseline_tables
from sweeps.spec.sweep_spec import CLASSIFICATION, DAYS, DECIMALS, DROP, ONE_HOT, REFUSE, TASKS

#: What is said where scikit-learn's regressor is to tell classes apart.
NO_SKLEARN = (
    "the family 'sklearn' is scikit-learn's MLPRegressor, which is for numbers, and the target holds "
    "classes. Leave --sklearn out, or take the classes as numbers with --task regression."
)

#: How messages of kan_np name its arguments, and what they are called on the command line.
_IN_OPTIONS = (
    (re.compile(r"features=\[\.\.\.\]"), "--features a,b,..."),
    (re.compile(r"classes='one-hot'"), "--classes one-hot"),
    (re.compile(r"decimal=','"), "--decimal ,"),
    (re.compile(r"missing='drop'"), "--missing drop"),
    (re.compile(r"dates='days'"), "--dates days"),
    (re.compile(r"\bgroup=(?=\s)"), "--group NAME"),
    (re.compile(r"(^|: )(target|features|group|folds) is "), r"\1--\2 is "),
)


@contextlib.contextmanager
def worded_as_options(typed: bool = True) -> Iterator[None]:
    """Say what a UserError of the block says about arguments of kan_np in words of the command line.

    Not so where they were not `typed` there but stand in a file.

    Examples
    --------
    >>> with worded_as_options():
    ...     raise UserError("t.csv: group is 'a'; expected one of 'b'.")
    Traceback (most recent call last):
    ...
    sweeps.errors.UserError: t.csv: --group is 'a'; expected one of 'b'.
    """
    try:
        yield
    except UserError as error:
        if not typed:
            raise
        message = str(error)
        for pattern, words in _IN_OPTIONS:
            message = pattern.sub(words, message)
        raise UserError(message) from None


@dataclass(frozen=True)
class TableOptions:
    """How the rows and columns of a table are used; see `kan_np.load_csv`.

    `group` is the column whose equal values belong together, `test` the path of a second table with the test
    rows, `folds` the number of folds of cross-validation, `classes` what becomes of text ("refuse" or
    "one-hot"), `decimal` the decimal mark, None to find it, `missing` what becomes of rows with missing cells
    ("refuse" or "drop") and `dates` of dates ("refuse" or "days"), `task` "regression" or "classification",
    None for what suits the target. `sklearn` adds scikit-learn's MLPRegressor to the baselines.
    """

    group: str | None = None
    test: str | None = None
    folds: int = 0
    classes: str = REFUSE
    sklearn: bool = False
    decimal: str | None = None
    missing: str = REFUSE
    dates: str = REFUSE
    task: str | None = None

    def check(self) -> None:
        """Raise a UserError if the options do not go together, or ask for what is not installed."""
        pick("--classes", self.classes, (REFUSE, ONE_HOT))
        pick("--missing", self.missing, (REFUSE, DROP))
        pick("--dates", self.dates, (REFUSE, DAYS))
        if self.decimal is not None:
            pick("--decimal", self.decimal, DECIMALS)
        if self.task is not None:
            pick("--task", self.task, TASKS)
        if self.sklearn and self.task == CLASSIFICATION:
            raise UserError(NO_SKLEARN)
        if self.folds < 0 or self.folds == 1:
            raise UserError(f"--folds is {self.folds}; expected 2 or more, or 0 for one hold-out.")
        if self.folds and self.test is not None:
            raise UserError(
                "--folds and --test exclude each other: folds take the test rows from the table itself. "
                "Leave one of them out."
            )
        if self.sklearn:
            require_sklearn()

    def values(self, models: list[Mapping[str, Any]], data: Mapping[str, Any]) -> dict[str, Any]:
        """Return these options, and the models and data of a preset with them, as a specification has them.

        The baselines are put beside networks, not beside a search for formulas alone.
        """
        self.check()
        said = {"group": self.group, "test": self.test, "decimal": self.decimal, "task": self.task}
        values: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        coded = {"classes": self.classes, "missing": self.missing, "dates": self.dates}
        values |= {name: value for name, value in coded.items() if value != REFUSE}
        networks = any(not family_of(str(model.get("family"))).searches_formulas for model in models)
        values["models"] = [*models, *(baseline_tables(self.sklearn) if networks else [])]
        values["data"] = {**data, "folds": self.folds} if self.folds else dict(data)
        return values
