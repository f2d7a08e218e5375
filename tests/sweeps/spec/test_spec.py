"""Specifications: reading, refusing, expanding."""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.families.family import SUGGESTED
from sweeps.records import canonical_json
from sweeps.spec import spec_reader
from sweeps.spec.expansion import expand, left_out, with_scaled_bound
from sweeps.spec.run_config import RunConfig, option, run_id
from sweeps.spec.spec_reader import csv_spec, parse_spec, preset_names, read_spec, suite_spec
from sweeps.spec.sweep_spec import CsvSource, SuiteSource, SweepSpec, TaskInfo

TASKS = {
    "special/jv": TaskInfo("special/jv", (2, 2, 1), {"n_train": 1000, "n_test": 500}, {}),
    "toy/highdim": TaskInfo("toy/highdim", (100, 1, 1), {"n_train": 1000, "n_test": 500}, {}),
}
KAN: dict[str, Any] = {"family": "kan", "hidden": [[5]], "grids": [3, 5]}
MLP: dict[str, Any] = {"family": "mlp", "hidden": [[5]]}


def spec_of(*models: dict[str, Any], **values: Any) -> SweepSpec:
    return parse_spec({"suite": "special", "models": list(models)} | values, "spec.toml", "spec")


#: Presets of samples; that of equations has tests of its own.
PRESETS = [name for name in preset_names() if name != "pde"]


def configs(spec: SweepSpec) -> list[RunConfig]:
    return expand(spec, {"special/jv": TASKS["special/jv"]})


def documented_example() -> dict[str, Any]:
    text = spec_reader.__doc__ or ""
    lines = text.split("::\n", 1)[1].split("\nA table stands", 1)[0].splitlines()
    return tomllib.loads("\n".join(line.removeprefix("    ") for line in lines))


def test_the_documented_example_is_a_specification() -> None:
    spec = parse_spec(documented_example(), "example", "example")
    assert spec.source == SuiteSource("special", ("jv", "yv"))
    assert spec.seeds == (0, 1, 2)
    kan, mlp, formula, linear, additive, sklearn = spec.models
    assert kan.hidden == (SUGGESTED, (5,), (5, 5))
    assert dict(kan.axes)["grids"] == ((3, 5, 10, 20),)
    assert set(mlp.hidden) == {(5,), (5, 5), (20,), (20, 20)}
    assert dict(formula.axes) == {"seconds": (60.0,), "restarts": (6,)}
    assert linear.axes == ()
    assert dict(additive.axes)["smoothing"] == ("gcv",)
    assert dict(sklearn.axes)["solver"] == ("lbfgs", "adam")
    assert len(configs(spec)) == 3 * (3 + 4 * 2 + 1 + 1 + 1 + 2 * 2)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_specification_survives_json(preset: str) -> None:
    for spec in (suite_spec("special", preset), csv_spec("a.csv", preset, "y", ("a", "b"))):
        plain = json.loads(json.dumps(spec.to_dict()))
        assert parse_spec(plain, "stored", "none") == spec


def test_lists_are_axes_and_a_table_is_their_product() -> None:
    table = KAN | {"hidden": [[2], [5, 5]], "k": [2, 3], "steps": [10, 20], "grids": [[3, 5], [4, 8]]}
    runs = configs(spec_of(table, seeds=2))
    assert len(runs) == 2 * 2 * 2 * 2 * 2
    assert len({run.run_id for run in runs}) == len(runs)
    assert {tuple(run.config["width"]) for run in runs} == {(2, 2, 1), (2, 5, 5, 1)}
    assert [run.config["seed"] for run in runs[:2]] == [0, 1]


