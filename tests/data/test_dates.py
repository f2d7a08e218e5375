"""Dates in tables: days since 1970-01-01 by choice, the order of day and month, and what is refused."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from kan_np import load_table
from kan_np.data import days_of
from kan_np.data.dates import DAY_FIRST, MONTH_FIRST, YEAR_FIRST, days_of_text

N = 30
DAYS = [datetime.date(2024, 1, 20) + datetime.timedelta(days=3 * i) for i in range(N)]
NUMBERS = np.array([(day - datetime.date(1970, 1, 1)).days for day in DAYS], dtype=float)
FORMS = {
    "{0:%Y-%m-%d}": YEAR_FIRST,
    "{0:%Y/%m/%d}": YEAR_FIRST,
    "{0.day}.{0.month}.{0.year}": DAY_FIRST,
    "{0:%d/%m/%Y}": DAY_FIRST,
    "{0:%m/%d/%Y}": MONTH_FIRST,
    "{0:%Y-%m-%d} 00:00:00": YEAR_FIRST,
}


def write(path: Path, days: list[str]) -> Path:
    rows = [f"{day},{i % 7},{i * i}" for i, day in enumerate(days)]
    path.write_text("\n".join(["day,a,y", *rows]) + "\n")
    return path


def everything(path: Path, **options: object) -> tuple[dict, np.ndarray]:
    dataset = load_table(path, "y", standardize=False, **options)  # type: ignore[arg-type]
    return dataset, np.sort(np.concatenate([dataset[f"{p}_input"][:, 0] for p in ("train", "val", "test")]))


@pytest.mark.parametrize("form", FORMS)
def test_dates_become_days_by_choice(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / "t.csv", [form.format(day) for day in DAYS])
    dataset, days = everything(path, dates="days")
    np.testing.assert_array_equal(days, NUMBERS)
    assert dataset["dates"] == {"day": FORMS[form]}
    assert dataset["table"]["columns"][0]["kind"] == "date"
    with pytest.raises(ValueError, match="dates='days'"):
        load_table(path, "y")
    few = write(tmp_path / "new.csv", [form.format(datetime.date(2024, 4, 3))])
    rows = load_table(few, None, features=["day", "a"], classes={}, dates=dataset["dates"])
    assert rows["test_input"][0, 0] == (datetime.date(2024, 4, 3) - datetime.date(1970, 1, 1)).days


def test_dates_that_can_be_read_in_two_ways_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [f"{i % 12 + 1}/{i % 9 + 1}/2024" for i in range(N)])
    with pytest.raises(ValueError, match=r"'1/1/2024' may have the day or the month first.*year first"):
        load_table(path, "y", dates="days")


@pytest.mark.parametrize(
    ("cell", "message"),
    [("2024-02-31", "holds '2024-02-31'; expected a date"), ("45321", "other cells of the column hold num")],
)
def test_cells_that_are_no_dates_are_named(tmp_path: Path, cell: str, message: str) -> None:
    days = [f"{day:%Y-%m-%d}" for day in DAYS]
    days[5] = cell
    with pytest.raises(ValueError, match=message):
        load_table(write(tmp_path / "t.csv", days), "y", dates="days")


def test_missing_dates_are_dropped(tmp_path: Path) -> None:
    days = [f"{day:%Y-%m-%d}" for day in DAYS]
    days[5] = "n.d."
    _, found = everything(write(tmp_path / "t.csv", days), dates="days", missing="drop")
    np.testing.assert_array_equal(found, np.delete(NUMBERS, 5))


def test_times_of_day_without_a_date_are_no_days(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [f"{i % 24:02d}:30" for i in range(N)])
    with pytest.raises(ValueError, match=r"a date or time.*Write a number instead"):
        load_table(path, "y", dates="days")


@pytest.mark.parametrize(
    ("text", "order", "days"),
    [
        ("1970-01-02T06:00", YEAR_FIRST, 1.25),
        ("1970-01-02 06:00:00.000", YEAR_FIRST, 1.25),
        ("1970-01-02T06:00:00Z", YEAR_FIRST, 1.25),
        ("1970-01-02T06:00+06:00", YEAR_FIRST, 1.0),
        ("1970-01-01T18:00-06:00", YEAR_FIRST, 1.0),
        ("02.01.1970 12:00", YEAR_FIRST, 1.5),
        ("1/3/1970 6:00 PM", MONTH_FIRST, 2.75),
        ("1/3/1970 12:00 am", DAY_FIRST, 59.0),
        ("1970-02", YEAR_FIRST, 31.0),
        ("1/3/1970", YEAR_FIRST, None),
        ("1970-13-01", YEAR_FIRST, None),
        ("1970-01-01 25:00", YEAR_FIRST, None),
        ("18-25", DAY_FIRST, None),
        ("192.168.1.1", DAY_FIRST, None),
    ],
)
def test_days_of_texts(text: str, order: str, days: float | None) -> None:
    assert days_of_text(text, order) == days


def test_dates_of_any_kind_become_days() -> None:
    np.testing.assert_array_equal(days_of([f"{day:%d.%m.%Y}" for day in DAYS]), NUMBERS)
    np.testing.assert_array_equal(days_of(np.array(DAYS, dtype="datetime64[ns]")), NUMBERS)
    np.testing.assert_array_equal(days_of(DAYS), NUMBERS)
    zone = datetime.timezone(datetime.timedelta(hours=6))
    np.testing.assert_array_equal(days_of([datetime.datetime(1970, 1, 2, 6, tzinfo=zone)]), [1.0])
    with pytest.raises(ValueError, match="NaT"):
        days_of(np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"))
    with pytest.raises(ValueError, match="values has 'THF' in row 1; expected a date"):
        days_of(["2024-01-01", "THF"])
