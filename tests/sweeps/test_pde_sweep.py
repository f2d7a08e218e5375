"""Differential equations as tasks of a sweep: what is planned, what a run records, what a report shows."""

from __future__ import annotations

import copy
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_page import page_of
from small_sweep import assert_same_results, n_recorded

from kan_np.pde import equations
from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.results import SweepResult
from sweeps.answer.solutions import keep_solutions
from sweeps.answer.stored_solutions import packed, stored_solutions, unpacked
from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.page.solution_figures import solution_figure
from sweeps.page.solution_view import solutions_table
from sweeps.run_one import RunOptions, run_one, tiny_configs
from sweeps.spec import tasks
from sweeps.spec.equations import equation_names, load_equation
from sweeps.spec.expansion import expand
from sweeps.spec.run_config import RunConfig
from sweeps.spec.spec_reader import parse_spec, suite_spec
from sweeps.spec.sweep_spec import EquationSource, SweepSpec
from sweeps.storage.store import Store

SMALL: dict[str, Any] = {
    "suite": "pde",
    "tasks": ["heat", "oscillator", "heat_inverse"],
    "data": {"seed": [0, 1]},
    "models": [
        {
            "family": "kan",
            "tasks": ["heat", "heat_inverse"],
            "hidden": [[[0, 1]]],
            "edges": [["chebyshev", "linear"]],
            "degree": [4, 6],
            "steps": 12,
        },
        {
            "family": "kan",
            "tasks": ["oscillator"],
            "hidden": [[]],
            "edges": "chebyshev",
            "degree": [12, 24],
            "steps": 12,
        },
        {"family": "mlp", "hidden": [[4]], "steps": 12},
        {"family": "classical"},
    ],
}
SMALL_TOML = """
title = "small equations"
suite = "pde"
tasks = ["heat", "oscillator"]
seeds = 2
save_models = "best"

[[models]]
family = "kan"
tasks = ["heat"]
hidden = [[[0, 1]]]
edges = [["chebyshev", "linear"]]
degree = [4, 6]
steps = 10

[[models]]
family = "kan"
tasks = ["oscillator"]
hidden = [[]]
edges = "chebyshev"
degree = [12, 24]
steps = 10

[[models]]
family = "mlp"
hidden = [[4]]
steps = 10

[[models]]
family = "classical"
"""


def planned(**changes: Any) -> list[RunConfig]:
    spec = parse_spec(SMALL | changes, "test", "test")
    return expand(spec, tasks.describe(spec))


def one(task: str, family: str, runs: list[RunConfig]) -> RunConfig:
    return next(run for run in runs if run.task == f"pde/{task}" and run.family == family)


def changed(number: int, **options: Any) -> list[dict[str, Any]]:
    models = copy.deepcopy(SMALL["models"])
    models[number] |= options
    return models


# What is planned.


def test_every_equation_is_a_task_with_its_description() -> None:
    infos = tasks.describe(suite_spec("pde"))
    assert [info.name for info in infos.values()] == [f"pde/{name}" for name in equations.names()]
    heat = infos["pde/heat"].description
    assert (heat["variables"], heat["ranges"]) == (["x", "t"], [[0.0, 1.0], [0.0, 1.0]])
    assert (heat["n_points"], heat["has_classical_solver"]) == (512, True)
    assert infos["pde/heat_inverse"].description["unknowns"] == {"D": 0.25}
    assert infos["pde/oscillator"].shape == (1, 1)
    assert infos["pde/heat"].shape == (2, 3, 1)
    assert {"pde"} < set(tasks.suite_overview())


def test_models_of_a_table_are_tried_on_its_tasks_and_the_classical_solver_where_there_is_one() -> None:
    runs = planned()
    of = {name: {run.family for run in runs if run.task == f"pde/{name}"} for name in SMALL["tasks"]}
    assert of == {
        "heat": {"kan", "mlp", "classical"},
        "oscillator": {"kan", "mlp", "classical"},
        "heat_inverse": {"kan", "mlp"},
    }
    assert {tuple(run.config["edges"]) for run in runs if run.family == "kan" and run.task == "pde/heat"} == {
        ("chebyshev", "linear")
    }
    # Two sets of points of each; nothing is split.
    assert [run.config["data"] for run in runs if (run.task, run.family) == ("pde/heat", "kan")] == [
        {"seed": 0},
        {"seed": 1},
    ]