@pytest.mark.parametrize(
    ("family", "axes"),
    [
        ("kan", {"opt": ["LM", "LBFGS", "auto"], "restarts": [1, 4]}),
        ("mlp", {"opt": ["LM", "LBFGS", "auto"], "restarts": [1, 4]}),
        ("kan", {"init": ["pykan", "power", "wide"], "smoothing": [0, 1e-3, "gcv", "weak"]}),
        ("kan", {"extrapolation": ["smooth", "linear"], "grids": [[3, 5], [3, 6]]}),
    ],
)
def test_the_optimizer_and_the_schedule_are_axes(family: str, axes: dict[str, Any]) -> None:
    runs = configs(spec_of({"kan": KAN, "mlp": MLP}[family] | axes))
    found = {canonical_json([option(run.config, name) for name in axes]) for run in runs}
    asked = itertools.product(*([float(v) if v == 0 else v for v in values] for values in axes.values()))
    assert found == {canonical_json(list(values)) for values in asked}
    assert len({run.run_id for run in runs}) == len(runs) == len(found)


def test_options_enter_a_configuration_only_where_they_are_not_the_default() -> None:
    plain = configs(spec_of(KAN))[0]
    assert not {"init", "smoothing", "extrapolation"} & plain.config.keys()
    assert option(plain.config, "init") is None
    runs = configs(spec_of(KAN | {"smoothing": ["weak", "gcv"], "init": "pykan"}))
    assert [run.config.get("smoothing") for run in runs] == [None, "gcv"]
    assert [run.config["init"] for run in runs] == ["pykan", "pykan"]


def test_a_run_of_an_earlier_format_is_another_run_with_other_defaults() -> None:
    new = dict(configs(spec_of(KAN))[0].config)
    old = new | {"format": 1}
    assert run_id(old) != run_id(new)
    assert (option(old, "extrapolation"), option(new, "extrapolation")) == ("linear", "smooth")


def test_a_configuration_holds_what_the_results_depend_on() -> None:
    (run,) = configs(spec_of(KAN | {"steps": 7, "grid_eps": 0.5}, data={"seed": 4, "val_fraction": 0.1}))
    assert run.config == {
        "format": 2,
        "task": "special/jv",
        "data": {"n_train": 1000, "n_test": 500, "seed": 4, "val_fraction": 0.1},
        "family": "kan",
        "width": [2, 5, 1],
        "k": 3,
        "grids": [3, 5],
        "opt": "auto",
        "steps": 7,
        "restarts": 1,
        "grid_eps": 0.5,
        "seed": 0,
    }
    assert run.run_id == run_id(run.config)
    assert len(run.run_id) == 16


@pytest.mark.parametrize("max_params", [None, 300])
def test_ids_are_those_of_the_configurations_and_survive_json(max_params: int | None) -> None:
    kans = KAN | {
        "hidden": ["suggested", [5]],
        "grids": [[3, 5, 20], [4]],
        "grid_eps": [0.5, 1.0],
        "smoothing": [0, "gcv"],
        "init": ["wide", "power"],
        "restarts": [1, 2],
    }
    spec = spec_of(kans, MLP | {"activation": ["tanh", "silu"]}, seeds=[3, 7])
    runs = expand(replace(spec, max_params=max_params), TASKS)
    assert len(runs) > 100
    for run in runs:
        assert run.run_id == run_id(run.config)
        assert json.loads(canonical_json(run.config)) == run.config
        assert (run.task, run.family) == (run.config["task"], run.config["family"])


def test_duplicates_are_runs_once() -> None:
    twice = spec_of(KAN, KAN | {"hidden": ["suggested", [2], [5]]})
    assert len(configs(twice)) == 2  # the suggested shape of this task is [2, 2, 1] too


def test_the_order_of_tables_and_keys_does_not_change_ids() -> None:
    one = configs(spec_of(KAN, MLP, seeds=2))
    other = configs(spec_of(dict(reversed(MLP.items())), dict(reversed(KAN.items())), seeds=[1, 0]))
    assert {run.run_id for run in one} == {run.run_id for run in other}
    assert [run.run_id for run in one] == [run.run_id for run in configs(spec_of(KAN, MLP, seeds=2))]


def test_title_and_kept_models_do_not_change_ids() -> None:
    spec = spec_of(KAN)
    other = replace(spec, title="another", save_models="none")
    assert configs(spec) == configs(other)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=5), st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)))
def test_ids_depend_on_content_not_on_order(config: dict[str, Any]) -> None:
    assert run_id(config) == run_id(dict(reversed(config.items())))
    assert run_id(config) != run_id(config | {"one more": 1})


