"""`kan-sweep predict`: columns by name, classes and dates, missing cells, rows out of range, safe output."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kan_np import KAN, MLP, dataset_from_arrays, load_table
from sweeps.cli import main

NEW = [
    ["note", "solvent", "T / °C", "day"],
    ["=1+1", "THF", "30", "2024-03-05"],
    ["@x", "DMF", "90", "2024-03-05"],
    ["-5", "DMF", "n.d.", "2024-03-05"],
    ["plain", "none", "44.5", "2024-03-06 12:00"],
]


def write(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    path.write_text("".join(delimiter.join(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The file of a calibrated model of a table with a class and a date, and the model."""
    folder = tmp_path_factory.mktemp("lab")
    rng = np.random.default_rng(0)
    rows = [["T / °C", "solvent", "day", "yield / %"]]
    for i in range(90):
        temperature, solvent = rng.uniform(20, 60), ("THF", "none", "DMF")[i % 3]
        y = 0.5 * temperature + 3 * (i % 3) + rng.normal(0, 0.3)
        rows.append([f"{temperature:.2f}", solvent, f"2024-03-{i % 28 + 1:02d}", f"{y:.3f}"])
    path = write(folder / "lab.csv", rows)
    dataset = load_table(path, "yield / %", classes="one-hot", dates="days")
    model = KAN([5, 1], grid=3, seed=0)
    model.fit(dataset, steps=10)
    model.save(folder / "plain.npz")
    model.calibrate(dataset, method="conformal")
    model.save(folder / "model.npz")
    return folder / "model.npz", model


def predict(*arguments: Any) -> int:
    return main(["predict", *map(str, arguments)])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_predicted_by_names_and_flagged(
    lab: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, model = lab
    out = tmp_path / "out.csv"
    assert predict(file, write(tmp_path / "new.csv", NEW), "-o", out, "--interval", "0.9") == 0
    first, far, missing, last = read(out)
    assert [row["note"] for row in (first, far, missing, last)] == ["'=1+1", "'@x", "-5", "plain"]
    expected = model.predict([[30, "THF", "2024-03-05"], [44.5, "none", "2024-03-06 12:00"]], interval=0.9)
    columns = ("predicted yield / %", "lower 90 % yield / %", "upper 90 % yield / %")
    for name, values in zip(columns, expected, strict=True):
        assert [float(first[name]), float(last[name])] == values[:, 0].tolist()
    assert [row["out_of_range"] for row in (first, far, missing, last)] == ["0", "1", "", "0"]
    assert missing["predicted yield / %"] == ""
    said = capsys.readouterr().out
    assert "3 rows of" in said
    assert (
        "1 of the 4 rows has a missing cell and is left out: 1 in 'T / °C'. The other 3 are predicted" in said
    )
    assert "1 of the 3 rows lies outside the range of the training rows" in said
    assert "1 in 'T / °C' (90; training: 2" in said


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".xlsx"])
def test_other_formats_hold_numbers(lab: tuple[Path, Any], tmp_path: Path, suffix: str) -> None:
    if suffix != ".jsonl":
        pytest.importorskip("pyarrow" if suffix == ".parquet" else "openpyxl")
    out, again = tmp_path / f"out{suffix}", tmp_path / "again.csv"
    assert predict(lab[0], write(tmp_path / "new.csv", NEW), "-o", out) == 0
    if suffix == ".jsonl":
        rows = list(map(json.loads, out.read_text(encoding="utf-8").splitlines()))
        assert [row["T / °C"] for row in rows] == [30.0, 90.0, None, 44.5]
        assert [row["out_of_range"] for row in rows] == [0, 1, None, 0]
        return
    # Predicted once more from what was written: the numbers are the same.
    assert predict(lab[0], out, "-o", again) == 0
    first, far, missing, last = read(again)
    assert missing["T / °C"] == missing["predicted yield / % (2)"] == ""
    for row in (first, far, last):
        before, now = (float(row[f"predicted yield / %{end}"]) for end in ("", " (2)"))
        assert now == pytest.approx(before, rel=1e-14)  # Excel has 15 to 17 digits


def test_a_decimal_comma_is_understood(lab: tuple[Path, Any], tmp_path: Path) -> None:
    rows = [[cell.replace("44.5", "44,5") for cell in row] for row in NEW]
    out, plain = tmp_path / "out.csv", tmp_path / "plain.csv"
    assert predict(lab[0], write(tmp_path / "new.csv", rows, ";"), "-o", out) == 0
    assert predict(lab[0], write(tmp_path / "point.csv", NEW), "-o", plain) == 0
    columns = [[row["predicted yield / %"] for row in read(path)] for path in (out, plain)]
    assert columns[0] == columns[1]
    assert read(out)[3]["T / °C"] == "44.5"


