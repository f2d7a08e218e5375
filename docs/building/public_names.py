"""The public names of kan_np: of its ``__all__`` and of that of every package in it that has one."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

import kan_np

#: Modules without ``__all__`` that the pages speak of, with the names in them that are for users.
DESCRIBED = {
    "kan_np.edges.family": ("Basis", "EdgeFamily", "Option", "register"),
    "kan_np.edges.pointwise": ("Pointwise",),
    "kan_np.functions.names": ("is_word", "latex_name", "latex_names", "quoted"),
    "kan_np.objective.losses": ("Squares",),
    "kan_np.optimize": ("OPTIMIZERS", "Optimizer"),
    "kan_np.options": (
        *("ACTIVATIONS", "BASE_FUNCTIONS", "EDGE_FAMILIES", "EXTRAPOLATIONS", "STARTS"),
        *("EdgeOptions", "edge_options", "kan_params", "mlp_params"),
    ),
    "kan_np.surgery.auto_symbolic": ("AutoSymbolic",),
    "kan_np.surgery.edge_function": ("EdgeFunction",),
    "kan_np.surgery.formula": ("Formula",),
    "kan_np.uncertainty.bars": ("ErrorBars",),
    "kan_np.uncertainty.scores": ("coverage", "crps", "interval_score"),
}


@dataclass(frozen=True)
class PublicName:
    """A name that users may import.

    Attributes
    ----------
    path : str
        Where its description is: "kan_np.KAN", the shortest path it can be imported from.
    kind : str
        "class", "function" or "data".
    """

    path: str
    kind: str


def rooms() -> list[str]:
    """Public modules and packages, kan_np first: those that its ``__all__`` names or that have one."""
    found = [m.name for m in pkgutil.walk_packages(kan_np.__path__, "kan_np.") if m.ispkg]
    packages = [name for name in found if hasattr(importlib.import_module(name), "__all__")]
    named = [f"kan_np.{n}" for n in kan_np.__all__ if inspect.ismodule(getattr(kan_np, n))]
    return ["kan_np", *sorted({*packages, *named, *DESCRIBED})]


def names_of(room: str) -> list[str]:
    """The public names of a room, without its modules: of its ``__all__``, or else what it defines."""
    module = importlib.import_module(room)
    if room in DESCRIBED:
        return sorted(DESCRIBED[room])
    names = getattr(module, "__all__", None)
    if names is None:
        defined = {n: t for n, t in vars(module).items() if getattr(t, "__module__", None) == room}
        names = [n for n, t in defined.items() if not n.startswith("_") and kind_of(t) != "data"]
    return sorted(name for name in names if not inspect.ismodule(getattr(module, name)))


def kind_of(thing: object) -> str:
    """Say whether a name is that of a class, a function or of data."""
    if inspect.isclass(thing):
        return "class"
    return "function" if inspect.isroutine(thing) else "data"


def described() -> dict[str, list[PublicName]]:
    """For every room what is described in it: each thing once, under the shortest of its public paths."""
    seen: list[object] = []
    where: dict[str, list[PublicName]] = {}
    for room in sorted(rooms(), key=lambda name: (name.count("."), name)):
        module = importlib.import_module(room)
        things = {name: getattr(module, name) for name in names_of(room)}
        new = {name: thing for name, thing in things.items() if not any(thing is other for other in seen)}
        where[room] = [PublicName(f"{room}.{name}", kind_of(thing)) for name, thing in new.items()]
        seen += new.values()
    return where


def addresses() -> list[str]:
    """The path under which every public name of every room is described, each path once."""
    entries = [entry for room in described().values() for entry in room]
    homes: dict[int, str] = {}
    for entry in entries:
        room, _, name = entry.path.rpartition(".")
        homes.setdefault(id(getattr(importlib.import_module(room), name)), entry.path)
    paths = {entry.path for entry in entries}
    for room in rooms():
        for name in names_of(room):
            if f"{room}.{name}" not in paths:
                paths.add(homes[id(getattr(importlib.import_module(room), name))])
    return sorted(paths)
