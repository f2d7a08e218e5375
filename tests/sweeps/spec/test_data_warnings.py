"""What is said about a table before its errors are believed, and in which words it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kan_np import load_csv, standardized
from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.spec.expansion import expand
from sweeps.spec.spec_reader import csv_spec
from sweeps.spec.table_options import TableOptions, worded_as_options
from sweeps.spec.table_rows import load_call
from sweeps.spec.tasks import describe, load_dataset
from sweeps.storage.store import Store

WAYS = ("together", "apart")


def write(path: Path, n: int = 100, first: int = 0, delimiter: str = ",") -> Path:
    """A table a, b, y, kind, sort: numbers, two classes and three."""
    lines = [["a", "b", "y", "kind", "sort"]]
    for i in range(first, first + n):
        a, b = np.sin(i), np.cos(3 * i)
        lines.append([f"{a:.6f}", f"{b:.6f}", f"{a * b:.6f}", ("old", "new")[i % 2], ("x", "y", "z")[i % 3]])
    path.write_text("\n".join(map(delimiter.join, lines)) + "\n")
    return path


def notes(
    path: Path, target: str = "y", features: tuple[str, ...] = ("a", "b"), **options: object
) -> list[str]:
    (info,) = describe(csv_spec(path, "quick", target, features, TableOptions(**options))).values()  # type: ignore[arg-type]
    return list(info.description.get("notes", []))


def test_few_rows_are_named_by_their_part(tmp_path: Path) -> None:
    (note,) = notes(write(tmp_path / "t.csv", 8))
    assert note.startswith("Few rows: 4 train, 2 test the models and only 2 choose among them.")
    assert "uncertain by 50% or more" in note
    assert "(--folds)" in note
    # Every row is tested in one fold or another.
    (note,) = notes(write(tmp_path / "t.csv", 40), folds=5)
    assert note.startswith("Few rows: 26 train, 6 choose among them.")
    assert notes(write(tmp_path / "t.csv", 100)) == []


def test_fewer_rows_than_a_linear_model_has_parameters(tmp_path: Path) -> None:
    _, note = notes(write(tmp_path / "t.csv", 5))
    assert note.startswith("The 3 training rows are no more than the 3 parameters of a linear model")


@pytest.mark.parametrize(("n", "message"), [(2, "2 rows cannot be split"), (3, "there is one training row")])
def test_a_split_that_is_impossible_is_refused(tmp_path: Path, n: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        notes(write(tmp_path / "t.csv", n))


def test_test_rows_that_train_are_refused_or_counted(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", 100)
    with pytest.raises(
        UserError, match=r"all 100 rows of .*t.csv are rows of the training table too; expected"
    ):
        notes(table, test=str(table))
    some = write(tmp_path / "some.csv", 30, first=20)
    with pytest.raises(UserError, match="all 30 rows of"):
        notes(table, test=str(some))
    # 90 to 129, ten of which train or validate, with another delimiter; and rows of their own.
    part = write(tmp_path / "part.csv", 40, first=90, delimiter=";")
    (note,) = notes(table, test=str(part))
    assert note.startswith(f"10 of the 40 rows of {part} are rows of the training table too")
    assert notes(table, test=str(write(tmp_path / "own.csv", 40, first=100))) == []


def test_what_becomes_of_a_target_of_text_is_said(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv")
    (two,) = notes(table, "kind", classes="one-hot", task="regression")
    assert "'kind' holds text: it is learnt as a number, 1 for 'old' and 0 for 'new'." in two
    assert "not classification" in two
    (three,) = notes(table, "sort", classes="one-hot", task="regression")
    assert "each of its 3 classes ('x', 'y', 'z') is an output of its own" in three
    (told,) = notes(table, "sort")
    assert "its 3 classes ('x', 'y', 'z') are told apart by their probabilities (classification" in told
    assert "--task regression" in told
    assert notes(table, features=("a", "b", "kind"), classes="one-hot") == []


def test_notes_are_on_the_terminal_in_the_store_and_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = write(tmp_path / "t.csv", 30), tmp_path / "out"
    spec = tmp_path / "spec.toml"
    spec.write_text(
        "csv = 't.csv'\ntarget = 'kind'\nfeatures = ['a']\nclasses = 'one-hot'\n"
        "[[models]]\nfamily = 'linear'\n"
    )
    assert main(["run", str(spec), "--out", str(out), "--backend", "sequential", "--progress", "none"]) == 0
    said = capsys.readouterr().err
    with Store.open(out, readonly=True) as store:
        told = store.tasks()["csv/t"]["notes"]
    assert len(told) == 2
    page = (out / "report.html").read_text().replace("&#39;", "'")
    for note in told:
        assert note in said
        assert note in page
    command = ["run", str(table), "--target", "kind", "--features", "a", "--classes", "one-hot", "--dry-run"]
    assert main(command) == 0
    assert told[0] in capsys.readouterr().out


def copied(path: Path, times: int = 3) -> Path:
    """The table of `write` with every row several times."""
    write(path, 60)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *rows * times]) + "\n")
    return path


@pytest.mark.parametrize("options", [{}, {"folds": 3}])
def test_copies_of_rows_are_counted_and_their_runs_have_ids_of_their_own(
    tmp_path: Path, options: dict[str, int]
) -> None:
    """Without copies a run has the configuration, and so the id, that it always had."""
    once, thrice = write(tmp_path / "t.csv", 60), copied(tmp_path / "u.csv")
    plain, held = (
        next(iter(describe(csv_spec(path, "quick", "y", ("a", "b"), TableOptions(**options))).values()))
        for path in (once, thrice)
    )
    assert "duplicates" not in plain.data
    assert held.data["duplicates"] == "together"
    (note,) = held.description["notes"]
    assert note.startswith("120 of the 180 rows are duplicates of another row")


def test_runs_of_an_earlier_version_keep_their_rows(tmp_path: Path) -> None:
    """Their configuration says nothing of copies, which were split apart then."""
    path = copied(tmp_path / "t.csv")
    spec = csv_spec(path, "quick", "y", ("a", "b"))
    config = expand(spec, describe(spec))[0].config
    earlier = config | {"data": {k: v for k, v in config["data"].items() if k != "duplicates"}}
    expected = {way: standardized(load_csv(path, "y", features=["a", "b"], duplicates=way)) for way in WAYS}
    for found, way in ((config, "together"), (earlier, "apart")):
        dataset = load_dataset(found, str(path))
        np.testing.assert_array_equal(dataset["train_input"], expected[way]["train_input"])
    assert "duplicates=" not in load_call(earlier, str(path), None)
    assert not np.array_equal(*(expected[way]["train_input"] for way in WAYS))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "auto"])
def test_columns_that_mislead_are_named_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    table, out = write(tmp_path / "t.csv", 60), tmp_path / "out"
    header, *rows = table.read_text().splitlines()
    lines = [f"{i},{row},{float(row.split(',')[2]) * 1000:.3f}" for i, row in enumerate(rows)]
    table.write_text("\n".join([f"id,{header},y_milli", *lines * 2]) + "\n")
    said = {
        "60 of the 120 rows are duplicates": "copies of rows",
        "The input 'y_milli' is a copy of the target 'y' in other units: y = 0.001 y_milli": "a copy",
    }
    arguments = [command, str(table), "--target", "y", "--features", "id,a,y_milli", "--out", str(out)]
    if command == "run":
        assert main([*arguments, "--dry-run"]) == 0
        shown = capsys.readouterr().out
    else:
        assert main([*arguments, "--budget", "1m"]) == 0
        shown = capsys.readouterr().out
        facts = json.loads((out / "recommended.json").read_text())
        page = (out / "report.html").read_text().replace("&#39;", "'")
        for text in said:
            assert any(note.startswith(text) for note in facts["notes"])
            assert text in page
    for text in said:
        assert text in shown
    table.write_text("\n".join([f"id,{header},y_milli", *lines]) + "\n")
    assert main(["run", *arguments[1:-1], str(tmp_path / "other"), "--dry-run"]) == 0
    assert (
        "a different whole number in every row, as row numbers and identifiers do: 'id'"
        in capsys.readouterr().out
    )


def test_without_rows_for_a_test_nothing_is_said_of_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "t.csv")
    spec = tmp_path / "spec.toml"
    spec.write_text("csv = 't.csv'\ntarget = 'y'\n[data]\ntest_fraction = 0\n[[models]]\nfamily = 'linear'\n")
    assert main(["run", str(spec), "--dry-run"]) == 2
    assert "test_fraction is 0; expected a share of the rows" in capsys.readouterr().err


FAULTS = {
    "a name": (["--features", "a,q"], "--features is 'q'; expected one of"),
    "a target": (["--target", "q"], "--target is 'q'; expected one of"),
    "a group": (["--group", "q"], "--group is 'q'; expected one of"),
    "text": (
        ["--features", "kind"],
        "with --classes one-hot, or leave the column out with --features a,b,...",
    ),
    "folds": (["--features", "a", "--folds", "500"], "--folds is 500, and there are 100 rows"),
    "no number": (["--folds", "x"], "--folds is 'x'; expected a whole number"),
    "a mark": (["--decimal", ";"], "--decimal is ';'; expected one of"),
}


@pytest.mark.parametrize("command", ["run", "auto"])
@pytest.mark.parametrize("fault", FAULTS)
def test_mistakes_are_named_as_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, fault: str
) -> None:
    options, message = FAULTS[fault]
    table = write(tmp_path / "t.csv")
    assert main([command, str(table), "--target", "y", "--out", str(tmp_path / "o"), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "=[" not in said


def test_in_a_file_they_are_named_as_its_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "t.csv")
    spec = tmp_path / "spec.toml"
    spec.write_text("csv = 't.csv'\ntarget = 'y'\n[[models]]\nfamily = 'linear'\n")
    assert main(["run", str(spec), "--dry-run"]) == 2
    assert "classes='one-hot', or leave the column out with features=[...]" in capsys.readouterr().err


def test_all_arguments_are_worded_as_options() -> None:
    message = (
        "leave it out with features=[...], or say group= if it groups; say decimal=',' or classes='one-hot'."
    )
    with (
        pytest.raises(
            UserError, match=r"--features a,b,\.\.\., or say --group NAME if it groups; say --decimal ,"
        ),
        worded_as_options(),
    ):
        raise UserError(message)


def test_a_decimal_comma_is_part_of_what_runs_are_made_from(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a;y\n" + "".join(f"{i % 9 + 1},234;{i}\n" for i in range(60)))
    with pytest.raises(UserError, match="decimal=','"):
        notes(table, features=())
    spec = csv_spec(table, "quick", "y", (), TableOptions(decimal=","))
    (info,) = describe(spec).values()
    assert info.data["decimal"] == ","
    assert spec.to_dict()["decimal"] == ","


@pytest.mark.parametrize(("mark", "delimiter"), [(",", ";"), (".", ","), (".", ";")])
def test_a_decimal_mark_that_is_found_anyway_makes_no_other_runs(
    mark: str, delimiter: str, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    rows = "".join(f"{i % 9}{mark}5{delimiter}{i}\n" for i in range(60))
    table.write_text(f"a{delimiter}y\n{rows}")
    runs = []
    for decimal in (None, mark):
        spec = csv_spec(table, "quick", "y", (), TableOptions(decimal=decimal))
        runs.append([run.run_id for run in expand(spec, describe(spec))])
    assert runs[0] == runs[1]


def test_a_plain_table_needs_no_decimal_mark(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.csv")
    (info,) = describe(csv_spec(plain, "quick", "y", ("a",))).values()
    assert "decimal" not in info.data
