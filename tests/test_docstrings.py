"""Docstrings: every public name has one, it names every parameter, and its examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import kan_np

MODULES = sorted(m.name for m in pkgutil.walk_packages(kan_np.__path__, "kan_np."))
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


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize(("name", "thing"), PUBLIC, ids=[n for n, _ in PUBLIC])
def test_public_names_are_described(name, thing):
    assert inspect.getdoc(thing), name


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[n for n, _ in FUNCTIONS])
def test_public_functions_show_an_example(name, function):
    assert ">>>" in function.__doc__, name


@pytest.mark.parametrize(
    ("name", "function"),
    [*FUNCTIONS, *METHODS, ("KAN", kan_np.KAN), ("MLP", kan_np.MLP)],
    ids=[n for n, _ in [*FUNCTIONS, *METHODS]] + ["KAN", "MLP"],
)
def test_every_parameter_is_named_in_the_docstring(name, function):
    text = inspect.getdoc(function) or ""
    assert text, f"{name} has no docstring"
    for parameter in inspect.signature(function).parameters:
        if parameter not in ("self", "cls"):
            assert parameter in text, f"{name}: {parameter}"
