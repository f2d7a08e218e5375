"""Figures of studies: each from the arrays that its runs have, and without them from numbers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from sweeps.analysis.studies import MethodResult, StudyResult
from sweeps.page.study_figures import study_figures
from sweeps.page.study_view import formulas_table, method_notes, numbers_table
from sweeps.page.tables import to_csv, to_latex
from sweeps.studies.measured import Measured


def method(name: str, values: Mapping[str, list[float]], **arrays: Any) -> MethodResult:
    return MethodResult(name, values, [{"y": "x"}], Measured({}, {}, arrays), 2, 2, 0)


def study(name: str, *methods: MethodResult, **description: Any) -> StudyResult:
    quantities = dict.fromkeys(quantity for own in methods for quantity in own.values)
    told = [[quantity, f"{quantity} in words"] for quantity in quantities]
    return StudyResult(name, {"quantities": told, **description}, list(methods))


def figures(of: StudyResult) -> dict[str, Figure]:
    return {suffix: figure for suffix, _, figure in study_figures(of)}


def test_states_lie_on_the_side_of_the_edge_where_they_are() -> None:
    rng = np.random.default_rng(0)
    lam, edge = rng.uniform(0.5, 4, 200), rng.uniform(0.5, 4, 200)
    found = figures(
        study(
            "localization",
            method("mosaic", {"kan": [0.9]}, lam=lam, edge=edge, localized=lam > edge),
            method("modified", {"kan": [0.8]}, lam=lam, edge=np.full(200, np.nan), localized=lam > edge),
        )
    )
    assert list(found) == ["edges", "numbers"]
    first, second = found["edges"].axes
    points = {line.get_label(): line.get_xydata() for line in first.lines}
    assert (points["localized"][:, 1] > points["localized"][:, 0]).all()
    assert (points["extended"][:, 1] <= points["extended"][:, 0]).all()
    assert len(points["localized"]) + len(points["extended"]) == 200
    assert [len(line.get_xydata()) for line in second.lines] == [0, 0, 2]


def test_the_rule_is_drawn_through_the_knots() -> None:
    slope = np.linspace(-8, 8, 30)
    arrays = {"slope": slope, "signature": -2 * np.round(slope / 4), "guess": np.zeros(30)}
    rule = method("rule", {"accuracy": [0.84, 0.85]}, line=np.array([-0.5, 0.0]), **arrays)
    found = figures(study("knots", method("kan", {"accuracy": [0.8, 0.9]}, **arrays), rule))
    (axes,) = found["slope"].axes
    assert axes.lines[1].get_xydata().tolist() == [[-8, 4], [8, -4]]


@pytest.mark.parametrize("name", ["continual", "knots", "localization", "something"])
def test_without_arrays_numbers_are_drawn(name: str) -> None:
    own = study(name, method("a", {"rmse": [1e-6, 3e-6, 2e-6]}), method("b", {"rmse": [0.1, 0.2, 0.3]}))
    (axes,) = figures(own)["numbers"].axes
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_xdata().tolist() == [1e-6, 3e-6]
    assert list(axes.lines[1].get_xdata()) == [2e-6]


def test_a_study_without_runs_has_no_figure() -> None:
    assert study_figures(StudyResult("continual", {}, [MethodResult("kan", n_planned=3)])) == []


def test_the_fewer_of_methods_and_quantities_are_columns() -> None:
    methods = [method(name, {"exact": [1.0], "error": [0.5, 0.25, 0.75]}) for name in "abc"]
    long = study("formulas", *methods, paper={"b": "by hand", "error": "small"})
    table = numbers_table(long)
    assert [column.name for column in table.columns] == ["method", "exact", "error", "seeds", "the paper"]
    assert [row[0] for row in table.rows] == ["a", "b", "c"]
    assert [row[-1] for row in table.rows] == ["", "by hand", ""]
    value = table.rows[0][2]
    assert (value.value, value.low, value.high) == (0.5, 0.25, 0.75)
    assert method_notes(long) == [("error", "small")]
    wide = study("film", methods[0], paper={"a": "five steps"})
    assert [column.name for column in numbers_table(wide).columns] == ["quantity", "a", "the paper"]
    assert method_notes(wide) == [("a", "five steps")]
    assert [row[0] for row in numbers_table(wide).rows] == ["exact in words", "error in words", "seeds"]
    assert numbers_table(wide).rows[-1] == ["seeds", 2, ""]


def some_of_five(name: str, values: Mapping[str, list[float]]) -> MethodResult:
    return MethodResult(name, values, [], Measured({}, {}, {}), 5, 5, 0, frozenset({"zero_set"}))


@pytest.mark.parametrize("count", [1, 3])
def test_a_number_that_few_seeds_found_says_so(count: int) -> None:
    """More methods than quantities, and fewer: in both a cell says how many seeds stand behind it."""
    methods = [
        some_of_five("a", {"zero_set": [0.25], "kan": [0.5] * 5}),
        some_of_five("b", {"kan": [0.5, 0.25, 0.75, 0.5, 0.5]}),
        some_of_five("c", {"zero_set": [0.1, 0.2, 0.3, 0.4, 0.5], "kan": [0.5] * 5}),
    ][:count]
    told = [["zero_set", "distance"], ["kan", "share"]]
    table = numbers_table(StudyResult("localization", {"quantities": told}, methods))
    texts = [[text for text, _, _ in row] for row in table.cells()]
    if count == 1:
        assert texts == [["distance", "0.25 (1 of 5)", ""], ["share", "0.50", ""], ["seeds", "5", ""]]
    else:
        assert [row[1] for row in texts] == ["0.25 (1 of 5)", "– (0 of 5)", "0.30 [0.10, 0.50]"]
        assert [row[3] for row in texts] == ["5", "5", "5"]
        csv = to_csv(table).splitlines()
        assert csv[0].startswith("method,zero_set,zero_set_low,zero_set_high,zero_set_found,kan,")
        assert [line.split(",")[4] for line in csv[1:]] == ["1 of 5", "0 of 5", ""]
        assert "0.25 (1 of 5)" in to_latex(table)
    assert "(3 of 5)" in table.caption


def test_what_a_method_does_not_have_is_an_empty_cell() -> None:
    methods = [method("a", {"kan": [0.5, 0.5]}), method("b", {"rule": [0.5, 0.5]})]
    table = numbers_table(study("knots", *methods))
    assert [[cell is None for cell in row[1:3]] for row in table.rows[:2]] == [[False, True], [True, False]]
    assert "of those that did" not in table.caption


def test_a_figure_says_how_many_seeds_a_median_is_of() -> None:
    methods = [
        some_of_five("a", {"zero_set": [0.25]}),
        some_of_five("b", {"zero_set": [0.1, 0.2, 0.3, 0.4, 0.5]}),
    ]
    told = StudyResult("something", {"quantities": [["zero_set", "distance"]]}, methods)
    (axes,) = figures(told)["numbers"].axes
    assert [text.get_text() for text in axes.texts] == ["1 of 5"]


def test_formulas_are_counted() -> None:
    table = formulas_table(
        study("formulas", MethodResult("a", {"e": [0.0]}, [{"x y": "x*y"}] * 2), method("b", {}))
    )
    assert table is not None
    assert table.rows == [["a", "x y", "x*y", 2], ["b", "y", "x", 1]]
