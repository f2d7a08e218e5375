"""B-splines against the recursion and against scipy: values, derivatives, ends, knots, outside."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import example, given
from hypothesis import strategies as st
from in_turn import in_turn
from scipy.interpolate import BSpline

from kan_np import KAN, design_matrix
from kan_np.edges.bspline import SplineTable
from kan_np.edges.knots import knots_from_samples, refined_knots, uniform_knots

MODES = ("smooth", "linear", "continue", "constant", "zero")

#: Distances from the ends in intervals: a hair, within one, at one, a hair beyond it, far.
OUTSIDE = np.array([1e-9, 0.3, 1.0, 1.0 + 1e-9, 1.5, 10.0])


def grids(kind, G, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "uniform":
        return uniform_knots(-1.3, 2.1, G)[0]
    return knots_from_samples(rng.normal(size=(1, 500)), G, 0.02)[0]


def inner_points(knots):
    return np.random.default_rng(1).uniform(knots[0], knots[-1], 40)


def ugly_points(knots, k):
    """Knots, both ends, their neighbours in float64, inside, a little outside and far outside."""
    t = reference.continued_knots(knots, k)
    step = (knots[-1] - knots[0]) / (len(knots) - 1)
    return np.concatenate(
        [
            t,
            np.nextafter(knots, -np.inf)[1:],
            inner_points(knots),
            knots[0] - step * OUTSIDE,
            knots[-1] + step * OUTSIDE,
        ]
    )


@in_turn("kind", ["uniform", "quantile"])
@in_turn("G", [1, 2, 5, 50])
@pytest.mark.parametrize("k", range(6))
def test_values_and_three_derivatives_agree_with_scipy(k, G, kind):
    knots = grids(kind, G)
    spline = BSpline(reference.continued_knots(knots, k), np.eye(G + k), k, extrapolate=True)
    step = np.diff(knots).min()
    x = np.concatenate([knots, inner_points(knots), [knots[0] - 0.3 * step, knots[-1] + 0.3 * step]])
    for nu in range(4):
        ours = design_matrix(x, knots, k, nu, "continue")
        theirs = spline(x, nu) if nu <= k else np.zeros_like(ours)
        scale = max(np.abs(theirs).max(), 1.0)
        assert np.abs(ours - theirs).max() <= 1e-12 * scale


@in_turn("nu", range(4))
@in_turn("mode", MODES)
@in_turn("kind", ["uniform", "quantile"])
@pytest.mark.parametrize("k", range(6))
def test_outside_each_mode_is_what_its_definition_says(k, kind, mode, nu):
    knots = grids(kind, 6)
    a, b = knots[0], knots[-1]
    t = reference.continued_knots(knots, k)
    spline = BSpline(t, np.eye(6 + k), k, extrapolate=True)
    step = (b - a) / 6
    away = step * np.array([1e-6, 0.4, 3.7])
    for end, x in ((a, a - away), (b, b + away)):
        at_end = [spline(end, order) if order <= k else np.zeros(6 + k) for order in range(2)]
        if mode == "continue":
            expected = spline(x, nu) if nu <= k else np.zeros((3, 6 + k))
        elif mode == "constant":
            expected = np.tile(at_end[0] if nu == 0 else 0 * at_end[0], (3, 1))
        elif mode == "smooth":
            turn = 2 * b - knots[-2] if end == b else 2 * a - knots[1]
            at_turn = [spline(turn, order) if order <= k else np.zeros(6 + k) for order in range(2)]
            expected = spline(x, nu) if nu <= k else np.zeros((3, 6 + k))
            for s in np.flatnonzero(np.abs(x - end) > abs(turn - end)):
                line = at_turn[0] + (x[s] - turn) * at_turn[1]
                expected[s] = [line, at_turn[1], 0 * line, 0 * line][nu]
        elif mode == "linear":
            line = at_end[0] + (x - end)[:, None] * at_end[1]
            expected = [line, np.tile(at_end[1], (3, 1)), 0 * line, 0 * line][nu]
        else:
            elements = [BSpline.basis_element(t[i : i + k + 2], extrapolate=False) for i in range(6 + k)]
            expected = np.zeros((3, 6 + k))
            if nu <= k:
                values = [e.derivative(nu)(x) if nu else e(x) for e in elements]
                expected = np.nan_to_num(np.stack(values, axis=1))
        ours = design_matrix(x, knots, k, nu, mode)
        scale = max(np.abs(expected).max(), np.abs(spline(0.5 * (a + b), min(nu, k))).max(), 1.0)
        assert np.abs(ours - expected).max() <= 1e-12 * scale


@in_turn("mode", MODES)
@in_turn("kind", ["uniform", "quantile"])
@pytest.mark.parametrize("k", range(6))
def test_values_agree_with_the_recursion_everywhere(k, kind, mode):
    knots = grids(kind, 5)
    x = ugly_points(knots, k)
    expected = reference.basis(x, knots, k, mode)
    assert np.abs(design_matrix(x, knots, k, 0, mode) - expected).max() <= 1e-12 * max(
        1, np.abs(expected).max()
    )


@in_turn("kind", ["uniform", "quantile"])
@in_turn("G", [1, 2, 7])
@pytest.mark.parametrize("k", range(6))
def test_smooth_is_the_last_polynomial_for_one_interval_and_then_its_tangent(k, G, kind):
    knots = grids(kind, G)
    ends = ((knots[0], -1.0, knots[1] - knots[0]), (knots[-1], 1.0, knots[-1] - knots[-2]))
    for end, side, step in ends:
        turn = end + side * step
        near = end + side * step * np.array([0.0, 1e-9, 0.3, 0.999])
        for nu in range(4):
            ours = design_matrix(near, knots, k, nu, "smooth")
            expected = design_matrix(near, knots, k, nu, "continue")
            assert np.abs(ours - expected).max() <= 1e-13 * max(np.abs(expected).max(), 1.0)
        value, slope = (design_matrix([turn], knots, k, nu, "continue")[0] for nu in range(2))
        distance = side * step * np.array([1e-9, 0.5, 3.0, 1e6])
        line = value + distance[:, None] * slope
        far = turn + distance
        scale = np.maximum(np.abs(line).max(axis=1, keepdims=True), 1.0)
        assert (np.abs(design_matrix(far, knots, k, 0, "smooth") - line) <= 1e-12 * scale).all()
        slopes = design_matrix(far, knots, k, 1, "smooth")
        assert np.abs(slopes - slope).max() <= 1e-12 * max(np.abs(slope).max(), 1.0)
        for nu in (2, 3):
            assert not design_matrix(far, knots, k, nu, "smooth").any()


@in_turn("reach", [(0.3, 0.02), (5.0, 1.0)])
@in_turn("kind", ["uniform", "quantile"])
@pytest.mark.parametrize("k", range(6))
def test_smooth_reaches_as_far_as_it_is_told(k, kind, reach):
    knots = grids(kind, 6)
    turns = np.array([knots[0] - reach[0], knots[-1] + reach[1]])
    x = np.concatenate(
        [ugly_points(knots, k), turns, turns - 1e-9, turns + 1e-9, [knots[0] - 0.5 * reach[0]]]
    )
    table = SplineTable.build(knots[None, :], k, "smooth", np.array([reach]))
    expected = reference.basis(x, knots, k, "smooth", reach)
    assert np.abs(table.design_matrices(x[None, :])[0] - expected).max() <= 1e-12 * np.abs(expected).max()


@in_turn("mode", MODES)
@in_turn("kind", ["uniform", "quantile"])
@pytest.mark.parametrize("k", range(1, 6))
def test_values_do_not_jump_at_the_ends_nor_one_interval_outside(k, kind, mode):
    knots = grids(kind, 5)
    hair = 1e-9 * (knots[-1] - knots[0]) / 5
    for place in (2 * knots[0] - knots[1], knots[0], knots[-1], 2 * knots[-1] - knots[-2]):
        sides = np.array([place - hair, place + hair])
        slopes = design_matrix(sides, knots, k, 1, mode)
        jump = np.ptp(design_matrix(sides, knots, k, 0, mode), axis=0)
        assert (jump <= 1e-14 + 4 * hair * np.abs(slopes).max()).all()
        if mode == "smooth" and (k > 1 or place not in knots):  # its slope is continuous too
            bend = np.abs(design_matrix(sides, knots, k, min(k, 2), "continue")).max()
            assert (np.ptp(slopes, axis=0) <= 1e-13 * (1 + np.abs(slopes).max()) + 4 * hair * bend).all()


@pytest.mark.parametrize("k", range(6))
def test_smooth_is_the_default_and_how_error_trains(k):
    knots = grids("quantile", 4)
    x = ugly_points(knots, k)
    smooth = design_matrix(x, knots, k, 0, "smooth")
    np.testing.assert_array_equal(design_matrix(x, knots, k), smooth)
    assert KAN([1, 1], 4, k).extrapolation == "smooth"
    trained = SplineTable.build(knots[None, :], k, "error").design_matrices(x[None, :])[0]
    np.testing.assert_array_equal(trained, smooth)


@given(
    k=st.integers(0, 5),
    steps=st.lists(st.floats(1e-3, 10), min_size=1, max_size=12),
    places=st.lists(st.floats(0, 1), min_size=1, max_size=10),
)
def test_partition_of_unity_and_no_negative_values_on_any_grid(k, steps, places):
    knots = np.concatenate([[0.0], np.cumsum(steps)])
    # np.clip: a place of 1 can land one rounding above the last knot
    x = np.clip(knots[-1] * np.array([*places, 0.0, 1.0]), 0.0, knots[-1])
    B = design_matrix(x, knots, k)
    assert np.abs(B.sum(axis=1) - 1).max() < 1e-12
    assert B.min() > -1e-13


@example(samples=[-1.0, 3.5], grid=1, eps=0.000133)
@given(
    samples=st.lists(
        st.sampled_from([-1.0, 0.0, 0.0, 1e-14, 3.5, 1e6]) | st.floats(-10, 10), min_size=1, max_size=30
    ),
    grid=st.integers(1, 20),
    eps=st.floats(0, 1),
)
def test_knots_from_any_samples_increase_and_cover_them(samples, grid, eps):
    x = np.array(samples)
    knots = knots_from_samples(x[None, :], grid, eps)[0]
    assert knots.shape == (grid + 1,)
    assert (np.diff(knots) > 0).all()
    assert knots[0] <= x.min()
    assert knots[-1] >= x.max()
    design = design_matrix(x, knots, 3)
    assert np.isfinite(design).all()


def test_knots_blend_between_quantiles_and_equal_steps():
    x = np.random.default_rng(0).exponential(size=(1, 1000))
    quantiles = np.quantile(x[0], np.linspace(0, 1, 5))
    equal = np.linspace(x.min(), x.max(), 5)
    np.testing.assert_allclose(knots_from_samples(x, 4, 0.0)[0], quantiles, rtol=1e-14)
    np.testing.assert_allclose(knots_from_samples(x, 4, 1.0)[0], equal, rtol=1e-14)
    np.testing.assert_allclose(knots_from_samples(x, 4, 0.3)[0], 0.3 * equal + 0.7 * quantiles, rtol=1e-14)


@in_turn("mode", MODES)
@pytest.mark.parametrize("k", range(6))
def test_carrying_over_to_a_nested_grid_changes_nothing(k, mode):
    rng = np.random.default_rng(k)
    knots = np.stack([grids("uniform", 4), grids("quantile", 4)])
    coarse = SplineTable.build(knots, k, mode)
    fine = SplineTable.build(refined_knots(knots, 12), k, mode)
    coef = rng.normal(size=(3, 4 + k))
    source = np.array([0, 1, 1])
    carried = coarse.carry_over(fine, coef, source)
    x = rng.uniform(knots[:, :1], knots[:, -1:], (2, 60))
    old, new = coarse.design_matrices(x), fine.design_matrices(x)
    for edge, node in enumerate(source):
        np.testing.assert_allclose(new[node] @ carried[edge], old[node] @ coef[edge], atol=1e-12)


@in_turn("n_nodes", [1, 2, 3])
@in_turn("mode", MODES)
@pytest.mark.parametrize("k", range(6))
def test_tables_have_one_layout_so_that_kernels_are_compiled_once(k, mode, n_nodes):
    table = SplineTable.build(uniform_knots(-np.ones(n_nodes), 1.0, 5), k, mode)
    arrays = {name: value for name, value in vars(table).items() if isinstance(value, np.ndarray)}
    assert [name for name, value in arrays.items() if not value.flags.c_contiguous] == []


@pytest.mark.parametrize("k", range(6))
@in_turn("G", [1, 7, 200])
@in_turn("span", [(-1.0, 1.0), (0.0, 1e-6), (300.0, 310.0), (1000.0, 1001.0), (1e6, 1e6 + 1)])
def test_the_kernels_that_train_agree_with_scipy_too(k, G, span):
    model = KAN(
        [1, 1], G, k, base_fun="zero", grid_range=span, extrapolation="continue", noise_scale=G, seed=1
    )
    knots = model.knots[0][0]
    spline = BSpline(reference.continued_knots(knots, k), model.coef[0][0, 0], k, extrapolate=True)
    x = np.concatenate([knots, np.random.default_rng(0).uniform(*span, 200)])
    step = (span[1] - span[0]) / G
    assert np.abs(model(x)[:, 0] - spline(x)).max() <= 1e-12
    if k >= 2:
        assert np.abs(model.input_jacobian(x)[:, 0, 0] - spline(x, 1)).max() <= 1e-12 / step * 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5], [0.0, 0.0, 1.0]), "strictly increasing"),
        (([0.5], [0.0, 1.0], 6), "k is 6; expected an integer from 0 to 5"),
        (([np.nan], [0.0, 1.0]), "1 NaN or infinite values"),
        (([0.5], [0.0, 1.0], 3, 0, "linaer"), "Did you mean 'linear'"),
        (([1.5], [0.0, 1.0], 3, 0, "error"), "outside its grid"),
        (([[0.5, 0.1]], [0.0, 1.0]), r"x has shape \(1, 2\)"),
        (([0.5], [[0.0, 1.0], [2.0, 3.0]]), r"knots has shape \(2, 2\)"),
    ],
)
def test_bad_arguments_are_refused_with_what_to_do(arguments, message):
    with pytest.raises(ValueError, match=message):
        design_matrix(*arguments)
