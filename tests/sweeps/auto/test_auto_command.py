"""`kan-sweep auto`: what is tried in which order, when it ends, what is recommended, and what is written."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misbehaving import networks_die, networks_hang

from kan_np import load_csv, load_model
from kan_np.data.rows import split_table
from sweeps.answer.candidates import Fitted, TrainedConfiguration, candidates_of_one, model_name
from sweeps.answer.choice import excess
from sweeps.answer.stored_models import same_rows, unscaled
from sweeps.auto import trainer
from sweeps.auto.answer import FOLDS_WARNING, rmse_interval
from sweeps.auto.search import TOLERANCE, BudgetOver, Finding, Search
from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.families import KAN, MLP, family_of
from sweeps.families.family import Family, HiddenWidths, Training
from sweeps.run_one import RunOptions
from sweeps.spec.plan import Plan
from sweeps.spec.sweep_spec import ModelTable
from sweeps.storage.store import DATABASE_NAME, Store

N_VAL = 400


class Pretender:
    """Pretends to train: the validation RMSE of a model is a function of family, hidden layers and grid."""

    def __init__(
        self, error: Callable[[str, HiddenWidths, int], float], n_in: int = 2, stop_after: int = 99
    ) -> None:
        self.error, self.n_in, self.left = error, n_in, stop_after
        self.asked: list[tuple[str, HiddenWidths, tuple[int, ...]]] = []

    def train(self, table: ModelTable, seeds: Sequence[int]) -> list[TrainedConfiguration]:
        if self.left == 0:
            raise BudgetOver
        self.left -= 1
        (hidden,) = table.hidden
        assert not isinstance(hidden, str)
        self.asked.append((table.family, hidden, tuple(seeds)))
        width = (self.n_in, *hidden, 1)
        grids = dict(table.axes).get("grids", ((None,),))[0]
        found = []
        for stage, grid in enumerate(grids):
            rmse = self.error(table.family, hidden, grid or 0)
            size = family_of(table.family).n_params({"width": width, "k": 3}, grid)
            runs = tuple(Fitted(f"{table.family}{hidden}{seed}", seed, 0, rmse, rmse, rmse) for seed in seeds)
            name = f"{table.family}{hidden}"
            found.append(TrainedConfiguration(name, table.family, width, grid, stage, size, runs))
        return found

    def losses(self, candidate: TrainedConfiguration, part: str) -> np.ndarray:
        # The samples are as hard for one model as for another, up to a little noise.
        seed = candidate.n_params + 7 * candidate.stage
        noise = 1 + 0.01 * np.random.default_rng(seed).normal(size=N_VAL)
        shape = np.random.default_rng(0).exponential(size=N_VAL)
        values = noise * shape
        return candidate.val**2 * values / values.mean()


def search(trainer: Pretender, n_train: int = 1000, tolerance: float = TOLERANCE) -> Finding:
    return Search(trainer, trainer.n_in, 1, n_train, (0, 1, 2), tolerance).run()


def needs(hidden: HiddenWidths, floor: float = 0.01) -> Callable[[str, HiddenWidths, int], float]:
    """A function that takes a hidden layer of so many nodes, and that deep, with noise of `floor`."""

    def error(family: str, shape: HiddenWidths, grid: int) -> float:
        if family == "mlp":
            return 0.2
        lack = sum(hidden) - sum(min(a, b) for a, b in zip(shape, hidden, strict=False))
        lack += len(hidden) - min(len(hidden), len(shape))
        return (
            floor * (1 + (lack > 0) * 10 * lack + 3.0 * (grid < 10) + 0.3 * (grid > 20)) + (grid == 0) * 0.5
        )

    return error


def hidden_layers(trainer: Pretender) -> list[HiddenWidths]:
    return list(dict.fromkeys(hidden for family, hidden, _ in trainer.asked if family == "kan"))


def test_it_grows_wider_while_that_pays_and_then_deeper() -> None:
    trainer = Pretender(needs((3,)))
    finding = search(trainer)
    assert [family for family, _, _ in trainer.asked[:2]] == ["linear", "additive"]
    assert hidden_layers(trainer) == [(1,), (2,), (3,), (5,), (3, 3)]
    assert (finding.recommended.width, finding.recommended.grid) == ((2, 3, 1), 10)
    assert [(t.what, t.candidate.width, t.better) for t in finding.trials[-2:]] == [
        ("width", (2, 5, 1), False),
        ("depth", (2, 3, 3, 1), False),
    ]
    assert not finding.budget_over


def test_it_grows_deeper_where_that_pays() -> None:
    trainer = Pretender(needs((2, 2)))
    finding = search(trainer)
    assert hidden_layers(trainer) == [(1,), (2,), (3,), (2, 2), (2, 2, 2)]
    assert finding.recommended.width == (2, 2, 2, 1)


def test_only_what_is_recommended_is_trained_with_all_seeds() -> None:
    trainer = Pretender(needs((1,)))
    finding = search(trainer)
    assert trainer.asked[-1] == ("kan", (1,), (0, 1, 2))
    assert {seeds for _, _, seeds in trainer.asked[:-1]} == {(0,)}
    assert finding.recommended.seeds == [0, 1, 2]
    # one node was enough: wider was tried, deeper was not
    assert hidden_layers(trainer) == [(1,), (2,)]


def test_the_simplest_model_is_recommended_where_nothing_is_better() -> None:
    finding = search(Pretender(lambda family, hidden, grid: 0.7 - (family == "kan") * 0.001 * sum(hidden)))
    assert finding.recommended.family == "linear"
    assert finding.recommended.seeds == [0]
    assert finding.best.family != "linear"
    assert [trial.better for trial in finding.trials] == [False, False]


def test_an_mlp_of_the_same_size_may_win() -> None:
    trainer = Pretender(lambda family, hidden, grid: 0.01 if family == "mlp" else 0.1 + (grid == 0))
    finding = search(trainer)
    assert finding.recommended.family == "mlp"
    assert trainer.asked[-1][2] == (0, 1, 2)


def test_it_ends_where_the_error_is_good_enough() -> None:
    trainer = Pretender(lambda family, hidden, grid: 1.0 if family == "linear" else 10.0**-grid)
    finding = search(trainer, tolerance=1e-5)
    assert finding.enough
    assert [family for family, _, _ in trainer.asked] == ["linear", "additive"]
    assert not search(Pretender(needs((1,)))).enough


@pytest.mark.parametrize(
    ("stop_after", "untried"),
    [
        (
            1,
            (
                "an additive spline",
                "wider networks",
                "deeper networks",
                "an MLP of the same size",
                "further seeds",
            ),
        ),
        (2, ("wider networks", "deeper networks", "an MLP of the same size", "further seeds")),
        (7, ("an MLP of the same size", "further seeds")),
        (8, ("further seeds",)),
        (9, ()),
    ],
)
def test_what_the_budget_left_untried_is_known(stop_after: int, untried: tuple[str, ...]) -> None:
    finding = search(Pretender(needs((3,)), stop_after=stop_after))
    assert finding.untried == untried
    assert finding.budget_over == bool(untried)
    assert finding.tried_a_network == (stop_after > 2)


@pytest.mark.parametrize("stop_after", [1, 2, 3, 5])
def test_a_budget_that_is_over_leaves_the_best_so_far(stop_after: int) -> None:
    trainer = Pretender(needs((3,)), stop_after=stop_after)
    finding = search(trainer)
    assert finding.budget_over
    assert finding.recommended.family == ("linear", "additive", "kan", "kan", "kan")[stop_after - 1]


def test_without_time_for_one_model_there_is_no_answer() -> None:
    with pytest.raises(BudgetOver):
        search(Pretender(needs((1,)), stop_after=0))


def test_no_model_has_more_parameters_than_samples() -> None:
    trainer = Pretender(needs((5,)), n_in=10)
    finding = search(trainer, n_train=150)
    assert all(candidate.n_params <= 154 for candidate in finding.candidates)
    assert hidden_layers(trainer) == [(1,)]


def test_models_that_diverge_are_never_chosen() -> None:
    finding = search(Pretender(lambda family, hidden, grid: math.nan if hidden else 0.5 + grid / 100))
    assert finding.recommended.family == "linear"


class OneSeedOnly(Pretender):
    """Some models cannot be trained with all seeds, and `failing` not at all."""

    def __init__(
        self,
        error: Callable[[str, HiddenWidths, int], float],
        one_seed: Sequence[HiddenWidths],
        failing: str = "",
    ):
        super().__init__(error)
        self.one_seed, self.failing = one_seed, failing

    def train(self, table: ModelTable, seeds: Sequence[int]) -> list[TrainedConfiguration]:
        found = super().train(table, seeds)
        lost = self.failing == "all" or (len(seeds) > 1 and table.hidden[0] in self.one_seed)
        return [] if lost else found


def test_a_model_that_fails_with_another_seed_is_set_aside() -> None:
    trainer = OneSeedOnly(needs((3,)), one_seed=[(3,)])
    finding = search(trainer)
    assert [(c.width, c.grid) for c in finding.set_aside] == [((2, 3, 1), 10)]
    assert finding.recommended.width not in ((2, 3, 1),)
    assert finding.recommended.seeds == [0, 1, 2]
    assert not finding.budget_over
    assert trainer.asked.count(("kan", (3,), (0, 1, 2))) == 1


def test_where_every_network_fails_with_another_seed_the_search_ends() -> None:
    kinds = [(n,) for n in range(1, 21)] + [(n, m) for n in range(1, 40) for m in range(1, 40)]
    finding = search(OneSeedOnly(needs((3,)), one_seed=kinds))
    assert finding.recommended.is_deterministic
    assert not finding.budget_over


def test_where_every_run_fails_that_is_said() -> None:
    with pytest.raises(UserError, match="every run failed or diverged"):
        search(OneSeedOnly(needs((3,)), one_seed=[], failing="all"))


def fitted(*errors: float) -> tuple[Fitted, ...]:
    return tuple(Fitted(f"r{seed}", seed, seed % 2, e, e, e) for seed, e in enumerate(errors))


def test_a_model_that_diverged_is_never_the_best_of_its_seeds_or_folds() -> None:
    candidate = TrainedConfiguration("", "kan", (1, 1), 3, 0, 9, fitted(math.nan, 0.3, 0.2, math.nan))
    assert candidate.val == math.inf
    assert candidate.best.seed == 2
    assert [run.seed for run in candidate.best_of_folds] == [2, 1]
    assert TrainedConfiguration("", "kan", (1, 1), 3, 0, 9, fitted(0.1, 0.2, math.inf)).val == math.inf


@pytest.mark.parametrize(
    "fault",
    [{"status": "non-finite"}, {"val_rmse": math.nan}, {"train_rmse": math.nan}, {"test_rmse": math.inf}],
)
def test_stages_that_are_not_finite_are_left_out(fault: dict[str, object]) -> None:
    sound = {
        "grid": 3,
        "n_params": 9,
        "train_rmse": 0.1,
        "val_rmse": 0.1,
        "test_rmse": 0.1,
        "status": "converged",
    }

    def record(seed: int, *stages: dict[str, object]) -> dict[str, object]:
        config = {"width": [1, 1], "seed": seed}
        rows = [{"stage": number} | stage for number, stage in enumerate(stages)]
        return {"run_id": str(seed), "family": "kan", "config": config, "stages": rows}

    found = candidates_of_one([record(0, sound, sound | fault), record(1, sound, sound)])
    assert [candidate.stage for candidate in found] == [0]


@pytest.mark.slow
def test_a_run_that_fails_with_another_seed_does_not_keep_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(family: Family) -> Callable[[Training], None]:
        real = family.train

        def train(training: Training) -> None:
            if training.config["seed"] > 0:
                raise MemoryError("too large")
            real(training)

        return train

    for family in (KAN, MLP):
        monkeypatch.setattr(family, "train", failing(family))
    monkeypatch.setattr(trainer, "run_plan", partial(in_this_process, trainer.run_plan))
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (90, 2))
    table, out = tmp_path / "product.csv", tmp_path / "out"
    rows = np.column_stack([x, x.prod(axis=1)])
    np.savetxt(table, rows, delimiter=",", header="x,y,z", comments="")
    command = ["auto", str(table), "--target", "z", "--out", str(out), "--no-report", "--budget", "5m"]
    assert main(command) == 0
    assert "was set aside: training failed or diverged with another seed" in capsys.readouterr().out
    facts = json.loads((out / "recommended.json").read_text())
    assert facts["family"] in ("linear", "additive")
    assert facts["set_aside"]
    assert not facts["budget_over"]


def in_this_process(launch: Callable[..., Any], *given: Any, backend: object) -> Any:
    store, plan, options, runner, *rest = given
    return launch(store, plan, options, replace(runner, backend="sequential"), *rest)


@pytest.fixture
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is the same wherever runs are computed: processes take longer to start than to train."""
    monkeypatch.setattr(trainer, "run_plan", partial(in_this_process, trainer.run_plan))
    monkeypatch.setattr(trainer.PersistentPool, "start", lambda self: None)


