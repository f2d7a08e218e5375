"""Missing cells: what counts as one, rows without them, and messages that name everything at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kan_np import load_table

N = 40


def write(path: Path, cells: dict[tuple[int, str], str], **columns: list) -> Path:
    """A table; `cells` replace those of a row, counted from 0, and a column."""
    table = {name: [str(value) for value in column] for name, column in columns.items()}
    for (row, name), text in cells.items():
        table[name][row] = text
    rows = zip(*table.values(), strict=True)
    path.write_text("\n".join([",".join(table), *map(",".join, rows)]) + "\n", encoding="utf-8")
    return path


def lab(tmp_path: Path, cells: dict[tuple[int, str], str]) -> Path:
    columns = {
        "T": [20.0 + 1.5 * i for i in range(N)],
        "solvent": [("THF", "none", "DMF")[i % 3] for i in range(N)],
        "y": [i * i for i in range(N)],
    }
    return write(tmp_path / "lab.csv", cells, **columns)


MISSING = [
    "",
    "  ",
    "n.d.",
    "N.D.",
    "NA",
    "n/a",
    "-",
    "--",
    "\N{EM DASH}",
    "none",
    "null",
    "?",
    "nan",
    "#N/A",
]


@pytest.mark.parametrize("text", MISSING)
def test_rows_with_missing_cells_are_dropped_and_counted(tmp_path: Path, text: str) -> None:
    path = lab(tmp_path, {(3, "T"): text, (5, "y"): text, (7, "T"): text, (7, "y"): text})
    dataset = load_table(path, "y", classes="one-hot", missing="drop", standardize=False)
    assert dataset["notes"][0] == (
        "3 of the 40 rows have a missing cell and are left out: 2 in 'T', 2 in 'y'. The other 37 are used."
    )
    assert dataset["classes"] == {"solvent": ["DMF", "THF", "none"]}
    table = np.vstack([np.c_[dataset[f"{p}_input"], dataset[f"{p}_label"]] for p in ("train", "val", "test")])
    table = table[np.argsort(table[:, 0])]
    kept = [i for i in range(N) if i not in (3, 5, 7)]
    np.testing.assert_array_equal(table[:, 0], [20.0 + 1.5 * i for i in kept])
    np.testing.assert_array_equal(table[:, -1], [i * i for i in kept])
    np.testing.assert_array_equal(table[:, 2], [i % 3 == 0 for i in kept])  # THF
    with pytest.raises(ValueError, match=r"row 5, column 'T'.*missing='drop'.*3 other cells are missing too"):
        load_table(path, "y", classes="one-hot")


def test_a_table_says_what_it_holds(tmp_path: Path) -> None:
    path = lab(tmp_path, {(3, "T"): "n.d.", (9, "solvent"): ""})
    table = load_table(path, "y", classes="one-hot", missing="drop")["table"]
    assert (table["n_rows"], table["n_dropped"], table["n_duplicates"]) == (38, 2, 0)
    t, solvent, y = table["columns"]
    assert t == {
        "name": "T",
        "role": "input",
        "n_missing": 1,
        "kind": "number",
        "low": 20.0,
        "median": pytest.approx(np.median([20.0 + 1.5 * i for i in range(N) if i not in (3, 9)])),
        "high": 20.0 + 1.5 * 39,
    }
    assert solvent["classes"] == {"DMF": 13, "THF": 12, "none": 13}
    assert solvent["n_missing"] == 1
    assert (y["role"], y["low"], y["high"]) == ("target", 0.0, 39.0**2)


def test_a_word_among_texts_is_a_class(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", {}, k=["none", "mild", "none", "-"] * 10, y=list(range(N)))
    assert load_table(path, "y", classes="one-hot")["classes"] == {"k": ["-", "mild", "none"]}
    new = write(tmp_path / "new.csv", {}, k=["none", "NA", "mild"])
    rows = load_table(new, None, classes={"k": ["-", "mild", "none"]}, missing="drop")
    np.testing.assert_array_equal(rows["rows"], [0, 2])
    np.testing.assert_array_equal(rows["test_input"], [[0, 0, 1], [0, 1, 0]])


def test_classes_of_rows_that_are_left_out_are_none(tmp_path: Path) -> None:
    path = lab(tmp_path, {(3, "T"): "?", (3, "solvent"): "water"})
    assert "water" not in load_table(path, "y", classes="one-hot", missing="drop")["classes"]["solvent"]


def test_groups_are_dropped_along(tmp_path: Path) -> None:
    columns = {"a": list(range(N)), "g": [f"p{i // 4}" for i in range(N)], "y": [i * i for i in range(N)]}
    path = write(tmp_path / "t.csv", {(0, "g"): "", (9, "a"): "NA"}, **columns)
    dataset = load_table(path, "y", group="g", missing="drop", standardize=False)
    parts = [set((dataset[f"{part}_input"][:, 0] // 4).tolist()) for part in ("train", "val", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == N // 4
    assert sum(len(dataset[f"{part}_input"]) for part in ("train", "val", "test")) == N - 2


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    columns = {
        "T": list(range(N)),
        "p": [f"{i} bar" for i in range(N)],
        "day": [f"2024-03-{i % 28 + 1:02d}" for i in range(N)],
        "solvent": ["THF", "DMF"] * 20,
        "name": [f"s{i}" for i in range(N)],
        "y": [i * i for i in range(N)],
    }
    cells = {(2, "T"): "n.d.", (4, "T"): "oops", (6, "y"): "inf"}
    with pytest.raises(ValueError, match="row 4, column 'T'") as caught:
        load_table(write(tmp_path / "t.csv", cells, **columns), "y")
    message = str(caught.value)
    for part in (
        "holds 'n.d.', a missing value",
        "missing='drop'",
        "row 2, column 'solvent' (column 4) holds the text 'THF'",
        "classes='one-hot'",
        "column 'name' holds 40 different texts in 40 rows",
        "'0 bar'",
        "dates='days'",
        "row 6, column 'T' (column 1) holds the text 'oops'",
    ):
        assert part in message
    assert message.count(str(tmp_path)) == 1


def test_a_table_of_missing_cells_only_says_so(tmp_path: Path) -> None:
    columns = {"a": ["?"] * N, "b": list(range(N)), "y": [i * i for i in range(N)]}
    path = write(tmp_path / "t.csv", {(3, "b"): ""}, **columns)
    with pytest.raises(ValueError, match=r"every one of the 40 rows has a missing cell \('a' in 40, 'b'"):
        load_table(path, "y", missing="drop")


def test_a_test_table_is_read_alike(tmp_path: Path) -> None:
    train = lab(tmp_path, {(3, "T"): "NA"})
    rows = {"y": [1, 2, 3], "solvent": ["THF", "none", "THF"], "T": ["21", "n.d.", "23"]}
    test = write(tmp_path / "test.csv", {}, **rows)
    dataset = load_table(train, "y", test=test, classes="one-hot", missing="drop", standardize=False)
    np.testing.assert_array_equal(dataset["test_input"], [[21, 0, 1, 0], [23, 0, 1, 0]])
    assert [note[:11] for note in dataset["notes"]] == ["1 of the 40", "1 of the 3 "]


def test_other_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="missing is 'mean'; expected one of 'refuse', 'drop'"):
        load_table(lab(tmp_path, {}), "y", missing="mean")
