"""Studies: what each offers, what it measures, and how what was measured is kept."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from sweeps.studies import STUDIES, study_of
from sweeps.studies.continual import peaks, phases
from sweeps.studies.measured import Measured


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_describes_all_that_it_compares_and_measures(name: str) -> None:
    study = study_of(name)
    assert study.DESCRIPTION.endswith(".")
    assert len(set(study.METHODS)) == len(study.METHODS) > 0
    assert study.QUANTITIES
    assert all(words for words in study.QUANTITIES.values())
    assert set(study.PAPER) <= {*study.METHODS, *study.QUANTITIES}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_says_what_methods_it_has(name: str) -> None:
    with pytest.raises(ValueError, match="tree"):
        study_of(name).run("tree", 0, quick=True)


def test_there_is_no_other_study() -> None:
    with pytest.raises(ValueError, match="expected one of continual"):
        study_of("knot")


def test_what_was_measured_is_read_as_it_was() -> None:
    arrays = {"matrix": np.arange(6.0).reshape(2, 3), "film.gif": np.array([71, 73, 70], dtype=np.uint8)}
    found = Measured({"rmse": 0.5}, {"x y": "x*y"}, arrays)
    again = Measured.of_bytes(found.to_bytes(), found.quantities)
    assert again.formulas == found.formulas
    assert again.arrays.keys() == arrays.keys()
    assert all(np.array_equal(again.arrays[name], arrays[name]) for name in arrays)
    assert again.to_bytes() == found.to_bytes()


def test_bytes_of_something_else_are_refused() -> None:
    with pytest.raises(ValueError, match="not what a study has measured"):
        Measured.of_bytes(b"GIF89a", {})


def test_formulas_keep_their_name() -> None:
    with pytest.raises(ValueError, match="another name"):
        Measured({}, {}, {"formulas": np.zeros(1)}).to_bytes()


def test_the_phases_are_the_peaks_one_by_one() -> None:
    data = phases()
    assert [len(phase["train_input"]) for phase in data] == [100] * 5
    ends = [(phase["train_input"][0, 0], phase["train_input"][-1, 0]) for phase in data]
    assert np.allclose(ends, [(-1, -0.6), (-0.6, -0.2), (-0.2, 0.2), (0.2, 0.6), (0.6, 1)])
    assert np.allclose(peaks(np.linspace(-0.8, 0.8, 5)), 1.0, atol=1e-12)


def test_a_kan_keeps_all_peaks_and_an_mlp_forgets() -> None:
    study = study_of("continual")
    kan, mlp = study.run("kan", 0, quick=True), study.run("mlp", 0, quick=True)
    assert kan.quantities["rmse_all"] <= 4.1e-6
    assert kan.quantities["forgetting"] < 1e-9
    assert mlp.quantities["forgetting"] > 0.1
    matrix = mlp.arrays["forgetting_matrix"]
    assert matrix.shape == (5, 5)
    whole = math.sqrt(np.mean(np.square(matrix[-1])))  # all phases have as many points
    assert mlp.quantities["rmse_all"] == pytest.approx(whole, rel=1e-9)
    assert mlp.arrays["rmse_after_phase"][-1] == mlp.quantities["rmse_all"]
    assert mlp.quantities["rmse_own"] == pytest.approx(matrix.diagonal().mean())


def test_the_same_seed_measures_the_same() -> None:
    first, second = (study_of("continual").run("kan", 3, quick=True) for _ in range(2))
    assert first.quantities == second.quantities
    assert first.to_bytes() == second.to_bytes()


def test_a_product_is_found_as_a_formula() -> None:
    found = study_of("formulas").run("product", 0, quick=True)
    assert found.quantities["exact"] == 1.0
    assert found.formulas == {"x y": "x*y"}


@pytest.mark.slow
def test_the_steps_of_the_tutorial_end_in_its_formula() -> None:
    found = study_of("formulas").run("hello-steps", 0, quick=True)
    assert found.quantities["exact"] == 1.0
    assert found.formulas["exp(sin(pi x) + y^2)"] == "exp(y**2 + sin(pi*x))"


@pytest.mark.slow
def test_a_film_is_a_gif_and_two_strips() -> None:
    found = study_of("film").run("kan", 0, quick=True)
    starts = {name: values[:4].tobytes() for name, values in found.arrays.items()}
    assert starts == {"film.gif": b"GIF8", "strip.png": b"\x89PNG", "strip.pdf": b"%PDF"}
    assert found.quantities["frames"] == 9
    assert found.quantities["last_rmse"] < found.quantities["first_rmse"]


@pytest.mark.slow
def test_what_networks_do_is_kept_where_no_formula_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import kan_np
    from kan_np.boundary import Boundaries

    model = kan_np.KAN([2, 1], seed=0)
    monkeypatch.setattr(kan_np, "discover_boundary", lambda *_, **__: Boundaries((), model, 0.5))
    found = study_of("localization").run("mosaic", 0, quick=True)
    assert found.quantities["kan"] > 0.9
    assert math.isnan(found.quantities["formula"])
    assert found.quantities["exact"] == 0.0
    assert "boundary" not in found.formulas


@pytest.mark.slow
def test_knots_are_classified_without_packages_that_are_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as where it is not installed
    monkeypatch.setitem(sys.modules, "sklearn.neural_network", None)
    found = study_of("knots").run("mlp", 0, quick=True)
    assert found.quantities["accuracy"] > 0.75
    assert found.quantities["parameters"] == 860
