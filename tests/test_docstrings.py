"""Docstrings: every public name has one, it names every parameter, and its examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import kan_np

ROOT = Path(kan_np.__file__).parent
#: The text of every module, read without importing it.
SOURCES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path.read_text()
    for path in sorted(ROOT.rglob("*.py"))
}
#: Whose examples search or train for more than a second.
LONG = {"kan_np.boundary.find", "kan_np.boundary.sums", "kan_np.sklearn.regressors", "kan_np.pde.solution"}
PUBLIC = [
    (name, getattr(kan_np, name))
    for name in kan_np.__all__
    if inspect.isclass(getattr(kan_np, name)) or inspect.isfunction(getattr(kan_np, name))
]
FUNCTIONS = [(name, thing) for name, thing in PUBLIC if inspect.isfunction(thing)]
METHODS = [
    (f"{name}.{attribute}", method)
    for name, thing in PUBLIC
    if inspect.isclass(thing)
    for attribute, method in vars(thing).items()
    if inspect.isfunction(method) and not attribute.startswith("_")
]


def with_examples():
    names = [name for name, source in SOURCES.items() if ">>>" in source]
    assert set(names) >= LONG
    return [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in names]


@pytest.mark.parametrize("module", with_examples())
def test_examples_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_public_names_are_described():
    assert [name for name, thing in PUBLIC if not inspect.getdoc(thing)] == []


def test_public_functions_show_an_example():
    assert [name for name, function in FUNCTIONS if ">>>" not in function.__doc__] == []


def test_every_parameter_is_named_in_the_docstring():
    for name, function in [*FUNCTIONS, *METHODS, ("KAN", kan_np.KAN), ("MLP", kan_np.MLP)]:
        text = inspect.getdoc(function) or ""
        assert text, f"{name} has no docstring"
        for parameter in inspect.signature(function).parameters:
            if parameter not in ("self", "cls"):
                assert parameter in text, f"{name}: {parameter}"
