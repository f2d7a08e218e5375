"""What a sweep consists of: a specification, and the list of runs it expands to.

A specification is a task source (functions of a built-in suite, or a CSV table), data sizes, seeds and
one or more model tables whose lists are axes: a table stands for the product of its axes. `expand` turns it
into `RunConfig`s. A run's id is the hash of its configuration, so that the same configuration is the same run
in every sweep, on every machine and in every order.

`sweeps.spec_reader` describes the TOML format and reads it.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sweeps.errors import UserError
from sweeps.records import canonical_json

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

Shape = tuple[int, ...]
Axis = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class SuiteSource:
    """Functions of a built-in suite; no names means all of them."""

    suite: str
    functions: tuple[str, ...] = ()


@dataclass(frozen=True)
class CsvSource:
    """A table of the user; `features` empty means every column that is not the target."""

    path: str
    target: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSpec:
    """How much data is made and how it is split; None means what the suite says."""

    n_train: int | None = None
    n_test: int | None = None
    seed: int = 0
    val_fraction: float = 0.2
    test_fraction: float = 0.2


@dataclass(frozen=True)
class ModelTable:
    """One `[[models]]` table: every shape in `hidden` times the product of `axes`.

    `hidden` holds tuples of hidden widths, or the word "suggested" for the shape that belongs to the task.
    """

    family: str
    hidden: tuple[Shape | str, ...]
    axes: tuple[Axis, ...]


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

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain values, in the form in which a TOML file gives it."""
        values: dict[str, Any] = {"title": self.title}
        if isinstance(self.source, CsvSource):
            values |= {"csv": self.source.path, "target": self.source.target}
            if self.source.features:
                values["features"] = list(self.source.features)
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
            return data | {"test_fraction": self.data.test_fraction}
        sizes = {"n_train": self.data.n_train, "n_test": self.data.n_test}
        return data | {name: size for name, size in sizes.items() if size is not None}


def _table_dict(table: ModelTable) -> dict[str, Any]:
    hidden = [shape if isinstance(shape, str) else list(shape) for shape in table.hidden]
    axes = {name: [list(v) if isinstance(v, tuple) else v for v in values] for name, values in table.axes}
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


@dataclass(frozen=True)
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
    return hashlib.sha256(canonical_json(dict(config)).encode()).hexdigest()[:16]


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
    if name in config or config.get("family") != "kan":
        return config.get(name)
    if name == "extrapolation" and config.get("format") == 1:
        return "linear"
    return KAN_DEFAULTS.get(name)


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
        If no run is left, because `max_params` leaves out every model.
    """
    runs: dict[str, RunConfig] = {}
    for info in tasks.values():
        data = dict(info.data) | {"seed": spec.data.seed, "val_fraction": spec.data.val_fraction}
        for table in spec.models:
            for model in _models(table, info, spec.max_params):
                for seed in spec.seeds:
                    config = {"format": CONFIG_FORMAT, "task": info.name, "data": data} | model
                    config |= {"seed": seed}
                    name = run_id(config)
                    runs.setdefault(name, RunConfig(name, info.name, table.family, config))
    if not runs:
        raise UserError(
            f"nothing to train: max_params = {spec.max_params} leaves out every model. Raise max_params "
            "or give smaller shapes and grids."
        )
    return list(runs.values())


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
    found: dict[str, list[str]] = {}
    for info in tasks.values():
        sizes: dict[str, dict[str, int]] = {}
        for table in spec.models:
            for model in _candidates(table, info):
                for grid in model.get("grids", [0]):
                    key = canonical_json({**model, "grids": grid})
                    sizes.setdefault(table.family, {})[key] = _n_params(model, grid)
        found[info.name] = [
            sentence
            for family, members in sizes.items()
            if (sentence := _left_out_sentence(family, list(members.values()), spec.max_params))
        ]
    return found


def _left_out_sentence(family: str, sizes: list[int], max_params: int | None) -> str:
    n_left = sum(max_params is not None and size > max_params for size in sizes)
    if not n_left:
        return ""
    which = f"all {n_left}" if n_left == len(sizes) else f"{n_left} of {len(sizes)}"
    return (
        f"{which} {family.upper()} models are left out, for they have more than max_params = {max_params} "
        f"parameters (the largest has {max(sizes)})."
    )


def _models(table: ModelTable, info: TaskInfo, max_params: int | None) -> Iterator[dict[str, Any]]:
    for model in _candidates(table, info):
        if table.family == "kan":
            kept = [g for g in model["grids"] if max_params is None or _n_params(model, g) <= max_params]
            if kept:
                yield model | {"grids": kept}
        elif max_params is None or _n_params(model) <= max_params:
            yield model


def _candidates(table: ModelTable, info: TaskInfo) -> Iterator[dict[str, Any]]:
    """Yield what a table asks for, whatever its size."""
    names = [name for name, _ in table.axes]
    for hidden in table.hidden:
        width = info.shape if isinstance(hidden, str) else (info.n_in, *hidden, info.n_out)
        for values in itertools.product(*(values for _, values in table.axes)):
            axes = dict(zip(names, values, strict=True))
            given = {name: value for name, value in axes.items() if not _is_default(name, value)}
            yield {"family": table.family, "width": list(width)} | given


def _is_default(name: str, value: Any) -> bool:
    return name in KAN_DEFAULTS and bool(value == KAN_DEFAULTS[name])


def _n_params(model: Mapping[str, Any], grid: int = 0) -> int:
    width = tuple(model["width"])
    return kan_params(width, grid, model["k"]) if model["family"] == "kan" else mlp_params(width)
