"""Tests of the accuracy scripts' helpers: medians and worsts over data and model seeds, options, tables."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from benchmarks.accuracy import lennard_jones
from benchmarks.accuracy._baselines import show_beside
from benchmarks.accuracy._common import data_seeds, parse, parser, pick_cases, spread
from benchmarks.accuracy._tables import TABLES, folds


def test_a_median_is_of_medians_and_a_worst_of_all() -> None:
    errors = {("f", 0): [1.0, 2.0, 90.0], ("f", 1): [3.0], ("f", 2): [4.0, 8.0], ("g", 0): [1e9]}
    found = spread(errors, "f")
    assert (found.median, found.best, found.worst) == (3.0, 1.0, 90.0)
    assert math.isnan(spread({("f", 0): [1.0], ("f", 1): [math.nan]}, "f").worst)


def test_quick_lowers_what_was_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made = parser("", seeds=3)
    made.add_argument("--steps", type=int, default=50)
    monkeypatch.setattr(sys, "argv", ["script", "--quick", "--seeds", "7", "--first-data-seed", "100"])
    arguments = parse(made, steps=5)
    assert (arguments.seeds, arguments.steps, data_seeds(arguments)) == (7, 5, [100, 101])
    monkeypatch.setattr(sys, "argv", ["script"])
    arguments = parse(made, steps=5)
    assert (arguments.seeds, arguments.steps, data_seeds(arguments)) == (3, 50, [0, 1, 2, 3, 4])


def test_an_unknown_case_is_named() -> None:
    assert pick_cases(["a", "b"], "b, a") == ["b", "a"]
    with pytest.raises(SystemExit, match="no case c; there are a, b"):
        pick_cases(["a", "b"], "a,c")


def test_errors_are_shown_with_who_is_lowest(capsys: pytest.CaptureFixture[str]) -> None:
    kan = {("f", 0): [1e-3], ("f", 1): [3e-3], ("g", 0): [1.0], ("g", 1): [1.0]}
    show_beside("Errors", {"KAN": kan, "GP": {key: [4 * values[0]] for key, values in kan.items()}})
    text = capsys.readouterr().out
    assert "2.0e-03 (3.0e-03)" in text
    assert "lowest median: KAN 2; GP 0" in text
    assert "GP / KAN, geometric mean of the medians: 4" in text


def test_a_missing_end_has_to_be_named() -> None:
    dataset = lennard_jones.make(lennard_jones.CASE, 4)
    (end,) = lennard_jones.missing_ends(dataset)
    assert end == dataset["train_input"].min() == pytest.approx(1.0349, abs=1e-4)
    assert lennard_jones.missing_ends(lennard_jones.make(lennard_jones.CASE, 0)) == []
    assert lennard_jones.names("There are no samples of r below 1.03.", end)
    assert not lennard_jones.names("G = 10 is the best by validation (RMSE 5.6e-07, training 1.2).", end)


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_standardised_draws(table: str) -> None:
    for dataset in folds(table, 1):
        for part in ("input", "label"):
            rows = dataset[f"train_{part}"]
            np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=1e-9)
            assert np.isfinite(dataset[f"test_{part}"]).all()
            assert rows.shape[1] == dataset[f"test_{part}"].shape[1]
    first, again, other = (folds(table, seed)[0]["train_label"] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
