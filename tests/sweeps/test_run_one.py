"""One run: its record, and every way in which it can end."""

from __future__ import annotations

import math
import pickle
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import kan_np
from sweeps import run_one as module
from sweeps.families import FAMILIES
from sweeps.families.kan import KAN_DEFAULTS
from sweeps.run_one import (
    RunOptions,
    RunStatus,
    load_model_bytes,
    run_one,
    training_seed,
)
from sweeps.spec import tasks
from sweeps.spec.run_config import run_id
from sweeps.training.time_limit import RunTimeout, TimeLimit

DATA = {"n_train": 60, "n_test": 40, "seed": 0, "val_fraction": 0.2}
KAN: dict[str, Any] = {
    "format": 2,
    "task": "toy/product",
    "data": DATA,
    "family": "kan",
    "width": [2, 2, 1],
    "k": 3,
    "grids": [3, 5, 10],
    "opt": "LBFGS",
    "steps": 2,
    "restarts": 1,
    "seed": 0,
}
MLP: dict[str, Any] = {
    "format": 2,
    "task": "toy/product",
    "data": DATA,
    "family": "mlp",
    "width": [2, 5, 1],
    "activation": "tanh",
    "opt": "LBFGS",
    "steps": 3,
    "restarts": 1,
    "seed": 0,
}
OTHERS = ("base_fun", "grid_eps", "extrapolation", "init")
METRICS = ("n_params", "train_rmse", "val_rmse", "test_rmse", "n_iter", "n_fev", "status", "opt")


def metrics(record: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(stage[name] for name in METRICS) for stage in record["stages"]]


def rmse(model: Any, dataset: dict[str, Any], part: str) -> float:
    residual = model(dataset[f"{part}_input"]) - dataset[f"{part}_label"]
    return float(np.sqrt(np.mean(residual**2)))


def fake_schedule(*stages: SimpleNamespace, then: BaseException | None = None) -> Any:
    def fit_schedule(width: list[int], dataset: Any, **options: Any) -> list[SimpleNamespace]:
        for stage in stages:
            options["on_stage"](stage)
        if then is not None:
            raise then
        return list(stages)

    return fit_schedule


def stage(grid: int, rmse: float = 0.1, status: str = "step limit", **values: Any) -> SimpleNamespace:
    class Model:
        def save(self, file: Any) -> None:
            file.write(b"model %d" % grid)

    numbers = {"train_rmse": rmse, "val_rmse": rmse, "test_rmse": rmse} | values
    return SimpleNamespace(
        model=Model(),
        grid=grid,
        n_params=grid,
        wall_s=0.0,
        n_iter=1,
        n_fev=1,
        status=status,
        opt="LM",
        **numbers,
    )


@pytest.mark.parametrize(("config", "grids"), [(KAN, [3, 5, 10]), (MLP, [None])])
def test_a_record_holds_every_stage(config: dict[str, Any], grids: list[int | None]) -> None:
    record = run_one(config)
    assert (record["status"], record["reason"]) == ("ok", "")
    assert record["run_id"] == run_id(config)
    assert (record["task"], record["family"], record["config"]) == ("toy/product", config["family"], config)
    assert [row["grid"] for row in record["stages"]] == grids
    assert [row["stage"] for row in record["stages"]] == list(range(len(grids)))
    assert record["wall_s"] > 0.0
    assert all(
        a["wall_s"] <= b["wall_s"] for a, b in zip(record["stages"], record["stages"][1:], strict=False)
    )
    assert {"python", "cpu", "cores", "platform", "versions", "blas"} <= record["environment"].keys()
    assert pickle.loads(pickle.dumps(record)) == record


