"""The table of mobility edges: a seed that finds no formula is seen, and counts as missed."""

from __future__ import annotations

import math

import pytest

from benchmarks.localization import accuracy_rows, show_model
from sweeps.studies.measured import Measured


def measured(formula: float) -> Measured:
    quantities = {"theory": 0.99, "linear": 0.8, "kan": 0.99, "formula": formula, "zero_set": math.nan}
    if math.isnan(formula):
        return Measured(quantities | {"exact": 0.0})
    return Measured(quantities | {"exact": 1.0, "zero_set": 1e-3}, {"boundary": "lam = 2/energy"})


def test_rows_are_of_the_seeds_that_found_something() -> None:
    rows = accuracy_rows({"formula": [0.9, math.nan, 0.8], "kan": [math.nan] * 3})
    assert rows == [("formula", "0.8500", "0.8000", "2 of 3"), ("kan", "none", "none", "0 of 3")]


@pytest.mark.parametrize(("missed", "met"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_seed_without_formula_counts_as_missed(
    missed: int, met: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [measured(math.nan)] * missed + [measured(0.99)] * (3 - missed)
    bars = {bar.name: bar for bar in show_model("mosaic", range(3), found)}
    assert bars["mosaic: formula minus theory"].met is met
    assert bars["mosaic: share of seeds with the theory's formula"].value == (3 - missed) / 3
    printed = capsys.readouterr().out
    assert printed.count(" none |") >= missed
    assert f"{3 - missed} of 3 |" in printed
    assert "nan" not in printed
