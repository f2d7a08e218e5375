"""The specification of a sweep: the source of its tasks, its models, and its seeds.

A specification is a task source (functions of a built-in suite, differential equations, or a CSV table), data
sizes, seeds and one or more model tables whose lists are axes: a table stands for the product of its axes.
`sweeps.spec.expansion.expand` turns it into runs; `sweeps.spec.spec_reader` describes the TOML format and
reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.families import family_of
from sweeps.families.family import Axis, HiddenWidths

#: The suite whose tasks are differential equations.
EQUATIONS = "pde"
#: The suite whose tasks are studies.
STUDIES = "study"
REFUSE, ONE_HOT, DROP, DAYS = "refuse", "one-hot", "drop", "days"
#: What may be asked of a table: numbers by least squares, or probabilities of classes by cross-entropy.
REGRESSION, CLASSIFICATION = "regression", "classification"
TASKS = (REGRESSION, CLASSIFICATION)
DECIMALS = (".", ",")


@dataclass(frozen=True)
class SuiteSource:
    """Functions of a built-in suite; no names means all of them."""

    suite: str
    functions: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The functions."""
        return self.functions


@dataclass(frozen=True)
class EquationSource:
    """Differential equations that ship; no names means all of them."""

    equations: tuple[str, ...] = ()

    @property
    def suite(self) -> str:
        """The name of the suite."""
        return EQUATIONS

    @property
    def tasks(self) -> tuple[str, ...]:
        """As those of a suite of functions."""
        return self.equations


@dataclass(frozen=True)
class StudySource:
    """Studies that ship; no names means all of them."""

    studies: tuple[str, ...] = ()

    @property
    def suite(self) -> str:
        """The name of the suite."""
        return STUDIES

    @property
    def tasks(self) -> tuple[str, ...]:
        """As those of a suite of functions."""
        return self.studies


@dataclass(frozen=True)
class CsvSource:
    """A table of the user; `features` empty means every column that is neither target nor group.

    Rows with the same `group` come into the same part. `test` is the path of a second table, with the test
    rows. `classes` says what becomes of columns of text: "refuse" or "one-hot"; `decimal` is the decimal
    mark, None to find it; `missing` says what becomes of rows with missing cells, "refuse" or "drop", and
    `dates` what becomes of dates, "refuse" or "days". `task` is one of `TASKS`, None for what suits the
    target: classification of text.
    """

    path: str
    target: str
    features: tuple[str, ...] = ()
    group: str | None = None
    test: str | None = None
    classes: str = REFUSE
    decimal: str | None = None
    missing: str = REFUSE
    dates: str = REFUSE
    task: str | None = None


Source = SuiteSource | EquationSource | StudySource | CsvSource


@dataclass(frozen=True)
class DataSpec:
    """How much data is made and how it is split; None means what the suite says.

    Of an equation `seeds` are those of its points, and nothing is split.

    With `folds` every run is repeated with each fold of the rows as its test samples, and with several
    `seeds` with the samples of each of them.
    """

    n_train: int | None = None
    n_test: int | None = None
    seeds: tuple[int, ...] = (0,)
    val_fraction: float = 0.2
    test_fraction: float = 0.2
    folds: int = 0

    @property
    def seed(self) -> int:
        """The seed of the samples of a table, or the first one."""
        return self.seeds[0]


@dataclass(frozen=True)
class ModelTable:
    """One `[[models]]` table: every shape in `hidden` times the product of `axes`.

    `hidden` holds tuples of hidden widths, or the word "suggested" for the shape that belongs to the task;
    it is empty for a search of formulas, which finds its shapes by itself, and holds one empty tuple for
    models without a hidden layer. `tasks` are the names of the tasks that it is for, all of them if empty.
    """

    family: str
    hidden: tuple[HiddenWidths | str, ...]
    axes: tuple[Axis, ...]
    tasks: tuple[str, ...] = ()

    def is_for(self, info: TaskInfo) -> bool:
        """Say whether its models are tried on a task."""
        is_named = not self.tasks or info.name.partition("/")[2] in self.tasks
        return is_named and family_of(self.family).is_for(info.description)


