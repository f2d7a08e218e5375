"""What `status` and `list` print: of runs of the present plan, and how others are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic

from sweeps.commands.overview import run_lines, status_lines
from sweeps.commands.watch import Watch
from sweeps.storage.store import Store

DATA = {"target": "y", "features": ["a"], "sha256": "0" * 64, "folds": 2, "seed": 0, "val_fraction": 0.2}


def made(target: str, fold: int, **changes: Any) -> dict[str, Any]:
    options = {"data": DATA | {"target": target}, "fold": fold}
    return synthetic.kan_record("csv/t", [1, 2, 1], 0, np.random.default_rng(fold), options=options) | changes


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A sweep of the target z where one of y was before, whose runs were slower and failed."""
    before = [made("y", fold, status="failed", reason="other", wall_s=99.0) for fold in (0, 1)]
    now = [made("z", fold) for fold in (0, 1)]
    with Store.create(tmp_path, {"title": "t"}, "kan-sweep run t.csv --target z") as store:
        store.add_all(before)
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in now])
        store.add(now[1])
    return tmp_path


def test_a_list_names_folds_and_targets_and_what_is_not_planned(mixed: Path) -> None:
    with Store.open(mixed, readonly=True) as store:
        note, _, *rows = run_lines(store)
        lines = sorted(line.partition("csv/t: ")[2] for line in rows)
    assert note == "errors are RMSE in standard deviations of the target"
    model = "kan [1,2,1] k=3 G=3,5,10,20 LM  seed 0"
    assert lines == [
        f"y  {model}  fold 0  (not in the present plan)",
        f"y  {model}  fold 1  (not in the present plan)",
        f"z  {model}  fold 1",
    ]


def test_a_status_is_about_the_present_plan_alone(mixed: Path) -> None:
    with Store.open(mixed, readonly=True) as store:
        text = "\n".join(status_lines(store))
    assert "2 runs planned, 1 recorded, 1 to do; 0 failed; 4 models trained" in text
    assert "2 more runs are recorded that the present plan does not ask for" in text
    assert "99.00 s" not in text
    assert "csv/t: z" in text
    assert "csv/t: y" not in text
    assert "failures" not in text


def test_a_watched_sweep_shows_nothing_of_an_earlier_plan(mixed: Path) -> None:
    with Store.open(mixed, readonly=True) as store:
        sight = Watch(store).look()
    assert (sight.recorded, sight.failed, sight.failing) == (1, 0, ())
    assert [count for _, _, count in sight.slowest] == [1]


def test_one_is_not_written_as_several(tmp_path: Path) -> None:
    record = made("y", 0)
    with Store.create(tmp_path, {"title": "t"}, "") as store:
        store.set_plan([(record["run_id"], record["task"], record["family"], record["config"])])
        store.add_all([record, made("y", 1)])
        lines = status_lines(store)
    assert lines[1] == "1 run planned, 1 recorded, 0 to do; 0 failed; 4 models trained"
    assert lines[2].startswith("1 more run is recorded")
