"""The `[[models]]` tables of a specification: a family, its hidden layers and its axes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sweeps.checks import TomlTable, many, one_of, text
from sweeps.families import ADDITIVE, FAMILIES, FORMULA, KAN, LINEAR, MLP, SKLEARN, family_of
from sweeps.families.sklearn import DEFAULT_HIDDEN, SOLVERS
from sweeps.spec.sweep_spec import ModelTable, SweepSpec


def model_tables(table: TomlTable) -> tuple[ModelTable, ...]:
    """Return what one `[[models]]` table says; raise a UserError if it cannot be used.

    Several where some values of its axes go with some others only.
    """
    if not table.has("family"):
        raise table.error(f"family is missing; expected family = {named_families()}.")
    name = table.take("family", one_of(tuple(FAMILIES)), "")
    family = FAMILIES[name]
    tasks = table.take("tasks", many(text, "names of tasks"), ())
    hidden, axes = family.hidden(table), family.axes(table)
    table.close()
    return tuple(ModelTable(name, hidden, tuple(own), tasks) for own in family.products(axes))


def named_families() -> str:
    """Return the families that a specification begins with, as a message names them."""
    return f"{KAN.name!r}, {MLP.name!r} or {FORMULA.name!r}"


def baseline_tables(sklearn: bool = False) -> list[dict[str, Any]]:
    """Return the `[[models]]` tables that are put beside the models of a preset on a table.

    Examples
    --------
    >>> [table["family"] for table in baseline_tables()]
    ['linear', 'additive']
    """
    tables: list[dict[str, Any]] = [{"family": LINEAR.name}, {"family": ADDITIVE.name}]
    if sklearn:
        hidden = [list(shape) for shape in DEFAULT_HIDDEN]
        tables.append({"family": SKLEARN.name, "hidden": hidden, "solver": list(SOLVERS)})
    return tables


def with_formulas(spec: SweepSpec) -> SweepSpec:
    """Return a specification that also looks for formulas: as it says, if it says so, else as usual."""
    if any(family_of(table.family).searches_formulas for table in spec.models):
        return spec
    tables = model_tables(TomlTable({"family": FORMULA.name}, "--formula"))
    return replace(spec, models=(*spec.models, *tables))