@pytest.mark.slow
def test_runs_that_are_launched_together_share_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every run ends with the budget, and what is not begun by then is not begun at all."""
    given: list[RunOptions] = []
    real = trainer.run_plan

    def launch(store: object, plan: object, options: RunOptions, *rest: object, **more: object) -> object:
        given.append(options)
        if len(given) == 2:  # the time is over as the runs of the second model are launched
            options = replace(options, deadline=0.0)
            monkeypatch.setattr(trainer.StoreTrainer, "spent", lambda self: math.inf)
        return real(store, plan, options, *rest, **more)

    monkeypatch.setattr(trainer, "run_plan", launch)
    table, out = write_wave(tmp_path / "wave.csv", 60), tmp_path / "out"
    command = ["auto", str(table), "--target", "z", "--folds", "3", "--out", str(out), "--no-report"]
    begin = time.monotonic()
    assert main([*command, "--jobs", "1", "--budget", "9m"]) == 0
    assert len(given) == 2
    assert all(begin < (options.deadline or 0.0) < time.monotonic() + 540.0 for options in given)
    assert given[0].deadline == given[1].deadline  # so that the same workers serve both
    with Store.open(out, readonly=True) as store:
        runs = store.runs()
    outcomes = sorted(zip(runs["family"], runs["status"], runs["reason"], strict=True))
    assert [family for family, _, _ in outcomes] == ["additive"] * 3 + ["linear"] * 3
    assert {(s, r.startswith("not begun")) for f, s, r in outcomes if f == "additive"} == {("timeout", True)}
    facts = json.loads((out / "recommended.json").read_text())
    assert (facts["family"], facts["budget_over"]) == ("linear", True)
    # Its test rows are not independent of the choice.
    assert facts["test_rows_helped_to_choose"]
    assert facts["test_note"] == FOLDS_WARNING
    assert FOLDS_WARNING in (out / "recommended.txt").read_text()


def test_a_row_that_validates_in_several_folds_is_one_row(tmp_path: Path) -> None:
    table = write_wave(tmp_path / "wave.csv", 90)
    parts = [load_csv(table, "z", folds=5, fold=fold, val_fraction=0.3, seed=4) for fold in range(5)]
    numbers = same_rows(np.concatenate([np.hstack(unscaled(part, "val")) for part in parts]))
    rows = np.concatenate([split_table(90, 0.0, 0.3, 4, None, 5, fold).val for fold in range(5)])
    assert len(set(rows)) < len(rows)
    assert np.array_equal(numbers[:, None] == numbers, rows[:, None] == rows)


def test_excess_is_in_standard_errors() -> None:
    one = np.random.default_rng(0).normal(0.1, 1.0, 10_000)
    assert excess(one, np.zeros(10_000)) == pytest.approx(0.1 * 100, abs=2.5)
    assert excess(np.ones(3), np.ones(3)) == 0.0
    assert excess(np.ones(3), np.zeros(3)) == math.inf


def test_the_interval_covers_the_error() -> None:
    squared = np.random.default_rng(1).exponential(size=200)
    low, high = rmse_interval(squared)
    assert low < math.sqrt(squared.mean()) < high
    assert (low, high) == rmse_interval(squared)


def write_wave(path: Path, n: int = 240) -> Path:
    """A table x, z with z = sin(3 x) and noise of 2 %."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, n)
    z = 5.0 + np.sin(3 * x) + 0.02 * rng.normal(size=n)
    np.savetxt(path, np.stack([x, z], axis=1), delimiter=",", header="x,z", comments="")
    return path