def test_width_and_depth_are_joined_with_hidden() -> None:
    spec = spec_of(KAN | {"hidden": ["suggested", [7]], "width": 5, "depth": [2, 3, 6]})
    assert spec.models[0].hidden == (SUGGESTED, (7,), (5,), (5, 5), (5, 5, 5, 5, 5))


def test_max_params_cuts_grids_and_leaves_out_shapes() -> None:
    table = {"family": "kan", "hidden": ["suggested", [5]], "grids": [3, 5, 10, 20]}
    spec = spec_of(table, MLP | {"hidden": [[5], [50]]}, max_params=2000)
    runs = expand(spec, TASKS)
    for run in runs:
        if run.family == "kan":
            assert family_of("kan").n_params(run.config, run.config["grids"][-1]) <= 2000
        else:
            assert family_of("mlp").n_params(run.config) <= 2000
    wide = [run.config for run in runs if run.task == "toy/highdim" and run.family == "kan"]
    assert [(c["width"], c["grids"]) for c in wide] == [([100, 1, 1], [3, 5, 10])]


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(UserError, match="max_params = 10 leaves out every model"):
        configs(spec_of(KAN, max_params=10))


@pytest.mark.parametrize(
    "spelt",
    [
        {"base_fun": "silu"},
        {"edges": "bspline"},
        {"grid_eps": 1},
        {"smoothing": "weak"},
        {"extrapolation": ["smooth"], "base_fun": "silu", "grid_eps": 1.0, "smoothing": ["weak"]},
    ],
)
def test_a_default_that_is_spelt_out_changes_no_id(spelt: dict[str, Any]) -> None:
    assert configs(spec_of(KAN | spelt)) == configs(spec_of(KAN))
    both = configs(spec_of(KAN | {"base_fun": ["silu", "zero"]}))
    assert [run.config.get("base_fun") for run in both] == [None, "zero"]
    assert both[0] == configs(spec_of(KAN))[0]


def test_what_the_bound_leaves_out_is_counted_by_task_and_family() -> None:
    # KAN 2-5-1: 15 edges of 7 and 9; 2-2-1: 6 edges; 100-5-1 and 100-1-1: 505 and 101 edges. MLP 2-5-1: 21.
    spec = spec_of(KAN | {"hidden": ["suggested", [5]]}, MLP, max_params=120, seeds=3)
    assert left_out(spec, TASKS) == {
        "special/jv": [
            "1 of 4 KAN models are left out, for they have more than max_params = 120 parameters "
            "(the largest has 135)."
        ],
        "toy/highdim": [
            "all 4 KAN models are left out, for they have more than max_params = 120 parameters "
            "(the largest has 4545).",
            "all 1 MLP models are left out, for they have more than max_params = 120 parameters "
            "(the largest has 511).",
        ],
    }
    assert left_out(replace(spec, max_params=None), TASKS) == {"special/jv": [], "toy/highdim": []}
    twice = replace(spec, models=spec.models * 2)
    assert left_out(twice, TASKS) == left_out(spec, TASKS)


def test_the_bound_of_a_preset_grows_with_the_columns_of_a_table() -> None:
    spec = csv_spec("a.csv", "quick", "y")
    assert spec.max_params == 5000
    wide = {"csv/a": TaskInfo("csv/a", (200, 10, 1), {}, {})}
    scaled = with_scaled_bound(spec, wide)
    assert scaled.max_params == 500_000
    assert left_out(scaled, wide) == {"csv/a": []}
    assert {run.family for run in expand(scaled, wide)} == {"kan", "mlp", "linear", "additive"}
    assert with_scaled_bound(spec, {"csv/a": TaskInfo("csv/a", (1, 3, 1), {}, {})}) == spec
    unbound = replace(spec, max_params=None)
    assert with_scaled_bound(unbound, wide) == unbound


