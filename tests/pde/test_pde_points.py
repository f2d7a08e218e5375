"""Points lie where they should, are the same for the same seed, and others in another round."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.pde import boundary, grid, sobol, uniform

BOX = [(-1.0, 1.0), (0.0, 3.0)]


def inside(points):
    low, high = np.array(BOX).T
    return bool(((points > low) & (points < high)).all())


def test_grids_leave_the_boundary_out_unless_asked():
    points = grid(BOX, (4, 5)).points()
    assert points.shape == (20, 2)
    assert inside(points)
    with_ends = grid(BOX, 3, ends=True).points()
    assert {tuple(row) for row in with_ends} == {(x, t) for x in (-1.0, 0.0, 1.0) for t in (0.0, 1.5, 3.0)}


@pytest.mark.parametrize("draw", [sobol, uniform])
def test_random_points_belong_to_seed_and_round(draw):
    sampler = draw(BOX, 50, seed=4)
    points = sampler.points()
    assert points.shape == (50, 2)
    assert inside(points)
    np.testing.assert_array_equal(points, draw(BOX, 50, seed=4).points())
    assert not np.array_equal(points, sampler.points(1))
    assert not np.array_equal(points, draw(BOX, 50, seed=5).points())


@pytest.mark.parametrize("seed", [None, 2])
def test_boundaries_have_every_face_or_those_that_were_asked_for(seed):
    points = boundary(BOX, 6, seed=seed).points()
    low, high = np.array(BOX).T
    on = (points == low) | (points == high)
    assert points.shape == (24, 2)
    assert on.any(axis=1).all()
    side = boundary(BOX, 6, sides=[(1, "low")], seed=seed).points()
    assert (side[:, 1] == 0.0).all()
    assert boundary([(0.0, 2.0)], 5).points().tolist() == [[0.0], [2.0]]


def test_wrong_points_are_refused():
    with pytest.raises(ValueError, match="low < high"):
        grid([(1.0, 1.0)], 3)
    with pytest.raises(ValueError, match="n has 3 numbers; expected one for each of 2"):
        grid(BOX, (1, 2, 3))
    with pytest.raises(ValueError, match="the coordinate of a side"):
        boundary(BOX, 3, sides=[(2, "low")])
    with pytest.raises(ValueError, match="the end of a side"):
        boundary(BOX, 3, sides=[(0, "left")])
