"""Runs that look for a formula: planned, computed, stored, continued, exported, reported like others."""

from __future__ import annotations

import csv
import json
import math
import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import synthetic
from small_sweep import assert_same_results, write_spec

import kan_np
from sweeps.analysis.aggregate import aggregate
from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.page.mathml import formula_html
from sweeps.run_one import RunOptions, load_model_bytes, run_one
from sweeps.spec import tasks
from sweeps.spec.data_summary import legend_text
from sweeps.spec.expansion import expand
from sweeps.spec.model_tables import with_formulas
from sweeps.spec.plan import cost, n_models
from sweeps.spec.run_config import run_id
from sweeps.spec.spec_reader import csv_spec, parse_spec, read_spec
from sweeps.spec.sweep_spec import ModelTable
from sweeps.storage.store import Store

RUN = ("--backend", "sequential", "--progress", "none")
CONFIG: dict[str, Any] = {
    "format": 2,
    "task": "toy/product",
    "data": {"n_train": 120, "n_test": 60, "seed": 0, "val_fraction": 0.2},
    "family": "formula",
    "seconds": 20.0,
    "restarts": 3,
    "seed": 0,
}
FOUND = (("x", 0.0, 0, 0.4, False), ("x*y", 1.0, 0, 0.0, True))


def run(*arguments: Any) -> int:
    return main([str(argument) for argument in arguments])


def write_table(path: Path, rows: int = 200) -> Path:
    """A table of volumes: 0.5 r^2 h, in units far from 1."""
    rng = np.random.default_rng(0)
    r, h = rng.uniform(10.0, 40.0, rows), rng.uniform(100.0, 900.0, rows)
    values = np.column_stack([r, h, 0.5 * r**2 * h])
    np.savetxt(path, values, fmt="%.17g", delimiter=",", header="r,h,volume", comments="")
    return path


@pytest.fixture(scope="module")
def product() -> dict[str, Any]:
    """The record of a search for x y."""
    return run_one(CONFIG)


def test_the_option_adds_one_run_a_function_and_seed_and_changes_no_other(tmp_path: Path) -> None:
    spec = read_spec(write_spec(tmp_path / "s.toml", seeds=3))
    infos = tasks.describe(spec)
    before, after = expand(spec, infos), expand(with_formulas(spec), infos)
    assert [one.run_id for one in after if one.family != "formula"] == [one.run_id for one in before]
    added = [one for one in after if one.family == "formula"]
    assert [(one.task, one.config["seed"]) for one in added] == [
        (task, seed) for task in ("toy/product", "toy/expsin") for seed in range(3)
    ]
    assert all((one.config["seconds"], one.config["restarts"]) == (60.0, 6) for one in added)
    assert with_formulas(with_formulas(spec)) == with_formulas(spec)


