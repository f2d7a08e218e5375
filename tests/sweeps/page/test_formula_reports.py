"""Formulas in reports, figures, tables and exports."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import synthetic

from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.formulas import formula_verdict
from sweeps.page.figures import task_figure
from sweeps.page.mathml import formula_html
from sweeps.page.report import write_report
from sweeps.storage.export import export_runs
from sweeps.storage.store import Store

FOUND = (("x", 0.0, 0, 0.4, False), ("x*y", 1.0, 0, 0.0, True))


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """A made-up sweep of two functions with networks and formulas, one search failed."""
    records = synthetic.records(("toy/product", "special/jv"), seeds=1)
    records += [
        synthetic.formula_record("toy/product", 0, FOUND),
        synthetic.formula_record("toy/product", 1, (*FOUND[:1], ("1.0*x*y", 2.0, 1, 1e-14, True))),
        synthetic.formula_record("toy/product", 2, (*FOUND[:1], ("x*y + 0.25*x", 3.0, 1, 0.2, False))),
        synthetic.formula_record("special/jv", 0, (), status="failed", reason="ValueError: no"),
    ]
    with Store.create(tmp_path / "out", {"title": "Both"}, "kan-sweep run both") as store:
        descriptions = synthetic.descriptions(("toy/product", "special/jv"))
        descriptions["toy/product"] |= {"formula": "x y", "name": "product"}
        store.set_tasks(descriptions)
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in records])
        for record in records:
            store.add(record)
    return tmp_path / "out"


def test_formulas_are_summed_up_over_seeds_beside_the_networks(searched: Path, tmp_path: Path) -> None:
    with Store.open(searched, readonly=True) as store:
        result = aggregate(store)
    product, bessel = result.tasks
    assert product.search is not None
    assert product.search.best is not None
    assert product.search.best.text == "x*y"
    assert (product.search.n_exact, product.search.n_runs) == (2, 3)
    assert [formula.text for formula in product.search.frontier] == ["x", "x*y"]
    assert bessel.search is not None
    assert (bessel.search.best, bessel.search.frontier, bessel.search.n_runs) == (None, [], 1)
    assert formula_verdict(result.tasks) == "An exact formula was found for 1 of 2 functions."

    networks = synthetic.records(("toy/product", "special/jv"), seeds=1)
    with Store.create(tmp_path / "networks", {}, "") as store:
        store.set_tasks(synthetic.descriptions(("toy/product", "special/jv")))
        for record in networks:
            store.add(record)
        alone = aggregate(store)
    assert (result.n_models, result.scores, result.overall) == (alone.n_models, alone.scores, alone.overall)
    assert result.counts["stages"] == alone.counts["stages"]
    for ours, theirs in zip(result.tasks, alone.tasks, strict=True):
        # By their text, for NaN is not equal to itself.
        assert repr((ours.points, ours.fronts, ours.best)) == repr(
            (theirs.points, theirs.fronts, theirs.best)
        )


@pytest.mark.slow
def test_the_report_shows_formulas_beside_the_truth(searched: Path) -> None:
    page = write_report(searched).read_text()
    assert page == write_report(searched).read_text()
    assert "An exact formula was found for 1 of 2 functions." in page
    table = page[page.index("<h2>Formulas</h2>") : page.index("<h2>All fronts</h2>")]
    assert '<td class="truth">x y</td>' in table
    assert formula_html("x*y") in table
    assert '<b class="exact">exact</b>' in table
    assert "exact in 2 of 3 seeds" in table
    assert "none: see" in table
    assert "ValueError: no" in page
    assert "http" not in table


def test_without_searches_nothing_is_said_of_formulas(tmp_path: Path) -> None:
    synthetic.build(tmp_path, ("special/jv",), seeds=1)
    page = write_report(tmp_path).read_text()
    assert "<h2>Formulas</h2>" not in page
    assert "<dt>formula</dt>" not in page
    with Store.open(tmp_path, readonly=True) as store:
        header = export_runs(store, tmp_path / "runs.csv").read_text().splitlines()[0]
    assert "latex" not in header


def test_a_report_of_formulas_alone_does_not_speak_of_networks_that_are_not_there(tmp_path: Path) -> None:
    record = synthetic.formula_record("toy/product", 0, FOUND)
    with Store.create(tmp_path, {"title": "Alone"}, "") as store:
        store.add(record)
    page = write_report(tmp_path).read_text()
    assert "<title>Alone: formulas</title>" in page
    for absent in ("No comparison yet", "<dt>MLP</dt>", "has a finite median error", "<h2>All fronts</h2>"):
        assert absent not in page
    assert not (tmp_path / "figures" / "toy-product.png").exists()


def test_formulas_stand_in_the_figure_exact_ones_at_its_foot(searched: Path) -> None:
    with Store.open(searched, readonly=True) as store:
        product, bessel = aggregate(store).tasks
    (axes,) = task_figure(product).axes
    drawn = {line.get_marker(): line for line in axes.lines if line.get_color() == "#009E73"}
    assert drawn["D"].get_xydata().tolist() == [[1.0, 0.4]]
    ((x, y),) = drawn["v"].get_xydata().tolist()
    low, high = axes.get_ylim()
    assert x == 1.0
    assert low < y < low * (high / low) ** 0.1
    assert "exact" in [text.get_text() for text in axes.texts]
    assert "formula, by the numbers in it" in [text.get_text() for text in axes.get_legend().texts]
    (axes,) = task_figure(bessel).axes
    assert "formula" not in " ".join(text.get_text() for text in axes.get_legend().texts)


def test_the_table_that_is_exported_has_the_formulas(searched: Path, tmp_path: Path) -> None:
    with Store.open(searched, readonly=True) as store:
        with export_runs(store, tmp_path / "runs.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        lines = [
            json.loads(line) for line in export_runs(store, tmp_path / "x.jsonl").read_text().splitlines()
        ]
    found = [row for row in rows if row["formula"]]
    assert len(found) == 6
    best = next(row for row in found if row["formula"] == "x*y")
    assert [best[name] for name in ("latex", "complexity", "n_constants", "exact", "best")] == [
        *(r"\mathrm{x*y}", "1.0", "0", "True", "True")
    ]
    assert {row["family"] for row in rows if not row["formula"]} == {"kan", "mlp", "formula"}
    assert {type(line["exact"]) for line in lines} == {bool, type(None)}
