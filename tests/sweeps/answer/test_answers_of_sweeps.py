"""A sweep on a table ends with an answer: in the units of the target, in the store, on its page."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import shlex
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_page import page_of

from kan_np import load_model
from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.results import SweepResult
from sweeps.answer.stored import ENTRY
from sweeps.cli import main
from sweeps.page.report import write_report
from sweeps.storage.store import Store

SPEC = """
csv = "{table}"
target = "{target}"
seeds = 2
{more}

[[models]]
family = "kan"
hidden = [[2]]
grids = [3]
steps = 8

[[models]]
family = "mlp"
hidden = [[3]]
steps = 10

[[models]]
family = "linear"
"""
RUN = ("--backend", "sequential", "--progress", "none")


def table(path: Path, n: int = 120, seed: int = 0) -> Path:
    """A table with the yield (noise 2), its inputs, one of which has no influence, and a class a row."""
    rng = np.random.default_rng(seed)
    t, x, none = rng.uniform(300, 400, n), rng.uniform(0, 1, n), rng.normal(size=n)
    y = 1e3 * (2 + np.sin((t - 300) / 30) + x**2) + rng.normal(0, 2, n)
    sort = np.where(t + 60 * x > 375, "late", np.where(t < 330, "early", "middle"))
    lines = ["T / K,x,none,yield (mg),sort"]
    lines += [
        f"{a:.3f},{b:.4f},{c:.4f},{d:.3f},{e}" for a, b, c, d, e in zip(t, x, none, y, sort, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def swept(folder: Path, target: str, more: str = "", **data: Any) -> Path:
    features = '["T / K", "x", "none"]'
    rows = "".join(f"\n[data]\n{name} = {value}" for name, value in data.items())
    spec = folder / "spec.toml"
    spec.write_text(
        SPEC.format(
            table=table(folder / "t.csv").name, target=target, more=f"features = {features}\n{more}{rows}"
        )
    )
    assert main(["run", str(spec), "--out", str(folder / "out"), *RUN]) == 0
    return folder / "out"


def result_of(out: Path, **options: Any) -> SweepResult:
    with Store.open(out, readonly=True) as store:
        return aggregate(store, **options)


def answer_of(out: Path) -> dict[str, Any]:
    with Store.open(out, readonly=True) as store:
        found: dict[str, Any] = json.loads(store.meta()[ENTRY])
    return found


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(tmp_path_factory.mktemp("numbers"), "yield (mg)")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(tmp_path_factory.mktemp("classes"), "sort")


def test_errors_are_in_the_units_of_the_target_and_the_store_has_what_it_had(numbers: Path) -> None:
    (task,), (raw,) = result_of(numbers).tasks, result_of(numbers, target_units=False).tasks
    y = np.loadtxt(numbers.parent / "t.csv", delimiter=",", skiprows=1, usecols=3)
    assert task.spread == pytest.approx(y.std(), rel=0.2)
    assert math.isnan(raw.spread)
    for point, plain in zip(task.points, raw.points, strict=True):
        assert point.test.median == pytest.approx(plain.test.median * task.spread)
        assert point.train.low == pytest.approx(plain.train.low * task.spread)
    with Store.open(numbers, readonly=True) as store:
        assert set(store.stages()["test_rmse"].tolist()) == {
            error for own in raw.samples.values() for error in own.test.ravel() if math.isfinite(error)
        }


def test_the_answer_is_what_the_saved_model_gives(numbers: Path) -> None:
    answer = answer_of(numbers)
    model = load_model(numbers / "recommended.npz")
    code = "\n".join(answer["usage"])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})  # noqa: S102  the code under test is what is printed
    assert float(printed.getvalue().split()[-1]) == pytest.approx(answer["rmse"], rel=1e-6)
    parity = np.array([answer["parity"]["measured"], answer["parity"]["predicted"]])
    assert np.sqrt(np.mean((parity[0] - parity[1]) ** 2)) == pytest.approx(answer["rmse"])
    assert answer["rmse"] < answer["linear"] < answer["mean"]
    assert model.predict([[330.0, 0.5, 0.0]])[0, 0] == pytest.approx(3.09e3, rel=0.1)
    # Nine of ten new rows lie in the intervals of the saved model, of noise 2.
    new = table(numbers.parent / "new.csv", 1000, seed=1)
    rows = np.loadtxt(new, delimiter=",", skiprows=1, usecols=(0, 1, 2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some lie a little outside
        _, low, high = model.predict(rows[:, :3], interval=0.9)
    assert 0.8 < np.mean((rows[:, [3]] >= low) & (rows[:, [3]] <= high)) < 0.99
    assert answer["interval"] == pytest.approx(np.median(high - low) / 2, rel=0.2)
    importance = {own["column"]: own for own in answer["importance"]}
    assert list(importance)[:2] == ["T / K", "x"]
    assert importance["T / K"]["clear"]
    assert [own["column"] for own in answer["curves"]][:2] == ["T / K", "x"]


@pytest.mark.slow
def test_the_page_opens_with_the_answer_and_no_mean_over_one_function(numbers: Path) -> None:
    page = page_of(write_report(numbers))
    text = page.text
    assert text.index("yield (mg) is predicted to ±") < text.index("All models that were trained")
    for nonsense in ("geometric mean", "of 1 function", "share of functions", "100 %"):
        assert nonsense not in text
    assert "in the units of the target" in text
    assert "of the spread" in text
    html = (numbers / "report.html").read_text()
    assert 'name="viewport"' in html
    for name in ("parity", "importance", "curves"):
        assert (numbers / "figures" / f"answer-{name}.svg").stat().st_size > 1000
        assert f'data-name="answer-{name}"' in html


@pytest.mark.slow
def test_nothing_is_looked_at_again_where_nothing_was_added(
    numbers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = answer_of(numbers)
    assert main(["run", str(numbers.parent / "spec.toml"), "--out", str(numbers), *RUN]) == 0
    assert "choosing a model" not in capsys.readouterr().err
    assert answer_of(numbers) == before


def test_an_answer_about_runs_that_do_not_count_is_not_shown(numbers: Path, tmp_path: Path) -> None:
    (tmp_path / "results.db").write_bytes((numbers / "results.db").read_bytes())
    with Store.open(tmp_path) as store:
        kept = [row for row in store.plan() if row[0] != answer_of(numbers)["run_id"]]
        store.set_plan(kept)
    assert result_of(numbers).answer is not None
    assert result_of(tmp_path).answer is None
    assert "is predicted to" not in page_of(write_report(tmp_path)).text


@pytest.mark.slow
def test_folds_have_scales_of_their_own_and_every_row_is_tested(tmp_path: Path) -> None:
    out = swept(tmp_path, "yield (mg)", folds=3)
    (task,) = result_of(out).tasks
    scales = task.description["target_scale"]
    assert len(set(scales)) == 3
    assert task.spread == pytest.approx(np.mean(scales))
    answer = answer_of(out)
    assert (answer["folds"], answer["n_test"]) == (3, 120)
    assert len(answer["parity"]["measured"]) == 120


@pytest.mark.slow
def test_a_target_of_text_is_classified_and_that_is_said(
    classes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, answer = result_of(classes), answer_of(classes)
    (task,) = result.tasks
    assert (task.error_name, result.error_name) == ("log loss", "log loss")
    assert "(classification by cross-entropy)" in " ".join(task.description["notes"])
    assert answer["class_names"] == ["early", "late", "middle"]
    assert np.sum(answer["confusion"]) == answer["n_test"] == 24
    assert answer["accuracy"] == pytest.approx(np.trace(answer["confusion"]) / 24)
    assert answer["log_loss"] < answer["shares"]["log_loss"]
    assert set(answer["families"]) == {"kan", "mlp", "linear"}
    with Store.open(classes, readonly=True) as store:
        configs = [config for _, _, _, config in store.plan()]
    assert {config["data"]["task"] for config in configs} == {"classification"}
    assert {config["width"][-1] for config in configs} == {3}
    page = page_of(write_report(classes))
    assert "sort is told right in" in page.text
    assert "logistic regression" in page.text
    assert "RMSE" not in page.text.replace("val_rmse", "")
    for name in ("confusion", "calibration", "curves"):
        assert (classes / "figures" / f"answer-{name}.svg").is_file()


@pytest.mark.slow
def test_the_snippet_of_a_classifier_works(classes: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec("\n".join(answer_of(classes)["usage"]), {})  # noqa: S102
    lines = printed.getvalue().splitlines()
    assert set(lines[0].strip("[]").replace("'", "").split(", ")) <= {"early", "late", "middle"}
    assert float(lines[-1]) == pytest.approx(answer_of(classes)["accuracy"])


def test_the_other_task_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(table(tmp_path / "t.csv"))
    plan = ["run", source, "--target", "sort", "--features", "x", "--dry-run"]
    assert main([*plan, "--task", "regression", "--classes", "one-hot"]) == 0
    assert "This is least squares, not classification" in capsys.readouterr().out
    assert main([*plan, "--task", "regression"]) == 2
    assert "--classes one-hot" in capsys.readouterr().err
    assert main([*plan, "--task", "clustering"]) == 2
    assert "classification" in capsys.readouterr().err
    assert main([*plan, "--formula"]) == 2
    assert "has 3 classes, and formulas are looked for of one number only" in capsys.readouterr().err


def test_text_among_the_inputs_of_a_classifier_is_refused_as_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(
        "a,b,y\n" + "\n".join(f"{i},{'uv'[i % 2]},{'xyz'[i % 3]}" for i in range(40))
    )
    command = ["run", str(tmp_path / "t.csv"), "--target", "y", "--dry-run"]
    assert main(command) == 2
    message = capsys.readouterr().err
    assert "column 'b'" in message
    assert "--classes one-hot" in message
    assert main([*command, "--classes", "one-hot"]) == 0


@pytest.mark.slow
def test_numbers_are_classes_if_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{x:.4f},{int(x > 0.3) * 7 + 2}" for x in rng.uniform(0, 1, 60)]
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    plan = ["run", str(tmp_path / "t.csv"), "--target", "y", "--dry-run"]
    assert main(plan) == 0
    assert "If they stand for classes, say --task classification" in capsys.readouterr().out
    out = tmp_path / "auto"
    command = ["auto", str(tmp_path / "t.csv"), "--target", "y", "--task", "classification"]
    assert main([*command, "--out", str(out), "--seeds", "1", "--budget", "3m", "--no-report"]) == 0
    said = capsys.readouterr()
    assert "its 2 classes ('2', '9') are told apart" in said.err
    assert "logistic regression: validation log loss" in said.err
    facts = json.loads((out / "recommended.json").read_text())
    assert facts["error"] == "log loss"
    assert facts["evidence"]["accuracy"] > 0.9
    model = load_model(out / "recommended.npz")
    assert model.predict_proba([[0.9]])[0, 1] > 0.9
    assert list(model.classes["y"]) == ["2", "9"]


def test_too_many_numbers_are_no_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(table(tmp_path / "t.csv", 200))
    command = ["run", source, "--target", "yield (mg)", "--features", "x", "--task", "classification"]
    assert main([*command, "--dry-run"]) == 2
    assert "different numbers; expected at most 100 classes" in capsys.readouterr().err


@pytest.mark.slow
def test_the_page_about_answers_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "answers.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for kind, text in re.findall(r"^```(python|sh)\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL):
        if kind == "python":
            exec(compile(text, "answers.md", "exec"), {})  # noqa: S102  the code under test is the page's
            continue
        words = shlex.split(text)
        assert words[0] == "kan-sweep"
        assert main([*words[1:], "--jobs", "1"]) == 0
    shown = capsys.readouterr()
    (headline,) = re.findall(r"^> (.*)$", page, flags=re.MULTILINE)
    assert headline in shown.out
    assert "quality is told right in" in shown.out