def records(out: Path) -> dict[str, tuple[str, float]]:
    with Store.open(out, readonly=True) as store:
        runs = store.runs()
    return dict(zip(runs["run_id"], zip(runs["status"], runs["finished_at"], strict=True), strict=True))


@pytest.mark.slow
def test_the_command_answers_and_writes_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = write_wave(tmp_path / "wave.csv"), tmp_path / "out"
    command = ["auto", str(table), "--target", "z", "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    facts = json.loads((out / "recommended.json").read_text())
    assert f"{facts['n_params']} parameters (run {facts['run_id']}" in printed
    assert "load_model(" in printed
    assert "A linear model has test RMSE" in printed
    assert (out / "recommended.txt").read_text() in printed
    for name in ("report.html", "figures/recommended.png", "figures/recommended.svg"):
        assert (out / name).stat().st_size > 1000
    model, dataset = load_model(out / "recommended.npz"), load_csv(table, "z")
    assert model.n_params == facts["n_params"]
    unit = float(np.std(dataset["train_label"]))
    rmse = float(np.sqrt(np.mean((model(dataset["test_input"]) - dataset["test_label"]) ** 2))) / unit
    assert rmse in [pytest.approx(test) for test in facts["test_rmse_of_runs"]]
    assert rmse < 0.06  # 2 % of noise on a spread of 0.66, and what the model adds
    # What it says of its use works as it is printed, and gives the test RMSE in the units of the table.
    usage = "\n".join(line[4:] for line in printed.splitlines() if line.startswith("    "))
    with contextlib.redirect_stdout(io.StringIO()) as scored:
        exec(usage, {})  # noqa: S102  the code under test is what is printed
    assert float(scored.getvalue().split()[-1]) == pytest.approx(rmse * unit, rel=1e-6)
    assert model.predict([[0.5]])[0, 0] == pytest.approx(5.0 + math.sin(1.5), abs=0.05)

    # The same command again trains nothing, and a sweep's commands know the store.
    before = records(out)
    assert main([*command, "--no-report"]) == 0
    assert records(out) == before
    assert main(["status", str(out)]) == 0
    assert main(["show", str(out), facts["run_id"]]) == 0


@pytest.mark.usefixtures("without_workers")
def test_names_of_columns_are_drawn_and_cannot_become_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [r"$\ce{CO2}$", "b\nraise SystemExit('run')", "50 %\x1b[31m'", r"y \input{x} $_$"]
    x = np.random.default_rng(0).uniform(-1, 1, (60, 3))
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *np.c_[x, x.sum(axis=1)].tolist()])
    command = ["auto", str(tmp_path / "t.csv"), "--target", names[-1], "--out", str(tmp_path / "out")]
    assert main([*command, "--budget", "5", "--no-report"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    usage = printed.split("To use it:\n")[1].splitlines()
    code = "\n".join(line.removeprefix("    ") for line in usage)
    with contextlib.redirect_stdout(io.StringIO()) as scored:
        exec(code, {})  # noqa: S102  the code under test is what is printed
    assert float(scored.getvalue().split()[-1]) < 0.01
    drawn = (tmp_path / "out" / "figures" / "recommended.svg").read_text()
    assert "<svg" in drawn
    model = load_model(tmp_path / "out" / "recommended.npz")
    assert (model.feature_names, model.target_names) == (names[:3], names[3:])


@pytest.mark.slow
@pytest.mark.usefixtures("without_workers")
def test_a_search_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that has lost its last runs, as after a kill, ends with the same answer and the same runs."""
    table = write_wave(tmp_path / "wave.csv")
    whole, part = tmp_path / "whole", tmp_path / "part"
    options = ["--target", "z", "--no-report", "--seeds", "2"]
    assert main(["auto", str(table), *options, "--out", str(whole)]) == 0
    with Store.open(whole, readonly=True) as store:
        kept = [store.run(run_id) for run_id, _, _, _ in store.plan()[:2]]
        for record in kept:
            for stage in record["stages"]:
                stage["model"] = store.model(record["run_id"], stage["stage"])
    with Store.create(part, {"title": "cut short"}, "auto") as store:
        for record in kept:
            store.add(record)
    assert main(["auto", str(table), *options, "--out", str(part)]) == 0
    facts = [json.loads((out / "recommended.json").read_text()) for out in (whole, part)]
    assert facts[0] == facts[1]
    assert records(whole).keys() == records(part).keys()


@pytest.mark.usefixtures("without_workers")
def test_a_search_that_goes_on_has_the_time_that_passed_and_not_the_sum_of_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs beside each other take less time than they add up to."""
    given: list[float] = []
    real = trainer.run_plan

    def launch(store: object, plan: object, options: RunOptions, *rest: object, **more: object) -> object:
        given.append((options.deadline or 0.0) - time.monotonic())
        if len(given) > 1:
            raise KeyboardInterrupt
        return real(store, plan, options, *rest, **more)

    def change(seconds: str, **changes: object) -> None:
        with Store.create(out, {}, "auto") as store:
            (run_id,) = store.runs()["run_id"]
            record = store.run(run_id) | changes
            for stage in record["stages"]:
                stage["model"] = store.model(run_id, stage["stage"])
            store.add(record)
            (name,) = [name for name in store.meta() if name.startswith("searched_s")]
            store.set_meta(**{name: seconds or store.meta()[name]})

    monkeypatch.setattr(trainer, "run_plan", launch)
    table, out = write_wave(tmp_path / "wave.csv", 60), tmp_path / "out"
    command = ["auto", str(table), "--target", "z", "--out", str(out), "--no-report", "--budget", "5h"]
    assert main(command) == 130
    assert len(given) == 2
    change("", wall_s=1e9)
    assert main(command) == 130
    assert 0.0 < given[2] < given[0]
    change("7200")
    assert main(command) == 130
    assert 0.0 < given[3] < given[0] - 7100.0

    # Where the time is over, what a run had when it was cut short goes into the answer as it did before.
    change("1e9", status="timeout", reason="stopped")
    capsys.readouterr()
    assert main(command) == 0
    assert "only those that were cut short are trained again" in capsys.readouterr().out
    assert json.loads((out / "recommended.json").read_text())["family"] == "linear"

    # A store of an earlier version does not say how long its search took.
    change("", status="ok", reason="", wall_s=1e9)
    with contextlib.closing(sqlite3.connect(out / DATABASE_NAME)) as connection, connection:
        connection.execute("DELETE FROM meta WHERE key LIKE 'searched_s%'")
    assert main(command) == 0
    assert len(given) == 4
    assert json.loads((out / "recommended.json").read_text())["budget_over"]


def test_the_answer_to_another_question_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = write_wave(tmp_path / "wave.csv", 40), tmp_path / "o"
    with Store.create(out, {"csv": str(table), "target": "x"}, "auto"):
        pass
    assert main(["auto", str(table), "--target", "z", "--out", str(out)]) == 2
    assert "holds x of wave.csv, and this is z of wave.csv" in capsys.readouterr().err
    with Store.open(out, readonly=True) as store:
        assert store.meta()["spec"]["target"] == "x"


@pytest.mark.usefixtures("without_workers")
def test_a_table_of_the_same_name_in_another_folder_is_another_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there, moved = (tmp_path / name for name in ("here", "there", "moved"))
    for folder in (here, there, moved):
        folder.mkdir()
    write_wave(here / "wave.csv", 60)
    write_wave(there / "wave.csv", 61)
    monkeypatch.chdir(tmp_path)
    command = ["--target", "z", "--no-report", "--budget", "5m", "--tolerance", "0.2"]
    assert main(["auto", "here/wave.csv", *command]) == 0
    out = tmp_path / "runs" / "wave-auto"
    before, runs = (out / "recommended.json").read_text(), records(out)
    capsys.readouterr()
    assert main(["auto", "there/wave.csv", *command]) == 2
    message = capsys.readouterr().err
    assert f"holds z of wave.csv in {here}, and this is z of wave.csv in {there}" in message
    assert "--out" in message
    assert ((out / "recommended.json").read_text(), records(out)) == (before, runs)
    # A table that was moved, or named from another folder, is the same one and needs no training.
    (here / "wave.csv").rename(moved / "wave.csv")
    monkeypatch.chdir(moved)
    assert main(["auto", "wave.csv", *command, "--out", str(out)]) == 0
    assert records(out) == runs
    # And one that has got more rows where it was goes on with the same answer.
    write_wave(moved / "wave.csv", 70)
    assert main(["auto", "wave.csv", *command, "--out", str(out)]) == 0
    assert len(records(out)) > len(runs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "0s"], "budget is '0s'; expected a duration"),
        (["--seeds", "0"], "--seeds is 0"),
        (["--tolerance", "2"], "--tolerance is 2; expected an RMSE"),
        (["--folds", "1"], "--folds is 1"),
        (["--features", "q"], "features is 'q'"),
        (["--budget", "0.000001s"], "was over before the first model was trained"),
    ],
)
def test_mistakes_are_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    table = write_wave(tmp_path / "wave.csv", 40)
    assert main(["auto", str(table), "--target", "z", "--out", str(tmp_path / "o"), *options]) == 2
    assert message in capsys.readouterr().err


