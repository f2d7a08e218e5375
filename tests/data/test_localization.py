"""Spectra of quasiperiodic chains: the matrices, and what is known of their states."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.data import load_localization
from kan_np.data.localization import MODELS, chain_spectrum, fractal_dimension

GOLDEN = (1 + np.sqrt(5)) / 2


def slow_matrix(model, parameters, phase, n):
    """The Hamiltonian, element by element."""
    h = np.zeros((n, n))
    for i in range(n):
        wave = np.cos(2 * np.pi * GOLDEN * (i + 1) + phase)
        if model == "mosaic":
            h[i, i] = parameters["lam"] * wave if (i + 1) % 2 == 0 else 0.0
        elif model == "generalized":
            h[i, i] = 2 * parameters["lam"] * wave / (1 - parameters["alpha"] * wave)
        else:
            h[i, i] = parameters["lam"] * wave
        for j in range(n):
            if model == "modified" and i != j:
                h[i, j] = np.exp(-parameters["p"] * (abs(i - j) - 1))
            elif abs(i - j) == 1:
                h[i, j] = 1.0
    return h


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("mosaic", {"lam": 1.3}),
        ("generalized", {"alpha": 0.4, "lam": 0.9}),
        ("modified", {"p": 1.5, "lam": 2.0}),
    ],
)
def test_spectra_are_those_of_the_matrix(model, parameters):
    energy, dimension = chain_spectrum(model, parameters, 0.7, 34)
    h = slow_matrix(model, parameters, 0.7, 34)
    values, states = np.linalg.eigh(h)
    np.testing.assert_allclose(energy, values, atol=1e-12)
    ratio = [np.sum(psi**4) / np.sum(psi**2) ** 2 for psi in states.T]
    np.testing.assert_allclose(dimension, -np.log(ratio) / np.log(34), atol=1e-9)


def test_fractal_dimensions_do_not_depend_on_the_length_of_states():
    states = np.random.default_rng(0).normal(size=(40, 5))
    np.testing.assert_allclose(fractal_dimension(states), fractal_dimension(-7.0 * states), atol=1e-12)
    half = np.zeros((16, 1))
    half[:4] = 1.0
    assert fractal_dimension(half)[0] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="no state zero"):
        fractal_dimension(np.zeros((4, 1)))


def test_aubry_andre_has_one_transition_for_all_energies():
    """alpha = 0: extended below lambda = 1, localised above."""
    for lam, localised in ((0.6, False), (1.6, True)):
        _, dimension = chain_spectrum("generalized", {"alpha": 0.0, "lam": lam}, 0.3, 233)
        assert np.mean((dimension < 0.5) == localised) > 0.97


@pytest.mark.parametrize("model", list(MODELS))
def test_theory_tells_nearly_all_states(model):
    table = load_localization(model, 4, n_sites=233, seed=1)
    values = [table[name] for name in MODELS[model].ranges]
    theory = MODELS[model].edge(*values, table["energy"]) > 0
    assert np.mean(theory == table["localized"]) > 0.96
    assert 0.1 < table["localized"].mean() < 0.9


def test_tables_are_by_seed_and_name_their_chains():
    one, same, other = (
        load_localization("mosaic", 2, n_states=15, n_sites=21, seed=seed) for seed in (0, 0, 1)
    )
    assert all(np.array_equal(one[key], same[key]) for key in one)
    assert not np.array_equal(one["energy"], other["energy"])
    assert one["spectrum"].tolist() == [0] * 15 + [1] * 15
    assert len(np.unique(one["lam"])) == 2


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="model is 'ladder'; expected one of"):
        load_localization("ladder")
    with pytest.raises(ValueError, match=r"parameters has \['p'\]; expected \['lam', 'p'\]"):
        chain_spectrum("modified", {"p": 1.0})