def test_a_specification_of_equations_is_read_back_from_what_is_stored() -> None:
    spec = suite_spec("pde", "quick")
    assert isinstance(spec.source, EquationSource)
    again = parse_spec(spec.to_dict(), "stored", "test")
    assert again == spec
    ids = [[run.run_id for run in expand(own, tasks.describe(own))] for own in (spec, again)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("preset", ["pde", "quick"])
def test_the_presets_have_every_family_on_every_equation(preset: str) -> None:
    spec: SweepSpec = suite_spec("pde", preset)
    infos = tasks.describe(spec)
    runs = expand(spec, infos)
    if preset == "pde":
        assert [info.description["name"] for info in infos.values()] == equation_names()
    for name, info in infos.items():
        own = [run for run in runs if run.task == name]
        classical = {"classical"} if info.description["has_classical_solver"] else set()
        assert {run.family for run in own} == {"kan", "mlp"} | classical
        assert len({str(run.config.get("edges", "bspline")) for run in own if run.family == "kan"}) >= 2
        trained = [run.config for run in own if run.family != "classical"]
        data_seeds = (0, 1) if preset == "pde" else (0,)
        assert {(config["data"]["seed"], config["seed"]) for config in trained} == {
            (data_seed, seed) for data_seed in data_seeds for seed in spec.seeds
        }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ["heet"]}, "a task of suite pde is 'heet'.*Did you mean 'heat'"),
        ({"models": changed(0, tasks=["heet"])}, "a task of a table of models is 'heet'.*mean 'heat'"),
        ({"models": [{"family": "linear"}]}, "family 'linear', which does not solve equations"),
        ({"models": [{"family": "formula"}]}, "family 'formula', which does not solve equations"),
        ({"models": changed(0, smoothing="gcv")}, "smoothing is given, which belongs to samples"),
        ({"models": changed(2, opt="CG")}, "opt is 'CG'; expected one of auto, LM, LM-normal, LBFGS, Adam"),
        (
            {"models": [{"family": "kan", "hidden": [[2]], "edges": "fourier", "squash": True}]},
            "squash is true, an option of edges of the family chebyshev, and the edges are fourier",
        ),
        ({"models": changed(2, hidden=[[[0, 2]]])}, "expected a list of shapes"),
        ({"models": changed(0, hidden=[[[0, 0]]])}, r"a width being a number of nodes or \[sums, products\]"),
        ({"data": {"seed": 0, "val_fraction": 0.2}}, "unknown key 'val_fraction'. Known keys: seed"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_words(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        planned(**changes)


def test_the_classical_solver_is_for_equations() -> None:
    spec = parse_spec({"suite": "toy", "models": [{"family": "classical"}]}, "test", "test")
    with pytest.raises(UserError, match="family 'classical', which is for equations"):
        tasks.describe(spec)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 2}, "rounds is given, which belongs to equations; leave it out of models for samples"),
        ({"opt": "LM-normal"}, "opt is 'LM-normal', which is for equations; expected 'LM'"),
    ],
)
def test_options_of_equations_are_refused_for_samples(options: dict[str, Any], message: str) -> None:
    models = [{"family": "mlp", "hidden": [[3]]} | options]
    spec = parse_spec({"suite": "toy", "models": models}, "test", "test")
    with pytest.raises(UserError, match=message):
        tasks.describe(spec)


