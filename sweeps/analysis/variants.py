"""Which options tell the configurations of a sweep apart, besides those that every table shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sweeps.families.widths import width_of
from sweeps.spec.run_config import spelt_out

#: In the order in which they are named; shape, grid, activation and optimizer have places of their own.
_OPTIONS = (
    *("k", "grids", "steps", "restarts", "rounds", "init", "smoothing"),
    *("base_fun", "edges", "squash", "grid_eps", "extrapolation", "patience", "enough"),
    *("solver", "alpha"),
)


def varied_options(
    configs: Sequence[Mapping[str, Any]], families: Iterable[str] | None = None
) -> dict[str, list[str]]:
    """Return for each family the options in which its configurations of one task and shape differ.

    Parameters
    ----------
    configs : sequence of mapping
    families : iterable of str, optional
        The family to which each is counted; by default what it says itself.

    Examples
    --------
    >>> config = {"task": "t", "family": "mlp", "width": [2, 1], "activation": "tanh", "restarts": 1}
    >>> varied_options([config, config | {"restarts": 4}])
    {'mlp': ['restarts']}
    """
    if families is None:
        families = (str(config.get("family")) for config in configs)
    first: dict[Any, list[Any]] = {}
    varied: dict[str, set[str]] = {}
    for family, config in zip(families, configs, strict=True):
        given = list(map(spelt_out(config).get, _OPTIONS))
        alike = (family, config.get("task"), width_of(config), config.get("activation"))
        before = first.setdefault(alike, given)
        found = varied.setdefault(family, set())
        if given != before:
            found |= {name for name, a, b in zip(_OPTIONS, given, before, strict=True) if a != b}
    return {family: [name for name in _OPTIONS if name in names] for family, names in varied.items()}


def options_text(config: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return options with their values, as in "restarts 4, smoothing gcv".

    Examples
    --------
    >>> options_text({"family": "kan", "grids": [3, 5], "restarts": 4}, ["grids", "restarts", "smoothing"])
    'grids 3-5, restarts 4, smoothing weak'
    """
    full = spelt_out(config)
    return ", ".join([f"{name} {_text(full.get(name))}" for name in names])


def _text(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, list):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