def launch_with(compute: Callable[..., Any], launch: Callable[..., Any], *given: Any, backend: object) -> Any:
    return launch(*given, compute, backend)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_that_kills_its_process_is_a_failed_row_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], jobs: str
) -> None:
    launch = partial(launch_with, networks_die, trainer.run_plan)
    monkeypatch.setattr(trainer, "run_plan", launch)
    table, out = write_wave(tmp_path / "wave.csv"), tmp_path / "out"
    command = ["auto", str(table), "--target", "z", "--out", str(out), "--no-report", "--jobs", jobs]
    assert main([*command, "--seeds", "1"]) == 0
    said = capsys.readouterr()
    assert "kan [1,1,1]: failed, worker lost" in said.err
    facts = json.loads((out / "recommended.json").read_text())
    assert (facts["family"], facts["budget_over"]) == ("additive", False)
    with Store.open(out, readonly=True) as store:
        runs = store.runs()
    outcomes = set(zip(runs["family"], runs["status"], strict=True))
    assert outcomes == {("linear", "ok"), ("additive", "ok"), ("kan", "failed"), ("mlp", "ok")}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")
def test_a_run_that_hangs_ends_with_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = trainer.run_plan

    def launch(store: object, plan: Plan, options: RunOptions, *rest: Any, backend: object) -> Any:
        if plan.todo[0].family == "kan":  # the time is over soon after the first networks have begun
            options = replace(options, deadline=time.monotonic() + 1.0)
            monkeypatch.setattr(trainer.StoreTrainer, "spent", lambda self: 600.0)
        return real(store, plan, options, *rest, networks_hang, backend)

    monkeypatch.setattr(trainer, "run_plan", launch)
    monkeypatch.setattr("sweeps.backends.supervised_worker.GRACE_S", 0.1)
    table, out = write_wave(tmp_path / "wave.csv"), tmp_path / "out"
    command = ["auto", str(table), "--target", "z", "--out", str(out), "--no-report", "--budget", "10m"]
    assert main(command) == 0
    answer = capsys.readouterr().out
    facts = json.loads((out / "recommended.json").read_text())
    assert facts["untried"][0] == "wider networks"
    assert "Tried: linear model, additive spline. Not tried, or not to the end: wider networks" in answer
    assert "No network was tried, for the budget was over" in answer
    with Store.open(out, readonly=True) as store:
        runs = store.runs()
    reasons = dict(zip(runs["family"], runs["reason"], strict=True))
    assert reasons["kan"].startswith("timeout: killed after the limit of")

    # The same command with a larger budget goes on, and repeats nothing that is complete.
    monkeypatch.undo()
    before = records(out)
    assert main([*command[:-1], "30m"]) == 0
    assert json.loads((out / "recommended.json").read_text())["untried"] == []
    after = records(out)
    assert {run_id for run_id in before if before[run_id] == after[run_id]} == {
        run_id for run_id in before if before[run_id][0] == "ok"
    }