@pytest.mark.parametrize(
    ("suite", "preset", "message"),
    [
        ("pde", "paper", "a preset of suite pde is 'paper'; expected one of pde, quick"),
        ("toy", "pde", "preset is 'pde'; expected one of families, formula, paper, quick"),
    ],
)
def test_presets_of_samples_and_of_equations_are_kept_apart(suite: str, preset: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        suite_spec(suite, preset)


def test_products_are_nodes_of_networks_that_fit_samples_too() -> None:
    values = {
        "suite": "toy",
        "tasks": ["product"],
        "data": {"n_train": 100, "n_test": 20},
        "models": [{"family": "kan", "hidden": [[[0, 1]], [[1, 1]]], "grids": [3], "steps": 10}],
    }
    spec = parse_spec(values, "test", "test")
    runs = expand(spec, tasks.describe(spec))
    assert [run.config["width"] for run in runs] == [[2, [0, 1], 1], [2, [1, 1], 1]]
    record = run_one(runs[0].config, RunOptions(save_models="none"))
    assert record["status"] == "ok"
    assert record["stages"][0]["n_params"] == 2 * 2 * 7 + 7
    assert record["stages"][0]["test_rmse"] < 1e-2


# What a run records.


@pytest.mark.slow
def test_a_run_of_a_network_records_its_errors_and_unknown_numbers() -> None:
    run = one("heat_inverse", "kan", planned())
    record = run_one(run.config, RunOptions())
    assert (record["status"], [stage["grid"] for stage in record["stages"]]) == ("ok", [4, 6])
    last = record["stages"][-1]
    assert last["quantities"]["unknown_D"] == pytest.approx(0.25, abs=0.02)
    assert last["quantities"]["error_of_D"] == abs(last["quantities"]["unknown_D"] - 0.25)
    # n_params counts D, as the standard errors do.
    assert last["n_params"] == 2 * 2 * 7 + 1 + 1
    assert 0.0 < last["test_rmse"] < 0.05
    assert last["quantities"]["h1"] > last["test_rmse"]
    assert math.isfinite(last["val_rmse"])
    assert last["model"] is not None


def test_rounds_are_trained_on_other_points_and_recorded_once() -> None:
    changes = {"steps": 3, "opt": "LM-normal"}
    once, thrice = (
        run_one(one("heat", "kan", planned(models=changed(0, **changes, **more))).config, RunOptions())
        for more in ({}, {"rounds": 3})
    )
    assert [stage["grid"] for stage in thrice["stages"]] == [4, 6]
    assert thrice["stages"][0]["n_iter"] == 3 * once["stages"][0]["n_iter"] == 9
    assert thrice["stages"][-1]["val_rmse"] < once["stages"][-1]["val_rmse"]
    assert {stage["opt"] for stage in thrice["stages"]} == {"LM-normal"}


def test_a_run_of_the_classical_solver_records_what_it_is_made_of() -> None:
    run = one("oscillator", "classical", planned())
    (stage,) = run_one(run.config, RunOptions())["stages"]
    assert stage["n_params"] == 41
    assert stage["test_rmse"] < 1e-12
    assert stage["model"] is None


def test_the_seed_of_the_data_is_that_of_the_points() -> None:
    first, second = (run for run in planned() if (run.task, run.family) == ("pde/heat", "kan"))
    points = [load_equation(run.config).problem.points()[0] for run in (first, second)]
    assert not np.array_equal(*points)
    assert np.array_equal(points[0], equations.heat(seed=0).problem.points()[0])


def test_a_run_ends_at_its_time_limit() -> None:
    run = one("heat", "mlp", planned(models=changed(2, steps=10**6, hidden=[[12, 12]])))
    record = run_one(run.config, RunOptions(timeout=0.3))
    assert record["status"] == "timeout"


def test_code_is_compiled_for_every_kind_of_solution_once() -> None:
    small = tiny_configs(run.config for run in planned())
    assert all(config["steps"] == 1 for config in small if "steps" in config)
    assert len(small) == 4  # KANs and MLPs of one and of two coordinates


# What is kept and shown.


def test_fields_are_kept_in_single_precision() -> None:
    field = np.linspace(-1.0, 1.0, 12).reshape(3, 4)[:, :3]
    assert np.allclose(unpacked(packed(field), 2), field, atol=1e-7)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("equations")
    (folder / "spec.toml").write_text(SMALL_TOML)
    options = ["--jobs", "1", "--backend", "sequential", "--progress", "none"]
    assert main(["run", str(folder / "spec.toml"), "--out", str(folder / "out"), *options]) == 0
    return folder


def result_of(directory: Path) -> SweepResult:
    with Store.open(directory, readonly=True) as store:
        return aggregate(store)


@pytest.mark.slow
def test_a_whole_sweep_is_reported_with_pictures_of_the_solutions(swept: Path) -> None:
    out = swept / "out"
    assert n_recorded(out) == 2 * (1 + 1 + 1) * 2
    result = result_of(out)
    assert result.error_name == "relative L2 error"
    assert set(result.solutions) == {"pde/heat", "pde/oscillator"}
    (heat, oscillator) = (result.solutions[f"pde/{name}"]["fields"] for name in ("heat", "oscillator"))
    assert list(heat) == ["u", "error of u", "residual", "bending"]
    assert (heat["u"].ndim, oscillator["u"].ndim) == (2, 1)
    assert oscillator["u"][0] == pytest.approx(1.0)
    figure = solution_figure(result.solutions["pde/heat"])
    assert [axes.get_title() for axes in figure.axes[:4]] == list(heat)
    table = solutions_table(result)
    assert {row[1] for row in table.rows} == {"KAN, products", "KAN, Chebyshev", "MLP", "classical solver"}
    page = page_of(out / "report.html")
    for text in ("Errors of the solutions", "with the least residual on fresh points", "classical solver"):
        assert text in page.text
    for name in ("heat", "oscillator"):
        for kind in ("svg", "pdf", "png"):
            assert (out / "figures" / f"pde-{name}-solution.{kind}").is_file()


def quantities(directory: Path) -> dict[tuple[str, int], dict[str, float]]:
    with Store.open(directory, readonly=True) as store:
        return store.quantities()


@pytest.mark.slow
def test_other_backends_and_stopped_sweeps_give_the_same_bits(swept: Path, tmp_path: Path) -> None:
    spec = str(swept / "spec.toml")
    common = ["--no-report", "--progress", "none"]
    other = ["--out", str(tmp_path / "loky"), "--jobs", "2", "--backend", "loky"]
    assert main(["run", spec, *other, *common]) == 0
    assert_same_results(tmp_path / "loky", swept / "out")
    assert quantities(tmp_path / "loky") == quantities(swept / "out")
    both = [str(tmp_path / "loky"), str(swept / "out"), "-o", str(tmp_path / "both.html")]
    assert main(["compare", *both]) == 0
    stopped = ["run", spec, "--out", str(tmp_path / "parts"), "--jobs", "1", *common]
    assert main([*stopped, "--limit", "3"]) == 0
    assert n_recorded(tmp_path / "parts") == 3
    assert main(stopped) == 0
    assert_same_results(tmp_path / "parts", swept / "out")
    assert quantities(tmp_path / "parts") == quantities(swept / "out")


@pytest.mark.slow
def test_every_command_knows_equations(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = swept / "out"
    with Store.open(out, readonly=True) as store:
        run_id = result_of(out).solutions["pde/heat"]["run_id"]
        assert set(stored_solutions(store.meta(), {run_id})) == {"pde/heat"}
    assert main(["show", str(out), run_id, "--out", str(tmp_path / "run.png")]) == 0
    told = capsys.readouterr().out
    assert "errors are relative L2 error" in told
    assert "maximum" in told
    assert (tmp_path / "run-solution.png").is_file()
    assert main(["export", str(out), "-o", str(tmp_path / "runs.csv")]) == 0
    head = (tmp_path / "runs.csv").read_text().splitlines()[0].split(",")
    assert {"q_h1", "q_maximum"} < set(head)
    assert main(["status", str(out)]) == 0
    assert main(["list", str(out)]) == 0
    assert "fresh res." in capsys.readouterr().out


@pytest.mark.slow
def test_solutions_are_kept_once(swept: Path) -> None:
    with Store.create(swept / "out", {"title": "again"}, "kan-sweep") as store:
        before = store.meta()["solution:pde/heat"]
        assert keep_solutions(store) == 2
        assert store.meta()["solution:pde/heat"] == before


@pytest.mark.slow
def test_solutions_of_other_code_are_not_kept(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(swept / "out", tmp_path / "out")
    with Store.create(tmp_path / "out", {"title": "again"}, "kan-sweep") as store:
        every = {run_id for run_id, _ in store.plan_tasks()}
        stale = {stored_solutions(store.meta(), every)["pde/heat"]["run_id"]}
        monkeypatch.setattr(Store, "stale_ids", lambda *_: stale)
        assert keep_solutions(store) == 2
        assert stored_solutions(store.meta(), every)["pde/heat"]["run_id"] not in stale
        stale |= every
        assert keep_solutions(store) == 0
