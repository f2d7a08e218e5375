"""Pages of the reference: one for every public class and function, and the list of them all."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

from sphinx.pycode import ModuleAnalyzer

import kan_np
from docs.building import command_pages
from docs.building.docstrings import escaped
from docs.building.public_names import PublicName, described

#: Rooms in the order of the reference, with what users look for in them; others follow by name.
TITLES = {
    "kan_np.data": "Data",
    "kan_np.discovery": "Formulas from data",
    "kan_np.symbolic": "Symbols",
    "kan_np.pde": "Differential equations",
    "kan_np.pde.equations": "Equations that ship",
    "kan_np.sklearn": "Estimators of scikit-learn",
    "kan_np.plot": "Pictures",
    "kan_np.objective.losses": "Losses",
    "kan_np.uncertainty.bars": "Error bars",
    "kan_np.uncertainty.scores": "Scores of error bars",
    "kan_np.surgery.formula": "Formulas of a model",
    "kan_np.surgery.auto_symbolic": "What auto_symbolic found",
    "kan_np.surgery.edge_function": "The function of an edge",
    "kan_np.edges.family": "Families of edges of your own: linear in their parameters",
    "kan_np.edges.pointwise": "Families of edges of your own: any function",
    "kan_np.functions.names": "Names in formulas",
    "kan_np.options": "Values of options",
    "kan_np.optimize": "Optimizers",
}

#: Groups of the names that kan_np itself has, by the beginning of the module that defines them.
GROUPS = {
    "Models": (
        "kan_np.model",
        "kan_np.mlp",
        "kan_np.layers",
        "kan_np.compiler",
        "kan_np.serialize",
        "kan_np.pykan.checkpoint",
    ),
    "Training": ("kan_np.schedule", "kan_np.optimize", "kan_np.training", "kan_np.objective"),
    "Data and tables": ("kan_np.data", "kan_np.functions.column_symbols"),
    "From data to formulas": ("kan_np.discovery",),
    "Warnings": ("kan_np._warnings",),
}

#: Ancestors whose own methods are described elsewhere.
_STOP = (
    *(
        "object",
        "Mapping",
        "dict",
        "list",
        "tuple",
        "NamedTuple",
        "StrEnum",
        "Enum",
        "str",
        "ABC",
        "Protocol",
    ),
    *("BaseException", "Exception", "Warning", "UserWarning", "BaseEstimator", "RegressorMixin"),
    *("ClassifierMixin", "MultiOutputMixin", "_MetadataRequester", "MetaEstimatorMixin"),
)


def write(folder: Path) -> None:
    """Write the list of all names and a page for each into a folder; pages of names that left are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    where = described()
    pages = {f"{entry.path}.rst": _page(room, entry) for room, entries in where.items() for entry in entries}
    pages |= {f"{room}.rst": _module_page(room) for room in where if room != "kan_np"}
    pages["all_names.txt"] = _list(where)
    for name in {path.name for path in folder.iterdir()} - set(pages) - set(command_pages.FILES):
        (folder / name).unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _heading(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _page(room: str, entry: PublicName) -> str:
    """The page of one name."""
    name = entry.path.rpartition(".")[2]
    lines = [*_heading(entry.path, "="), f".. currentmodule:: {room}", ""]
    if entry.kind == "data":
        lines += [f".. py:data:: {name}", "", *(f"   {line}" for line in comment_of(room, name))]
    else:
        lines.append(f".. auto{entry.kind}:: {name}")
    if entry.kind == "class":
        lines += ["   :members:", f"   :inherited-members: {', '.join(_STOP)}"]
        lines += ["   :special-members: __call__"] if _describes_calls(room, name) else []
    return "\n".join([*lines, ""])


def _describes_calls(room: str, name: str) -> bool:
    """Whether a class has a ``__call__`` of its own with a docstring."""
    ancestors = getattr(importlib.import_module(room), name).__mro__
    own = next((vars(cls)["__call__"] for cls in ancestors if "__call__" in vars(cls)), None)
    return bool(getattr(own, "__doc__", None))


def comment_of(room: str, name: str) -> list[str]:
    """What a comment ``#:`` says of a constant or a type, where it is assigned; nothing if there is none."""
    thing = getattr(importlib.import_module(room), name)
    modules = [room, *(m.name for m in pkgutil.walk_packages(kan_np.__path__, "kan_np."))]
    for module in modules:
        if getattr(importlib.import_module(module), name, None) is thing:
            comment = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name))
            if comment:
                return [line for line in comment if line]
    return []


def summary_of(room: str, entry: PublicName) -> str:
    """The first sentence of what is said of a name, on one line."""
    name = entry.path.rpartition(".")[2]
    thing = getattr(importlib.import_module(room), name)
    text = " ".join(comment_of(room, name)) if entry.kind == "data" else inspect.getdoc(thing) or ""
    return escaped(" ".join(text.split("\n\n")[0].split()))


def _module_page(room: str) -> str:
    """The page of a module: what it says of itself."""
    return "\n".join([*_heading(room, "="), f".. automodule:: {room}", "   :no-members:", ""])


def _table(room: str, entries: list[PublicName]) -> list[str]:
    """A table of names, each with the first sentence of its description."""
    lines = [".. list-table::", "   :widths: 30 70", ""]
    for entry in entries:
        lines += [f"   * - :py:obj:`~{entry.path}`", f"     - {summary_of(room, entry)}"]
    return [*lines, ""]


def _list(where: dict[str, list[PublicName]]) -> str:
    """All names in tables, one a group of kan_np and one a room, and their pages as a hidden list."""
    lines: list[str] = []
    left = {entry.path.rpartition(".")[2]: entry for entry in where["kan_np"]}
    module = importlib.import_module("kan_np")
    for title, beginnings in GROUPS.items():
        chosen = [
            n for n in left if str(getattr(getattr(module, n), "__module__", "")).startswith(beginnings)
        ]
        lines += [*_heading(title, "-"), *_table("kan_np", [left.pop(name) for name in chosen])]
    lines += [*_heading("Types and version", "-"), *_table("kan_np", list(left.values()))]
    for room in [*TITLES, *sorted(set(where) - set(TITLES) - {"kan_np"})]:
        title = f"{TITLES[room]}: {room}" if room in TITLES else room
        lines += [*_heading(title, "-"), f":doc:`What {room} says of itself <generated/{room}>`.", ""]
        lines += _table(room, where[room]) if where[room] else []
    pages = [e.path for entries in where.values() for e in entries] + [r for r in where if r != "kan_np"]
    lines += [
        ".. toctree::",
        "   :hidden:",
        "",
        *(f"   {path} <generated/{path}>" for path in sorted(pages)),
        "",
    ]
    return "\n".join(lines)
