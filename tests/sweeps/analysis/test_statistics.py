"""Resampled fronts start from what was found, stay within what is possible, and give the same every time."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import synthetic
from scipy.stats import linregress, t

from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.pareto import best_within, hypervolume
from sweeps.analysis.results import Samples
from sweeps.analysis.statistics import (
    Resampled,
    geometric_mean,
    hypervolumes,
    interval_over_tasks,
    ratio_at_equal_size,
    resampled,
    resampled_families,
    slope,
)
from sweeps.storage.store import Store


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    directory = tmp_path_factory.mktemp("statistics")
    synthetic.build(directory)
    with Store.open(directory, readonly=True) as store:
        return aggregate(store)


def small(criteria, tests, sizes):
    """Points with one stage each and their runs; a row of errors a point."""
    with_runs = [
        {"group_id": f"g{i}", "n_params": size, "task": "t", "family": "kan"} for i, size in enumerate(sizes)
    ]
    points = [type("Point", (), fields)() for fields in with_runs]
    criteria, tests = np.array(criteria), np.array(tests)
    names = np.full(criteria.shape, "run", dtype=object)
    n_runs, data_seeds = np.full(len(sizes), criteria.shape[1]), np.zeros(criteria.shape, dtype=np.intp)
    return points, Samples(criteria, tests, names, n_runs, data_seeds)


def test_the_first_replicate_is_what_was_found(result):
    for task in result.tasks:
        for family, own in resampled_families(task).items():
            points = [point for point in task.points if point.family == family]
            usable = [p.criterion if math.isfinite(p.test.median) else math.nan for p in points]
            for limit in (*{p.n_params for p in points}, math.inf):
                best = best_within([p.n_params for p in points], usable, limit)
                expected = math.inf if best is None else points[best].test.median
                assert own.at(limit)[0] == expected


def test_replicates_are_all_that_can_be_drawn_and_nothing_else():
    criteria = [[0.5, 0.9], [0.4, 0.6], [0.7, 0.95]]
    tests = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    points, samples = small(criteria, tests, [10, 20, 30])
    possible = set()
    for draw in itertools.product(itertools.product(range(2), repeat=2), repeat=3):
        medians = [
            (np.median(np.array(c)[list(own)]), np.median(np.array(e)[list(own)]))
            for c, e, own in zip(criteria, tests, draw, strict=True)
        ]
        best = [min(medians[: n + 1], key=lambda pair: pair[0])[1] for n in range(3)]
        possible.add(tuple(best))
    own = resampled(points, samples)
    rows = {tuple(own.at(size)[b] for size in (10, 20, 30)) for b in range(own.test.shape[0])}
    assert rows == possible


def test_a_point_that_never_wins_is_left_out_and_changes_nothing():
    # The last point is worse with its luckiest run than the first with its unluckiest.
    points, samples = small([[0.1, 0.2], [0.3, 0.4]], [[1.0, 2.0], [0.0, 0.0]], [10, 20])
    own = resampled(points, samples)
    assert own.sizes.tolist() == [10]
    assert set(own.at(math.inf)) == {1.0, 1.5, 2.0}


def test_runs_that_ended_early_count_as_infinitely_bad():
    points, samples = small(
        [[0.1, np.inf, np.inf], [0.3, 0.4, 0.5]], [[1.0, np.inf, np.inf], [2.0] * 3], [10, 20]
    )
    own = resampled(points, samples)
    assert own.at(10)[0] == math.inf
    assert own.at(20)[0] == 2.0
    assert 1.0 in own.at(10)
    assert np.isinf(own.at(10)).any()


def test_one_run_each_has_one_replicate_and_no_interval():
    points, samples = small([[0.1], [0.05]], [[1.0], [0.5]], [10, 20])
    own = resampled(points, samples)
    assert own.test.tolist() == [[1.0, 0.5]]
    found = interval_over_tasks([own.at(20)], geometric_mean)
    assert found.value == 0.5
    assert math.isnan(found.low)


def test_a_family_without_points_has_no_error():
    points, samples = small(np.empty((0, 1)), np.empty((0, 1)), [])
    assert resampled(points, samples).at(100).tolist() == [math.inf]


def test_intervals_are_the_same_every_time_and_hold_what_was_found(result):
    again = [score.ratio for score in result.scores]
    for score in result.scores:
        assert score.kan_share.low <= score.kan_share.value <= score.kan_share.high
        assert score.ratio.low < score.ratio.high
        assert score.ratio.value == pytest.approx(score.mean_ratio)
    families = {task.task: resampled_families(task) for task in result.tasks}
    from sweeps.analysis.scores import scores_by_size

    assert [score.ratio for score in scores_by_size(result.tasks, families)] == again


def test_standings_share_every_function(result):
    assert sum(own.share.value for own in result.standings) == pytest.approx(1.0)
    assert {own.family for own in result.standings} == {"kan", "mlp"}
    assert {own.family: own.n_best for own in result.standings} == {
        "kan": result.overall.kan_wins,
        "mlp": result.overall.mlp_wins,
    }
    for own in result.standings:
        assert own.hypervolume.low <= own.hypervolume.value <= own.hypervolume.high


def test_hypervolume_is_the_area_of_small_squares():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = np.sort(rng.integers(0, 20, 5))
        y = rng.integers(0, 20, 5).astype(float)
        corner = (int(rng.integers(0, 25)), int(rng.integers(0, 25)))
        area = 0
        for column in range(corner[0]):
            before = np.flatnonzero(x <= column)
            if before.size:
                area += max(corner[1] - y[before[-1]], 0)
        assert hypervolume(x, y, corner) == area


def test_hypervolume_takes_several_lines_and_refuses_what_does_not_fit():
    lines = np.array([[2.0, 1.0], [np.inf, 1.0]])
    assert hypervolume([1.0, 3.0], lines, (4.0, 3.0)).tolist() == [4.0, 2.0]
    assert hypervolume([], np.empty(0), (1.0, 1.0)) == 0
    with pytest.raises(ValueError, match="expected"):
        hypervolume([1.0], [1.0, 2.0], (1.0, 1.0))


def test_a_front_that_is_lower_everywhere_has_more_area(result):
    task = result.tasks[0]
    families = resampled_families(task)
    kan = families["kan"]
    better = families | {"kan": Resampled(kan.sizes, kan.test / 3)}
    assert hypervolumes(task, better)["kan"][0] > hypervolumes(task, families)["kan"][0]


def power_law(n, power, noise=0.0):
    rng = np.random.default_rng(0)
    sizes = np.geomspace(10, 1000, n)
    errors = 3.0 * sizes**power * np.exp(noise * rng.standard_normal(n))
    spread = [type("Spread", (), {"median": error})() for error in errors]
    return [
        type("Point", (), {"n_params": size, "test": one})() for size, one in zip(sizes, spread, strict=True)
    ]


def test_the_slope_of_a_power_law_is_its_exponent():
    found = slope(power_law(6, -2.0))
    assert found.value == pytest.approx(-2.0)
    assert (found.low, found.high) == pytest.approx((-2.0, -2.0))


def test_the_interval_of_a_slope_is_that_of_a_linear_regression():
    points = power_law(8, -1.5, noise=0.3)
    reference = linregress(np.log([p.n_params for p in points]), np.log([p.test.median for p in points]))
    half = t.ppf(0.975, 6) * reference.stderr
    found = slope(points)
    assert (found.value, found.low, found.high) == pytest.approx(
        (reference.slope, reference.slope - half, reference.slope + half)
    )


def test_two_points_have_a_slope_without_an_interval_and_one_has_none():
    found = slope(power_law(2, -1.0))
    assert found.value == pytest.approx(-1.0)
    assert math.isnan(found.low)
    assert math.isnan(slope(power_law(1, -1.0)).value)


def test_errors_that_are_twice_as_large_have_the_ratio_two():
    sizes = np.array([10.0, 20.0, 50.0])
    one = Resampled(sizes, np.array([[0.5, 0.2, 0.1]]))
    assert ratio_at_equal_size(one, Resampled(sizes, 2 * one.test)) == pytest.approx(2.0)
    assert ratio_at_equal_size(Resampled(sizes, 2 * one.test), one) == pytest.approx(0.5)


def test_sizes_that_only_one_of_them_reaches_do_not_count():
    small, large = (
        Resampled(np.array([10.0, 20.0]), np.array([[0.5, 0.25]])),
        Resampled(np.array([20.0, 80.0]), np.array([[0.5, 0.001]])),
    )
    assert ratio_at_equal_size(small, large) == pytest.approx(2.0)
    nothing = Resampled(np.array([10.0]), np.array([[np.inf]]))
    assert math.isnan(ratio_at_equal_size(small, nothing)[0])


def test_means_leave_out_what_is_not_a_ratio():
    values = np.array([[1.0, 4.0, np.inf], [0.0, np.nan, 3.0], [np.nan, 0.0, np.inf]])
    found = geometric_mean(values)
    assert found[:2] == pytest.approx([2.0, 3.0])
    assert math.isnan(found[2])
