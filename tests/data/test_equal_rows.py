"""Rows that are equal: counted, kept in one part of the split, and no other split where there are none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from kan_np import TableWarning, load_csv
from kan_np.data.equal_rows import keep_equal_rows_together, number_rows
from kan_np.data.rows import split_table

PARTS = ("train", "val", "test")


def write(path: Path, table: np.ndarray, header: str = "a,b,y") -> Path:
    np.savetxt(path, table, delimiter=",", header=header, comments="")
    return path


def copied(n: int = 40, times: int = 6) -> np.ndarray:
    """Rows of noise, every one several times, in any order."""
    rng = np.random.default_rng(1)
    table = np.repeat(rng.normal(size=(n, 3)), times, axis=0)
    rng.shuffle(table)
    return table


def rows_of(dataset: dict, part: str) -> list[tuple[float, ...]]:
    table = np.hstack([dataset[f"{part}_input"], dataset[f"{part}_label"]])
    return [tuple(row) for row in table.tolist()]


@pytest.mark.parametrize(
    "options", [{}, {"seed": 3}, {"folds": 4}, {"folds": 4, "fold": 3}, {"test_fraction": 0.5}]
)
def test_copies_are_in_one_part(tmp_path: Path, options: dict) -> None:
    path = write(tmp_path / "t.csv", copied())
    dataset = load_csv(path, "y", standardize=False, **options)
    parts = [rows_of(dataset, part) for part in PARTS]
    assert sum(map(len, parts)) == 240
    assert sum(len(set(part)) for part in parts) == 40
    assert dataset["duplicates"] == "together"
    (note,) = dataset["notes"]
    assert note.startswith("200 of the 240 rows are duplicates of another row (")
    assert "40 rows are different). Equal rows are kept in one part" in note
    apart = load_csv(path, "y", standardize=False, duplicates="apart", **options)
    assert sum(len(set(rows_of(apart, part))) for part in PARTS) > 40
    assert "duplicates" not in apart
    assert apart["notes"] == [note.split(". Equal")[0] + ", and may train as well as test."]


def test_every_row_is_tested_once_in_folds_of_copies(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", copied())
    folds = [rows_of(load_csv(path, "y", standardize=False, folds=5, fold=fold), "test") for fold in range(5)]
    assert [len(fold) for fold in folds] == [48] * 5
    assert len(set().union(*folds)) == 40


def test_the_parts_have_their_shares(tmp_path: Path) -> None:
    dataset = load_csv(write(tmp_path / "t.csv", copied(100, 2)), "y")
    assert [len(dataset[f"{part}_input"]) for part in PARTS] == [120, 40, 40]


@pytest.mark.parametrize(
    ("options", "digest"),
    [
        ({}, "3792211c6af05adb"),
        ({"folds": 4, "fold": 1}, "406774e15e391c3a"),
        ({"val_fraction": 0}, "b07f100e04175e5a"),
        ({"group": "g"}, "188e9c6e3e1f47fc"),
    ],
)
@pytest.mark.parametrize("duplicates", ["together", "apart"])
def test_without_equal_rows_the_split_is_what_it_was(
    tmp_path: Path, options: dict, digest: str, duplicates: str
) -> None:
    """The digests are those of the version before, so no run has other data than its id stands for."""
    rng = np.random.default_rng(5)
    table = np.hstack([rng.normal(size=(90, 3)).round(6), rng.integers(0, 9, (90, 1))])
    path = write(tmp_path / "t.csv", table, "a,b,y,g")
    dataset = load_csv(path, "y", standardize=False, duplicates=duplicates, **options)
    rows = [rows_of(dataset, part) for part in PARTS if f"{part}_input" in dataset]
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == digest
    assert "duplicates" not in dataset


def test_rows_with_one_group_or_one_copy_in_common_are_in_one_part() -> None:
    #        copies:  0 0 1 2 3 4     groups: a b b c d e
    values = np.array([[0.5], [0.5], [1.5], [2.5], [3.5], [4.5]]) * np.array([[1.0, 3.0]])
    values = np.vstack([values, np.random.default_rng(0).normal(size=(30, 2))])
    groups = ["a", "b", "b", "c", "d", "e", *(f"g{i}" for i in range(30))]
    found = keep_equal_rows_together(values, groups, 4, True)
    assert found.kept_together
    codes = np.asarray(found.groups)
    assert codes[0] == codes[1] == codes[2]
    assert len(set(codes)) == 34
    assert (found.n_equal, found.is_leak) == (1, False)


def test_equal_rows_of_few_values_are_chance_and_split_as_ever(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = np.stack([rng.integers(0, 2, 400), rng.integers(0, 3, 400)], axis=1)
    y = rng.integers(0, 2, 400)
    path = write(tmp_path / "t.csv", np.column_stack([x, y]))
    found, apart = (load_csv(path, "y", duplicates=how) for how in ("together", "apart"))
    for part in PARTS:
        np.testing.assert_array_equal(found[f"{part}_input"], apart[f"{part}_input"])
    assert "duplicates" not in found
    assert "388 of the 400 rows are duplicates" in found["notes"][0]
    assert "by chance" in found["notes"][0]


def test_too_few_different_rows_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + "1,2,3\n2,3,4\n3,3,3\n" * 10)
    message = r"t.csv: 27 of the 30 rows are duplicates .*; 3 rows .*: too few to keep"
    with pytest.warns(TableWarning, match=message):
        dataset = load_csv(path, "y")
    assert len(dataset["train_input"]) == 18


def test_a_column_that_is_not_used_tells_no_rows_apart(tmp_path: Path) -> None:
    table = np.column_stack([np.arange(240.0), copied()])
    path = write(tmp_path / "t.csv", table, "n,a,b,y")
    assert load_csv(path, "y", features=["a", "b"])["duplicates"] == "together"
    assert "duplicates" not in load_csv(path, "y")


def test_rows_are_numbered_by_their_values() -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 4, (500, 3)) * np.array([1.0, -0.0, 1e300])
    expected = np.unique(table + 0.0, axis=0, return_inverse=True)[1].ravel()
    found = number_rows(table)
    pairs = set(zip(found.tolist(), expected.tolist(), strict=True))
    assert len(pairs) == len(set(found.tolist())) == len(set(expected.tolist())) == 16


def test_many_groups_are_split_in_time_that_grows_with_their_number() -> None:
    """A hundred thousand took minutes, for each was looked at with all that had come before."""
    parts = split_table(300_000, 0.2, 0.2, 0, np.repeat(np.arange(150_000), 2))
    assert [len(part) for part in parts] == [180_000, 60_000, 60_000]
    assert sum(len(np.unique(part // 2)) for part in parts) == 150_000


def test_an_unknown_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="duplicates is 'drop'; expected one of 'together', 'apart'"):
        load_csv(write(tmp_path / "t.csv", copied()), "y", duplicates="drop")
