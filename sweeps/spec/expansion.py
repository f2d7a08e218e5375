"""Expands a specification into its runs: the product of tasks, models, seeds and folds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sweeps._collection import paused_collection
from sweeps._plural import counted
from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.families.family import SUGGESTED, HiddenWidths
from sweeps.records import member_json, object_json, text_id
from sweeps.spec.run_config import CONFIG_FORMAT, RunConfig
from sweeps.spec.sweep_spec import ModelTable, SweepSpec, TaskInfo, plain_shape

#: The bound on parameters of a preset is meant for so many inputs; see `with_scaled_bound`.
PRESET_INPUTS = 2
#: The runs of a plan are in memory while it is made, some 0.5 KB each and their texts; the largest sweep that
#: was measured (docs/design/many_runs.md) has a tenth of these.
MAX_RUNS = 1_000_000


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
        The tasks of its source, from `sweeps.spec.tasks.describe`.

    Raises
    ------
    UserError
        If no run is left, because `max_params` leaves out every model, there are more than `MAX_RUNS`, or a
        model cannot be made as asked for.
    """
    check_size(spec.models, len(spec.seeds) * len(spec.data.seeds), spec.data.folds, len(tasks))
    runs: dict[str, RunConfig] = {}
    folds = [[_member("fold", fold)] for fold in range(spec.data.folds)] or [[]]
    repeats = [[_member("seed", seed), *fold] for seed in spec.seeds for fold in folds]
    # Tasks of one shape have the same models, and thousands of runs the same few members: each is made once.
    models: dict[tuple[int, HiddenWidths], list[list[_Member]]] = {}
    for info in tasks.values():
        commons = [
            [_member("format", CONFIG_FORMAT), _member("task", info.name), _member("data", data)]
            for seed in spec.data.seeds
            for data in [spec.data_of(info, seed)]
        ]
        for number, table in _tables_for(spec, info):
            shape = _shape_for(table, info)
            if (number, shape) not in models:
                models[number, shape] = list(_models(table, shape, spec.max_params))
            for model, common in itertools.product(models[number, shape], commons):
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
    value = plain_shape(value) if isinstance(value, tuple) else value
    return _Member(name, value, member_json(name, value))


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
    told: dict[Any, list[str]] = {}
    found = {}
    for info in tasks.values():
        key = info.shape, tuple(number for number, _ in _tables_for(spec, info))
        if key not in told:
            told[key] = _left_out_of(spec, info)
        found[info.name] = list(told[key])
    return found


def _left_out_of(spec: SweepSpec, info: TaskInfo) -> list[str]:
    sizes: dict[str, dict[tuple[str, int | None], int]] = {}
    for _, table in _tables_for(spec, info):
        family = family_of(table.family)
        for members in _candidates(table, info.shape):
            model = {member.name: member.value for member in members}
            text = object_json(member.text for member in members if member.name != "grids")
            for grid in model.get("grids", [None]):
                n_params = family.n_params(model, grid)
                if n_params is not None:
                    sizes.setdefault(table.family, {})[text, grid] = n_params
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


def _tables_for(spec: SweepSpec, info: TaskInfo) -> list[tuple[int, ModelTable]]:
    """Return the tables whose models are tried on a task, with their numbers."""
    return [(number, table) for number, table in enumerate(spec.models) if table.is_for(info)]


def _shape_for(table: ModelTable, info: TaskInfo) -> tuple[int, ...]:
    """Return what the models of a table depend on: the suggested shape only where it is asked for."""
    return info.shape if SUGGESTED in table.hidden else (info.n_in, info.n_out)


def _models(table: ModelTable, shape: HiddenWidths, max_params: int | None) -> Iterator[list[_Member]]:
    """Yield what a table asks for within the bound: of a chain of grids the finer ones may be left out."""
    family = family_of(table.family)

    def fits(model: Mapping[str, Any], grid: int | None = None) -> bool:
        n_params = family.n_params(model, grid)
        return max_params is None or n_params is None or n_params <= max_params

    for members in _candidates(table, shape):
        model = {member.name: member.value for member in members}
        if "grids" not in model:
            if fits(model):
                yield members
            continue
        kept = [grid for grid in model["grids"] if fits(model, grid)]
        if len(kept) == len(model["grids"]):
            yield members
        elif kept:
            yield [_member("grids", kept) if member.name == "grids" else member for member in members]


def _candidates(table: ModelTable, shape: HiddenWidths) -> Iterator[list[_Member]]:
    """Yield what a table asks for, whatever its size; raise a UserError for what cannot be made."""
    family = family_of(table.family)
    defaults = family.defaults

    def entry(name: str, value: Any) -> list[_Member]:
        return [] if name in defaults and value == defaults[name] else [_member(name, value)]

    axes = [[entry(name, value) for value in values] for name, values in table.axes]
    named = _member("family", table.family)
    widths = (shape if isinstance(h, str) else (shape[0], *h, shape[-1]) for h in table.hidden)
    # Without hidden layers to try, not even none of them, a family has no width.
    starts = [[named, _member("width", width)] for width in widths] or [[named]]
    for start in starts:
        for chosen in itertools.product(*axes):
            members = [*start, *itertools.chain.from_iterable(chosen)]
            if reason := family.misfit({member.name: member.value for member in members}):
                raise UserError(reason)
            yield members
