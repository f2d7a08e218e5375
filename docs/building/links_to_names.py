"""Code in the text that is a public name, such as KAN.fit, becomes a link to its description."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections import defaultdict

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from docs.building.public_names import described, names_of, rooms


class LinkNames(SphinxTransform):
    """Put inline code that names something public into a cross-reference; other code stays as it is."""

    default_priority = 400

    def apply(self, **_: object) -> None:
        """Look at all inline code but that of headings, of links, and of the heads of descriptions."""
        own = (nodes.title, nodes.reference, addnodes.pending_xref, addnodes.desc_signature, addnodes.toctree)
        for literal in list(self.document.findall(nodes.literal)):
            ancestors = list(_ancestors(literal))
            if any(isinstance(node, own) for node in ancestors):
                continue
            path = path_of(literal.astext(), _class_of(ancestors))
            if path is not None:
                link = addnodes.pending_xref(
                    "", refdomain="py", reftype="obj", reftarget=path, refexplicit=True, refwarn=True
                )
                link["refdoc"] = self.env.current_document.docname
                literal.replace_self(link)
                link += literal


def _ancestors(node: nodes.Node) -> list[nodes.Node]:
    found = []
    while (parent := node.parent) is not None:
        found.append(parent)
        node = parent
    return found


def _class_of(ancestors: list[nodes.Node]) -> str:
    """The class in whose description a text stands, or an empty text."""
    for node in ancestors:
        if isinstance(node, addnodes.desc) and node.get("domain") == "py":
            head = node.children[0]
            if node.get("objtype") == "class":
                return str(head.get("fullname", ""))
    return ""


def path_of(text: str, cls: str = "") -> str | None:
    """The full path of a public name, ``KAN``, ``KAN.fit`` or ``kan_np.KAN``, or None where it is none.

    Methods of the class ``cls`` need no name of their class. One word in small letters is linked only if it
    is a function of `kan_np` itself: others are everyday names of arguments.
    """
    name = text.removesuffix("()").removeprefix("~")
    if not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        return None
    paths = _paths()
    if cls and len(paths.get(f"{cls}.{name}", ())) == 1 and "." not in name:
        return next(iter(paths[f"{cls}.{name}"]))
    if "." not in name and name.islower() and "_" not in name and not _is_function_of_kan_np(name):
        return None
    found = paths.get(name, set())
    return next(iter(found)) if len(found) == 1 else None


def _is_function_of_kan_np(name: str) -> bool:
    return name in names_of("kan_np") and inspect.isroutine(getattr(importlib.import_module("kan_np"), name))


@functools.cache
def _paths() -> dict[str, set[str]]:
    """Full paths by every way to write a name: alone, with its class, with its room."""
    paths: dict[str, set[str]] = defaultdict(set)
    homes = {}
    for entries in described().values():
        for entry in entries:
            room, _, name = entry.path.rpartition(".")
            thing = getattr(importlib.import_module(room), name)
            homes[id(thing)] = entry.path
            paths[entry.path].add(entry.path)
            paths[name].add(entry.path)
            for attribute in _methods(thing) if entry.kind == "class" else ():
                for way in (f"{name}.{attribute}", f"{entry.path}.{attribute}"):
                    paths[way].add(f"{entry.path}.{attribute}")
    for room in rooms():  # other ways to the same things
        for name in names_of(room):
            thing = getattr(importlib.import_module(room), name)
            if id(thing) in homes:
                paths[f"{room}.{name}"].add(homes[id(thing)])
    return paths


def _methods(cls: type) -> list[str]:
    """Methods of a class that its description has: those that classes of kan_np define."""
    own = [base for base in cls.__mro__ if base.__module__.startswith("kan_np")]
    return sorted({n for base in own for n, t in vars(base).items() if inspect.isroutine(t) and n[0] != "_"})