@pytest.mark.slow
@pytest.mark.usefixtures("without_workers")
def test_what_to_know_about_the_table_is_in_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = write_wave(tmp_path / "wave.csv", 30), tmp_path / "out"
    command = ["auto", str(table), "--target", "z", "--no-report", "--budget", "5m"]
    assert main([*command, "--out", str(out), "--features", "x"]) == 0
    said = capsys.readouterr()
    (note,) = json.loads((out / "recommended.json").read_text())["notes"]
    assert note.startswith("Few rows: 18 train, 6 test the models and only 6 choose among them.")
    assert note in said.err
    assert note in said.out
    assert note in (out / "recommended.txt").read_text()


@pytest.mark.parametrize(
    ("n", "counts"), [(7, "5 rows train, 1 choose among the models and 1 test"), (8, "")]
)
def test_a_single_row_does_not_choose_among_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], n: int, counts: str
) -> None:
    table = write_wave(tmp_path / "wave.csv", n)
    command = ["auto", str(table), "--target", "z", "--out", str(tmp_path / "o"), "--budget", "0.000001s"]
    assert main(command) == 2
    message = capsys.readouterr().err
    assert (counts or "--budget 1e-06 s was over") in message


def test_an_interrupt_before_anything_is_trained_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    table = write_wave(tmp_path / "wave.csv", 40)
    command = ["auto", str(table), "--target", "z", "--out", str(tmp_path / "o")]
    for place, words in (
        (
            "sweeps.auto.command.describe",
            "interrupted; nothing that was stored is lost, and the same command",
        ),
        ("sweeps.auto.trainer.warm_up", "interrupted; what was complete is stored.\ncontinue with: "),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, interrupted)
            assert main(command) == 130
        assert words in capsys.readouterr().err


def test_models_have_names() -> None:
    assert model_name(TrainedConfiguration("", "linear", (3, 1), None, 0, 4, ())) == "linear model"
    assert model_name(TrainedConfiguration("", "mlp", (3, 4, 1), None, 0, 21, ())) == "MLP [3,4,1]"
