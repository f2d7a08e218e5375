"""What a sweep consists of: a specification, and the list of runs it expands to.

A specification is a task source (functions of a built-in suite, or a CSV table), data sizes, seeds and
one or more model tables whose lists are axes: a table stands for the product of its axes. `expand` turns it
into `RunConfig`s. A run's id is the hash of its configuration, so that the same configuration is the same run
in every sweep, on every machine and in every order.

`sweeps.spec_reader` describes the TOML format and reads it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from sweeps._collection import paused_collection
from sweeps._plural import counted
from sweeps.errors import UserError
from sweeps.records import ADDITIVE, FORMULA, LINEAR, canonical_json, member_json, object_json, text_id

#: The meaning of a configuration. In format 1 extrapolation was "linear" by default, "LBFGS" the only
#: optimizer, and an MLP had no restarts; its runs are read but never repeated.
CONFIG_FORMAT = 2
#: Options of a KAN that enter a configuration only where they differ from these values. They belong to
#: `CONFIG_FORMAT`: every run is told them, whatever the defaults of the library come to be. Without a value
#: of "init" the library takes its first start, and with restarts all of its starts in turn.
KAN_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"base_fun": "silu", "grid_eps": 1.0, "extrapolation": "smooth", "smoothing": "weak", "init": None}
)
#: The bound on parameters of a preset is meant for so many inputs; see `with_scaled_bound`.
PRESET_INPUTS = 2
SUGGESTED = "suggested"
REFUSE, ONE_HOT = "refuse", "one-hot"
DECIMALS = (".", ",")
#: How long a formula is looked for, in seconds of processor time, and from how many starts of each shape.
FORMULA_SECONDS, FORMULA_RESTARTS = 60.0, 6

#: The runs of a plan are in memory while it is made, some 0.5 KB each and their texts; the largest sweep that
#: was measured (benchmarks/README.md) has a tenth of these.
MAX_RUNS = 1_000_000

Shape = tuple[int, ...]
#: The shapes of a family that has no hidden layer.
NO_HIDDEN: tuple[Shape] = ((),)
Axis = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class SuiteSource:
    """Functions of a built-in suite; no names means all of them."""

    suite: str
    functions: tuple[str, ...] = ()


@dataclass(frozen=True)
class CsvSource:
    """A table of the user; `features` empty means every column that is neither target nor group.

    Rows with the same `group` come into the same part. `test` is the path of a second table, with the test
    rows. `classes` says what becomes of columns of text: "refuse" or "one-hot"; `decimal` is the decimal
    mark, None to find it.
    """

    path: str
    target: str
    features: tuple[str, ...] = ()
    group: str | None = None
    test: str | None = None
    classes: str = REFUSE
    decimal: str | None = None


@dataclass(frozen=True)
class DataSpec:
    """How much data is made and how it is split; None means what the suite says.

    With `folds` every run is repeated with each fold of the rows as its test samples.
    """

    n_train: int | None = None
    n_test: int | None = None
    seed: int = 0
    val_fraction: float = 0.2
    test_fraction: float = 0.2
    folds: int = 0


@dataclass(frozen=True)
class ModelTable:
    """One `[[models]]` table: every shape in `hidden` times the product of `axes`.

    `hidden` holds tuples of hidden widths, or the word "suggested" for the shape that belongs to the task;
    it is empty for the family "formula", whose search finds its shapes by itself, and holds one empty tuple
    for models without a hidden layer.
    """

    family: str
    hidden: tuple[Shape | str, ...]
    axes: tuple[Axis, ...]


FORMULA_TABLE = ModelTable(FORMULA, (), (("seconds", (FORMULA_SECONDS,)), ("restarts", (FORMULA_RESTARTS,))))


@dataclass(frozen=True)
class SweepSpec:
    """A whole sweep: what to learn, with which models, how often."""

    title: str
    source: SuiteSource | CsvSource
    models: tuple[ModelTable, ...]
    seeds: tuple[int, ...] = (0,)
    data: DataSpec = field(default_factory=DataSpec)
    save_models: str = "all"
    max_params: int | None = None

    @property
    def table_paths(self) -> tuple[str | None, str | None]:
        """Where the table is, and that of the test rows; None for what there is not."""
        return (self.source.path, self.source.test) if isinstance(self.source, CsvSource) else (None, None)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain values, in the form in which a TOML file gives it."""
        values: dict[str, Any] = {"title": self.title}
        if isinstance(self.source, CsvSource):
            values |= {"csv": self.source.path, "target": self.source.target}
            if self.source.features:
                values["features"] = list(self.source.features)
            said = {name: getattr(self.source, name) for name in ("group", "test", "classes", "decimal")}
            values |= {name: value for name, value in said.items() if value not in (None, REFUSE)}
        else:
            values["suite"] = self.source.suite
            if self.source.functions:
                values["tasks"] = list(self.source.functions)
        values |= {"seeds": list(self.seeds), "save_models": self.save_models}
        if self.max_params is not None:
            values["max_params"] = self.max_params
        values["data"] = self._data_dict()
        values["models"] = [_table_dict(table) for table in self.models]
        return values

    def _data_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"seed": self.data.seed, "val_fraction": self.data.val_fraction}
        if isinstance(self.source, CsvSource):
            if self.data.folds:
                return data | {"folds": self.data.folds}
            return data if self.source.test else data | {"test_fraction": self.data.test_fraction}
        sizes = {"n_train": self.data.n_train, "n_test": self.data.n_test}
        return data | {name: size for name, size in sizes.items() if size is not None}


