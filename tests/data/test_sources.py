"""Tables in files of other formats than text: packed ones, Excel, Parquet."""

from __future__ import annotations

import datetime
import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kan_np import load_table

N = 30
ROWS: list[list[Any]] = [
    [i / 8, i % 2 == 0, datetime.datetime(2024, 1, 1 + i, 12), ("THF", "DMF, dry")[i % 2], i * i]
    for i in range(N)
]
NAMES = ["T / °C", "stirred", "day", "solvent", "y"]
OPTIONS: dict[str, Any] = {"classes": "one-hot", "dates": "days", "standardize": False}


def expected() -> np.ndarray:
    return np.array([[i / 8, i % 2 == 0, 19723.5 + i, i % 2 == 0] for i in range(N)], dtype=float)


def excel(path: Path, above: int = 0) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    for _ in range(above):
        sheet.append(["Experiments of May"])
    sheet.append(NAMES)
    for row in ROWS:
        sheet.append(row)
    sheet.cell(row=N + 20 + above, column=9, value=" ")
    book.create_sheet("notes").append(["nothing"])
    book.save(path)
    return path


def parquet(path: Path) -> Path:
    pyarrow, parquets = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True))
    columns["solvent"] = pyarrow.array(columns["solvent"]).dictionary_encode()
    columns["__index_level_0__"] = list(range(N))
    parquets.write_table(pyarrow.table(columns), path)
    return path


def text(path: Path) -> Path:
    lines = [",".join(NAMES)]
    lines += [f'{a!r},{int(b)},{day},"{solvent}",{y}' for a, b, day, solvent, y in ROWS]
    content = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


MAKERS = {"t.csv": text, "t.csv.gz": text, "t.xlsx": excel, "t.parquet": parquet}


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_is_the_same_table(tmp_path: Path, name: str) -> None:
    dataset = load_table(MAKERS[name](tmp_path / name), "y", **OPTIONS)
    assert dataset["feature_names"] == ["T / °C", "stirred", "day", "solvent=THF"]
    found = np.vstack([dataset[f"{part}_input"] for part in ("train", "val", "test")])
    np.testing.assert_array_equal(found[np.argsort(found[:, 0])], expected())


def test_titles_above_the_names_of_a_sheet_are_left_out_and_rows_are_counted(tmp_path: Path) -> None:
    path = excel(tmp_path / "t.xlsx", above=2)
    assert load_table(path, "y", **OPTIONS)["feature_names"][0] == "T / °C"
    with pytest.raises(ValueError, match="row 4, column 'solvent'"):
        load_table(path, "y", features=["T / °C", "solvent"])


def test_numbers_keep_all_their_digits(tmp_path: Path) -> None:
    pyarrow, parquets = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    values = np.random.default_rng(0).normal(size=50) * 10.0 ** np.arange(-150, 300, 9)
    columns = {"a": values, "y": np.arange(50)}
    parquets.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    found = load_table(tmp_path / "t.parquet", None, features=["a"])["test_input"][:, 0]
    np.testing.assert_array_equal(found, values)


def test_missing_values_of_a_file_are_missing_cells(tmp_path: Path) -> None:
    pyarrow, parquets = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"a": [1.0, None, 3.0, np.nan, 5.0, 6.0], "y": [0, 1, 2, 3, 4, None]}
    parquets.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    table = load_table(tmp_path / "t.parquet", "y", missing="drop", test_fraction=0, val_fraction=0)["table"]
    assert (table["n_rows"], table["n_dropped"]) == (3, 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xlsx", b"a,y\n1,2\n", "cannot be read as an Excel file"),
        ("t.parquet", b"a,y\n1,2\n", "cannot be read as a Parquet file"),
        ("t.csv.gz", b"a,y\n1,2\n", "no whole gzip file"),
        ("t.csv.gz", gzip.compress(b"a,y\n" + b"1,2\n" * 99, mtime=0)[:-12], "no whole gzip file"),
        ("t.csv", gzip.compress(b"a,y\n1,2\n", mtime=0), "is packed with gzip; name it t.csv.gz"),
        ("t.csv", b"PK\x03\x04 and more", "looks like a file of Excel; name it .xlsx"),
        ("t.csv", b"PAR1 and more", "looks like a file of Parquet; name it .parquet"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_table(tmp_path / name, "y")


@pytest.mark.parametrize("name", ["t.csv.gz", "t.xlsx", "t.parquet"])
def test_damaged_files_are_refused_or_read(tmp_path: Path, name: str) -> None:
    whole = MAKERS[name](tmp_path / name).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 5):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / f"other-{name}").write_bytes(bytes(damaged))
        try:
            load_table(tmp_path / f"other-{name}", "y", **OPTIONS)
        except ValueError:
            refused += 1
    assert refused > 5


@pytest.mark.parametrize(("name", "package"), [("t.xlsx", "openpyxl"), ("t.parquet", "pyarrow")])
def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    (tmp_path / name).write_bytes(b"a table")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=rf"needs {package}.*pip install 'kan_np\["):
        load_table(tmp_path / name, "y")


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_that_is_not_there_keeps_its_own_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        load_table(tmp_path / name, "y")
