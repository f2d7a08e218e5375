"""Studies as tasks of a specification, and the parts of the paper."""

from __future__ import annotations

from typing import Any

import pytest

from sweeps.errors import UserError
from sweeps.run_one import tiny_configs
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.paper import PAPER_PRESETS, parts
from sweeps.spec.spec_reader import parse_spec, suite_spec
from sweeps.spec.studies import study_names, study_values
from sweeps.studies import SEARCHES, study_of

SMALL: dict[str, Any] = {
    "suite": "study",
    "tasks": ["continual"],
    "seeds": 2,
    "models": [{"family": "study", "method": ["kan", "mlp"], "quick": True}],
}


def refused(**changes: Any) -> str:
    spec = parse_spec(SMALL | changes, "test", "test")
    with pytest.raises(UserError) as caught:
        tasks.describe(spec)
    return str(caught.value)


def test_a_run_is_a_method_and_a_seed() -> None:
    spec = parse_spec(SMALL, "test", "test")
    runs = expand(spec, tasks.describe(spec))
    assert [(run.task, run.config["method"], run.config["seed"]) for run in runs] == [
        ("study/continual", method, seed) for method in ("kan", "mlp") for seed in (0, 1)
    ]
    assert all(run.config["quick"] is True for run in runs)


def test_what_is_not_quick_does_not_say_so() -> None:
    values = SMALL | {"models": [{"family": "study", "method": "kan", "quick": False}]}
    spec = parse_spec(values, "test", "test")
    assert all("quick" not in run.config for run in expand(spec, tasks.describe(spec)))


def test_a_specification_is_read_as_it_is_written() -> None:
    spec = parse_spec(study_values(quick=True), "test", "test")
    assert parse_spec(spec.to_dict(), "test", "test") == spec


def test_methods_are_those_of_the_study() -> None:
    assert "'mlq'" in refused(models=[{"family": "study", "method": ["mlq"]}])
    assert "Did you mean 'mlp'?" in refused(models=[{"family": "study", "method": ["mlq"]}])


def test_methods_have_to_be_named() -> None:
    with pytest.raises(UserError, match="method is missing"):
        parse_spec(SMALL | {"models": [{"family": "study"}]}, "test", "test")


def test_no_other_family_measures_studies() -> None:
    assert "measures no studies" in refused(models=[{"family": "mlp", "hidden": [[3]]}])


def test_studies_are_measured_as_tasks_of_their_suite_alone() -> None:
    assert "take suite = 'study'" in refused(suite="toy", tasks=["product"])


def test_a_study_that_is_not_there() -> None:
    assert "Did you mean 'continual'?" in refused(tasks=["continua"])


def test_a_study_has_no_samples_to_ask_for() -> None:
    with pytest.raises(UserError, match="n_train"):
        parse_spec(SMALL | {"data": {"n_train": 10}}, "test", "test")


def test_all_studies_are_a_suite() -> None:
    for preset in PAPER_PRESETS:
        spec = suite_spec("study", preset)
        runs = expand(spec, tasks.describe(spec))
        assert {run.task for run in runs} == {f"study/{name}" for name in study_names()}
        for name in study_names():
            methods = {run.config["method"] for run in runs if run.task == f"study/{name}"}
            assert methods == set(study_of(name).METHODS)


def test_workers_find_the_kernels_of_studies_compiled() -> None:
    assert set(study_names()) >= SEARCHES
    for name, families in (("continual", {"kan"}), ("formulas", {"kan", "formula"})):
        spec = parse_spec(study_values([name]), "test", "test")
        tiny = tiny_configs(run.config for run in expand(spec, tasks.describe(spec)))
        assert {config["family"] for config in tiny} == families


@pytest.mark.parametrize("preset", PAPER_PRESETS)
@pytest.mark.parametrize("name", parts())
def test_every_part_of_the_paper_can_be_planned(name: str, preset: str) -> None:
    spec = parts()[name].spec(preset)
    assert expand(spec, tasks.describe(spec))


@pytest.mark.parametrize("name", [name for name, part in parts().items() if not part.is_study])
def test_parts_are_tried_on_several_sets_of_samples(name: str) -> None:
    assert len(parts()[name].spec("quick").data.seeds) >= 3
    assert len(parts()[name].spec("full").data.seeds) >= (2 if name == "pde" else 5)


def test_parts_have_the_tasks_of_the_paper() -> None:
    counts = {"toy": 5, "special": 15, "feynman": 27}
    for name, count in counts.items():
        for preset in PAPER_PRESETS:
            assert len(tasks.describe(parts()[name].spec(preset))) == count
    assert "pde/poisson_paper" in tasks.describe(parts()["pde"].spec("quick"))


def test_a_preset_of_the_paper_is_quick_or_full() -> None:
    with pytest.raises(UserError, match="quick, full"):
        parts()["toy"].spec("pde")