def _table_dict(table: ModelTable) -> dict[str, Any]:
    axes = {name: [list(v) if isinstance(v, tuple) else v for v in values] for name, values in table.axes}
    if table.family == FORMULA:
        return {"family": table.family} | axes
    if table.family in (LINEAR, ADDITIVE):
        return {"family": table.family} | axes
    hidden = [shape if isinstance(shape, str) else list(shape) for shape in table.hidden]
    return {"family": table.family, "hidden": hidden} | axes


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task before any data is made.

    `shape` is the suggested KAN shape with inputs and outputs; `data` are the parts of the data configuration
    that belong to the task (sample counts of a function; hash and columns of a table); `description` is what
    the report shows.
    """

    name: str
    shape: Shape
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


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One run: train one chain of models on one task with one seed."""

    run_id: str
    task: str
    family: str
    config: Mapping[str, Any]


def run_id(config: Mapping[str, Any]) -> str:
    """Return the id of a run: the first 16 hexadecimal digits of the SHA-256 of its canonical JSON.

    Examples
    --------
    >>> run_id({"b": 1, "a": 2}) == run_id({"a": 2, "b": 1})
    True
    """
    return text_id(canonical_json(dict(config)))


def kan_params(width: Shape, grid: int, k: int) -> int:
    """Return the number of parameters of a KAN: G + k + 1 per edge."""
    return sum(a * b for a, b in itertools.pairwise(width)) * (grid + k + 1)


def mlp_params(width: Shape) -> int:
    """Return the number of weights and biases of an MLP."""
    return sum((a + 1) * b for a, b in itertools.pairwise(width))


def option(config: Mapping[str, Any], name: str) -> Any:
    """Return an option of a stored configuration, spelt out in it or not; None if it was not given.

    Examples
    --------
    >>> option({"format": 2, "family": "kan"}, "extrapolation")
    'smooth'
    """
    return spelt_out(config).get(name)