@pytest.mark.parametrize("config", [KAN, MLP, KAN | {"opt": "LM", "restarts": 2}, MLP | {"opt": "LM"}])
def test_stored_models_have_the_recorded_errors(config: dict[str, Any]) -> None:
    dataset = tasks.load_dataset(config)
    for row in run_one(config)["stages"]:
        model = load_model_bytes(row["model"])
        assert model.n_params == row["n_params"]
        for part in ("train", "val", "test"):
            assert rmse(model, dataset, part) == pytest.approx(row[f"{part}_rmse"], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("config", [KAN, MLP, KAN | {"opt": "LM", "restarts": 2}, MLP | {"opt": "LM"}])
def test_results_depend_on_the_configuration_only(config: dict[str, Any]) -> None:
    first = run_one(config)
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    tasks._cache.clear()
    assert metrics(run_one(config)) == metrics(first)
    other = config | {"seed": 1}
    assert training_seed(other) != training_seed(config)
    assert metrics(run_one(other)) != metrics(first)


def test_without_validation_samples_the_error_is_nan() -> None:
    config = MLP | {"data": DATA | {"val_fraction": 0.0}}
    record = run_one(config)
    assert record["status"] == "ok"
    assert math.isnan(record["stages"][0]["val_rmse"])


@pytest.mark.parametrize(("keep", "kept"), [("all", [0, 1, 2]), ("best", [1]), ("none", [])])
def test_which_models_are_kept(keep: str, kept: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    stages = (stage(3, 0.3), stage(5, 0.1), stage(10, 0.2))
    monkeypatch.setattr(kan_np, "fit_schedule", fake_schedule(*stages))
    record = run_one(KAN, RunOptions(save_models=keep))
    assert [row["stage"] for row in record["stages"] if row["model"] is not None] == kept


def test_a_kan_is_told_the_options_of_the_format_whatever_the_library_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(kan_np, "fit_schedule", lambda *_, **options: told.append(options))
    run_one(KAN)
    run_one(KAN | {"base_fun": "zero", "init": "power", "smoothing": "gcv"})
    options = [{name: options[name] for name in (*OTHERS, "smoothing")} for options in told]
    assert options[0] == dict(KAN_DEFAULTS)
    assert options[0] == {
        "base_fun": "silu",
        "grid_eps": 1.0,
        "extrapolation": "smooth",
        "smoothing": "weak",
        "init": None,
    }
    assert options[1] == options[0] | {"base_fun": "zero", "init": "power", "smoothing": "gcv"}


def test_both_families_are_trained_by_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, dict[str, Any]] = {}
    for name in ("fit_schedule", "fit_mlp"):
        monkeypatch.setattr(
            kan_np, name, lambda *_, name=name, **options: told.update({name: options}) or stage(3)
        )
    rules = {"opt": "auto", "steps": 7, "restarts": 3}
    assert run_one(KAN | rules)["status"] == run_one(MLP | rules)["status"] == "ok"
    for options in told.values():
        # The sweep has split the samples already; without a split nothing is held out behind its back.
        assert {key: options[key] for key in rules} == rules
        assert options["val_fraction"] == 0.0
        assert options["standardize"] is False


@pytest.mark.slow
@pytest.mark.parametrize("config", [KAN | {"grids": [3, 5]}, MLP])
@pytest.mark.parametrize(("opt", "used"), [("LM", "LM"), ("LBFGS", "LBFGS"), ("auto", "LM")])
def test_the_optimizer_of_every_stage_is_recorded(config: dict[str, Any], opt: str, used: str) -> None:
    record = run_one(config | {"opt": opt, "restarts": 2})
    assert (record["status"], record["reason"]) == ("ok", "")
    assert {row["opt"] for row in record["stages"]} == {used}


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"opt": "LM", "smoothing": 1e-4},
        {"opt": "LM", "smoothing": "gcv"},
        {"opt": "LBFGS", "smoothing": 1e-4},
        *({"opt": "auto", "init": init} for init in kan_np.options.STARTS),
        *({"opt": "auto", "extrapolation": mode} for mode in kan_np.options.EXTRAPOLATIONS),
    ],
)
def test_every_option_of_a_specification_can_be_trained(options: dict[str, Any]) -> None:
    record = run_one(KAN | {"grids": [3, 5]} | options)
    assert (record["status"], record["reason"]) == ("ok", "")
    assert metrics(record) != metrics(run_one(KAN | {"grids": [3, 5]}))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (KAN | {"task": "toy/prodct"}, "Did you mean 'product'?"),
        (KAN | {"width": [3, 2, 1]}, "(kan_np/"),
        (MLP | {"activation": "tanhh"}, "Did you mean 'tanh'?"),
        (MLP | {"task": "csv/mine"}, "KeyError: 'sha256' (sweeps/spec/table_rows.py:"),
        (KAN | {"data": DATA | {"n_train": 1}}, "ValueError: "),
    ],
)
def test_a_run_that_raises_is_a_failed_record(config: dict[str, Any], reason: str) -> None:
    record = run_one(config, RunOptions(csv_path=__file__))
    assert record["status"] == "failed"
    assert reason in record["reason"]
    assert record["reason"].endswith(")")
    assert str(Path.cwd()) not in record["reason"]
    assert record["stages"] == []


