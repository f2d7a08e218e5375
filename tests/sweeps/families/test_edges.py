"""Edge families in a sweep: what a table may say, sizes by their own words, parameters, appearance."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import kan_np
from sweeps.errors import UserError
from sweeps.families import compared, edges, family_of
from sweeps.families.family import OTHER_COLOURS
from sweeps.page.html import page_colour
from sweeps.run_one import RunOptions, run_one
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.run_config import RunConfig
from sweeps.spec.spec_reader import parse_spec


def runs_of(hidden: Any = ((2,),), **table: Any) -> list[RunConfig]:
    made = {"family": "kan", "hidden": [list(shape) for shape in hidden], "grids": [3, 6], "steps": 2}
    values = {"suite": "toy", "tasks": ["product"], "models": [made | table]}
    spec = parse_spec(values, "test", "test")
    runs = expand(spec, tasks.describe(spec))
    again = parse_spec(spec.to_dict(), "test", "test")
    assert [run.run_id for run in expand(again, tasks.describe(again))] == [run.run_id for run in runs]
    return runs


def test_names_lists_of_names_and_all_are_values_of_the_axis() -> None:
    every = runs_of(edges="all")
    assert sorted(run.config.get("edges", "bspline") for run in every) == sorted(edges.edge_names())
    assert every[0].run_id == runs_of()[0].run_id == runs_of(edges="bspline")[0].run_id
    mixed = runs_of(edges=["chebyshev", ["chebyshev", "bspline"], ["bspline", "bspline"]])
    found = [run.config.get("edges") for run in mixed]
    assert found == ["chebyshev", ["chebyshev", "bspline"], None]
    assert mixed[-1].run_id == runs_of()[0].run_id  # a list of one name is the name


def test_sizes_by_their_own_word_are_those_of_the_families_that_have_it() -> None:
    runs = runs_of(edges=["bspline", "chebyshev", "piecewise_linear"], degree=[4, 8, 16])
    sizes = {run.config.get("edges", "bspline"): run.config["grids"] for run in runs}
    assert sizes == {"bspline": [3, 6], "piecewise_linear": [3, 6], "chebyshev": [4, 8, 16]}
    # The word is no part of a configuration: the same sizes as grids are the same run.
    (alone,) = runs_of(edges="chebyshev", grids=[4, 8, 16])
    assert alone.run_id in {run.run_id for run in runs}
    several = runs_of(edges="chebyshev", degree=[[4, 8], [16]])
    assert [run.config["grids"] for run in several] == [[4, 8], [16]]
    both = runs_of(edges=[["chebyshev", "chebyshev"], ["chebyshev", "bspline"]], degree=[5])
    assert [run.config["grids"] for run in both] == [[5], [3, 6]]


def test_options_of_splines_are_no_axis_of_other_edges() -> None:
    runs = runs_of(edges=["bspline", "chebyshev"], k=[2, 3], base_fun=["silu", "zero"])
    by_edges = [run.config.get("edges", "bspline") for run in runs]
    assert by_edges.count("bspline") == 4
    assert by_edges.count("chebyshev") == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"edges": "chebishev"}, "edges is 'chebishev'; expected one of bspline, .*Did you mean 'chebyshev'"),
        ({"edges": [["bspline", "piecewise"]]}, "Did you mean 'piecewise_linear'"),
        ({"edges": [[]]}, "expected a family of edges for each layer"),
        ({"edges": []}, "an empty axis leaves nothing to run"),
        ({"edges": [["bspline"] * 2 + ["chebyshev"]]}, "a family for each of 3 layers.*which are 2 layers"),
        (
            {"degree": [3]},
            "degree is the size of edges of the family chebyshev or rational.*edges of the table are bspline",
        ),
        ({"edges": "chebyshev", "degree": 3}, "degree is 3; expected a list of grid sizes that grow"),
        ({"edges": "chebyshev", "degre": [3]}, "unknown key 'degre'. Did you mean 'degree'"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        runs_of(**table)


def test_parameters_of_mixed_edges_are_counted_as_the_library_does() -> None:
    names = ["piecewise_linear", "bspline", "chebyshev"]
    model = kan_np.KAN([2, 3, 4, 1], grid=6, k=2, seed=0, **edges.edge_arguments(names))
    assert family_of("kan").n_params({"width": [2, 3, 4, 1], "k": 2, "edges": names}, 6) == model.n_params


def test_a_run_with_mixed_edges_trains_and_its_small_kind_too() -> None:
    (run,) = runs_of([[2, 2]], edges=[["piecewise_linear", "bspline", "chebyshev"]])
    assert "piecewise_linear-bspline-chebyshev" in family_of("kan").text(run.config)
    record = run_one(run.config, RunOptions())
    assert record["status"] == "ok", record
    assert [stage["grid"] for stage in record["stages"]] == [3, 6]
    small = family_of("kan").small(run.config)
    assert {len(one["width"]) for one in small} == {4}


# The appearance: no two edge families may be mistaken for one another.

#: Linear RGB to the responses of the three cones, and what a deuteranope and a protanope see instead: Vienot,
#: Brettel and Mollon, Color Research and Application 24 (1999), 243-252.
_TO_CONES = np.array(
    [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
)
_SEES = {
    "usual": np.eye(3),
    "deuteranopia": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    "protanopia": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
}
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def seen(colour: str, sight: str) -> np.ndarray:
    """Return a colour in CIE L*a*b* as somebody sees it."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.linalg.inv(_TO_CONES) @ _SEES[sight] @ _TO_CONES @ linear, 0, 1)
    xyz = _TO_XYZ @ linear / (_TO_XYZ @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", _SEES)
def test_networks_are_told_apart_by_colour_and_by_marker(sight: str) -> None:
    networks = [family_of(f"kan/{name}") for name in compared.LOOKS] + [family_of("mlp")]
    assert len({network.marker for network in networks}) == len(networks)
    assert len({network.label for network in networks}) == len(networks)
    for a, b in itertools.combinations(networks, 2):
        distance = float(np.linalg.norm(seen(a.colour, sight) - seen(b.colour, sight)))
        # 2.3 is the least difference that is noticed; thin lines need several times as much.
        assert distance > 28, (a.name, b.name, distance)
    for network in networks:
        on_white = np.linalg.norm(seen(network.colour, sight) - seen("#ffffff", sight))
        assert on_white > 40, network.name


def test_colours_can_be_changed_by_a_dark_page() -> None:
    for name in compared.LOOKS:
        assert page_colour(f"kan/{name}").startswith("var(--")
    assert set(OTHER_COLOURS).isdisjoint({family_of("mlp").colour})


def test_every_edge_family_of_the_library_has_a_look_of_its_own() -> None:
    assert set(edges.edge_names()) <= set(compared.LOOKS)
    other = family_of("kan/someones")
    assert (other.label, other.is_network) == ("KAN, someones", True)
    assert family_of("kan/bspline").has_splines
    assert not other.has_splines
