"""A solution on an even grid of its domain: what pictures of it show."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.pde.problem import Problem

#: Pictures have one or two coordinates.
_MOST_COORDINATES = 2


@dataclass(frozen=True)
class Fields:
    """A solution of one or two coordinates on an even grid, boundary included.

    Arrays have the shape (n,) or (n, n), the first coordinate first.

    Attributes
    ----------
    coordinates : tuple of str
    axes : tuple of ndarray
        The values of every coordinate.
    values : dict of str to ndarray
        Every output.
    errors : dict of str to ndarray
        How far every output is from a reference; empty without one.
    residual : ndarray
        Root of the sum of the squared residuals of all equations; 0 if none can be evaluated on the grid.
    bending : ndarray
        Root of the sum of all squared second derivatives of all outputs (the Frobenius norm of the Hessian).
    """

    coordinates: tuple[str, ...]
    axes: tuple[FloatArray, ...]
    values: dict[str, FloatArray]
    errors: dict[str, FloatArray]
    residual: FloatArray
    bending: FloatArray


def fields_of(
    problem: Problem,
    derivatives: Callable[..., dict[str, FloatArray]],
    residuals: Callable[[FloatArray], dict[str, FloatArray]],
    n: int,
    reference: Callable[..., dict[str, FloatArray]] | None = None,
) -> Fields:
    """Evaluate a solution on n points along every coordinate; see `kan_np.pde.Solution.fields`.

    Parameters
    ----------
    problem : Problem
    derivatives, residuals : callable
        Those of the solution: derivatives by name and residuals of equations, at points.
    n, reference
        As for `kan_np.pde.Solution.fields`.

    Raises
    ------
    ValueError
        For more than two coordinates.
    """
    n = _validate.integer("n", n, 2)
    form, names = problem.form, problem.names
    if len(names.coordinates) > _MOST_COORDINATES:
        raise ValueError(
            f"the problem has {len(names.coordinates)} coordinates, {', '.join(names.coordinates)}; expected "
            "one or two. Draw a slice yourself, with the values of solution(points)."
        )
    axes = tuple(np.linspace(low, high, n) for low, high in zip(form.low, form.high, strict=True))
    points = np.stack([own.ravel() for own in np.meshgrid(*axes, indexing="ij")], axis=1)
    shape = (n,) * len(axes)
    seconds = list(itertools.combinations_with_replacement(names.coordinates, 2))
    found = derivatives(points, *names.outputs, *(f"{u}_{a}{b}" for u in names.outputs for a, b in seconds))
    squares = np.zeros(len(points))
    for u, (a, b) in itertools.product(names.outputs, seconds):
        squares += (1.0 if a == b else 2.0) * found[f"{u}_{a}{b}"] ** 2  # u_xy is there twice
    rest = np.zeros(len(points))
    for own in residuals(points).values():
        rest += own * own
    true = {} if reference is None else reference(points, *names.outputs)
    return Fields(
        names.coordinates,
        axes,
        {u: found[u].reshape(shape) for u in names.outputs},
        {u: np.abs(found[u] - own).reshape(shape) for u, own in true.items()},
        np.sqrt(rest).reshape(shape),
        np.sqrt(squares).reshape(shape),
    )
