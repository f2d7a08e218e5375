"""The plan of a sweep: the runs of a specification that the store does not hold yet, longest first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps._plural import counted
from sweeps.families import family_of
from sweeps.families.widths import layer_text
from sweeps.spec.run_config import RunConfig

#: What is said of a shard that no run falls into, as may be where there are few.
NO_RUNS = "no run of the sweep belongs to this shard: there is nothing to do."
_GRIDS = re.compile(r'"grids":\[([^\]]*)\]')


@dataclass(frozen=True)
class Plan:
    """The runs of a specification and what is left of them.

    `planned` is how many there are; `todo` are those to launch now, longest first; `recorded` is how many the
    store holds, `failed` how many of these did not end well.
    """

    planned: int
    todo: tuple[RunConfig, ...]
    recorded: int
    failed: int


def make_plan(
    runs: Sequence[RunConfig],
    recorded: Collection[str],
    failed: Collection[str] = (),
    *,
    retry_failed: bool = False,
    stale: Collection[str] = (),
    limit: int | None = None,
) -> Plan:
    """Compare the runs of a specification with those the store holds.

    Parameters
    ----------
    runs : sequence of RunConfig
        All runs, from `sweeps.spec.expansion.expand`.
    recorded, failed : collection of str
        Ids of the runs in the store, and of those among them that did not end well.
    retry_failed : bool
        Do failed runs again.
    stale : collection of str
        Ids of runs in the store that are to be done again whatever came of them.
    limit : int, optional
        Launch at most so many, the first ones of the specification.

    Examples
    --------
    >>> make_plan([], recorded=set()).todo
    ()
    """
    failed = set(failed)
    done = set(recorded).difference(stale, failed if retry_failed else ())
    missing = [run for run in runs if run.run_id not in done][:limit]
    n_recorded = sum(run.run_id in recorded for run in runs)
    n_failed = sum(run.run_id in failed for run in runs)
    return Plan(len(runs), longest_first(missing), n_recorded, n_failed)


def longest_first(runs: Iterable[RunConfig]) -> tuple[RunConfig, ...]:
    """Return runs in the order in which they are launched: so the last ones to end are short."""
    # Python's sort is stable, so that runs of equal cost keep the order of the specification.
    return tuple(sorted(runs, key=lambda run: -cost(run.config)))


def n_models(config: Mapping[str, Any]) -> int:
    """Return how many models a run trains: one per grid of splines, one for an MLP, one for a formula."""
    return len(config["grids"]) if "grids" in config else 1


def n_models_in(config: str) -> int:
    """Return `n_models` of a configuration in canonical JSON, without reading all of it.

    Examples
    --------
    >>> n_models_in('{"family":"kan","grids":[3,5,10],"width":[2,1]}')
    3
    """
    grids = _GRIDS.search(config)
    return grids.group(1).count(",") + 1 if grids else 1


def models_by_family(plan: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return how many models the runs of each family train; `plan` has families and configurations in JSON.

    Examples
    --------
    >>> models_by_family([("kan", '{"grids":[3,5]}'), ("mlp", "{}"), ("kan", '{"grids":[3]}')])
    {'kan': 3, 'mlp': 1}
    """
    models: Counter[str] = Counter()
    for family, config in plan:
        models[family] += n_models_in(config)
    return dict(models)


def cost(config: Mapping[str, Any]) -> float:
    """Return a rough estimate of the seconds that a run takes on one core.

    Examples
    --------
    >>> small = {"family": "mlp", "width": [2, 5, 1], "opt": "LM", "steps": 10, "data": {"n_train": 100}}
    >>> cost(small) < cost(small | {"steps": 20})
    True
    """
    return family_of(config["family"]).cost(config)


def plan_lines(runs: Sequence[RunConfig], plan: Plan) -> list[str]:
    """Return the plan of runs as lines of text: counts by family and shape, by task, and in all."""
    if not runs:
        return [NO_RUNS]
    left = {run.run_id for run in plan.todo}
    shapes: dict[tuple[str, ...], Counter[str]] = {}
    tasks: dict[tuple[str, ...], Counter[str]] = {}
    for run in runs:
        shape = "-".join(map(layer_text, run.config.get("width", ()))) or "any"
        for table, key in ((shapes, (run.family, shape)), (tasks, (run.task,))):
            count = table.setdefault(key, Counter())
            count["runs"] += 1
            count["models"] += n_models(run.config)
            count["todo"] += run.run_id in left
    by_size = dict(sorted(shapes.items(), key=lambda row: (row[0][0], len(row[0][1]))))
    todo_models = sum(n_models(run.config) for run in plan.todo)
    return [
        *_table(("family", "shape"), by_size),
        "",
        *_table(("task",), tasks),
        "",
        f"{counted(plan.planned, 'run')} in all, {plan.recorded} recorded ({plan.failed} of them failed); "
        f"{len(plan.todo)} to launch, which train about {todo_models} models.",
    ]


def left_out_lines(sentences: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what is left out of each task as lines: every sentence once, after the tasks that it is about.

    Examples
    --------
    >>> left_out_lines({"a": ["one."], "b": ["one."], "c": []})
    ['a, b: one.']
    """
    tasks: dict[str, list[str]] = {}
    for task, told in sentences.items():
        for sentence in told:
            tasks.setdefault(sentence, []).append(task)
    return [f"{', '.join(names)}: {sentence}" for sentence, names in tasks.items()]


def _table(names: tuple[str, ...], counts: Mapping[tuple[str, ...], Counter[str]]) -> list[str]:
    numbers = ("runs", "models", "todo")
    widths = [max(len(name), *(len(key[i]) for key in counts)) for i, name in enumerate(names)]
    head = "  ".join(name.ljust(width) for name, width in zip(names, widths, strict=True))
    lines = [head + "".join(f"{name:>8}" for name in numbers)]
    for key, count in counts.items():
        cells = "  ".join(cell.ljust(width) for cell, width in zip(key, widths, strict=True))
        lines.append(cells + "".join(f"{count[name]:8d}" for name in numbers))
    return lines
