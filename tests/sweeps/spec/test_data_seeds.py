"""Several sets of samples in one sweep, and presets that belong to a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeps.errors import UserError
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.spec_reader import csv_spec, parse_spec, preset_names, suite_spec

MLP = {"family": "mlp", "hidden": [[3], [4]], "steps": 2}


def spec_with(seed: Any, **more: Any) -> Any:
    values = {"suite": "difficult", "tasks": ["noise", "kink"], "seeds": 2, "data": {"seed": seed}}
    return parse_spec(values | {"models": [MLP]} | more, "test", "test")


def test_runs_of_several_seeds_of_samples_are_those_of_each_of_them() -> None:
    spec = spec_with([0, 4])
    runs = expand(spec, tasks.describe(spec))
    alone = [run for seed in (0, 4) for s in [spec_with(seed)] for run in expand(s, tasks.describe(s))]
    assert len(runs) == 2 * 2 * 2 * 2
    assert {run.run_id for run in runs} == {run.run_id for run in alone}
    again = parse_spec(spec.to_dict(), "test", "test")
    assert again == spec
    inputs = {str(tasks.load_dataset(run.config)["train_input"][:2]) for run in runs}
    assert len(inputs) == 2


def test_the_description_says_the_seeds_and_the_noise() -> None:
    several, one = tasks.describe(spec_with([0, 4])), tasks.describe(spec_with(4))
    assert several["difficult/noise"].description["data_seeds"] == [0, 4]
    assert several["difficult/noise"].description["noise"] == 0.05
    assert "noise" not in several["difficult/kink"].description
    assert "data_seeds" not in one["difficult/noise"].description


def test_noise_is_on_training_and_validation_samples() -> None:
    spec = spec_with(0)
    (run, *_) = expand(spec, tasks.describe(spec))
    data = tasks.load_dataset(run.config)

    def residual(part: str) -> float:
        x, y = data[f"{part}_input"].T
        return float(np.std(data[f"{part}_label"].ravel() - 2 * np.sin(np.pi * x) * np.cos(np.pi * y)))

    assert residual("test") < 1e-14
    assert 0.03 < residual("train") < 0.07
    assert 0.03 < residual("val") < 0.07


def test_a_table_has_one_set_of_samples(tmp_path: Path) -> None:
    values = {"csv": "t.csv", "target": "y", "data": {"seed": [0, 1]}, "models": [MLP]}
    with pytest.raises(UserError, match="seed is a list, and a table has one set of samples"):
        parse_spec(values, "test", "test")
    with pytest.raises(UserError, match=r"expected integers|expected an integer"):
        spec_with([0, -1])


def test_a_suite_may_have_a_preset_and_versions_of_others_of_its_own() -> None:
    assert preset_names() == ["families", "formula", "paper", "pde", "quick"]
    assert suite_spec("families") == suite_spec("families", "families")
    assert suite_spec("special") == suite_spec("special", "quick")
    quick = [
        {dict(table.axes).get("edges") for table in suite_spec(s, "quick").models}
        for s in ("families", "toy")
    ]
    assert quick[1] == {None}
    assert quick[0] != {None}
    with pytest.raises(UserError, match="Did you mean 'families'"):
        suite_spec("special", "familis")
    spec = suite_spec("families")
    assert len(spec.data.seeds) == len(spec.seeds) == 3
    runs = expand(spec, tasks.describe(spec))
    assert len({run.task for run in runs}) == 23
    assert {run.config["data"]["seed"] for run in runs} == {0, 1, 2}


def test_a_table_with_the_preset_of_families_has_one_set_of_samples() -> None:
    spec = csv_spec("table.csv", "families", "y")
    assert spec.data.seeds == (0,)
    assert {table.family for table in spec.models} == {"kan", "mlp", "linear", "additive"}