def test_a_bound_on_parameters_leaves_formulas_alone() -> None:
    spec = parse_spec({"suite": "toy", "max_params": 1, "models": [{"family": "formula"}]}, "x", "x")
    assert spec.models == (ModelTable("formula", (), (("seconds", (60.0,)), ("restarts", (6,)))),)
    infos = tasks.describe(spec)
    assert len(expand(spec, infos)) == len(infos)
    assert parse_spec(json.loads(json.dumps(spec.to_dict())), "stored", "x") == spec


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"hidden": [[5]]}, "unknown key 'hidden'"),
        ({"seconds": -1}, "seconds is -1"),
        ({"restarts": 0}, "restarts is 0"),
    ],
)
def test_what_a_search_cannot_be_told(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_spec({"suite": "toy", "models": [{"family": "formula"} | table]}, "x", "x")


def test_searches_are_launched_first_and_count_as_one_model() -> None:
    network = {"family": "mlp", "width": [2, 5, 1], "opt": "LM", "steps": 10, "data": {"n_train": 100}}
    assert cost(CONFIG) > cost(network)
    assert n_models(CONFIG) == 1


def test_a_search_is_a_record_with_its_formula(product: dict[str, Any]) -> None:
    assert (product["status"], product["reason"]) == ("ok", "")
    assert product["run_id"] == run_id(CONFIG)
    best = product["stages"][-1]
    latex = best["formula"].pop("latex")
    complexity = best["formula"].pop("complexity")
    try:
        assert best["formula"] == {"formula": "x*y", "n_constants": 0, "exact": True, "best": True}
    finally:
        best["formula"] |= {"latex": latex, "complexity": complexity}
    assert latex == "x y"
    assert 0 < complexity < 3
    assert (best["status"], best["n_params"], best["grid"], best["opt"]) == ("exact", 0, None, "")
    assert max(best["train_rmse"], best["val_rmse"], best["test_rmse"]) < 1e-12
    x = np.array([[0.3, -0.7], [0.5, 0.25]])
    assert load_model_bytes(best["model"])(x)[:, 0] == pytest.approx(x.prod(axis=1), abs=1e-9)


def test_the_same_search_gives_the_same_formulas(product: dict[str, Any]) -> None:
    again = run_one(CONFIG, RunOptions(save_models="none"))
    for ours, theirs in zip(product["stages"], again["stages"], strict=True):
        same = {name: value for name, value in ours.items() if name not in ("wall_s", "model")}
        assert same == {name: value for name, value in theirs.items() if name not in ("wall_s", "model")}
        assert theirs["model"] is None


def test_a_search_sees_the_functions_own_variables_on_the_same_samples() -> None:
    config = CONFIG | {"task": "feynman/I.12.11"}
    networks = tasks.load_dataset(config | {"family": "kan"})
    dataset = tasks.load_dataset(config)
    function = kan_np.get_suite("feynman")["I.12.11"]
    for part in ("train", "val", "test"):
        x, y = dataset[f"{part}_input"], dataset[f"{part}_label"]
        assert (y == networks[f"{part}_label"]).all()
        assert (function.evaluate(x) == y).all()
        low, high = np.array(function.ranges).T
        assert ((low <= x) & (x <= high)).all()
        assert np.abs(networks[f"{part}_input"]).max() <= 1.0


def test_a_formula_of_a_table_is_in_its_units(tmp_path: Path) -> None:
    table = write_table(tmp_path / "cones.csv")
    data = {"sha256": tasks.file_sha256(table), "target": "volume", "features": ["r", "h"]}
    data |= {"test_fraction": 0.2, "val_fraction": 0.2, "seed": 0}
    record = run_one(CONFIG | {"task": "csv/cones", "data": data}, RunOptions(csv_path=str(table)))
    assert record["status"] == "ok", record["reason"]
    best = next(stage for stage in record["stages"] if stage["formula"]["best"])
    assert best["formula"]["exact"]
    assert best["formula"]["n_constants"] == 2
    r, h = np.array([11.0, 35.0]), np.array([120.0, 800.0])
    found = eval(best["formula"]["formula"], {"__builtins__": {}}, {"r": r, "h": h})  # noqa: S307  just found
    assert found == pytest.approx(0.5 * r**2 * h, rel=1e-9)
    assert best["test_rmse"] < 1e-9


def test_a_formula_of_a_table_means_its_columns_whatever_they_are_called(tmp_path: Path) -> None:
    names = ["pi", "L/D", "a & b\n%", "y"]
    x = np.random.default_rng(0).uniform(0.5, 2.0, (120, 3))
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *np.c_[x, 2 * x[:, 0] + x[:, 1] ** 2 + x[:, 2]].tolist()])
    data = {"sha256": tasks.file_sha256(tmp_path / "t.csv"), "target": "y", "features": names[:3]}
    data |= {"test_fraction": 0.2, "val_fraction": 0.2, "seed": 0}
    record = run_one(CONFIG | {"task": "csv/t", "data": data}, RunOptions(csv_path=str(tmp_path / "t.csv")))
    best = next(stage for stage in record["stages"] if stage["formula"]["best"])
    assert best["test_rmse"] < 1e-9
    terms = set(best["formula"]["formula"].split(" + "))
    assert terms == {"2*pi_", "L_D**2", "a_b"}
    latex = best["formula"]["latex"]
    assert r"2 \text{pi\_}" in latex
    shown = formula_html(best["formula"]["formula"])
    assert "<mi>pi_</mi>" in shown
    assert "<mfrac>" not in shown
    (info,) = tasks.describe(csv_spec(tmp_path / "t.csv", "formula", "y")).values()
    assert info.description["symbols"] == {"pi_": "pi", "L_D": "L/D", "a_b": "a & b\n%"}
    assert legend_text(info.description) == "pi_ = pi, L_D = L/D, a_b = a & b %"


