"""Points where equations are asked to hold: grids, Sobol sequences, random points, pieces of the boundary.

Each is drawn by a `Sampler`, which gives the same points for the same seed and others for another round of
resampling; an array of points is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray

Bounds = Sequence[tuple[float, float]]

#: The round of resampling that solutions and formulas are judged on: no stage trains on its points.
FRESH = 1_000_003


@dataclass(frozen=True)
class Sampler:
    """Points of a domain, drawn anew by every round.

    Attributes
    ----------
    draw : callable
        Takes the number of a round and returns points (n, n_coordinates).
    """

    draw: Callable[[int], FloatArray]

    def points(self, round_: int = 0) -> FloatArray:
        """The points of a round: (n, n_coordinates)."""
        return self.draw(round_)


def grid(bounds: Bounds, n: int | Sequence[int], *, ends: bool = False) -> Sampler:
    """An even grid, the same in all rounds; without its ends, which belong to the boundary, unless asked.

    Parameters
    ----------
    bounds : sequence of (low, high)
        Of every coordinate.
    n : int or sequence of int
        Points along every coordinate.
    ends : bool
        Whether the outermost points lie on the boundary.

    Examples
    --------
    >>> grid([(0.0, 1.0)], 3).points().ravel().tolist()
    [0.25, 0.5, 0.75]
    """
    low, high = _checked(bounds)
    counts = _counts(n, low.size)
    axes = [
        np.linspace(a, b, m) if ends else np.linspace(a, b, m + 2)[1:-1]
        for a, b, m in zip(low, high, counts, strict=True)
    ]
    mesh = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    return Sampler(lambda _: mesh.copy())


def sobol(bounds: Bounds, n: int, seed: int = 0) -> Sampler:
    """n points of a scrambled Sobol sequence inside of the bounds (`scipy.stats.qmc.Sobol`)."""
    low, high = _checked(bounds)
    n, seed = _validate.integer("n", n, 1), _validate.integer("seed", seed, 0)

    def draw(round_: int) -> FloatArray:
        from scipy.stats import qmc

        power = int(np.ceil(np.log2(n)))
        sequence = qmc.Sobol(low.size, seed=np.random.default_rng([seed, round_]))
        return np.asarray(low + (high - low) * sequence.random_base2(power)[:n])

    return Sampler(draw)


def uniform(bounds: Bounds, n: int, seed: int = 0) -> Sampler:
    """n independent points, uniform within the bounds."""
    low, high = _checked(bounds)
    n, seed = _validate.integer("n", n, 1), _validate.integer("seed", seed, 0)
    return Sampler(lambda round_: np.random.default_rng([seed, round_]).uniform(low, high, (n, low.size)))


def boundary(
    bounds: Bounds, n: int, sides: Sequence[tuple[int, str]] | None = None, seed: int | None = None
) -> Sampler:
    """Points on the faces of a box: evenly spread, or random ones with a seed.

    Parameters
    ----------
    bounds : sequence of (low, high)
    n : int
        Points on every face (along every coordinate of the face, where they are evenly spread).
    sides : sequence of (coordinate, {"low", "high"}), optional
        Faces by the number of the coordinate that is held; all if None.
    seed : int, optional

    Examples
    --------
    >>> boundary([(0.0, 1.0), (0.0, 1.0)], 2, sides=[(1, "low")]).points().tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    low, high = _checked(bounds)
    n = _validate.integer("n", n, 1)
    if sides is None:
        sides = [(i, end) for i in range(low.size) for end in ("low", "high")]
    for i, end in sides:
        _validate.integer("the coordinate of a side", i, 0, low.size - 1)
        _validate.choice("the end of a side", end, ("low", "high"))

    def draw(round_: int) -> FloatArray:
        faces = []
        for number, (i, end) in enumerate(sides):
            others = [k for k in range(low.size) if k != i]
            if seed is None:
                axes = [np.linspace(low[k], high[k], n) for k in others]
                mesh = np.meshgrid(*axes, indexing="ij")
                inside = np.stack([m.ravel() for m in mesh], axis=1) if axes else np.zeros((1, 0))
            else:
                rng = np.random.default_rng([seed, round_, number])
                inside = rng.uniform(low[others], high[others], (n, len(others)))
            face = np.empty((len(inside), low.size))
            face[:, others] = inside
            face[:, i] = low[i] if end == "low" else high[i]
            faces.append(face)
        return np.concatenate(faces)

    return Sampler(draw)


def given(points: ArrayLike, n_coordinates: int) -> Sampler:
    """Points as they are, in all rounds."""
    array = _validate.matrix("points", points, n_coordinates).copy()
    return Sampler(lambda _: array.copy())


def _checked(bounds: Bounds) -> tuple[FloatArray, FloatArray]:
    array = _validate.matrix("bounds", bounds, 2)
    low, high = array.T
    if not (low < high).all():
        raise ValueError(
            f"bounds are {array.tolist()}; expected (low, high) with low < high for every coordinate."
        )
    return low, high


def _counts(n: int | Sequence[int], n_coordinates: int) -> list[int]:
    counts = [n] * n_coordinates if isinstance(n, (int, np.integer)) else list(n)
    if len(counts) != n_coordinates:
        raise ValueError(
            f"n has {len(counts)} numbers; expected one for each of {n_coordinates} coordinates."
        )
    return [_validate.integer("n", count, 1) for count in counts]
