"""Tables as people have them, in sweeps: missing cells, dates, other formats, and what is said of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kan_np import load_table
from sweeps.cli import main
from sweeps.spec.data_summary import table_lines
from sweeps.spec.spec_reader import csv_spec
from sweeps.spec.table_options import TableOptions
from sweeps.spec.table_rows import load_call
from sweeps.spec.tasks import describe, load_dataset

MESSY = TableOptions(classes="one-hot", missing="drop", dates="days")


def lab(path: Path, *, missing: bool = True, dates: bool = True) -> Path:
    """A table of 60 rows; of three of them a cell is missing."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        temperature, solvent = rng.uniform(20, 90), ("THF", "none", "DMF")[i % 3]
        day = f"2024-03-{i % 28 + 1:02d}" if dates else str(i % 28)
        rows.append([f"{temperature:.1f}", solvent, day, f"{np.sqrt(temperature) + i % 3:.3f}"])
    if missing:
        rows[3][0], rows[7][3], rows[9][0] = "n.d.", "", "-"
    text = "\n".join(map(",".join, [["T / °C", "solvent", "day", "yield (%)"], *rows])) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_a_messy_table_is_read_as_load_table_reads_it(tmp_path: Path) -> None:
    path = lab(tmp_path / "lab.csv")
    spec = csv_spec(path, "quick", "yield (%)", (), MESSY)
    (info,) = describe(spec).values()
    assert {name: info.data[name] for name in ("missing", "dates", "classes")} == {
        "missing": "drop",
        "dates": "days",
        "classes": "one-hot",
    }
    assert info.description["notes"][0].startswith("3 of the 60 rows have a missing cell and are left out")
    config = {"task": info.name, "family": "linear", "data": {**info.data, "seed": 0, "val_fraction": 0.2}}
    dataset = load_dataset(config, str(path))
    options = {"classes": "one-hot", "missing": "drop", "dates": "days"}
    expected = load_table(path, "yield (%)", **options)  # type: ignore[arg-type]
    labels = dataset["scaler"].unscale_label(dataset["train_label"])
    np.testing.assert_allclose(labels, expected["train_label"], rtol=1e-12)
    call = load_call(config, str(path), None)
    again = eval(call, {"load_csv": load_table})  # noqa: S307  the line that users copy
    assert len(again["train_input"]) == len(dataset["train_input"])


@pytest.mark.parametrize("name", ["missing", "dates"])
def test_what_a_table_does_not_need_makes_no_other_runs(tmp_path: Path, name: str) -> None:
    path = lab(tmp_path / "lab.csv", missing=name != "missing", dates=name != "dates")
    (info,) = describe(csv_spec(path, "quick", "yield (%)", (), MESSY)).values()
    assert {"missing", "dates"} & set(info.data) == {"missing", "dates"} - {name}


@pytest.mark.parametrize("name", ["lab.csv", "lab.csv.gz"])
def test_what_a_table_holds_is_said_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = str(lab(tmp_path / name))
    command = ["run", path, "--target", "yield (%)", "--dry-run"]
    assert main(command) == 2
    said = capsys.readouterr().err
    for option in ("--missing drop", "--classes one-hot", "--dates days"):
        assert option in said
    assert main([*command, "--missing", "drop", "--classes", "one-hot", "--dates", "days"]) == 0
    shown = capsys.readouterr().out
    assert "lab: 57 rows, 3 left out; 35 train, 11 choose among models, 11 test." in shown
    for line in (
        " column     is      holds ",
        " yield (%)  target  numbers from ",
        " solvent    input   3 classes: DMF 20, none 19, THF 18",
        " day        input   dates from 2024-03-01 to 2024-03-28, as days",
    ):
        assert line in shown


def test_wide_tables_are_shown_in_part() -> None:
    column = {"role": "input", "kind": "number", "n_missing": 0, "low": 1.0, "median": 1.0, "high": 1.0}
    columns = [{"name": f"c{i}", **column} for i in range(30)]
    held = {"n_rows": 5, "n_dropped": 0, "n_duplicates": 1, "n_columns": 1000, "columns": columns}
    lines = table_lines({"name": "wide\x1b[31m", "table": held, "n_train": 5}, 60)
    assert lines[0] == "wide: 5 rows, 1 duplicate; 5 train."
    assert len(lines) == 33
    assert lines[-1] == " and 970 more columns"
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("--missing", "mean", "--missing is 'mean'; expected"), ("--dates", "years", "--dates is 'years'")],
)
def test_other_words_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    path = str(lab(tmp_path / "lab.csv"))
    assert main(["run", path, "--target", "yield (%)", "--dry-run", option, value]) == 2
    assert message in capsys.readouterr().err


def test_a_specification_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab(tmp_path / "lab.csv")
    (tmp_path / "spec.toml").write_text(
        'csv = "lab.csv"\ntarget = "yield (%)"\nclasses = "one-hot"\nmissing = "drop"\ndates = "days"\n'
        "[[models]]\nfamily = 'linear'\n"
    )
    assert main(["run", str(tmp_path / "spec.toml"), "--dry-run"]) == 0
    assert "57 rows, 3 left out" in capsys.readouterr().out


@pytest.mark.slow
def test_auto_answers_on_a_messy_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = lab(tmp_path / "lab.csv.gz"), tmp_path / "out"
    options = ["--missing", "drop", "--classes", "one-hot", "--dates", "days", "--budget", "5"]
    assert main(["auto", str(path), "--target", "yield (%)", "--out", str(out), *options, "--no-report"]) == 0
    said = capsys.readouterr()
    assert "lab: 57 rows, 3 left out" in said.err
    assert "3 of the 60 rows have a missing cell and are left out" in said.out
