"""Families of models: what each knows of itself, held against kan_np and against ids of earlier versions."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

import kan_np
from kan_np import options
from kan_np.edges.registry import family_names
from sweeps.checks import TomlTable
from sweeps.errors import UserError
from sweeps.families import BASELINES, FAMILIES, NETWORKS, SEARCHES, by_family, family_of, networks
from sweeps.families.kan import KAN_DEFAULTS
from sweeps.run_one import RunOptions, run_one
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.model_tables import model_tables, with_formulas
from sweeps.spec.run_config import option
from sweeps.spec.spec_reader import parse_spec, suite_spec

#: By suite and preset: how many runs, the id of the first one, and the hash of all ids. They are the names of
#: results that users have stored: none may ever change, nor their order.
RUNS_OF_PRESETS = {
    ("special", "formula"): (15, "e95627c66e86ad19", "bd998f94c4b7bd2e"),
    ("feynman", "formula"): (27, "013240c0b6ccc9e0", "027368a57063dffd"),
    ("toy", "formula"): (5, "1c97435cd05404c6", "c1e95076c1adbaa9"),
    ("special", "paper"): (1665, "4c014a96a09672dd", "a5b8925284ba3cdf"),
    ("feynman", "paper"): (2997, "2f168c9deae55f6d", "d9657d2859bc77a8"),
    ("toy", "paper"): (555, "b00416f23fcd5099", "1fda2552fc153633"),
    ("special", "quick"): (300, "2905b11d6a0309f2", "58a4bdb36799e749"),
    ("feynman", "quick"): (540, "48969fdefd808faa", "f4171f95db75c000"),
    ("toy", "quick"): (100, "e29919a5e39413f1", "07d1736c14a7ce4f"),
    ("families", "families"): (8793, "386861821bc03afc", "44323f1dbf520136"),
    ("families", "quick"): (644, "329e287a204ff362", "abc2a85eb495f294"),
}
#: A specification with every family and option.
EVERYTHING: dict[str, Any] = {
    "suite": "toy",
    "tasks": ["product"],
    "seeds": 2,
    "max_params": 400,
    "models": [
        {
            "family": "kan",
            "hidden": ["suggested", [3]],
            "k": [2, 3],
            "opt": ["LM", "LBFGS", "L-BFGS-B", "trf", "auto"],
            "restarts": 4,
            "smoothing": ["weak", "gcv", 0.1],
            "init": "power",
            "extrapolation": ["smooth", "linear"],
            "patience": 1,
            "enough": 1e-6,
        },
        {
            "family": "mlp",
            "width": [5, 40],
            "depth": [2, 3],
            "activation": ["tanh", "silu"],
            "opt": ["LM", "auto"],
            "restarts": 3,
        },
        {"family": "formula"},
        {"family": "linear"},
        {"family": "additive", "smoothing": ["weak", "gcv"]},
        {"family": "sklearn", "hidden": [[20, 20]], "solver": ["lbfgs", "adam"], "alpha": [0.0, 1e-4]},
    ],
}


def ids_of(spec: Any) -> tuple[int, str, str]:
    ids = [run.run_id for run in expand(spec, tasks.describe(spec))]
    return len(ids), ids[0], hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("suite", "preset"), RUNS_OF_PRESETS)
def test_the_ids_of_presets_never_change(suite: str, preset: str) -> None:
    assert ids_of(with_formulas(suite_spec(suite, preset))) == RUNS_OF_PRESETS[suite, preset]


def test_the_ids_of_every_family_and_option_never_change() -> None:
    assert ids_of(parse_spec(EVERYTHING, "test", "test")) == (272, "d15982597902aeaf", "cb64c0b62fe37372")


def test_families_are_known_by_their_names() -> None:
    assert list(FAMILIES) == ["kan", "mlp", "formula", "linear", "additive", "sklearn", "classical", "study"]
    assert all(family_of(name) is family and family.name == name for name, family in FAMILIES.items())
    assert NETWORKS == ("kan", "mlp")
    assert BASELINES == ("linear", "additive", "sklearn", "classical")
    assert SEARCHES == ("formula",)
    assert networks(FAMILIES) == list(NETWORKS)
    assert [name for name, family in FAMILIES.items() if family.has_splines] == ["kan"]
    assert sorted(["tree", "sklearn", "mlp", "kan"], key=by_family) == ["kan", "mlp", "sklearn", "tree"]
    drawn = {(family.colour, family.marker) for family in FAMILIES.values()}
    assert len(drawn) == len({family.label for family in FAMILIES.values()}) == len(FAMILIES)


@pytest.mark.parametrize("width", [[2, 5, 1], [3, 4, 4, 2]])
def test_parameters_are_counted_as_the_library_does(width: list[int]) -> None:
    kan = kan_np.KAN(width, grid=5, k=2, seed=0)
    assert family_of("kan").n_params({"width": width, "k": 2}, 5) == kan.n_params
    assert family_of("additive").n_params({"width": width, "k": 2}, 5) == kan.n_params
    for edges in options.EDGE_FAMILIES:
        other = kan_np.KAN(width, grid=5, k=2, edges=edges, seed=0)
        assert family_of("kan").n_params({"width": width, "k": 2, "edges": edges}, 5) == other.n_params
    bare = kan_np.KAN(width, grid=5, k=2, base_fun="zero", seed=0)
    assert family_of("kan").n_params({"width": width, "k": 2, "base_fun": "zero"}, 5) == bare.n_params
    mlp = kan_np.MLP(width, seed=0)
    for name in ("mlp", "linear", "sklearn"):
        assert family_of(name).n_params({"width": width}) == mlp.n_params
    assert family_of("formula").n_params({}) is None


@pytest.mark.slow
def test_every_family_of_edges_of_the_library_is_an_axis() -> None:
    assert set(options.EDGE_FAMILIES) <= set(family_names())
    base: dict[str, Any] = {"family": "kan", "hidden": [[2]], "grids": [3, 6], "steps": 2}
    made: dict[str, Any] = {"suite": "toy", "tasks": ["product"], "seeds": 1, "models": [base]}
    plain = expand(spec := parse_spec(made, "test", "test"), tasks.describe(spec))
    made["models"] = [base | {"edges": list(options.EDGE_FAMILIES)}]
    runs = expand(spec := parse_spec(made, "test", "test"), tasks.describe(spec))
    others = set(options.EDGE_FAMILIES) - {"bspline"}
    assert {run.config.get("edges") for run in runs} == {None, *others}
    assert len(runs) == len(options.EDGE_FAMILIES)
    assert runs[0].run_id == plain[0].run_id
    for run in runs:
        record = run_one(run.config, RunOptions())
        assert record["status"] == "ok", record
        counts = [stage["n_params"] for stage in record["stages"]]
        assert counts == [family_of("kan").n_params(run.config, grid) for grid in run.config["grids"]]


def test_a_table_without_a_value_says_the_default_of_its_family() -> None:
    given = {"kan": {"hidden": [[5]]}, "mlp": {"hidden": [[5]]}, "sklearn": {"hidden": [[5]]}}
    given["study"] = {"method": ["rule"]}
    tables = {
        name: model_tables(TomlTable({"family": name} | given.get(name, {}), "test"))[0] for name in FAMILIES
    }
    assert {name: table.hidden for name, table in tables.items()} == {
        "kan": ((5,),),
        "mlp": ((5,),),
        "formula": (),
        "linear": ((),),
        "additive": ((),),
        "sklearn": ((5,),),
        "classical": ((),),
        "study": (),
    }
    axes = {name: dict(table.axes) for name, table in tables.items()}
    assert axes["kan"]["steps"] == (50,)
    assert axes["mlp"]["steps"] == (200,)
    assert axes["formula"] == {"seconds": (60.0,), "restarts": (6,)}
    assert axes["linear"] == {}
    assert axes["additive"]["smoothing"] == ("gcv",)
    assert axes["sklearn"]["solver"] == ("lbfgs",)


def test_options_that_a_configuration_leaves_out_have_the_values_of_its_format() -> None:
    assert option({"format": 2, "family": "kan"}, "extrapolation") == "smooth"
    assert option({"format": 1, "family": "kan"}, "extrapolation") == "linear"
    assert option({"family": "additive"}, "base_fun") == KAN_DEFAULTS["base_fun"]
    assert option({"family": "mlp"}, "extrapolation") is None


def test_a_family_of_another_version_is_shown_and_not_trained() -> None:
    tree = family_of("tree")
    assert (tree.label, tree.one_model, tree.marker) == ("TREE", "TREE", "D")
    assert tree.text({"family": "tree", "width": [2, 1], "activation": "tanh"}) == "tree [2,1] tanh"
    assert (tree.n_params({}), tree.cost({}), tree.small({}), tree.n_models(3)) == (None, 0.0, (), 3)
    for read in (tree.hidden, tree.axes):
        with pytest.raises(UserError, match="family 'tree' is not known here"):
            read(TomlTable({}, "test"))
    with pytest.raises(ValueError, match="family is 'tree'; expected one that this version"):
        tree.train(None)  # type: ignore[arg-type]
