"""Baselines in a sweep, and tables with groups, folds, classes and a second table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kan_np import ExtrapolationWarning
from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.families import BASELINES, family_of
from sweeps.records import group_id
from sweeps.run_one import RunOptions, load_model_bytes, run_one, squared_errors, tiny_configs
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.model_tables import baseline_tables
from sweeps.spec.plan import cost, n_models
from sweeps.spec.spec_reader import csv_spec, parse_spec
from sweeps.spec.sweep_spec import SweepSpec
from sweeps.spec.table_options import TableOptions
from sweeps.storage.store import Store


def write_table(path: Path, n: int = 60) -> Path:
    """Write a table a, b, kind, who, y: y is additive in a and b, with a jump for one kind."""
    rng = np.random.default_rng(3)
    a, b = rng.uniform(-1, 1, (2, n))
    y = np.sin(3 * a) + b**2 + 0.5 * (np.arange(n) % 2)
    rows = [f"{a[i]:.12f},{b[i]:.12f},{('odd', 'even')[i % 2]},p{i % 10},{y[i]:.12f}" for i in range(n)]
    path.write_text("a,b,kind,who,y\n" + "\n".join(rows) + "\n")
    return path


def table_spec(path: Path, **options: Any) -> SweepSpec:
    said = {"group": "who", "classes": "one-hot"} | options
    return csv_spec(path, "quick", "y", (), TableOptions(**said))


def baselines(spec: SweepSpec) -> dict[str, dict[str, Any]]:
    """The first configuration of every baseline of a specification."""
    found: dict[str, dict[str, Any]] = {}
    for run in expand(spec, tasks.describe(spec)):
        if run.family in BASELINES:
            found.setdefault(run.family, dict(run.config))
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_table(tmp_path / "mine.csv")


def test_rows_dozens_of_ranges_outside_do_not_blow_up(tmp_path: Path) -> None:
    """The stored additive model ends a little outside its samples; the linear one is a plane everywhere."""
    rng = np.random.default_rng([1, 8])
    x = rng.standard_t(2.0, (200, 2))
    y = np.tanh(x[:, 0]) + np.tanh(x[:, 1]) + 0.5 * rng.normal(size=len(x))
    path = tmp_path / "tails.csv"
    rows = [f"{a:.12f},{b:.12f},{label:.12f}" for (a, b), label in zip(x, y, strict=True)]
    path.write_text("a,b,y\n" + "\n".join(rows) + "\n")
    models = {}
    for family, config in baselines(csv_spec(path, "quick", "y", (), TableOptions())).items():
        record = run_one(config, RunOptions(csv_path=str(path)))
        models[family] = load_model_bytes(record["stages"][0]["model"])
    new = 100.0 * x
    truth = np.tanh(new).sum(axis=1)
    with pytest.warns(ExtrapolationWarning):
        predicted = {family: model.predict(new)[:, 0] for family, model in models.items()}
    rmse = {family: np.sqrt(np.mean((found - truth) ** 2)) for family, found in predicted.items()}
    assert rmse["additive"] < truth.std()
    assert rmse["linear"] > 10 * truth.std()


@pytest.mark.parametrize("n", [60, 14])
def test_the_linear_model_is_least_squares(tmp_path: Path, n: int) -> None:
    """However few the rows are."""
    path = write_table(tmp_path / "mine.csv", n)
    config = baselines(table_spec(path))["linear"]
    record = run_one(config, RunOptions(csv_path=str(path)))
    dataset = tasks.load_dataset(config, str(path))
    ones = [
        np.column_stack([dataset[f"{part}_input"], np.ones(len(dataset[f"{part}_input"]))])
        for part in ("train", "test")
    ]
    solution = np.linalg.lstsq(ones[0], dataset["train_label"], rcond=None)[0]
    (stage,) = record["stages"]
    assert record["status"] == "ok"
    assert (stage["n_params"], stage["grid"], stage["opt"]) == (4, None, "")
    rmse = np.sqrt(np.mean((ones[1] @ solution - dataset["test_label"]) ** 2))
    assert stage["test_rmse"] == pytest.approx(rmse, rel=1e-6)
    model = load_model_bytes(stage["model"])
    model.scaler = None  # the samples of a table are standardised
    np.testing.assert_allclose(model(dataset["test_input"]), ones[1] @ solution, atol=1e-6)


def test_the_additive_model_has_no_interactions_and_fits_what_is_additive(path: Path) -> None:
    config = baselines(table_spec(path))["additive"] | {"grids": [3, 5]}
    record = run_one(config, RunOptions(csv_path=str(path)))
    assert record["status"] == "ok"
    assert [(s["grid"], s["n_params"], s["opt"]) for s in record["stages"]] == [(3, 21, ""), (5, 27, "")]
    linear = run_one(baselines(table_spec(path))["linear"], RunOptions(csv_path=str(path)))
    assert record["stages"][0]["test_rmse"] < 0.2 * linear["stages"][0]["test_rmse"]
    model = load_model_bytes(record["stages"][0]["model"])
    x = np.random.default_rng(0).normal(size=(4, 3))
    mixed = x.copy()
    mixed[:, 1] = x[::-1, 1]
    other = x.copy()
    other[:, 0] = x[::-1, 0]
    both = x[::-1].copy()
    both[:, 2] = x[:, 2]
    np.testing.assert_allclose(model(x) + model(both), model(mixed) + model(other), atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_scikit_learn_is_trained_and_stored_as_a_network(path: Path, solver: str) -> None:
    pytest.importorskip("sklearn")
    spec = table_spec(path, sklearn=True)
    config = baselines(spec)["sklearn"] | {"solver": solver, "width": [3, 4, 1], "steps": 400}
    record = run_one(config, RunOptions(csv_path=str(path)))
    (stage,) = record["stages"]
    assert (record["status"], stage["opt"], stage["n_params"]) == ("ok", solver, 21)
    assert stage["train_rmse"] < 1.0
    again = run_one(config, RunOptions(csv_path=str(path)))["stages"][0]
    assert again["test_rmse"] == stage["test_rmse"]
    errors = squared_errors(stage["model"], config, RunOptions(csv_path=str(path)), "test")
    assert np.sqrt(errors.mean()) == pytest.approx(stage["test_rmse"], rel=1e-12)
    model = load_model_bytes(stage["model"])
    assert model.scaler is not None  # it predicts in the units of the table
    assert model.predict([[0.0, 0.0, 0.0]]).shape == (1, 1)


def test_without_scikit_learn_one_line_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = baselines(table_spec(path, sklearn=True))["sklearn"]
    monkeypatch.setitem(sys.modules, "sklearn", None)
    record = run_one(config, RunOptions(csv_path=str(path)))
    assert record["status"] == "failed"
    assert "pip install 'kan_np[sklearn]'" in record["reason"]
    with pytest.raises(UserError, match="needs scikit-learn, which is not installed"):
        table_spec(path, sklearn=True)


def test_baselines_stand_beside_networks_and_not_beside_formulas(path: Path) -> None:
    assert set(baselines(table_spec(path))) == {"linear", "additive"}
    assert set(baselines(table_spec(path, sklearn=True))) == set(BASELINES) - {"classical"}
    assert {table.family for table in csv_spec(path, "formula", "y").models} == {"formula"}
    of_samples = [name for name in BASELINES if family_of(name).fits_samples]
    assert [table["family"] for table in baseline_tables(sklearn=True)] == of_samples


def test_baselines_are_planned_and_warmed_up_like_others(path: Path) -> None:
    configs = baselines(table_spec(path, sklearn=True))
    assert all(cost(config) == cost(config) > 0 for config in configs.values())
    assert {family: n_models(config) for family, config in configs.items()} == {
        "linear": 1,
        "additive": 4,
        "sklearn": 1,
    }
    tiny = tiny_configs(configs.values())
    assert [config["family"] for config in tiny] == ["linear", "additive", "kan"]
    assert tiny_configs(tiny) == tiny
    assert tiny[1]["grids"] == [3, 20]
    for config in tiny:  # what is warmed up must be what can be trained
        data = configs["linear"]["data"]
        record = run_one(
            config | {"task": "csv/mine", "data": data, "width": [3, 1]}, RunOptions(csv_path=str(path))
        )
        assert record["status"] == "ok", record["reason"]


@pytest.mark.slow
def test_a_chain_of_grids_ends_where_nothing_is_gained(path: Path) -> None:
    chain = baselines(table_spec(path))["additive"] | {
        "grids": [2, 3, 4, 5, 6, 8, 12, 20],
        "smoothing": "weak",
    }
    whole = run_one(chain, RunOptions(csv_path=str(path)))["stages"]
    errors = [stage["val_rmse"] for stage in whole]
    first = next(i for i in range(1, len(errors)) if errors[i] > 0.99 * min(errors[:i]))
    patient = run_one(chain | {"patience": 1}, RunOptions(csv_path=str(path)))
    assert patient["status"] == "ok"
    assert len(patient["stages"]) == first + 1 < len(whole)
    enough = run_one(chain | {"enough": 1.01 * errors[0]}, RunOptions(csv_path=str(path)))
    assert [enough["status"], len(enough["stages"])] == ["ok", 1]


def test_folds_are_repetitions_of_one_configuration(path: Path) -> None:
    spec = table_spec(path, folds=3)
    assert parse_spec(spec.to_dict(), "stored", "none") == spec
    runs = expand(spec, tasks.describe(spec))
    linear = [run.config for run in runs if run.family == "linear"]
    assert sorted((config["seed"], config["fold"]) for config in linear) == [
        (seed, fold) for seed in (0, 1) for fold in range(3)
    ]
    assert len({group_id(config) for config in linear}) == 1
    assert linear[0]["data"]["folds"] == 3
    assert "test_fraction" not in linear[0]["data"]
    tests = [tasks.load_dataset(linear[fold], str(path))["test_label"] for fold in range(3)]
    assert sum(map(len, tests)) == 60
    assert len({test.tobytes() for test in tests}) == 3


def test_a_plain_table_keeps_the_ids_of_its_runs(path: Path) -> None:
    """What is not asked for does not enter a configuration, nor the id."""
    spec = csv_spec(path, "quick", "y", ("a", "b"))
    for run in expand(spec, tasks.describe(spec)):
        assert set(run.config["data"]) == {
            *("sha256", "target", "features", "test_fraction", "seed", "val_fraction")
        }
        assert "fold" not in run.config
        assert "patience" not in run.config


def test_a_table_for_the_test_belongs_to_the_configuration(path: Path, tmp_path: Path) -> None:
    test = write_table(tmp_path / "later.csv", n=20)
    spec = table_spec(path, test=str(test), group=None)
    config = baselines(spec)["linear"]
    dataset = tasks.load_dataset(config, str(path), str(test))
    assert len(dataset["test_input"]) == 20
    with pytest.raises(ValueError, match="needs the path of the table with its test rows"):
        tasks.load_dataset(config | {"seed": 1, "data": config["data"] | {"seed": 9}}, str(path))
    test.write_text(test.read_text() + "0,0,odd,p1,0\n")
    record = run_one(
        config | {"data": config["data"] | {"seed": 8}}, RunOptions(csv_path=str(path), test_path=str(test))
    )
    assert "the table later.csv has changed since" in record["reason"]
    assert baselines(table_spec(path, test=str(test), group=None))["linear"] != config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": "hot"}, "--classes is 'hot'"),
        ({"folds": 1}, "--folds is 1; expected 2 or more"),
        ({"folds": 3, "test": "t.csv"}, "--folds and --test exclude each other"),
    ],
)
def test_options_that_do_not_go_together(path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        table_spec(path, **options)


def test_formulas_are_not_looked_for_of_classes(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(path.read_text().replace("p3", "p2"))
    options = ["--features", "a,b", "--classes", "one-hot", "--formula", "--dry-run"]
    assert main(["run", str(path), "--target", "who", *options]) == 2
    assert "has 9 classes, and formulas are looked for of one number only" in capsys.readouterr().err


def test_table_options_need_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "special", "--folds", "3", "--dry-run"]) == 2
    assert "--dates, --task and --sklearn go with a table" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sweep_of_a_table_with_everything(path: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(
        f"csv = '{path.name}'\ntarget = 'y'\ngroup = 'who'\nclasses = 'one-hot'\nseeds = 1\n"
        "[data]\nfolds = 2\n[[models]]\nfamily = 'linear'\n[[models]]\nfamily = 'additive'\ngrids = [3]\n"
        "[[models]]\nfamily = 'kan'\nhidden = [[1]]\ngrids = [3]\nsteps = 3\n"
        "[[models]]\nfamily = 'mlp'\nhidden = [[2]]\nsteps = 3\n"
    )
    out = tmp_path / "out"
    options = ["--out", str(out), "--backend", "sequential", "--progress", "none"]
    assert main(["run", str(spec), *options]) == 0
    with Store.open(out, readonly=True) as store:
        assert sorted(store.runs()["family"]) == [
            f for f in ("additive", "kan", "linear", "mlp") for _ in range(2)
        ]
        assert store.tasks()["csv/mine"]["folds"] == 2
    assert (out / "report.html").is_file()
    assert main(["status", str(out)]) == 0
    assert main(["list", str(out)]) == 0
    assert main(["export", str(out), "-o", str(tmp_path / "runs.csv")]) == 0
