"""Columns of numbers or dates with something else in them: read where that is sure, never made classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kan_np import load_csv
from kan_np.data.disguised import disguise, disguised

N = 60


def write(path: Path, form: str, delimiter: str = ",") -> Path:
    """A table t, y with y = i^2, where the numbers 1 to 60 are written in some form."""
    rows = [f"{form.format(i)}{delimiter}{i * i}" for i in range(1, N + 1)]
    path.write_text("\n".join([f"t{delimiter}y", *rows]) + "\n", encoding="utf-8")
    return path


def values(path: Path, **options: object) -> list[float]:
    dataset = load_csv(path, "y", standardize=False, **options)  # type: ignore[arg-type]
    assert dataset["feature_names"] == ["t"]
    return sorted(np.concatenate([dataset[f"{part}_input"] for part in ("train", "val", "test")]).ravel())


@pytest.mark.parametrize("classes", ["refuse", "one-hot"])
@pytest.mark.parametrize(
    ("form", "delimiter", "number"),
    [
        ("\N{MINUS SIGN}{}.5", ",", lambda i: -i - 0.5),
        ("\N{EN DASH}{}.5", ",", lambda i: -i - 0.5),
        ("\N{MINUS SIGN}{},5", ";", lambda i: -i - 0.5),
        ("{}e\N{MINUS SIGN}2", ",", lambda i: i / 100),
        ("{}.5D+00", ",", lambda i: i + 0.5),
        ("{}.5d2", ",", lambda i: 100 * i + 50.0),
        ("{}D-02", ",", lambda i: i / 100),
        ("\N{NO-BREAK SPACE}{}.5", ",", lambda i: i + 0.5),
    ],
)
def test_what_can_only_be_one_number_is_read(
    tmp_path: Path, form: str, delimiter: str, number: object, classes: str
) -> None:
    expected = sorted(number(i) for i in range(1, N + 1))  # type: ignore[operator]
    found = values(write(tmp_path / "t.csv", form, delimiter), classes=classes)
    np.testing.assert_array_equal(found, expected)


REFUSED = {
    "{}.5%": "a number with '%'",
    "\N{EURO SIGN}{}.5": "a number with '€'",
    "-${}.5": r"a number with '\$'",
    "{} USD": "a number with 'USD'",
    "{}.5 mm": "a number with 'mm'",
    "{}kg/m3": "a number with 'kg/m3'",
    "{} cyl": "a number with 'cyl'",
    "'{}.5": 'a number with "\'"',
    "~{}": "a number with '~'",
    "<{}": "a number with '<'",
    "{}.1 \N{PLUS-MINUS SIGN} 0.2": "a number with '±'",
    "{}.1(2)": "a number with '±'",
    "{}_000": "a number with '_'",
    "\N{ZERO WIDTH SPACE}{}": r"an invisible sign \(U\+200B\)",
    "2024-01-01 00:{:02d}": "a date or time",
    "{}.3.2024 10:30": "a date or time",
    "3/4/{:02d}": "a date or time",
    "Mar {:04d}": "a date or time",
    "00:{:02d}": "a date or time",
}


@pytest.mark.parametrize("classes", ["refuse", "one-hot"])
@pytest.mark.parametrize("form", REFUSED)
def test_the_sign_is_named_by_row_and_column_and_one_hot_is_not_advised(
    tmp_path: Path, form: str, classes: str
) -> None:
    if form.startswith(("{}.3", "00", "2024")):  # days, minutes
        path = tmp_path / "t.csv"
        rows = [f"{form.format(i % 28 + 1)},{i * i}" for i in range(N)]
        path.write_text("\n".join(["t,y", *rows]), encoding="utf-8")
    elif form.startswith("Mar"):
        path = tmp_path / "t.csv"
        path.write_text("\n".join(["t,y", *(f"{form.format(1960 + i)},{i * i}" for i in range(N))]))
    else:
        path = write(tmp_path / "t.csv", form)
    message = (
        rf"t.csv: row 2, column 't' \(column 1\) holds the text .*; expected a number\..*{REFUSED[form]}"
    )
    with pytest.raises(ValueError, match=message) as caught:
        load_csv(path, "y", classes=classes)
    can_be_days = form.startswith(("2024", "{}.3"))
    assert ("dates='days'" if can_be_days else "Write") in str(caught.value)
    assert "one-hot" not in str(caught.value)


def test_one_cell_with_a_sign_among_numbers_is_named_too(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{}")
    path.write_text(path.read_text().replace("\n7,", "\n7 mm,"))
    with pytest.raises(
        ValueError, match=r"row 8, column 't' .*'7 mm'; expected a number.*with 'mm'. Write the"
    ):
        load_csv(path, "y", classes="one-hot")


@pytest.mark.parametrize(
    "codes",
    [
        ("p1", "p2", "p3", "p4"),
        ("3a", "3b", "4a", "4b"),
        ("1st", "2nd", "3rd", "4th"),
        ("2wd", "4wd"),
        ("<18", "18-64", "65+"),
        ("v1.2", "1.3", "v1"),
        ("10.0.0.5", "192.168.100.5"),
        ("red", "blue", "5 mm"),
        ("1:100", "1:1000", "1:10000"),
        ("May", "June"),
    ],
)
def test_codes_bins_and_names_stay_classes(tmp_path: Path, codes: tuple[str, ...]) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{codes[i % len(codes)]},{i * i}" for i in range(N)]
    path.write_text("\n".join(["t,y", *rows]))
    assert load_csv(path, "y", classes="one-hot")["classes"] == {"t": sorted(codes)}
    with pytest.raises(ValueError, match="classes='one-hot'"):
        load_csv(path, "y")


def test_the_example_is_the_first_of_the_column() -> None:
    assert disguised(["broken", "3 mm", "1 mm"]) == ("3 mm", "a number with 'mm'")
    assert disguised(["broken", "lost", "3 mm"]) is None
    assert disguise("\N{MINUS SIGN}5 \N{DEGREE SIGN}C") is not None


def test_a_dash_alone_is_a_missing_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{}")
    path.write_text(path.read_text().replace("\n7,", "\n\N{EN DASH},"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"row 8, column 't' .* a missing value"):
        load_csv(path, "y")
