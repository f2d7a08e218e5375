"""The tasks of the suite "pde": differential equations of kan_np with known solutions.

A task of samples has a data set; an equation has a problem, its points, and a reference. The configuration of
a run names the equation and the seed of its points, and the process that trains makes it from that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

import kan_np
from sweeps.checks import pick
from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.records import canonical_json
from sweeps.spec.sweep_spec import EQUATIONS, EquationSource, SweepSpec, TaskInfo

DESCRIPTION = "differential equations with known solutions"
PREFIX = f"{EQUATIONS}/"
#: Equations that a process keeps; the reference of one takes a second to make.
_MOST_KEPT = 16
_kept: OrderedDict[str, Any] = OrderedDict()


def equation_names() -> list[str]:
    """Return the names of all equations, which are those of the tasks."""
    return list(kan_np.pde.equations.names())


def is_equation(config: Mapping[str, Any]) -> bool:
    """Say whether the task of a configuration is a differential equation."""
    return str(config.get("task", "")).startswith(PREFIX)


def describe_equations(spec: SweepSpec, source: EquationSource) -> list[TaskInfo]:
    """Return the tasks of a specification; see `sweeps.spec.tasks.describe`."""
    names = equation_names()
    chosen = [pick(f"a task of suite {EQUATIONS}", name, names) for name in source.equations or names]
    for table in spec.models:
        family = family_of(table.family)
        if not family.solves_equations:
            raise UserError(
                f"a table of models has the family {table.family!r}, which does not solve equations; "
                "expected 'kan', 'mlp' or 'classical'."
            )
        if reason := family.misplaced(table.axes, of_equations=True):
            raise UserError(reason)
    return [_described(spec, name) for name in chosen]


def _described(spec: SweepSpec, name: str) -> TaskInfo:
    equation = _made(name, spec.data.seed)
    problem = equation.problem
    from_data = any(term.is_data for term in problem.terms)
    description: dict[str, Any] = {
        "suite": EQUATIONS,
        "name": name,
        "formula": equation.formula,
        "variables": list(problem.names.coordinates),
        "outputs": list(problem.names.outputs),
        "ranges": [[float(a), float(b)] for a, b in zip(problem.form.low, problem.form.high, strict=True)],
        "n_points": sum(len(points) for points in problem.points()),
        "has_classical_solver": not from_data,
        "reference_error": equation.accuracy,
    }
    if equation.true:
        description["unknowns"] = {key: float(value) for key, value in equation.true.items()}
    if len(spec.data.seeds) > 1:
        description["data_seeds"] = list(spec.data.seeds)
    suggested = (equation.sums or equation.network)(0)  # a network of sums: products are not for all edges
    return TaskInfo(f"{PREFIX}{name}", tuple(suggested.width), {}, description)


def _made(name: str, seed: int) -> Any:
    maker = getattr(kan_np.pde.equations, pick("an equation", name, equation_names()))
    return maker(seed=seed)


def load_equation(config: Mapping[str, Any]) -> Any:
    """Return the equation of a run, with the points of its seed.

    Raises
    ------
    ValueError
        If there is no equation of that name in this version.
    """
    name, seed = config["task"].removeprefix(PREFIX), config["data"]["seed"]
    key = canonical_json([name, seed])
    if key not in _kept:
        _kept[key] = _made(name, seed)
    _kept.move_to_end(key)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    return _kept[key]


def solution_of(config: Mapping[str, Any], model: Any, quantities: Mapping[str, float]) -> Any:
    """Return the `kan_np.pde.Solution` that a stored network and its unknown numbers are."""
    problem = load_equation(config).problem
    unknowns = {name: quantities[f"unknown_{name}"] for name in problem.names.unknowns}
    return kan_np.pde.Solution(problem, model, unknowns, dict.fromkeys(unknowns, np.nan), [])