def fake_discovery(**what: Any) -> Any:
    """A search as of `kan_np.discover`: it found x y + 1e-3, the best, and a shorter formula."""
    import sympy

    x, y = sympy.symbols("x y")

    def candidate(expression: Any, numbers: Any, complexity: float) -> Any:
        formula = SimpleNamespace(
            expressions=[expression],
            splines={},
            latex=lambda: [sympy.latex(expression)],
            numpy=lambda: numbers,
        )
        model = kan_np.KAN([2, 1], seed=0)
        errors = {"train_rmse": 1 / complexity, "val_rmse": 1 / complexity}
        return SimpleNamespace(formula=formula, complexity=complexity, model=model, exact=False, **errors)

    short = candidate(x + 0.5, lambda z: z[:, [0]] + 0.5, 1.0)
    best = candidate(x * y + 0.001, lambda z: z[:, [0]] * z[:, [1]] + 1e-3, 2.0)
    return SimpleNamespace(**({"candidates": [short, best], "best": best, "cpu_s": 1.0} | what))


def test_errors_on_test_samples_are_those_of_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kan_np, "discover", lambda *_, **__: fake_discovery())
    stages = run_one(CONFIG, RunOptions(save_models="best"))["stages"]
    dataset = tasks.load_dataset(CONFIG)
    x, y = dataset["test_input"], dataset["test_label"]
    assert stages[0]["test_rmse"] == pytest.approx(np.sqrt(np.mean((x[:, [0]] + 0.5 - y) ** 2)))
    assert stages[1]["test_rmse"] == pytest.approx(1e-3)
    assert [stage["formula"]["n_constants"] for stage in stages] == [1, 1]
    assert [stage["model"] is None for stage in stages] == [True, False]


