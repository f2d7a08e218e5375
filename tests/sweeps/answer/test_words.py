"""The sentences of an answer say what its numbers are."""

from __future__ import annotations

from typing import Any

import pytest

from sweeps.answer import words
from sweeps.answer.evidence import calibration_curve
from sweeps.training.log_loss import brier_score, log_losses


def evidence(**changed: Any) -> dict[str, Any]:
    found = {
        "kind": "regression",
        "target": "yield / %",
        "family": "kan",
        "model": "KAN [3,2,1], G = 5",
        "n_params": 20,
        "n_train": 96,
        "n_labels": 96,
        "n_val": 24,
        "n_test": 30,
        "folds": 0,
        "seeds": 3,
        "rmse": 4.87,
        "half": 3.1,
        "linear": 7.2,
        "mean": 15.04,
        "spread": 15.2,
        "of_runs": [4.8, 5.3],
        "importance": [
            {"column": "T / °C", "value": 9.2, "low": 6.0, "high": 12.0, "clear": True},
            {"column": "humidity", "value": 0.1, "low": -0.2, "high": 0.4, "clear": False},
        ],
    }
    return found | changed


def test_the_headline_has_the_error_and_what_simpler_predictions_have() -> None:
    assert words.headline(evidence()) == (
        "yield / % is predicted to ± 4.9 % (half of the rows within 3.1); a linear model: 7.2; "
        "guessing the mean: 15.0."
    )
    by_line = words.headline(evidence(family="linear", rmse=7.2))
    assert by_line.endswith("by a linear model; guessing the mean: 15.0.")
    bad = words.headline(evidence(rmse=14.9))
    assert bad.startswith("yield / % is not predicted by these columns: no better than to ± 14.9 %")


def test_the_error_is_also_a_share_of_the_spread() -> None:
    assert words.share_sentence(evidence()) == (
        "That is 32 % of the spread of yield / % (its standard deviation, 15.2); over 3 random starts the "
        "error lies between 4.8 and 5.3."
    )


def test_parameters_that_come_near_the_rows_are_warned_of() -> None:
    assert words.warning_of_size(evidence()) == ""
    assert words.warning_of_size(evidence(n_params=60)).startswith("60 parameters are many for 96 training")
    assert "96 rows train it, 4.8 for each parameter" in words.model_sentence(evidence())


def test_what_matters_and_what_does_not() -> None:
    said = words.importance_sentence(evidence())
    assert said.startswith("What matters most: T / °C (+9.2); in brackets")
    assert said.endswith("humidity does not matter beyond the noise.")
    nothing = [own | {"clear": False} for own in evidence()["importance"]]
    assert words.importance_sentence(evidence(importance=nothing)) == (
        "No column matters beyond the noise of the test rows."
    )


@pytest.mark.parametrize(
    ("name", "unit"),
    [("T / °C", "°C"), ("flow (L/min)", "L/min"), ("m [kg]", "kg"), ("L/D", ""), ("y", ""), ("a (b) c", "")],
)
def test_the_unit_is_what_stands_behind_the_name(name: str, unit: str) -> None:
    assert words.unit_of(name) == unit


def test_large_and_small_errors_are_readable() -> None:
    huge = words.headline(evidence(rmse=3.2e11, half=1.0e11, linear=5.0e11, mean=2.0e12))
    assert "± 3.2e11 %" in huge
    small = words.headline(evidence(rmse=3.2e-9, half=1e-9, linear=0.5, mean=1.0))
    assert "± 3.2e-9 %" in small
    assert "a linear model: 0.50" in small


def test_names_cannot_break_the_lines_or_steer_the_terminal() -> None:
    said = words.headline(evidence(target="y\n\x1b[31mred"))
    assert "\n" not in said
    assert "\x1b" not in said


def test_scores_of_probabilities() -> None:
    import numpy as np

    p, y = np.array([[0.9, 0.1], [0.4, 0.6], [1.0, 0.0]]), np.array([[0.0], [0.0], [1.0]])
    assert log_losses(p, y)[:2] == pytest.approx([-np.log(0.9), -np.log(0.4)])
    assert np.isfinite(log_losses(p, y)).all()  # a probability of 0 is no end of everything
    assert brier_score(p, y) == pytest.approx((2 * 0.01 + 2 * 0.36 + 2.0) / 3)


def test_a_calibrated_model_lies_on_the_diagonal() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    second = rng.uniform(0, 1, 20_000)
    p = np.stack([1 - second, second], axis=1)
    y = (rng.uniform(size=20_000) < second).astype(float)[:, None]
    found = calibration_curve(p, y)
    assert len(found) == 10
    assert sum(own["n"] for own in found) == 20_000
    for own in found:
        assert abs(own["said"] - own["right"]) < 4 * own["error"]