def spelt_out(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a stored configuration with the options that it leaves to their defaults."""
    if config.get("family") not in ("kan", ADDITIVE):
        return config
    earlier = {"extrapolation": "linear"} if config.get("format") == 1 else {}
    return {**KAN_DEFAULTS, **earlier, **config}


class _Member(NamedTuple):
    """One entry of a configuration, and how it stands in the canonical JSON of all that have it."""

    name: str
    value: Any
    text: str


def check_size(
    models: Sequence[ModelTable], n_seeds: int, folds: int = 0, n_tasks: int | None = None
) -> None:
    """Raise UserError if a sweep is too large to be planned, before any of its runs is made.

    Parameters
    ----------
    models : sequence of ModelTable
    n_seeds, folds : int
        Numbers of seeds and of folds (0 for none).
    n_tasks : int, optional
        Number of tasks, at least one if not given.
    """
    n_models = sum(
        max(len(table.hidden), 1) * math.prod(len(values) for _, values in table.axes) for table in models
    )
    numbers = {
        "task": 1 if n_tasks is None else n_tasks,
        "model": n_models,
        "seed": n_seeds,
        "fold": max(folds, 1),
    }
    n_runs = math.prod(numbers.values())
    if n_runs <= MAX_RUNS:
        return
    made_of = " x ".join(counted(n, name) for name, n in numbers.items() if n > 1)
    at_least = "at least " if n_tasks is None else ""
    raise UserError(
        f"that would be {at_least}{n_runs} runs ({made_of}); expected at most {MAX_RUNS} in one sweep. Give "
        "fewer seeds, tasks or values to try, or make several sweeps of it."
    )


@paused_collection()
def expand(spec: SweepSpec, tasks: Mapping[str, TaskInfo]) -> list[RunConfig]:
    """Return the runs of a specification, without duplicates, in an order that depends on nothing else.

    Parameters
    ----------
    spec : SweepSpec
        The specification.
    tasks : mapping of str to TaskInfo
        The tasks of its source, from `sweeps.tasks.describe`.

    Raises
    ------
    UserError
        If no run is left, because `max_params` leaves out every model, or there are more than `MAX_RUNS`.
    """
    check_size(spec.models, len(spec.seeds), spec.data.folds, len(tasks))
    runs: dict[str, RunConfig] = {}
    folds = [[_member("fold", fold)] for fold in range(spec.data.folds)] or [[]]
    repeats = [[_member("seed", seed), *fold] for seed in spec.seeds for fold in folds]
    # Tasks of one shape have the same models, and thousands of runs the same few members: each is made once.
    models: dict[tuple[int, Shape], list[list[_Member]]] = {}
    for info in tasks.values():
        data = dict(info.data) | {"seed": spec.data.seed, "val_fraction": spec.data.val_fraction}
        common = [_member("format", CONFIG_FORMAT), _member("task", info.name), _member("data", data)]
        for number, table in enumerate(spec.models):
            shape = _shape_for(table, info)
            if (number, shape) not in models:
                models[number, shape] = list(_models(table, shape, spec.max_params))
            for model in models[number, shape]:
                start = common + model
                for repeat in repeats:
                    run = _run(info.name, table.family, [*start, *repeat])
                    runs.setdefault(run.run_id, run)
    if not runs:
        raise UserError(
            f"nothing to train: max_params = {spec.max_params} leaves out every model. Raise max_params "
            "or give smaller shapes and grids."
        )
    return list(runs.values())


def _run(task: str, family: str, members: list[_Member]) -> RunConfig:
    name = text_id(object_json([text for _, _, text in members]))
    return RunConfig(name, task, family, {name: value for name, value, _ in members})


def _member(name: str, value: Any) -> _Member:
    # Lists in a configuration: it then equals what is read back from its JSON.
    value = list(value) if isinstance(value, tuple) else value
    return _Member(name, value, member_json(name, value))


def with_formulas(spec: SweepSpec) -> SweepSpec:
    """Return a specification that also looks for formulas: as it says, if it says so, else as usual."""
    if any(table.family == FORMULA for table in spec.models):
        return spec
    return replace(spec, models=(*spec.models, FORMULA_TABLE))


def with_scaled_bound(spec: SweepSpec, tasks: Mapping[str, TaskInfo]) -> SweepSpec:
    """Return a specification made from a preset with `max_params` in proportion to the number of inputs.

    The first layer of every model grows with the inputs, so that a fixed bound would leave out whole families
    on wide tables. The bound is never lowered.
    """
    n_in = max((info.n_in for info in tasks.values()), default=1)
    if spec.max_params is None or n_in <= PRESET_INPUTS:
        return spec
    return replace(spec, max_params=spec.max_params * n_in // PRESET_INPUTS)


def left_out(spec: SweepSpec, tasks: Mapping[str, TaskInfo]) -> dict[str, list[str]]:
    """Return for every task what `max_params` leaves out of it, as sentences, one a family; often none."""
    if spec.max_params is None:
        return {name: [] for name in tasks}
    told: dict[Shape, list[str]] = {}
    for info in tasks.values():
        if info.shape not in told:
            told[info.shape] = _left_out_of(spec, info)
    return {info.name: list(told[info.shape]) for info in tasks.values()}


def _left_out_of(spec: SweepSpec, info: TaskInfo) -> list[str]:
    sizes: dict[str, dict[tuple[str, int], int]] = {}
    for table in spec.models:
        if table.family == FORMULA:
            continue
        for members in _candidates(table, info.shape):
            model = {member.name: member.value for member in members}
            text = object_json(member.text for member in members if member.name != "grids")
            found = sizes.setdefault(table.family, {})
            for grid in model.get("grids", [0]):
                found[text, grid] = _n_params(model, grid)
    sentences = (
        _left_out_sentence(family, list(found.values()), spec.max_params) for family, found in sizes.items()
    )
    return [sentence for sentence in sentences if sentence]


def _left_out_sentence(family: str, sizes: list[int], max_params: int | None) -> str:
    n_left = sum(max_params is not None and size > max_params for size in sizes)
    if not n_left:
        return ""
    which = f"all {n_left}" if n_left == len(sizes) else f"{n_left} of {len(sizes)}"
    return (
        f"{which} {family.upper()} models are left out, for they have more than max_params = {max_params} "
        f"parameters (the largest has {max(sizes)})."
    )


def _shape_for(table: ModelTable, info: TaskInfo) -> Shape:
    """Return what the models of a table depend on: the suggested shape only where it is asked for."""
    return info.shape if SUGGESTED in table.hidden else (info.n_in, info.n_out)


def _models(table: ModelTable, shape: Shape, max_params: int | None) -> Iterator[list[_Member]]:
    """Yield what a table asks for within the bound: an MLP is left out, of a KAN its finer grids are.

    A formula has as many numbers as it needs.
    """
    for members in _candidates(table, shape):
        if max_params is None or table.family == FORMULA:
            yield members
            continue
        model = {member.name: member.value for member in members}
        if "grids" not in model:
            if _n_params(model) <= max_params:
                yield members
            continue
        kept = [grid for grid in model["grids"] if _n_params(model, grid) <= max_params]
        if kept:
            yield [_member("grids", kept) if member.name == "grids" else member for member in members]


def _candidates(table: ModelTable, shape: Shape) -> Iterator[list[_Member]]:
    """Yield what a table asks for, whatever its size."""
    axes = [
        [[] if _is_default(name, value) else [_member(name, value)] for value in values]
        for name, values in table.axes
    ]
    family = _member("family", table.family)
    widths = (shape if isinstance(h, str) else (shape[0], *h, shape[-1]) for h in table.hidden)
    starts = (
        [[family]] if table.family == FORMULA else [[family, _member("width", width)] for width in widths]
    )
    for start in starts:
        for chosen in itertools.product(*axes):
            yield [*start, *itertools.chain.from_iterable(chosen)]


def _is_default(name: str, value: Any) -> bool:
    return name in KAN_DEFAULTS and bool(value == KAN_DEFAULTS[name])


def _n_params(model: Mapping[str, Any], grid: int = 0) -> int:
    width = tuple(model["width"])
    return kan_params(width, grid, model["k"]) if "grids" in model else mlp_params(width)
