"""Durations and amounts of memory as they are typed."""

from __future__ import annotations

import pytest

from sweeps.errors import UserError
from sweeps.units import LONGEST_S, parse_duration, parse_memory


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("1.5s", 1.5), ("10m", 600.0), ("1h30m", 5400.0), ("2H", 7200.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "10 minutes", "m"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(UserError, match="expected a duration such as"):
        parse_duration(text)


def test_a_duration_is_at_most_ten_years() -> None:
    assert parse_duration("87600h") == LONGEST_S
    for text in ("87600h1s", "99999999999999h", "9" * 400):
        with pytest.raises(UserError, match=rf"^budget is '{text}'; .* at most ten years \(87600h\)\.$"):
            parse_duration(text, "budget")


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("1000", 1000), ("500M", 500 * 2**20), ("1.5GiB", 3 * 2**29), ("2 gb", 2**31), ("1k", 1024)],
)
def test_memory_is_read_in_powers_of_1024(text: str, n_bytes: int) -> None:
    assert parse_memory(text) == n_bytes


@pytest.mark.parametrize("text", ["", "0", "2X", "-1G", "1,5G", "lots"])
def test_memory_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected an amount for each worker such as 500M or 2G"):
        parse_memory(text)