def test_stages_before_a_failure_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = fake_schedule(stage(3), stage(5), then=RuntimeError("out of luck"))
    monkeypatch.setattr(kan_np, "fit_schedule", broken)
    record = run_one(KAN)
    assert record["status"] == "failed"
    assert record["reason"].startswith("RuntimeError: out of luck (sweeps/families/kan.py:")
    assert [row["grid"] for row in record["stages"]] == [3, 5]
    assert record["stages"][0]["model"] == b"model 3"


@pytest.mark.parametrize(
    "last",
    [
        stage(5, status="non-finite"),
        stage(5, math.nan),
        stage(5, math.inf),
        stage(5, test_rmse=math.inf),
    ],
)
def test_a_run_that_meets_nan_has_diverged(last: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kan_np, "fit_schedule", fake_schedule(stage(3), last, stage(10)))
    record = run_one(KAN)
    assert record["status"] == RunStatus.DIVERGED
    assert "stage 1 (G = 5)" in record["reason"]
    assert [row["grid"] for row in record["stages"]] == [3, 5]


@pytest.mark.parametrize("config", [KAN, MLP])
def test_a_run_past_its_time_is_a_timeout(config: dict[str, Any]) -> None:
    record = run_one(config | {"steps": 100_000}, RunOptions(timeout=0.2))
    assert record["status"] == "timeout"
    assert "limit of 0.2 s" in record["reason"]
    assert record["wall_s"] < 60.0


def test_a_timeout_keeps_finished_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kan_np, "fit_schedule", fake_schedule(stage(3), then=RunTimeout("stopped")))
    record = run_one(KAN)
    assert (record["status"], record["reason"]) == ("timeout", "stopped, after stage 0 (G = 3)")
    assert len(record["stages"]) == 1


def test_the_keyboard_is_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kan_np, "fit_schedule", fake_schedule(then=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run_one(KAN)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs SIGALRM")
def test_code_that_never_asks_is_stopped_by_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> None:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr("sweeps.training.time_limit.GRACE_S", 0.05)
    monkeypatch.setattr(kan_np, "fit_schedule", hang)
    before = signal.getsignal(signal.SIGALRM)
    record = run_one(KAN, RunOptions(timeout=0.05))
    assert record["status"] == "timeout"
    assert "by force" in record["reason"]
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("seconds", [1e12, 1e300])
def test_a_limit_longer_than_the_timers_of_the_system_is_no_mistake(seconds: float) -> None:
    with TimeLimit(seconds) as limit:
        limit.check()
        if hasattr(signal, "getitimer"):
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 0.0


def test_no_limit_arms_no_alarm() -> None:
    with TimeLimit(None) as limit:
        limit.check("anything")
        if hasattr(signal, "getitimer"):
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_run_ends_at_the_deadline_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "monotonic", lambda: 1000.0)
    assert RunOptions(deadline=1030.0).seconds_left() == 30.0
    assert RunOptions(5.0, deadline=1030.0).seconds_left() == 5.0
    assert RunOptions(50.0, deadline=1030.0).seconds_left() == 30.0
    assert RunOptions(50.0, deadline=990.0).seconds_left() == 0.0
    assert (RunOptions().seconds_left(), RunOptions(5.0).seconds_left()) == (None, 5.0)
    monkeypatch.setattr(FAMILIES["kan"], "train", lambda training: pytest.fail("it was begun"))
    record = run_one(KAN, RunOptions(50.0, deadline=1000.0))
    assert (record["status"], record["stages"]) == ("timeout", [])
    assert record["reason"].startswith("not begun")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm here")
def test_an_alarm_that_native_code_makes_another_error_of_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def swallow(*_: Any) -> None:
        try:
            while True:
                pass
        except RunTimeout:
            raise RuntimeError("no compiled object yet for <Library>") from None

    monkeypatch.setattr("sweeps.training.time_limit.GRACE_S", 0.02)
    monkeypatch.setattr(FAMILIES["kan"], "train", swallow)
    record = run_one(KAN, RunOptions(0.05))
    assert record["status"] == "timeout"
    assert record["reason"].startswith("stopped by force")