@dataclass(frozen=True)
class SweepSpec:
    """A whole sweep: what to learn, with which models, how often."""

    title: str
    source: Source
    models: tuple[ModelTable, ...]
    seeds: tuple[int, ...] = (0,)
    data: DataSpec = field(default_factory=DataSpec)
    save_models: str = "all"
    max_params: int | None = None

    @property
    def table_paths(self) -> tuple[str | None, str | None]:
        """Where the table is, and that of the test rows; None for what there is not."""
        return (self.source.path, self.source.test) if isinstance(self.source, CsvSource) else (None, None)

    def data_of(self, info: TaskInfo, seed: int) -> dict[str, Any]:
        """Return the part of the configuration of a run that says what its data is."""
        data = dict(info.data) | {"seed": seed}
        if isinstance(self.source, EquationSource | StudySource):
            return data
        return data | {"val_fraction": self.data.val_fraction}

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain values, in the form in which a TOML file gives it."""
        values: dict[str, Any] = {"title": self.title}
        if isinstance(self.source, CsvSource):
            values |= {"csv": self.source.path, "target": self.source.target}
            if self.source.features:
                values["features"] = list(self.source.features)
            options = ("group", "test", "classes", "decimal", "missing", "dates", "task")
            said = {name: getattr(self.source, name) for name in options}
            values |= {name: value for name, value in said.items() if value not in (None, REFUSE)}
        else:
            values["suite"] = self.source.suite
            if self.source.tasks:
                values["tasks"] = list(self.source.tasks)
        values |= {"seeds": list(self.seeds), "save_models": self.save_models}
        if self.max_params is not None:
            values["max_params"] = self.max_params
        values["data"] = self._data_dict()
        values["models"] = [_table_dict(table) for table in self.models]
        return values

    def _data_dict(self) -> dict[str, Any]:
        seeds = self.data.seeds
        seed = list(seeds) if len(seeds) > 1 else self.data.seed
        if isinstance(self.source, EquationSource):
            return {"seed": seed}
        if isinstance(self.source, StudySource):
            return {}
        data: dict[str, Any] = {"seed": seed, "val_fraction": self.data.val_fraction}
        if isinstance(self.source, CsvSource):
            if self.data.folds:
                return data | {"folds": self.data.folds}
            return data if self.source.test else data | {"test_fraction": self.data.test_fraction}
        sizes = {"n_train": self.data.n_train, "n_test": self.data.n_test}
        return data | {name: size for name, size in sizes.items() if size is not None}


def _table_dict(table: ModelTable) -> dict[str, Any]:
    axes = {name: [list(v) if isinstance(v, tuple) else v for v in values] for name, values in table.axes}
    named: dict[str, Any] = {"family": table.family}
    if table.tasks:
        named["tasks"] = list(table.tasks)
    if not family_of(table.family).has_hidden:
        return named | axes
    hidden = [shape if isinstance(shape, str) else plain_shape(shape) for shape in table.hidden]
    return named | {"hidden": hidden} | axes


def plain_shape(shape: HiddenWidths) -> list[Any]:
    """Return a shape as lists, in which JSON and TOML give it.

    Examples
    --------
    >>> plain_shape((2, (0, 3), 1))
    [2, [0, 3], 1]
    """
    return [list(layer) if isinstance(layer, tuple) else layer for layer in shape]


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task before any data is made.

    `shape` is the suggested KAN shape with inputs and outputs; `data` are the parts of the data configuration
    that belong to the task (sample counts of a function; hash and columns of a table); `description` is what
    the report shows.
    """

    name: str
    shape: tuple[int, ...]
    data: Mapping[str, Any]
    description: Mapping[str, Any]

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.shape[0]

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self.shape[-1]
