"""load_csv on tables as programs in many countries write them: delimiters, decimal commas, thousands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kan_np import load_csv
from kan_np.data import cells as cells_module
from kan_np.data.numerals import comma_number, is_grouped

Write = Callable[..., Path]
N = 12


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def table(delimiter: str = ";", cells: dict[tuple[int, str], str] | None = None) -> str:
    """A table of a = i + 0.5 and y = i + 0.25 with decimal commas; `cells` replace some, by row."""
    lines = [["a", "y"]] + [[f"{i},5", f"{i},25"] for i in range(N)]
    for (row, name), text in (cells or {}).items():
        lines[row - 1][lines[0].index(name)] = text
    return "\n".join(map(delimiter.join, lines)) + "\n"


def everything(path: Path, **options: object) -> np.ndarray:
    dataset = load_csv(path, "y", standardize=False, **options)  # type: ignore[arg-type]
    parts = [np.hstack([dataset[f"{p}_input"], dataset[f"{p}_label"]]) for p in ("train", "val", "test")]
    rows = np.vstack(parts)
    return rows[np.argsort(rows[:, 0])]


EXPECTED = np.array([[i + 0.5, i + 0.25] for i in range(N)])


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("chunk", [5, 1 << 16])
def test_decimal_commas_are_read_where_the_comma_separates_nothing(
    write: Write, delimiter: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells_module, "_CHUNK", chunk)
    np.testing.assert_array_equal(everything(write(table(delimiter))), EXPECTED)
    # Whole numbers, powers of ten and signs stand among them.
    changed = table(delimiter, {(2, "a"): "+5e-1", (3, "y"): ",125E1", (13, "a"): "11,5e0"})
    np.testing.assert_array_equal(everything(write(changed)), EXPECTED)


def test_quoted_decimal_commas_are_read_on_request(write: Write) -> None:
    text = "a,y\n" + "".join(f'"{i},5","{i},25"\n' for i in range(N))
    with pytest.raises(
        ValueError, match=r"row 2, column 'a' .* decimal point, not a comma, unless.*decimal=','"
    ):
        load_csv(write(text), "y")
    np.testing.assert_array_equal(everything(write(text), decimal=","), EXPECTED)


def test_decimal_commas_are_found_in_the_test_table_by_themselves(write: Write) -> None:
    points = write(table().replace(",", "."), "points.csv")
    commas = write(table(), "commas.csv")
    for train in (points, commas):
        dataset = load_csv(train, "y", test=commas, standardize=False)
        np.testing.assert_array_equal(np.hstack([dataset["test_input"], dataset["test_label"]]), EXPECTED)
    # What the comma is in 1,234 follows from the training table.
    test = write("a;y\n1,234;2\n", "few.csv")
    assert load_csv(commas, "y", test=test, standardize=False)["test_input"] == [[1.234]]
    with pytest.raises(ValueError, match=r"few.csv: row 2, column 'a' .* 1\.234 or 1234;"):
        load_csv(points, "y", test=test)


@pytest.mark.parametrize("features", [["a"], ["a", "b"]])
def test_points_in_a_test_table_beside_decimal_commas_are_refused(write: Write, features: list[str]) -> None:
    """They may be thousands, 1.000, which would be read as other numbers."""
    rows = [f"{i},5;{i};{i},25" for i in range(N)]
    train = write("\n".join(["a;b;y", *rows]), "train.csv")
    thousands = write("a;b;y\n1000;1;2\n1.001;2;3\n", "thousands.csv")
    message = (
        r"thousands.csv: row 3, column 'a' .* holds '1.001', with a decimal point, and the training table "
        "has decimal commas; expected one decimal mark"
    )
    with pytest.raises(ValueError, match=message):
        load_csv(train, "y", features=features, test=thousands)
    # Where the training table leaves open what its mark is, a point is one.
    whole = write("\n".join(["a;b;y", *(f"{i};{i};{i}" for i in range(N))]), "whole.csv")
    dataset = load_csv(whole, "y", features=features, test=thousands, standardize=False)
    assert dataset["test_input"][:, 0].tolist() == [1000.0, 1.001]


@pytest.mark.parametrize("chunk", [5, 1 << 16])
def test_two_decimal_marks_in_one_table_are_refused(
    write: Write, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells_module, "_CHUNK", chunk)
    mixed = (
        "a;y\n"
        + "".join(f"{i};{i}\n" for i in range(5))
        + "1;0.5\n"
        + "".join(f"{i},5;1\n" for i in range(8))
    )
    message = r"row 7, column 'y' .* holds '0.5', with a decimal point, and row 8, column 'a' holds '0,5'"
    with pytest.raises(ValueError, match=message):
        load_csv(write(mixed), "y")
    with pytest.raises(ValueError, match=r"row 2, column 'a' .* '0.5', .* decimal=',' was given"):
        load_csv(write(table().replace(",", ".")), "y", decimal=",")
    with pytest.raises(ValueError, match=r"row 2, column 'a' .* holds the text '0,5'"):
        load_csv(write(table()), "y", decimal=".")
    with pytest.raises(ValueError, match="decimal is ';'; expected one of"):
        load_csv(write(table()), "y", decimal=";")


def test_points_in_columns_of_classes_or_unused_ones_say_nothing(write: Write) -> None:
    lines = ["a;version;note;y"] + [f"{i},5;{('v1.2', '1.3', 'v1')[i % 3]};1.5;{i}" for i in range(N)]
    path = write("\n".join(lines))
    dataset = load_csv(path, "y", features=["a", "version"], classes="one-hot", standardize=False)
    assert len(dataset["classes"]["version"]) == 3
    np.testing.assert_array_equal(np.sort(dataset["train_input"][:, 0]) % 1, 0.5)


def test_a_comma_that_could_separate_thousands_is_not_guessed(write: Write) -> None:
    text = "a;y\n" + "".join(f"{i + 1},234;{i}\n" for i in range(N))
    with pytest.raises(
        ValueError, match=r"row 2, column 'a' .* '1,234', .* 1\.234 or 1234; .* Pass decimal=','"
    ):
        load_csv(write(text), "y")
    assert everything(write(text), decimal=",")[0, 0] == 1.234
    # One comma that can only be decimal settles it for the table.
    assert everything(write(text.replace(";3\n", ";3,5\n")))[0, 0] == 1.234


@pytest.mark.parametrize(
    "cell", ["1.234,5", "1,234.5", "1 234", "1'234,5", "1\N{NO-BREAK SPACE}234", "1.234.567"]
)
@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("classes", ["refuse", "one-hot"])
def test_separators_of_thousands_are_refused_by_row_and_column(
    write: Write, cell: str, everywhere: bool, classes: str
) -> None:
    rows = range(2, N + 2) if everywhere else [6]
    path = write(table(";", {(row, "y"): cell.replace("1", str(row), 1) for row in rows}))
    with pytest.raises(
        ValueError, match=rf"row {rows[0]}, column 'y' .* number.* without separators of thousands"
    ):
        load_csv(path, "y", classes=classes)


@pytest.mark.parametrize(
    "codes",
    [("192.168.100", "192.168.101"), ("100 200", "100 300", "100 400"), ("10.0.0.5", "192.168.100.5")],
)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_codes_that_look_like_separated_thousands_are_classes_where_those_are_asked_for(
    write: Write, codes: tuple[str, ...], delimiter: str
) -> None:
    rows = [[str(i), codes[i % len(codes)], str(i)] for i in range(N)]
    path = write("\n".join(map(delimiter.join, [["a", "code", "y"], *rows])))
    dataset = load_csv(path, "y", test=path, classes="one-hot", standardize=False)
    assert dataset["classes"] == {"code": list(codes)}
    assert len(dataset["test_input"]) == N
    with pytest.raises(ValueError, match=r"row 2, column 'code' .* holds the text '1"):
        load_csv(path, "y")
    # Among plain numbers they are numbers.
    rows[7][1] = "100"
    path = write("\n".join(map(delimiter.join, [["a", "code", "y"], *rows])))
    if is_grouped(codes[0]):
        with pytest.raises(ValueError, match=r"row 2, column 'code' .* without separators of thousands"):
            load_csv(path, "y", classes="one-hot")


def test_the_row_below_the_header_decides_where_that_has_two_delimiters(write: Write) -> None:
    path = write("length, mm;load, kN;y\n" + "".join(f"{i},5;{i};{i},25\n" for i in range(N)))
    assert load_csv(path, "y")["feature_names"] == ["length, mm", "load, kN"]
    with pytest.raises(ValueError, match=r"may have the delimiter ',' or ';'; expected .*double quotes"):
        load_csv(write("a,b;y\nred,1;blue\n"), "y")


@pytest.mark.parametrize("text", ["", ",", "1,2,3", "1.5", "１,5", "a,5", "1_0,5", "- 1,5"])
def test_what_is_no_number_with_a_comma(text: str) -> None:
    assert comma_number(text) is None


@pytest.mark.parametrize(
    "text",
    ["12", "1234,5", "1.5", "0.123,5", "1.2345", "1 23", "1.234 567", "p1.234", "192.168.100.5"],
)
def test_what_is_no_number_with_separated_thousands(text: str) -> None:
    assert not is_grouped(text)
