"""The built-in suites: sampling, shapes and, by independent identities, the functions themselves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, special

from kan_np.data import Suite, SuiteFunction, get_suite, list_suites

# The suite "families" is put together from others.
ALL = [function for name in list_suites() if name != "families" for function in get_suite(name)]
SPECIAL, FEYNMAN, TOY = get_suite("special"), get_suite("feynman"), get_suite("toy")


def each(functions):
    return pytest.mark.parametrize("function", functions, ids=lambda f: f.name)


def test_the_suites_are_complete():
    assert list_suites()[:4] == ("toy", "special", "feynman", "lennard-jones")
    assert list_suites()[4:] == ("difficult", "friedman", "families")
    assert [len(get_suite(name)) for name in list_suites()] == [5, 15, 27, 1, 5, 3, 23]
    for name in list_suites():
        suite = get_suite(name)
        assert isinstance(suite, Suite)
        assert suite.name == name
        names = [function.name for function in suite]
        assert len(set(names)) == len(names)
        assert all(suite[name].name == name for name in names)


def test_unknown_names_get_the_nearest_spelling():
    with pytest.raises(ValueError, match="Did you mean 'special'"):
        get_suite("specail")
    with pytest.raises(ValueError, match="Did you mean 'lennard-jones'"):
        get_suite("lennard_jones")
    with pytest.raises(ValueError, match="Did you mean 'ellipkinc'"):
        SPECIAL["elipkinc"]


@each(ALL)
def test_shapes_fit_the_variables(function):
    assert len(function.variables) == len(function.ranges) == function.shape[0]
    assert len(set(function.variables)) == len(function.variables)
    assert function.shape[-1] == 1
    assert all(low < high for low, high in function.ranges)
    assert function.formula


@each(ALL)
def test_values_are_finite_float64_inside_and_on_the_corners(function):
    low, high = np.array(function.ranges).T
    inside = low + (high - low) * np.random.default_rng(7).random(
        (20_000 if len(low) < 10 else 500, len(low))
    )
    corners = np.array(list(product(*function.ranges))) if len(low) < 10 else np.array([low, high])
    faces = np.concatenate([np.where(np.eye(len(low)), end, inside[: len(low)]) for end in (low, high)])
    for points in (inside, corners, faces):
        values = function.evaluate(points)
        assert values.shape == (len(points), 1)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
    assert function.evaluate(inside).std() > 0


@each(ALL)
def test_the_sampling_rule_is_the_documented_one(function):
    dataset = function.dataset()
    n, n_test, d = function.n_train, function.n_test, len(function.variables)
    unit = np.random.default_rng(0).random((n + n_test, d))
    low, high = np.array([r[0] for r in function.ranges]), np.array([r[1] for r in function.ranges])
    physical = low + (high - low) * unit
    assert_array_equal(dataset["train_input"], (2 * unit - 1)[:n])
    assert_array_equal(dataset["test_input"], (2 * unit - 1)[n:])
    noise = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(2,))).standard_normal((n, 1))
    exact = function.evaluate(physical)[:n]
    noisy = exact + function.noise * noise if function.noise else exact
    assert_array_equal(dataset["train_label"], noisy)
    assert_array_equal(dataset["test_label"], function.evaluate(physical)[n:])
    assert dataset["feature_names"] == list(function.variables)
    assert all(
        dataset[key].flags.c_contiguous for key in dataset if key.startswith("t") and "names" not in key
    )


def test_sample_counts_and_seeds_can_be_chosen():
    function = get_suite("lennard-jones")["lennard-jones"]
    assert (function.n_train, function.n_test, function.ranges) == (50, 1000, ((0.95, 2.0),))
    dataset = function.dataset(n_train=20, n_test=6, seed=4)
    assert dataset["train_input"].shape == (20, 1)
    assert dataset["test_label"].shape == (6, 1)
    assert_array_equal(dataset["train_input"], 2 * np.random.default_rng(4).random((26, 1))[:20] - 1)
    with pytest.raises(ValueError, match="n_train is 0"):
        function.dataset(n_train=0)


def test_the_wrong_number_of_columns_is_refused():
    with pytest.raises(ValueError, match="Z has 3 columns"):
        SPECIAL["jv"].evaluate(np.ones((4, 3)))
    with pytest.raises(ValueError, match="f has 2 variables, 1 ranges"):
        SuiteFunction("f", "x y", ("x", "y"), ((0.0, 1.0),), (2, 1), np.multiply)


X = np.linspace(-0.9, 0.9, 37)
Z = np.linspace(1.0, 5.0, 41)
PHI = np.linspace(0.0, np.pi / 2, 33)


def at(function, *columns):
    """Values of a function with numbers broadcast against arrays."""
    return function.evaluate(np.column_stack(np.broadcast_arrays(*map(np.atleast_1d, columns))))[:, 0]


def integral(f, end):
    return integrate.quad(f, 0, end, epsabs=1e-12, epsrel=1e-12)[0]


IDENTITIES = {
    "sn at m=0 is sin": (lambda: at(SPECIAL["ellipj"], Z - 1, 0), lambda: np.sin(Z - 1)),
    "sn at m=1 is tanh": (lambda: at(SPECIAL["ellipj"], Z - 1, 1), lambda: np.tanh(Z - 1)),
    "F at m=0 is phi": (lambda: at(SPECIAL["ellipkinc"], PHI, 0), lambda: PHI),
    "F is its integral": (
        lambda: at(SPECIAL["ellipkinc"], 1.2, 0.7),
        lambda: [integral(lambda t: 1 / np.sqrt(1 - 0.7 * np.sin(t) ** 2), 1.2)],
    ),
    "E at m=0 is phi": (lambda: at(SPECIAL["ellipeinc"], PHI, 0), lambda: PHI),
    "E at m=1 is sin": (lambda: at(SPECIAL["ellipeinc"], PHI, 1), lambda: np.sin(PHI)),
    "E is its integral": (
        lambda: at(SPECIAL["ellipeinc"], 1.2, 0.7),
        lambda: [integral(lambda t: np.sqrt(1 - 0.7 * np.sin(t) ** 2), 1.2)],
    ),
    "J of order 1/2": (lambda: at(SPECIAL["jv"], 0.5, Z), lambda: np.sqrt(2 / (np.pi * Z)) * np.sin(Z)),
    "Y of order 1/2": (lambda: at(SPECIAL["yv"], 0.5, Z), lambda: -np.sqrt(2 / (np.pi * Z)) * np.cos(Z)),
    "K of order 1/2": (lambda: at(SPECIAL["kv"], 0.5, Z), lambda: np.sqrt(np.pi / (2 * Z)) * np.exp(-Z)),
    "I of order 1/2": (lambda: at(SPECIAL["iv"], 0.5, Z), lambda: np.sqrt(2 / (np.pi * Z)) * np.sinh(Z)),
    "Wronskian of J and Y": (
        lambda: (
            at(SPECIAL["jv"], 2, Z) * at(SPECIAL["yv"], 1, Z)
            - at(SPECIAL["jv"], 1, Z) * at(SPECIAL["yv"], 2, Z)
        ),
        lambda: 2 / (np.pi * Z),
    ),
    "Wronskian of I and K": (
        lambda: (
            at(SPECIAL["iv"], 1, Z) * at(SPECIAL["kv"], 2, Z)
            + at(SPECIAL["iv"], 2, Z) * at(SPECIAL["kv"], 1, Z)
        ),
        lambda: 1 / Z,
    ),
    "P_2^0": (lambda: at(SPECIAL["lpmv0"], 2, X), lambda: (3 * X**2 - 1) / 2),
    "P_2^1, Condon-Shortley": (lambda: at(SPECIAL["lpmv1"], 2, X), lambda: -3 * X * np.sqrt(1 - X**2)),
    "P_2^2": (lambda: at(SPECIAL["lpmv2"], 2, X), lambda: 3 * (1 - X**2)),
    "P_v^0, recurrence in v": (
        lambda: 3.5 * at(SPECIAL["lpmv0"], 3.5, X),
        lambda: 6 * X * at(SPECIAL["lpmv0"], 2.5, X) - 2.5 * at(SPECIAL["lpmv0"], 1.5, X),
    ),
    "P_v^m, recurrence in m": (
        lambda: at(SPECIAL["lpmv2"], 2.5, X),
        lambda: (
            -2 * X / np.sqrt(1 - X**2) * at(SPECIAL["lpmv1"], 2.5, X)
            - 2.5 * 3.5 * at(SPECIAL["lpmv0"], 2.5, X)
        ),
    ),
}
_T, _P = 0.7, 1.9
HARMONICS = {
    "sph01": np.sqrt(3 / (4 * np.pi)) * np.cos(_T),
    "sph11": -np.sqrt(3 / (8 * np.pi)) * np.sin(_T) * np.cos(_P),
    "sph02": np.sqrt(5 / (16 * np.pi)) * (3 * np.cos(_T) ** 2 - 1),
    "sph12": -np.sqrt(15 / (8 * np.pi)) * np.sin(_T) * np.cos(_T) * np.cos(_P),
    "sph22": np.sqrt(15 / (32 * np.pi)) * np.sin(_T) ** 2 * np.cos(2 * _P),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_special_functions_obey_their_identities(name):
    got, expected = IDENTITIES[name]
    assert_allclose(got(), expected(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", HARMONICS)
def test_spherical_harmonics_agree_with_their_closed_forms_and_have_norm_1(name):
    assert_allclose(at(SPECIAL[name], _T, _P), HARMONICS[name], rtol=1e-13)
    nodes, weights = np.polynomial.legendre.leggauss(12)
    phi = np.arange(16) * np.pi / 8
    theta, phi = (a.ravel() for a in np.meshgrid(np.arccos(nodes), phi, indexing="ij"))
    squares = at(SPECIAL[name], theta, phi).reshape(12, 16) ** 2
    # the real part carries half of the norm, unless m = 0
    norm = 1.0 if name.startswith("sph0") else 0.5
    assert_allclose(weights @ squares.sum(axis=1) * np.pi / 8, norm, rtol=1e-13)


def test_toy_functions_at_known_points():
    zero = special.jn_zeros(0, 1)[0]
    assert_allclose(at(TOY["bessel"], [0, zero / 20, -zero / 20]), [1, 0, 0], atol=1e-14)
    assert_allclose(at(TOY["expsin"], [0.5, 0], [0, 1]), [np.e, np.e])
    assert_allclose(at(TOY["product"], [0.5, -1], [-0.5, 1]), [-0.25, -1])
    half = np.concatenate([np.ones(50), np.zeros(50)])
    assert_allclose(TOY["highdim"].evaluate([np.zeros(100), np.ones(100), half])[:, 0], np.exp([0, 1, 0.5]))
    root = np.sqrt(0.5)
    assert_allclose(
        at(TOY["fourvar"], [0, root, 0.5], [0, 0, 0.5], [0, root, 0.5], [0, 0, -0.5]), np.exp([0, 1, 1])
    )
    assert [f.shape for f in TOY] == [(1, 1), (2, 1, 1), (2, 2, 1), (100, 1, 1), (4, 4, 2, 1)]


def test_lennard_jones_has_its_minimum_where_it_should():
    energy = get_suite("lennard-jones")["lennard-jones"]
    assert_allclose(at(energy, [1.0, 2 ** (1 / 6), 2.0]), [0, -0.25, 2.0**-12 - 2.0**-6], atol=1e-15)


THIRD, RIGHT = np.pi / 3, np.pi / 2
FEYNMAN_VALUES = {
    "I.6.2": ([0, 1], 1 / np.sqrt(2 * np.pi)),
    "I.6.2b": ([1.5, 0.5, 1], np.exp(-0.5) / np.sqrt(2 * np.pi)),
    "I.9.18": ([0.5, -1, -0.5, 0.5, -1, 1], 0.5 / 9),
    "I.12.11": ([0.5, RIGHT], 1.5),
    "I.13.12": ([0.5, 0.5], 0.5),
    "I.15.3x": ([0.5, 0.6], 0.625),
    "I.16.6": ([0.5, 0.5], 0.8),
    "I.18.4": ([1, 0.5], 0.75),
    "I.26.2": ([0.5, RIGHT], np.pi / 6),
    "I.27.6": ([0.5, 2], 0.5),
    "I.29.16": ([0.5, RIGHT + THIRD, RIGHT], np.sqrt(0.75)),
    "I.30.3": ([2, THIRD * 2], 1.0),
    "I.30.5": ([0.75, 1.5], np.pi / 6),
    "I.37.4": ([0.25, THIRD], 1.75),
    "I.40.1": ([0.5, 1], 0.5 / np.e),
    "I.44.4": ([0.5, 2], np.log(2) / 2),
    "I.50.26": ([THIRD, 0.5], 0.625),
    "II.2.42": ([0.25, 0.5], -0.375),
    "II.6.15a": ([0.6, 0.8, 0.5], 1 / (8 * np.pi)),
    "II.11.7": ([0.5, -0.5, THIRD], 0.375),
    "II.11.27": ([0.5, 1.5], 1.0),
    "II.35.18": ([0.5, 0], 0.25),
    "II.36.38": ([0.25, 0.5, 0.5], 0.5),
    "II.38.3": ([0.5, 2], 0.25),
    "III.9.52": ([0.5, np.pi, 0], 2 / np.pi**2),
    "III.10.19": ([0.5, 0.5], np.sqrt(1.5)),
    "III.17.37": ([0.5, 0.25, np.pi], 0.375),
}


@each(list(FEYNMAN))
def test_feynman_functions_at_points_worked_out_by_hand(function):
    point, value = FEYNMAN_VALUES[function.name]
    assert_allclose(at(function, *point), value, rtol=1e-14)
    assert all(low <= x <= high for x, (low, high) in zip(point, function.ranges, strict=True))


def test_the_diffraction_peak_is_the_limit_of_its_formula():
    peak = FEYNMAN["III.9.52"]
    assert_allclose(at(peak, 0.7, 3.0, [3.0, 3.0 + 1e-9]), 0.7, rtol=1e-14)


@each([*SPECIAL, *FEYNMAN])
def test_the_figures_of_the_paper_are_errors(function):
    assert 0 < function.paper_kan_rmse < 0.1
    assert 0 < function.paper_mlp_rmse < 0.1


def test_functions_to_compare_families_on_are_those_of_three_suites():
    parts = [*SPECIAL, *get_suite("difficult"), *get_suite("friedman")]
    assert list(get_suite("families")) == parts
    noisy = {function.name: function.noise for function in parts if function.noise}
    assert noisy == {"noise": 0.05, "friedman1": 1.0, "friedman2": 125.0, "friedman3": 0.1}


def test_difficult_functions_have_their_difficulty():
    functions, h = get_suite("difficult"), 1e-6
    # The slope of the kink changes its sign across the circle.
    r = np.sqrt(0.5)
    out, on, inside = functions["kink"].evaluate([[r + h, 0], [r, 0], [r - h, 0]]).ravel()
    assert_allclose([out - on, inside - on], 2 * r * h, rtol=1e-5)
    x = np.linspace(-1, 1, 7)
    for side in (h, -h):
        points = np.stack([x, np.sin(np.pi * x) / 2 + side], axis=1)
        assert (functions["jump"].evaluate(points) == (side > 0)).all()
    # The layer solves -eps (u_xx + u_yy) + u_x + u_y = 0: by central differences of second order.
    u, d, eps = functions["layer"], 1e-4, 0.05
    at = np.array([[0.9, 0.8], [0.95, 0.97]])
    centre, residual = u.evaluate(at), np.zeros((2, 1))
    for step in d * np.eye(2):
        up, down = u.evaluate(at + step), u.evaluate(at - step)
        residual += (up - down) / (2 * d) - eps * (up - 2 * centre + down) / d**2
    assert_allclose(residual, 0, atol=1e-4)
    assert_allclose(u.evaluate([[1.0, 0.3], [0.2, 1.0]]), 0, atol=1e-15)
    wave = functions["frequency"].evaluate(np.stack([np.arange(17) / 8 - 1, np.ones(17)], axis=1))
    assert_allclose(wave.ravel(), 0, atol=1e-12)  # a zero every eighth: eight waves
    square = np.stack(np.meshgrid(x[:-1] + 1 / 7, x[:-1] + 1 / 7), axis=-1).reshape(-1, 2)
    assert_allclose(functions["noise"].evaluate(square).std(), 1, rtol=1e-12)


def test_friedman_functions_at_points_worked_out_by_hand():
    functions = get_suite("friedman")
    x = [0.5, 1.0, 1.0, 0.2, 0.4, *[0.7] * 5]
    assert_allclose(functions["friedman1"].evaluate([x]), [[10 + 5 + 2 + 2]])
    z = [[100.0, 600.0, 0.125, 10.0]]
    reactance = 75 - 1 / 6000
    assert_allclose(functions["friedman2"].evaluate(z), [[np.sqrt(100**2 + reactance**2)]])
    assert_allclose(functions["friedman3"].evaluate(z), [[np.arctan(reactance / 100)]])
    assert_allclose(functions["friedman3"].evaluate([[0.0, 600.0, 0.125, 10.0]]), [[np.pi / 2]])
    for function in functions:  # at their usual ranges noise is not the larger part
        labels = function.dataset(n_train=1, n_test=20_000)["test_label"]
        assert 2.5 < labels.std() / function.noise < 6


def test_noise_is_on_training_labels_only_and_has_its_deviation():
    noisy = get_suite("friedman")["friedman1"]
    data = noisy.dataset(n_train=20_000, n_test=100, seed=4)
    exact = {part: noisy.evaluate((data[f"{part}_input"] + 1) / 2) for part in ("train", "test")}
    added = data["train_label"] - exact["train"]
    assert_allclose(data["test_label"], exact["test"], rtol=1e-12)
    assert_allclose(added.std(), 1.0, rtol=0.03)
    assert abs(added.mean()) < 0.03
    assert not np.array_equal(noisy.dataset(10, 1, 4)["train_label"], noisy.dataset(10, 1, 5)["train_label"])
