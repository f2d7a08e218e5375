"""What is left to do, and in which order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sweeps.records import canonical_json
from sweeps.spec.plan import cost, left_out_lines, make_plan, n_models, n_models_in, plan_lines
from sweeps.spec.run_config import RunConfig, run_id

DATA = {"n_train": 1000}


def kan(width: list[int], grids: list[int], **values: Any) -> dict[str, Any]:
    return {
        "family": "kan",
        "width": width,
        "grids": grids,
        "k": 3,
        "opt": "LBFGS",
        "steps": 10,
        "restarts": 1,
        "data": DATA,
    } | values


def mlp(width: list[int], **values: Any) -> dict[str, Any]:
    return {"family": "mlp", "width": width, "opt": "LBFGS", "steps": 10, "data": DATA} | values


def as_run(config: dict[str, Any], task: str = "toy/product") -> RunConfig:
    return RunConfig(run_id(config | {"task": task}), task, config["family"], config)


RUNS = [
    as_run(mlp([2, 5, 1])),
    as_run(kan([2, 5, 1], [3, 5])),
    as_run(mlp([2, 100, 100, 1])),
    as_run(kan([2, 5, 5, 1], [3, 5, 10]), "toy/expsin"),
]
IDS = [run.run_id for run in RUNS]


def test_everything_is_to_be_done_at_first_longest_first() -> None:
    plan = make_plan(RUNS, recorded=())
    assert (plan.recorded, plan.failed) == (0, 0)
    assert sorted(run.run_id for run in plan.todo) == sorted(IDS)
    costs = [cost(run.config) for run in plan.todo]
    assert costs == sorted(costs, reverse=True)


@given(st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS)), st.booleans(), st.integers(1, 6))
def test_only_missing_runs_are_launched(recorded: set[str], bad: set[str], retry: bool, limit: int) -> None:
    failed = recorded & bad
    plan = make_plan(RUNS, recorded, failed, retry_failed=retry, limit=limit)
    missing = [i for i in IDS if i not in recorded or (retry and i in failed)]
    assert {run.run_id for run in plan.todo} == set(missing[:limit])
    assert (plan.recorded, plan.failed) == (len(recorded), len(failed))


def test_a_finished_sweep_has_nothing_to_do() -> None:
    assert make_plan(RUNS, recorded=IDS, failed=IDS[:1]).todo == ()
    assert [run.run_id for run in make_plan(RUNS, IDS, IDS[:1], retry_failed=True).todo] == IDS[:1]


def test_runs_of_other_specifications_do_not_count() -> None:
    plan = make_plan(RUNS[:2], recorded=[*IDS[1:], "something"], failed=[IDS[3]])
    assert (plan.recorded, plan.failed) == (1, 0)


def test_cost_grows_with_everything_that_takes_time() -> None:
    for opt in ("LBFGS", "LM", "auto", "L-BFGS-B", "trf"):
        base = kan([2, 5, 1], [3, 5], opt=opt)
        for longer in (
            base | {"width": [2, 5, 5, 1]},
            base | {"grids": [3, 5, 10]},
            base | {"steps": 20},
            base | {"restarts": 3},
            base | {"data": {"n_train": 5000}},
        ):
            assert cost(longer) > cost(base)
        small = mlp([2, 5, 1], opt=opt)
        assert cost(small | {"restarts": 2}) > cost(small)
        assert cost(small | {"width": [2, 30, 1]}) > cost(small) > 0.0


def test_auto_costs_what_the_optimizer_costs_that_it_comes_to() -> None:
    for config in (kan([2, 5, 1], [3, 5]), mlp([2, 5, 1])):
        assert cost(config | {"opt": "auto"}) == cost(config | {"opt": "LM"})
        large = config | {"width": [2, 50, 50, 1]}
        assert cost(large | {"opt": "auto"}) == cost(large | {"opt": "LBFGS"})


def test_every_grid_of_a_kan_is_a_model() -> None:
    assert n_models(kan([2, 5, 1], [3, 5, 10])) == 3
    assert n_models(mlp([2, 5, 1])) == 1
    for config in (kan([2, 5, 1], [3, 5, 10]), kan([2, 5, 1], [7]), mlp([2, 5, 1])):
        assert n_models_in(canonical_json(config)) == n_models(config)


def test_the_printed_plan_counts_runs_and_models() -> None:
    lines = plan_lines(RUNS, make_plan(RUNS, recorded=IDS[:1]))
    assert lines[0].split() == ["family", "shape", "runs", "models", "todo"]
    assert ["kan", "2-5-5-1", "1", "3", "1"] in [line.split() for line in lines]
    assert ["toy/product", "3", "4", "2"] in [line.split() for line in lines]
    assert lines[-1] == (
        "4 runs in all, 1 recorded (0 of them failed); 3 to launch, which train about 6 models."
    )


def test_what_is_left_out_is_said_once_for_all_tasks() -> None:
    lines = left_out_lines({"s/a": ["kans.", "mlps."], "s/b": [], "s/c": ["mlps."]})
    assert lines == ["s/a: kans.", "s/a, s/c: mlps."]
