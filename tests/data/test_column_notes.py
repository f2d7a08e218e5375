"""What is said of columns: copies of the target, numbers of rows, dates as numbers, numbers among classes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from kan_np import TableWarning, load_csv

N = 80


def write(path: Path, **columns: object) -> Path:
    cells = [[str(value) for value in column] for column in columns.values()]  # type: ignore[attr-defined]
    lines = [",".join(columns), *map(",".join, zip(*cells, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def notes(path: Path, **options: object) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        return list(load_csv(path, "y", **options).get("notes", []))  # type: ignore[arg-type]


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(N, 2))


@pytest.mark.parametrize(
    ("copy", "line"),
    [
        (lambda y: y, "y = c in every row"),
        (lambda y: 2.54 * y, "y = 0.3937 c in every row"),
        (lambda y: -y / 7.0 + 3.0, "y = -7 c + 21 in every row"),
        (lambda y: 1e9 * y - 1e12, "y = 1e-09 c + 1000 in every row"),
        (lambda y: np.round(y, 3), "y = c in every row"),
        (lambda y: np.round(1000 * y + 273.15, 1), "in other units: y = 0.001"),
        (lambda y: (1e-8 * y).astype(np.float32).astype(str), "in other units: y = 1e+08 c"),
    ],
)
def test_a_copy_of_the_target_is_named_with_its_line(
    tmp_path: Path, x: np.ndarray, copy: object, line: str
) -> None:
    y = x[:, 0] + np.sin(x[:, 1])
    path = write(tmp_path / "t.csv", a=x[:, 0], b=x[:, 1], c=copy(y), y=y)  # type: ignore[operator]
    with pytest.warns(TableWarning, match=r"t.csv: The input 'c' is a copy of the target 'y'"):
        (note,) = load_csv(path, "y")["notes"]
    assert line in note
    assert "leave it out" in note
    assert notes(path, features=["a", "b"]) == []


@pytest.mark.parametrize(
    "near",
    [
        lambda y, noise: y + 1e-3 * noise,
        lambda y, noise: np.exp(y),
        lambda y, noise: np.sign(y) * np.abs(y) ** 1.02,
        lambda y, noise: np.round(y),
        lambda y, noise: np.where(np.arange(N) == 5, -y, y),
    ],
)
def test_what_only_resembles_the_target_is_no_copy(tmp_path: Path, x: np.ndarray, near: object) -> None:
    y = x[:, 0] + np.sin(x[:, 1])
    noise = np.random.default_rng(4).normal(size=N)
    path = write(tmp_path / "t.csv", a=x[:, 0], b=x[:, 1], c=near(y, noise), y=y)  # type: ignore[operator]
    assert notes(path) == []


def test_one_large_value_makes_no_copy(tmp_path: Path, x: np.ndarray) -> None:
    a, y = x[:, 0].copy(), x[:, 1].copy()
    a[7], y[7] = 1e12, 3e12
    assert notes(write(tmp_path / "t.csv", a=a, b=x[:, 1] ** 2, y=y)) == []


def test_two_values_are_no_copy_of_two_others(tmp_path: Path, x: np.ndarray) -> None:
    sign = np.sign(x[:, 0])
    assert notes(write(tmp_path / "t.csv", a=sign, b=x[:, 1], y=3 * sign)) == []


def test_numbers_of_any_size_are_compared(tmp_path: Path, x: np.ndarray) -> None:
    y = 1e300 * x[:, 0]
    (note,) = notes(write(tmp_path / "t.csv", a=x[:, 1], b=1e-300 * x[:, 0], c=0.0 * y, y=y))
    assert "'b' is a copy" in note


@pytest.mark.parametrize(
    "number",
    [
        np.arange(N),
        np.arange(N)[::-1] + 1000,
        np.random.default_rng(0).permutation(N),
        np.arange(N) * 7 + 100_000,
        np.random.default_rng(0).choice(10**6, N, replace=False),
    ],
)
def test_another_whole_number_in_every_row_is_named(
    tmp_path: Path, x: np.ndarray, number: np.ndarray
) -> None:
    path = write(tmp_path / "t.csv", id=number, a=x[:, 0], y=x[:, 1])
    (note,) = notes(path)
    assert note.startswith(
        "The input has a different whole number in every row, as row numbers and identifiers do: 'id'"
    )
    assert notes(path, features=["a"]) == []
    assert notes(path, features=["id"]) == []  # a single input is meant to be one
    (both,) = notes(write(tmp_path / "t.csv", id=number, no=number[::-1], a=x[:, 0], y=x[:, 1]))
    assert both.startswith("The 2 inputs have a different whole number in every row")


def test_counts_and_small_tables_are_not_named(tmp_path: Path, x: np.ndarray) -> None:
    counts = np.random.default_rng(0).integers(0, 30, N)
    assert notes(write(tmp_path / "t.csv", k=counts, a=x[:, 0], y=x[:, 1])) == []
    assert notes(write(tmp_path / "t.csv", k=range(12), a=x[:12, 0], y=range(12))) == []


def test_dates_as_numbers_are_named(tmp_path: Path, x: np.ndarray) -> None:
    days = [20240101 + 100 * (i // 28) + i % 28 for i in range(N)]
    (note,) = notes(write(tmp_path / "t.csv", day=days, a=x[:, 0], y=x[:, 1]))
    assert note.startswith("These inputs look like dates written as one number, such as 20240131: 'day'.")


def test_numbers_among_classes_are_named(tmp_path: Path, x: np.ndarray) -> None:
    kinds = ["low", "high", "none at all", "1.5", "2.5", "3.5", "off"]
    path = write(tmp_path / "t.csv", k=[kinds[i % 7] for i in range(N)], a=x[:, 0], y=x[:, 1])
    (note,) = notes(path, classes="one-hot")
    assert (
        "'k' holds numbers and texts, and each of its 7 values became a column of 0 and 1, 3 of them" in note
    )


@pytest.mark.parametrize("n_texts", [N, N // 2])
def test_names_of_rows_are_no_classes(tmp_path: Path, x: np.ndarray, n_texts: int) -> None:
    kinds = [f"mouse {i % n_texts}" for i in range(N)]
    path = write(tmp_path / "t.csv", k=kinds, a=x[:, 0], y=x[:, 1])
    with pytest.raises(ValueError, match=rf"'k' holds {n_texts} different texts in {N} rows.*names the row"):
        notes(path, classes="one-hot")
