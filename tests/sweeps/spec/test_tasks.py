"""Datasets from names, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeps.errors import UserError
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.spec_reader import csv_spec, suite_spec
from sweeps.spec.sweep_spec import CsvSource, DataSpec, SuiteSource, SweepSpec
from sweeps.spec.table_rows import file_sha256


def table(path: Path, rows: int = 50) -> Path:
    x = np.linspace(-1.0, 1.0, 2 * rows).reshape(rows, 2)
    lines = [f"{a!r},{b!r},{a * b!r}" for a, b in x.tolist()]
    path.write_text("\n".join(["a,b,y", *lines]) + "\n")
    return path


def suite_config(name: str, **data: Any) -> dict[str, Any]:
    return {"task": name, "data": {"n_train": 40, "n_test": 10, "seed": 0, "val_fraction": 0.25} | data}


def csv_config(path: Path) -> dict[str, Any]:
    spec = csv_spec(path, "quick", "y")
    return dict(expand(spec, tasks.describe(spec))[0].config)


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_cache", type(tasks._cache)())


@pytest.mark.parametrize(
    ("suite", "count"),
    [("toy", 5), ("special", 15), ("feynman", 27), ("lennard-jones", 1), ("difficult", 5), ("families", 23)],
)
@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_every_suite_expands_with_every_preset(suite: str, count: int, preset: str) -> None:
    spec = suite_spec(suite, preset)
    infos = tasks.describe(spec)
    assert len(infos) == count
    runs = expand(spec, infos)
    assert {run.task for run in runs} == set(infos)
    assert {run.family for run in runs} == {"kan", "mlp"}


def test_a_quick_sweep_of_the_special_functions_trains_at_least_300_models() -> None:
    spec = suite_spec("special", "quick")
    runs = expand(spec, tasks.describe(spec))
    assert sum(len(run.config.get("grids", [0])) for run in runs) >= 300


def test_suite_data_is_split_by_its_seed() -> None:
    data = tasks.load_dataset(suite_config("toy/product"))
    assert {part: data[f"{part}_input"].shape for part in ("train", "val", "test")} == {
        "train": (30, 2),
        "val": (10, 2),
        "test": (10, 2),
    }
    np.testing.assert_allclose(data["val_label"][:, 0], data["val_input"].prod(axis=1), atol=1e-15)
    whole = tasks.load_dataset(suite_config("toy/product", val_fraction=0.0))
    assert "val_input" not in whole
    together = np.concatenate([data["train_input"], data["val_input"]])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(whole["train_input"], axis=0))


def test_the_same_configuration_gives_the_same_bits() -> None:
    first = tasks.load_dataset(suite_config("special/jv"))
    assert tasks.load_dataset(suite_config("special/jv")) is first
    tasks._cache.clear()
    second = tasks.load_dataset(suite_config("special/jv"))
    for key in ("train_input", "val_label", "test_input"):
        assert first[key].tobytes() == second[key].tobytes()
    other = tasks.load_dataset(suite_config("special/jv", seed=1))
    assert not np.array_equal(first["train_input"], other["train_input"])


def test_only_the_last_datasets_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [suite_config("toy/product", seed=seed) for seed in range(10)]
    made = [tasks.load_dataset(config) for config in configs]
    assert all(tasks.load_dataset(config) is data for config, data in zip(configs, made, strict=True))
    monkeypatch.setattr(tasks, "_CACHE_BYTES", 4 * tasks._n_bytes(made[0]))
    last = tasks.load_dataset(suite_config("toy/product", seed=10))
    assert len(tasks._cache) == 4
    assert tasks.load_dataset(configs[9]) is made[9]
    monkeypatch.setattr(tasks, "_CACHE_BYTES", 0)
    other = suite_config("toy/product", seed=11)
    assert tasks.load_dataset(other) is tasks.load_dataset(other) is not last
    assert len(tasks._cache) == 1


def test_sizes_of_a_specification_reach_the_configuration() -> None:
    spec = SweepSpec("s", SuiteSource("toy", ("product",)), (), data=DataSpec(n_train=77))
    (info,) = tasks.describe(spec).values()
    assert info.name == "toy/product"
    assert info.data == {"n_train": 77, "n_test": 1000}
    assert {part: info.description[f"n_{part}"] for part in ("train", "val", "test")} == {
        "train": 62,
        "val": 15,
        "test": 1000,
    }
    assert info.description["formula"]
    assert len(info.description["variables"]) == info.n_in == 2


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.33])
def test_a_description_counts_the_samples_of_the_dataset(fraction: float) -> None:
    data = DataSpec(n_train=77, n_test=10, val_fraction=fraction)
    spec = SweepSpec("s", SuiteSource("toy", ("product",)), (), data=data)
    (info,) = tasks.describe(spec).values()
    dataset = tasks.load_dataset(suite_config("toy/product", **info.data, val_fraction=fraction))
    for part in ("train", "val", "test"):
        assert info.description.get(f"n_{part}") == (
            len(dataset[f"{part}_input"]) if f"{part}_input" in dataset else None
        )


def test_too_few_samples_to_train_are_refused_before_the_sweep() -> None:
    data = DataSpec(n_train=2, val_fraction=0.9)
    spec = SweepSpec("s", SuiteSource("toy", ("product",)), (), data=data)
    with pytest.raises(UserError, match=r"n_train = 2 with val_fraction = 0\.9: 2 rows cannot be split"):
        tasks.describe(spec)


def test_descriptions_say_what_is_left_out() -> None:
    spec = suite_spec("toy", "quick")
    told = tasks.descriptions(spec, tasks.describe(spec))
    assert told["toy/product"]["left_out"] == []
    assert "KAN models are left out" in told["toy/highdim"]["left_out"][0]


def test_a_table_becomes_a_task(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv")
    (info,) = tasks.describe(csv_spec(path, "quick", "y")).values()
    assert info.name == "csv/mine"
    assert info.shape == (2, 5, 1)
    assert info.data["sha256"] == file_sha256(path)
    assert info.data["features"] == ["a", "b"]
    dataset = tasks.load_dataset(csv_config(path), str(path))
    assert sum(len(dataset[f"{part}_input"]) for part in ("train", "val", "test")) == 50


def test_the_path_of_a_table_is_not_part_of_the_identity(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    here, there = table(tmp_path / "mine.csv"), table(tmp_path / "other" / "mine.csv")
    assert csv_config(here) == csv_config(there)
    there.write_text(there.read_text().replace("a,b,y", "a,c,y"))
    assert csv_config(here) != csv_config(there)


def test_a_table_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv")
    config = csv_config(path)
    path.write_text(path.read_text() + "0.5,0.5,0.25\n")
    with pytest.raises(ValueError, match="has changed since the sweep was planned"):
        tasks.load_dataset(config, str(path))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SuiteSource("specail"), r"suite is 'specail'.* Did you mean 'special'\?"),
        (SuiteSource("special", ("jw",)), r"a task of suite special is 'jw'.* Did you mean 'jv'\?"),
        (CsvSource("no/such.csv", "y"), "cannot read the table no/such.csv: No such file"),
    ],
)
def test_unknown_names_are_refused(source: SuiteSource | CsvSource, message: str) -> None:
    with pytest.raises(UserError, match=message):
        tasks.describe(SweepSpec("s", source, ()))


def test_text_in_a_numeric_column_is_named_with_row_and_column(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv")
    lines = path.read_text().splitlines()
    lines[7] = "0.1,oops,0.2"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"(?s)row 8.*'b'|'b'.*row 8"):
        tasks.describe(csv_spec(path, "quick", "y"))
    with pytest.raises(UserError, match="target"):
        tasks.describe(csv_spec(table(tmp_path / "good.csv"), "quick", "z"))


def test_the_overview_names_all_suites() -> None:
    overview = tasks.suite_overview()
    assert list(overview)[:4] == ["toy", "special", "feynman", "lennard-jones"]
    assert list(overview)[4:] == ["difficult", "friedman", "families", "pde", "study"]
    assert "jv" in overview["special"][1]
