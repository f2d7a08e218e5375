"""Units of measurement: which formulas fit, and the units of their constants."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import sympy

from kan_np import discover
from kan_np.discovery.unit_check import ColumnUnits

pytest.importorskip("pint")

X, T = VARIABLES = sympy.symbols("x t")
F1 = sympy.Function("f1")


def units(label="m", **inputs):
    return ColumnUnits.of({"x": "m", "t": "s", **inputs, "y": label}, ["x", "t"], "y")


@pytest.mark.parametrize(
    ("formula", "constants"),
    [
        (2.5 * T + X, [(2.5, "m/s")]),
        (3 * sympy.sin(3.1 * X), [(3.1, "1/m"), (3, "m")]),
        (X**2 / 2, [(0.5, "1/m")]),
        (2.0 * sympy.log(X) + 1, [(1, "m"), (2.0, "m")]),
        (X * sympy.exp(-0.4 * T), [(-0.4, "1/s")]),
        (sympy.sqrt(X**2 + 3 * T**2), [(3, "m**2/s**2")]),
        (2.0 * (X + 3 * T) ** 2, [(2.0, "1/m"), (3, "m/s")]),
        (2.0 * sympy.sqrt(X), [(2.0, "m**(1/2)")]),
        (sympy.Integer(7), [(7, "m")]),
        (X**3 / X**2, []),
        (-X, []),
        (sympy.Abs(X) + sympy.Max(X, 0.5), [(0.5, "m")]),
        (F1(X), []),
        (X * F1(X / T), []),
        (X * 2 ** (0.1 * T), [(0.1, "1/s")]),
    ],
    ids=str,
)
def test_a_number_may_carry_a_unit(formula, constants):
    own = units()
    assert own.misfit(formula, VARIABLES) == ""
    found = own.constants(formula, VARIABLES)
    assert sorted((float(number), unit) for number, unit in found) == sorted(
        (float(number), unit) for number, unit in constants
    )


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (X + T, "t is in s where m is expected"),
        (sympy.sin(X), "where m is expected"),
        (X * sympy.tanh(X / T), "x/t is in m/s where a number without unit is expected"),
        (X * T, "t\\*x is in m\\*s where m is expected"),
        (X**X, "where m is expected"),
        (X * sympy.exp(T), "t is in s where a number without unit is expected"),
        (2.0 * sympy.log(X + T) + 1, "is in . where . is expected"),
    ],
    ids=str,
)
def test_a_number_that_is_not_there_may_not(formula, message):
    assert re.search(message, units().misfit(formula, VARIABLES))


def test_metres_and_kilometres_cannot_be_added_without_a_number():
    assert units(t="km").misfit(X + T, VARIABLES)
    assert not units(t="km").misfit(X + 1000 * T, VARIABLES)
    assert units("km", t="m").misfit(T, VARIABLES) == "t is in m where km is expected"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": "m", "t": "s"}, "no unit of 'y'"),
        ({"x": "m", "t": "s", "y": "m", "q": "m"}, "no column 'q'"),
        ({"x": "furlongs per moon", "t": "s", "y": "m"}, "which is no unit"),
    ],
)
def test_units_are_checked_before_the_search(given, message):
    with pytest.raises(ValueError, match=message):
        discover({"train_input": np.ones((9, 2)), "train_label": np.ones(9)}, var=["x", "t"], units=given)
    with pytest.raises(TypeError, match="expected text"):
        ColumnUnits.of({"x": 1, "t": "s", "y": "m"}, ["x", "t"], "y")
    with pytest.raises(TypeError, match="expected a dict"):
        ColumnUnits.of(["m"], ["x", "t"], "y")


def test_without_pint_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pint", None)
    with pytest.raises(ImportError, match=r"kan_np\[units\]"):
        units()


def test_the_units_of_the_answer_are_said():
    x = np.random.default_rng(0).uniform(1, 2, (80, 2))
    dataset = {"train_input": x, "train_label": 9.81 * x[:, 0] * x[:, 1], "target_names": ["E"]}
    found = discover(dataset, var=["m", "h"], units={"m": "kg", "h": "m", "E": "J"})
    assert found.best.exact
    assert found.best.units == "9.81 in J/(kg*m)"
    assert "units: 9.81 in J/(kg*m)" in repr(found.best)


@pytest.mark.slow
def test_what_does_not_fit_is_ruled_out_and_said():
    x = np.random.default_rng(0).uniform(1, 2, (80, 2))
    dataset = {"train_input": x, "train_label": x[:, 0] + x[:, 1]}
    found = discover(dataset, var=["m", "h"], units={"m": "kg", "h": "m", "y": "kg"}, most_steps=30)
    assert not any(candidate.misfit for candidate in (*found.candidates, found.best))
    assert any("ruled out by their units" in note and "h is in m where kg is" in note for note in found.notes)
    fitting = discover(dataset, var=["m", "h"], units={"m": "m", "h": "m", "y": "m"})
    assert fitting.best.exact
    assert str(fitting.best.formula.expressions[0]) == "h + m"


def test_units_of_several_outputs():
    x = np.random.default_rng(0).uniform(1, 2, (60, 2))
    labels = np.column_stack([2.5 * x[:, 0], x[:, 1]])
    dataset = {"train_input": x, "train_label": labels, "target_names": ["F", "s"]}
    found = discover(dataset, var=["l", "h"], units={"l": "m", "h": "m", "F": "N", "s": "m"})
    assert [candidate.units for candidate in found.best] == ["2.5 in N/m", ""]
    with pytest.raises(ValueError, match="no column 'q'"):
        discover(dataset, var=["l", "h"], units={"l": "m", "h": "m", "F": "N", "s": "m", "q": "m"})