def test_presets_are_small_for_quick_and_complete_for_paper() -> None:
    quick = configs(suite_spec("special", "quick"))
    assert {run.config["seed"] for run in quick} == {0, 1}
    assert {tuple(run.config["width"]) for run in quick if run.family == "kan"} == {
        (2, 2, 1),
        (2, 5, 1),
        (2, 5, 5, 1),
    }
    paper = configs(suite_spec("special", "paper"))
    kans = [run.config for run in paper if run.family == "kan"]
    mlps = [run.config for run in paper if run.family == "mlp"]
    assert {len(config["width"]) - 1 for config in kans} == {2, 3, 4, 5, 6}
    assert {len(config["width"]) - 1 for config in mlps} == {2, 3, 4, 5, 6}
    assert {config["width"][1] for config in mlps} == {5, 100}
    assert {config["activation"] for config in mlps} == {"tanh", "relu", "silu"}
    assert all(config["grids"] == [3, 5, 10, 20, 50, 100, 200] for config in kans)
    assert {config["seed"] for config in kans} == {0, 1, 2}


@pytest.mark.parametrize("preset", PRESETS)
def test_baselines_get_the_steps_seeds_and_optimizer_of_kans(preset: str) -> None:
    runs = configs(suite_spec("special", preset))
    by_family = {family: [run.config for run in runs if run.family == family] for family in ("kan", "mlp")}
    steps = {family: set() for family in by_family}
    for family, members in by_family.items():
        # "linear" edges have one size, so that their chain is shorter
        several = [config for config in members if config.get("grids") != [1]]
        steps[family] = {config["steps"] * len(config.get("grids", [0])) for config in several}
    assert steps["kan"] == steps["mlp"]
    for key in ("seed", "opt", "restarts"):
        assert {c[key] for c in by_family["kan"]} == {c[key] for c in by_family["mlp"]}