def test_the_error_is_told_where_the_target_is_there(
    lab: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(lab[0], lab[0].parent / "lab.csv", "-o", tmp_path / "out.csv") == 0
    said = capsys.readouterr().out
    assert "The table has 'yield / %' in 90 rows of these: predictions are off by 0.2" in said


FAULTS = {
    "a renamed column": (
        [["solvent", "T / C", "day"], ["THF", "30", "2024-03-05"]],
        "has no column 'T / °C'; expected the columns that the model was trained on, 'T / °C', 'solvent', 'd",
    ),
    "a class and a text": (
        [["solvent", "T / °C", "day"], ["water", "30", "2024-03-05"], ["THF", "hot", "2024-03-05"]],
        "holds the text 'hot'; expected a number. Correct the cell. Also: row 2, column 'solvent' holds 'wat",
    ),
    "no date": (
        [["solvent", "T / °C", "day"], ["THF", "30", "31.2.2024"]],
        "holds '31.2.2024'; expected a date",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_names_and_classes_are_checked(
    lab: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    rows, message = FAULTS[fault]
    assert predict(lab[0], write(tmp_path / "new.csv", rows), "-o", tmp_path / "out.csv") == 2
    said = capsys.readouterr().err
    assert message in said
    assert "features" not in said
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("model", "table", "out", "options", "message"),
    [
        ("plain.npz", "new.csv", "o.csv", ["--interval", "0.9"], "the model has no error bars"),
        ("model.npz", "new.csv", "o.csv", ["--interval", "90"], "interval is 90; expected a level"),
        ("none.npz", "new.csv", "o.csv", [], "cannot read"),
        ("model.npz", "none.csv", "o.csv", [], "No such file"),
        ("lab.csv", "new.csv", "o.csv", [], "cannot be read as a kan_np model"),
        ("model.npz", "new.csv", "o.ods", [], "its suffix is '.ods'; expected one of .csv"),
    ],
)
def test_what_cannot_be_predicted_is_said(
    lab: tuple[Path, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
    table: str,
    out: str,
    options: list[str],
    message: str,
) -> None:
    write(tmp_path / "new.csv", NEW)
    assert predict(lab[0].parent / model, tmp_path / table, "-o", tmp_path / out, *options) == 2
    assert message in capsys.readouterr().err


def test_a_model_without_names_takes_columns_as_they_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    model = MLP([2, 2, 1], seed=0)
    model.fit(dataset_from_arrays(x, x[:, :1] + x[:, 1:]), steps=20)
    model.save(tmp_path / "m.npz")
    write(tmp_path / "new.csv", [["p", "q"], ["0.1", "0.2"]])
    assert predict(tmp_path / "m.npz", tmp_path / "new.csv", "-o", tmp_path / "out.csv") == 0
    (row,) = read(tmp_path / "out.csv")
    assert float(row["predicted"]) == model.predict([[0.1, 0.2]])[0, 0]
    write(tmp_path / "new.csv", [["p", "q", "r"], ["0.1", "0.2", "0.3"]])
    assert predict(tmp_path / "m.npz", tmp_path / "new.csv", "-o", tmp_path / "out.csv") == 2
    assert "3 columns, and" in capsys.readouterr().err


@pytest.mark.parametrize("loss", ["squares", "cross_entropy"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_predicted_by_name(tmp_path: Path, loss: str, n_classes: int) -> None:
    kinds = ["a b", "c", "d"][:n_classes]
    rng = np.random.default_rng(0)
    rows = [[f"{i % n_classes + 0.8 * rng.random():.3f}", kinds[i % n_classes]] for i in range(90)]
    path = write(tmp_path / "t.csv", [["x", "kind"], *rows])
    dataset = load_table(path, "kind", classes="one-hot")
    model = KAN([1, dataset["train_label"].shape[1]], grid=3, seed=0)
    if loss == "cross_entropy":  # labels are 0 and 1, not standardised ones
        dataset = load_table(path, "kind", classes="one-hot", standardize=False)
    model.fit(dataset, steps=20, loss=loss)
    model.save(tmp_path / "m.npz")
    assert predict(tmp_path / "m.npz", path, "-o", tmp_path / "out.csv") == 0
    found = read(tmp_path / "out.csv")
    assert sum(row["predicted kind"] == row["kind"] for row in found) >= 85
    if loss == "cross_entropy":
        total = [sum(float(row[f"P(kind={kind})"]) for kind in kinds) for row in found]
        np.testing.assert_allclose(total, 1.0)