def test_a_formula_that_is_not_real_everywhere_has_an_infinite_error(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fake_discovery()
    found.best.formula.numpy = lambda: lambda z: np.where(z[:, [0]] > 0, z[:, [1]], np.nan)
    found.best.exact = True
    monkeypatch.setattr(kan_np, "discover", lambda *_, **__: found)
    stage = run_one(CONFIG)["stages"][1]
    assert stage["test_rmse"] == math.inf
    assert stage["formula"]["exact"] is False


def test_the_best_formula_is_kept_even_if_it_is_not_on_the_frontier(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fake_discovery()
    found.candidates.remove(found.best)
    monkeypatch.setattr(kan_np, "discover", lambda *_, **__: found)
    stages = run_one(CONFIG)["stages"]
    assert [stage["formula"]["best"] for stage in stages] == [False, True]
    assert [stage["stage"] for stage in stages] == [0, 1]


def test_a_time_limit_shortens_the_search_and_what_was_found_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def search(_: Any, **options: Any) -> Any:
        asked.update(options)
        return fake_discovery(cpu_s=options["seconds"] + 0.1)

    monkeypatch.setattr(kan_np, "discover", search)
    cut = run_one(CONFIG, RunOptions(timeout=10.0))
    assert asked["seconds"] < 10.0
    assert cut["status"] == "timeout"
    assert cut["reason"] == "the search was cut short by the limit of 10 s, after stage 1"
    assert [stage["formula"]["best"] for stage in cut["stages"]] == [False, True]
    whole = run_one(CONFIG, RunOptions(timeout=1000.0))
    assert asked["seconds"] == CONFIG["seconds"]
    assert asked["var"] == ["x", "y"]
    assert whole["status"] == "ok"


def test_a_search_that_fails_is_a_row_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("this one is broken")

    monkeypatch.setattr(kan_np, "discover", broken)
    record = run_one(CONFIG)
    assert (record["status"], record["stages"]) == ("failed", [])
    assert record["reason"].startswith("ValueError: this one is broken")


def test_the_store_gives_back_what_it_was_given(tmp_path: Path) -> None:
    record = synthetic.formula_record("toy/product", 0, FOUND)
    with Store.create(tmp_path, {}, "") as store:
        store.add(record)
        found = store.run(record["run_id"])
        for stage, kept in zip(record["stages"], found["stages"], strict=True):
            assert kept.pop("has_model")
            assert kept == {name: value for name, value in stage.items() if name != "model"} | {"grid": None}
        columns = store.formulas()
        assert columns["formula"].tolist() == ["x", "x*y"]
        assert columns["best"].tolist() == [0, 1]
        store.add(record | {"stages": record["stages"][:1]})
        assert store.formulas()["formula"].tolist() == ["x"]


def second_version(directory: Path) -> list[dict[str, Any]]:
    """Write a sweep as the version before formulas did."""
    records = synthetic.build(directory, ("special/jv",), seeds=1)
    with sqlite3.connect(directory / "results.db") as connection:
        connection.execute("DROP TABLE formulas")
        connection.execute("DROP TABLE quantities")
        later = {"runs": ("session", "at_s", "parts", "crc")}
        for table in ("meta", "environments", "tasks", "plan", "runs", "stages", "models"):
            for column in later.get(table, ("crc",)):
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    connection.close()
    return records


def test_a_store_without_formulas_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    records = second_version(tmp_path)
    with Store.open(tmp_path, readonly=True) as store:
        assert store.formulas()["formula"].size == 0
        assert store.run(records[2]["run_id"])["stages"]
        before = store.stages()
        assert aggregate(store).tasks[0].search is None
    with Store.open(tmp_path) as store:
        assert store.meta()["schema_version"] == 5
        store.add(synthetic.formula_record("special/jv", 0, FOUND))
    with Store.open(tmp_path, readonly=True) as store:
        kept = np.isin(store.stages()["run_id"], before["run_id"])
        for name, column in before.items():
            assert column.tolist() == pytest.approx(store.stages()[name][kept].tolist(), nan_ok=True), name
        assert store.formulas()["formula"].size == 2


def test_a_store_of_this_version_that_lacks_its_formulas_is_none(tmp_path: Path) -> None:
    Store.create(tmp_path, {}, "").close()
    with sqlite3.connect(tmp_path / "results.db") as connection:
        connection.execute("DROP TABLE formulas")
    connection.close()
    with pytest.raises(UserError, match="missing: formulas"):
        Store.open(tmp_path, readonly=True)


def test_a_table_is_searched_continued_listed_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = write_table(tmp_path / "cones.csv"), tmp_path / "out"
    arguments = ("run", table, "--target", "volume", "--preset", "formula", "--out", out, *RUN)
    assert run(*arguments, "--formula", "--dry-run") == 0
    assert "1 run in all, 0 recorded" in capsys.readouterr().out
    assert run(*arguments) == 0
    assert "1 of 1 runs recorded, 0 failed." in capsys.readouterr().out
    assert "not known" in (out / "report.html").read_text()
    assert run(*arguments, "--formula") == 0
    assert "nothing to launch" in capsys.readouterr().err
    assert run("list", out) == 0
    units, _, line = capsys.readouterr().out.splitlines()[:3]
    assert "volume" in units
    assert "csv/cones: volume  formula within 60 s  seed 0" in line
    assert run("status", out) == 0
    assert ["formula", "1", "0", "0", "1"] in [row.split() for row in capsys.readouterr().out.splitlines()]
    assert run("show", out, line[:16]) == 0
    shown = capsys.readouterr().out
    assert "exact, best\n  h*r**2/2\n" in shown
    # a constant, and perhaps a straight line, come before it
    stage = int(re.search(r"formula of stage (\d+), [^\n]*exact, best\n", shown)[1])
    assert stage > 0
    drawn = out / "figures" / f"run-{line[:16]}-stage-{stage}"
    assert all(drawn.with_name(drawn.name + end).is_file() for end in (".png", "-parity.png"))


@pytest.mark.slow
def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        "suite = 'toy'\ntasks = ['product']\nseeds = 2\n[data]\nn_train = 120\nn_test = 60\n"
        "[[models]]\nfamily = 'formula'\nseconds = 30\nrestarts = 3\n"
    )
    for name, how in (("1", ("--backend", "sequential")), ("2", ("--jobs", 2))):
        arguments = (*how, "--progress", "none", "--no-report", "--out", tmp_path / name)
        assert run("run", tmp_path / "s.toml", *arguments) == 0
    assert_same_results(tmp_path / "1", tmp_path / "2")
    with Store.open(tmp_path / "1", readonly=True) as one, Store.open(tmp_path / "2", readonly=True) as two:
        assert one.formulas()["formula"].tolist() == two.formulas()["formula"].tolist()
