"""The report of a sweep with several edge families: its verdict, tables and figures."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import synthetic

from sweeps.analysis.results import Interval, Leader, Rival, SweepResult
from sweeps.page.leaders_text import leaders_table, leaders_verdict, task_leaders_table
from sweeps.page.report import write_report
from sweeps.storage.store import Store

EDGES = ("bspline", "chebyshev", "piecewise_linear", "gaussian", "fourier", "wavelet")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory, rng, made = tmp_path_factory.mktemp("edges"), np.random.default_rng(1), []
    tasks = tuple(synthetic.FORMULAS)[:2]
    for task in tasks:
        for seed in range(3):
            for number, edges in enumerate(EDGES):
                options = {} if edges == "bspline" else {"edges": edges}
                made.append(
                    synthetic.kan_record(task, [2, 3, 1], seed, rng, scale=10.0**number, options=options)
                )
            made.append(synthetic.mlp_record(task, [2, 9, 1], "tanh", seed, rng, scale=1e3))
    with Store.create(directory, {"name": "edges", "title": "Edges"}, synthetic.COMMAND) as store:
        store.set_tasks(synthetic.descriptions(tasks))
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in made])
        for one in made:
            store.add(one)
    write_report(directory)
    return directory


@pytest.mark.slow
def test_the_page_says_who_leads(directory: Path) -> None:
    page = (directory / "report.html").read_text()
    for words in ("Who leads at equal parameters", "On every function", "KAN, B-splines", "KAN, wavelets"):
        assert words in page
    assert "KAN, B-splines leads" in page
    assert "No comparison yet" not in page
    for figure in ("leaders", "summary", "all-functions"):
        for kind in ("svg", "png", "pdf"):
            assert (directory / "figures" / f"{figure}.{kind}").stat().st_size > 2000


@pytest.mark.slow
def test_its_tables_and_fronts_have_the_families(directory: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((directory / "tables" / "leaders.csv").read_text())))
    assert {row["leads"] for row in rows} <= {"KAN, B-splines", "KAN, B-splines; level: KAN, Chebyshev"}
    assert {row["kan_b_splines"] for row in rows} == {"1.0"}
    fronts = list(csv.DictReader(io.StringIO((directory / "front.csv").read_text())))
    assert {row["family"] for row in fronts} == {*(f"kan/{name}" for name in EDGES), "mlp"}
    lines = (directory / "tables" / "function-leaders.csv").read_text().splitlines()
    assert len(lines) == 3


def result_of(leaders: list[Leader], tasks: dict[str, list[Leader]] | None = None) -> SweepResult:
    result = object.__new__(SweepResult)
    for name, value in {"leaders": leaders, "task_leaders": tasks or {}, "n_models": {"kan/sine": 3}}.items():
        object.__setattr__(result, name, value)
    return result


def test_the_verdict_tells_a_lead_from_noise_and_from_one_run() -> None:
    ahead = [Rival("mlp", Interval(2.0, 1.5, 3.0)), Rival("kan/sine", Interval(4.0, 3.0, 5.0))]
    level = [Rival("mlp", Interval(1.1, 0.9, 1.4)), Rival("kan/bspline", Interval(2.0, 1.5, 3.0))]
    once = [Rival("mlp", Interval(1.5))]
    found = [
        Leader(50, "kan/bspline", 7, ahead),
        Leader(100, "kan/bspline", 8, ahead),
        Leader(200, "kan/sine", 8, level),
    ]
    text = leaders_verdict(result_of(found, {"a": [found[2]], "b": [Leader(200, "mlp", 1, ahead)]}))
    assert "over 8 functions" in text
    assert (
        "With at most 50 to 100 parameters KAN, B-splines leads: at 100 parameters the error of the next, "
        "MLP, is 2.0 [1.5, 3.0] times as large." in text
    )
    assert (
        "With at most 200 parameters KAN, sines has the smallest error, but the lead over MLP is noise: "
        "the error of MLP is 1.1 [0.90, 1.4] times as large." in text
    )
    assert "these lead beyond chance: MLP on 1; on 1 the lead is noise." in text
    noisy = [Rival("mlp", Interval(1.9, 1.1, 3.2)), Rival("kan/bspline", Interval(2.5, 0.8, 8.0))]
    wide = Leader(200, "kan/sine", 2, noisy)
    text = leaders_verdict(result_of([wide], {"a": [wide], "b": [wide]}))
    assert (
        "the lead over KAN, B-splines is noise: the error of KAN, B-splines is 2.5 [0.80, 8.0] times" in text
    )
    assert "no network leads beyond chance on any of 2." in text
    assert "tells nothing about chance" in leaders_verdict(result_of([Leader(50, "kan/sine", 1, once)]))
    assert "results of KAN, sines only" in leaders_verdict(result_of([]))
    assert leaders_table(result_of([])).rows == []
    table = leaders_table(result_of(found))
    assert [column.name for column in table.columns[3:]] == ["KAN, B-splines", "KAN, sines", "MLP"]
    assert table.rows[0][2] == "KAN, B-splines"
    assert table.rows[2][2] == "KAN, sines; level: MLP"


def test_the_table_of_functions_has_a_column_for_every_limit() -> None:
    class Task:
        task, title = "special/jv", "jv"

    ahead = [Rival("mlp", Interval(2.0, 1.5, 3.0))]
    result = result_of([], {"special/jv": [Leader(50, "kan/sine", 1, ahead), Leader(100, "mlp", 1, ahead)]})
    object.__setattr__(result, "tasks", [Task()])
    table = task_leaders_table(result)
    assert [column.name for column in table.columns] == ["function", "at most 50", "at most 100"]
    assert table.rows == [["jv", "KAN, sines 2.0 [1.5, 3.0]", "MLP 2.0 [1.5, 3.0]"]]
