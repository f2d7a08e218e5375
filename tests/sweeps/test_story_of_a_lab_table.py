"""From a messy lab table to predictions with two commands, compared with the truth that made the table."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from kan_np import load_model
from sweeps.cli import main

NAMES = ["T / °C", "t / h", "solvent", "cat. (mol%)", "date", "yield / %"]
SOLVENTS = {"THF": 0.0, "DMF": 8.0, "toluene": -6.0}
NOISE = 2.0


def truth(temperature: float, hours: float, solvent: str) -> float:
    """The yield: it grows with time, has a maximum at 85 °C, and depends a little on the solvent."""
    return float(
        20 + 60 * (1 - np.exp(-hours / 4)) * np.exp(-(((temperature - 85) / 40) ** 2)) + SOLVENTS[solvent]
    )


def experiments(rng: np.random.Generator, n: int, noise: float) -> list[list[str]]:
    rows = []
    for _ in range(n):
        temperature, hours = round(rng.uniform(20, 120), 1), round(rng.uniform(0.5, 24), 2)
        solvent, day = str(rng.choice(list(SOLVENTS))), np.datetime64("2024-01-08") + rng.integers(0, 200)
        y = truth(temperature, hours, solvent) + noise * rng.normal()
        rows.append(
            [str(temperature), str(hours), solvent, f"{rng.uniform(1, 10):.2f}", str(day), f"{y:.2f}"]
        )
    return rows


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([NAMES, *rows])
    return path


@pytest.mark.slow
def test_from_a_messy_table_to_predictions_with_two_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    rows = experiments(rng, 149, NOISE)
    rows[10][0], rows[20][1], rows[30][5], rows[40][3] = "n.d.", "", "-", "NA"
    table = write(tmp_path / "lab.csv", [*rows, rows[5]])
    options = ["--missing", "drop", "--classes", "one-hot", "--dates", "days", "--budget", "30"]
    out = tmp_path / "lab"
    command = ["auto", str(table), "--target", "yield / %", "--out", str(out), "--no-report"]
    assert main([*command, *options]) == 0
    said = capsys.readouterr()
    assert "lab: 146 rows, 4 left out, 1 duplicate" in said.err
    new = write(tmp_path / "new.csv", experiments(rng, 300, 0.0))
    model = out / "recommended.npz"
    assert main(["predict", str(model), str(new), "-o", str(tmp_path / "predicted.csv")]) == 0
    with (tmp_path / "predicted.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    off = np.array([float(row["predicted yield / %"]) - float(row["yield / %"]) for row in found])
    spread = np.std([float(row["yield / %"]) for row in found])
    inside = np.array([row["out_of_range"] == "0" for row in found])
    assert inside.mean() > 0.8
    assert np.sqrt(np.mean(off[inside] ** 2)) < 0.35 * spread  # a linear model: 0.8
    # What matters is what made the table: the date and the catalyst did not.
    trained = load_model(model)
    x = [[float(row[name]) if name in NAMES[:2] else row[name] for name in NAMES[:-1]] for row in found]
    scores = dict.fromkeys(NAMES[:-1], 0.0)
    for name, score in zip(trained.feature_names, trained.feature_score(x), strict=True):
        scores[name.partition("=")[0]] += float(score)
    assert max(scores, key=scores.__getitem__) == "T / °C"
    assert max(scores["date"], scores["cat. (mol%)"]) < min(scores["T / °C"], scores["t / h"])
