"""Two first hours with the program: from a file to an answer in two commands, compared with the truth."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from html_page import page_of

from kan_np import load_model
from sweeps.cli import main

pytestmark = pytest.mark.slow

N = 150
SOLVENTS = {"THF": 1.0, "DMF": 0.85, "toluene": 0.6}
LAB_NOISE, SI_NOISE = 3.0, 2e-10


def absorption(frequency: np.ndarray, temperature: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """A line at 2e14 Hz that grows broader with the pressure and fainter with the temperature, in m^2."""
    width = 2e13 * (1.0 + pressure / 2e5)
    return 3e-8 * (300.0 / temperature) / (1.0 + ((frequency - 2e14) / width) ** 2)


def write_si(path: Path, n: int, seed: int) -> np.ndarray:
    """A simulator's output in SI units: numbers near 1e14, 300, 1e5 and 1e-8; return the truth."""
    rng = np.random.default_rng(seed)
    inputs = [rng.uniform(1e14, 3e14, n), rng.uniform(250.0, 400.0, n), rng.uniform(5e4, 3e5, n)]
    truth = absorption(*inputs)
    table = np.column_stack([*inputs, truth + rng.normal(0.0, SI_NOISE, n)])
    np.savetxt(path, table, delimiter=",", header="f / Hz,T / K,p / Pa,sigma / m2", comments="")
    return truth


def yields(temperature: np.ndarray, hours: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """A yield with a best temperature of 85 °C, in %."""
    return 90.0 * np.exp(-(((temperature - 85.0) / 28.0) ** 2)) * (1.0 - np.exp(-hours / 2.5)) * factor


def write_lab(path: Path, n: int, seed: int, messy: bool) -> np.ndarray:
    """A lab's table: units in names, a category, a date; if messy with missing cells and a row twice."""
    rng = np.random.default_rng(seed)
    temperature, hours = rng.uniform(40, 120, n).round(1), rng.uniform(0.5, 12, n).round(2)
    solvent, humidity = rng.choice(list(SOLVENTS), n), rng.normal(45, 5, n).round(1)
    days = [date(2026, 1, 5) + timedelta(days=int(day)) for day in np.sort(rng.integers(0, 200, n))]
    truth = yields(temperature, hours, np.array([SOLVENTS[name] for name in solvent]))
    measured = (truth + rng.normal(0, LAB_NOISE, n)).round(1)
    rows = [
        [day.isoformat(), t, h, name, w, y]
        for day, t, h, name, w, y in zip(days, temperature, hours, solvent, humidity, measured, strict=True)
    ]
    if messy:
        for row, column, text in ((3, 4, ""), (40, 1, "n.d."), (77, 5, "NA"), (120, 4, "-")):
            rows[row][column] = text
        rows.append(list(rows[10]))
    with path.open("w", newline="", encoding="utf-8") as file:
        names = ["date", "T / °C", "t / h", "solvent", "humidity (%)", "yield / %"]
        csv.writer(file).writerows([names, *rows])
    return truth


def predicted(path: Path, target: str) -> np.ndarray:
    with path.open(encoding="utf-8", newline="") as file:
        return np.array([float(row[f"predicted {target}"]) for row in csv.DictReader(file)])


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def test_a_simulators_table_in_si_units(tmp_path: Path) -> None:
    write_si(tmp_path / "si.csv", 400, 0)
    truth = write_si(tmp_path / "new.csv", 200, 100)
    out = tmp_path / "out"
    target = "sigma / m2"
    assert (
        main(["auto", str(tmp_path / "si.csv"), "--target", target, "--out", str(out), "--budget", "5m"]) == 0
    )
    model, written = str(out / "recommended.npz"), tmp_path / "predicted.csv"
    assert main(["predict", model, str(tmp_path / "new.csv"), "-o", str(written)]) == 0
    error = rms(predicted(written, target) - truth)
    spread = float(truth.std())
    assert error < 0.03 * spread  # of a spread of 7e-9; a linear model has about 0.9 of it
    facts = json.loads((out / "recommended.json").read_text())
    answer = facts["evidence"]
    assert 0.8 * SI_NOISE < answer["rmse"] < 3.0 * SI_NOISE
    assert answer["rmse"] < 0.1 * answer["linear"]
    assert answer["importance"][0]["column"] == "f / Hz"
    assert all(own["clear"] for own in answer["importance"])
    assert re.match(r"sigma / m2 is predicted to ± [\d.]+e-10 m2 \(half of the rows", facts["headline"])


def test_a_messy_table_of_a_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lab(tmp_path / "lab.csv", N, 0, messy=True)
    truth = write_lab(tmp_path / "new.csv", 100, 100, messy=False)
    out, target = tmp_path / "out", "yield / %"
    options = ["--classes", "one-hot", "--missing", "drop", "--dates", "days", "--folds", "5", "--seeds", "1"]
    assert main(["auto", str(tmp_path / "lab.csv"), "--target", target, "--out", str(out), *options]) == 0
    said = capsys.readouterr()
    assert "4 " in said.err
    assert "dropped" in said.err or "left out" in said.err
    assert "duplicate" in said.err
    model, written = str(out / "recommended.npz"), tmp_path / "predicted.csv"
    assert main(["predict", model, str(tmp_path / "new.csv"), "-o", str(written)]) == 0
    assert rms(predicted(written, target) - truth) < 0.3 * float(truth.std())

    answer = json.loads((out / "recommended.json").read_text())["evidence"]
    assert LAB_NOISE * 0.8 < answer["rmse"] < 2.0 * LAB_NOISE
    assert answer["linear"] > 2.0 * answer["rmse"]
    assert answer["n_test"] == N + 1 - 4
    importance = {own["column"]: own for own in answer["importance"]}
    assert list(importance)[:3] == ["T / °C", "t / h", "solvent"]
    assert importance["humidity (%)"]["value"] < 0.1 * importance["solvent"]["value"]
    assert set(importance) == {"date", "T / °C", "t / h", "solvent", "humidity (%)"}

    # A stranger who reads the first screen alone can say what is predicted, how well, and what matters.
    text = page_of(out / "report.html").text
    first = text[: text.index("How the columns act", text.index("is predicted to"))]
    for words in (
        "yield / % is predicted to ±",
        "a linear model:",
        "guessing the mean:",
        "What matters most: T / °C",
    ):
        assert words in first
    assert f"{answer['n_params']} parameters" in first


def test_a_quick_sweep_and_the_search_give_the_same_verdict(tmp_path: Path) -> None:
    write_lab(tmp_path / "lab.csv", N, 0, messy=False)
    asked = [str(tmp_path / "lab.csv"), "--target", "yield / %", "--classes", "one-hot", "--dates", "days"]
    assert main(["run", *asked, "--out", str(tmp_path / "run"), "--jobs", "1", "--seeds", "1"]) == 0
    assert main(["auto", *asked, "--out", str(tmp_path / "auto"), "--no-report"]) == 0
    models = [load_model(tmp_path / name / "recommended.npz") for name in ("run", "auto")]
    assert [model.width for model in models] == [models[0].width] * 2
    assert [model.grid for model in models] == [models[0].grid] * 2