def test_a_table_in_a_file_is_found_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(
        'csv = "data/a.csv"\ntarget = "y"\n[data]\ntest_fraction = 0.3\n'
        '[[models]]\nfamily = "mlp"\nhidden = [[5]]\n'
    )
    spec = read_spec(path)
    assert spec.source == CsvSource(str(tmp_path / "data" / "a.csv"), "y")
    assert spec.title == "spec"
    assert spec.data.test_fraction == 0.3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no [[models]] table"),
        ({"models": {}}, "models is {}; expected one or more [[models]] tables"),
        ({"model": [KAN]}, "unknown key 'model'. Did you mean 'models'?"),
        ({"models": [KAN], "csv": "a.csv"}, "either suite = '...' or csv"),
        ({"models": [KAN], "seeds": 0}, "seeds is 0; expected how many seeds"),
        ({"models": [KAN], "seeds": []}, "seeds is []"),
        ({"models": [KAN], "seeds": True}, "seeds is True"),
        ({"models": [KAN], "seeds": [-1]}, "seeds is [-1]"),
        ({"models": [KAN], "tasks": []}, "an empty axis leaves nothing to run"),
        ({"models": [KAN], "title": 3}, "title is 3; expected a text in quotes"),
        ({"models": [KAN], "save_models": "bset"}, "Did you mean 'best'?"),
        ({"models": [KAN], "max_params": 0.5}, "max_params is 0.5; expected an integer >= 1"),
        ({"models": [KAN], "data": {"n_trian": 5}}, "[data]: unknown key 'n_trian'. Did you mean 'n_train'?"),
        ({"models": [KAN], "data": {"test_fraction": 0.2}}, "unknown key 'test_fraction'"),
        ({"models": [KAN], "data": {"n_train": 1}}, "n_train is 1; expected an integer >= 2"),
        ({"models": [KAN], "data": {"val_fraction": 1.0}}, "expected a number from 0 to 0.9"),
        ({"models": [KAN], "data": 5}, "data is 5; expected a table"),
        ({"models": [{"hidden": [[5]]}]}, "[[models]] number 1: family is missing"),
        (
            {"models": [KAN, {"family": "knn"}]},
            "number 2: family is 'knn'; expected one of kan, mlp",
        ),
        ({"models": [{"family": "kan"}]}, "no shapes"),
        ({"models": [KAN | {"hidden": []}]}, "an empty axis leaves nothing to run"),
        ({"models": [KAN | {"hidden": [5]}]}, "every shape a list of hidden widths"),
        ({"models": [KAN | {"hidden": [[0]]}]}, "every shape a list of hidden widths"),
        ({"models": [KAN | {"hidden": "sugested"}]}, "or 'suggested'"),
        ({"models": [MLP | {"hidden": "suggested"}]}, "hidden is 'suggested'; expected a list of shapes"),
        ({"models": [KAN | {"width": 5}]}, "width and depth go together"),
        ({"models": [KAN | {"width": 5, "depth": 1}]}, "depth is 1; expected an integer from 2"),
        ({"models": [KAN | {"width": [], "depth": 2}]}, "an empty axis leaves nothing to run"),
        ({"models": [KAN | {"grid": [3]}]}, "unknown key 'grid'. Did you mean 'grids'?"),
        ({"models": [KAN | {"grids": [5, 3]}]}, "a list of grid sizes that grow"),
        ({"models": [KAN | {"grids": []}]}, "a list of grid sizes that grow"),
        ({"models": [KAN | {"k": 6}]}, "k is 6; expected an integer from 0 to 5"),
        ({"models": [KAN | {"k": "3"}]}, "k is '3'"),
        (
            {"models": [KAN | {"opt": "LBFSG"}]},
            "opt is 'LBFSG'; expected one of LBFGS, LM, L-BFGS-B, BFGS, CG, TNC, SLSQP, Newton-CG, "
            "trust-ncg, trf, dogbox, Adam, SGD, auto, LM-normal. Did you mean 'LBFGS'?",
        ),
        ({"models": [MLP | {"opt": "Auto"}]}, "Did you mean 'auto'?"),
        ({"models": [MLP | {"opt": []}]}, "an empty axis leaves nothing to run"),
        ({"models": [MLP | {"restarts": 0}]}, "restarts is 0; expected an integer >= 1"),
        ({"models": [MLP | {"init": "power"}]}, "unknown key 'init'"),
        ({"models": [MLP | {"smoothing": 0.1}]}, "unknown key 'smoothing'"),
        ({"models": [KAN | {"init": "powr"}]}, "Did you mean 'power'?"),
        (
            {"models": [KAN | {"smoothing": -1}]},
            "smoothing is -1; expected a number >= 0, or 'gcv' or 'weak'.",
        ),
        ({"models": [KAN | {"smoothing": ["gvc"]}]}, "or 'gcv' or 'weak'. Did you mean 'gcv'?"),
        ({"models": [KAN | {"smoothing": math.nan}]}, "expected a number >= 0"),
        ({"models": [KAN | {"smoothing": math.inf}]}, "expected a number >= 0"),
        ({"models": [KAN | {"smoothing": True}]}, "smoothing is True; expected a number >= 0"),
        ({"models": [KAN | {"extrapolation": "smoth"}]}, "Did you mean 'smooth'?"),
        ({"models": [KAN | {"activation": "tanh"}]}, "unknown key 'activation'"),
        ({"models": [KAN | {"base_fun": "sliu"}]}, "Did you mean 'silu'?"),
        ({"models": [MLP | {"activation": ["tanh", "rleu"]}]}, "Did you mean 'relu'?"),
        ({"models": [MLP | {"steps": 0}]}, "steps is 0; expected an integer >= 1"),
    ],
)
def test_a_mistake_is_named_with_its_place(values: dict[str, Any], message: str) -> None:
    source = {} if "suite" in values else {"suite": "special"}
    with pytest.raises(UserError) as caught:
        parse_spec(source | values, "spec.toml", "spec")
    assert message in str(caught.value)
    assert str(caught.value).startswith("spec.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"suite = ", "is not valid TOML"),
        (b"suite = '\xff'", "is not UTF-8 text"),
        (b"csv = 'a.csv'\nmodels = []", "target is missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_spec(path)
    with pytest.raises(UserError, match=r"cannot read .*none\.toml: No such file"):
        read_spec(tmp_path / "none.toml")


def test_an_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"preset is 'papre'.* Did you mean 'paper'\?"):
        suite_spec("special", "papre")
