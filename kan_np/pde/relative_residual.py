"""How large residuals are beside what they are made of: a measure without units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from kan_np._validate import FloatArray
from kan_np.pde.points import sobol
from kan_np.pde.problem import Problem

#: Derivatives by name, each (n,), at points (n, n_coordinates).
Derivatives = Callable[[FloatArray, Sequence[str]], Mapping[str, FloatArray]]

_POINTS = 256


def scales(problem: Problem, derivatives: Derivatives, names: Sequence[str]) -> dict[str, float]:
    """Root mean squares of outputs and derivatives over the domain."""
    form = problem.form
    points = sobol(list(zip(form.low.tolist(), form.high.tolist(), strict=True)), _POINTS).points()
    found = derivatives(points, names)
    return {name: float(np.sqrt(np.mean(np.square(own)))) for name, own in found.items()}


def term_scales(
    problem: Problem, derivatives: Derivatives, unknowns: Mapping[str, float], points: Sequence[FloatArray]
) -> dict[str, float]:
    """For every term the root mean square of  sum over derivatives d of  |dr/dd| (scale of d)."""
    found = {}
    for term, own in zip(problem.terms, points, strict=True):
        names = [name for name in term.residual.sought if name not in unknowns]
        values = dict(zip(problem.names.coordinates, own.T, strict=True)) | dict(unknowns)
        values |= derivatives(own, names)
        slopes, size = term.residual.slopes(values, len(own)), scales(problem, derivatives, names)
        total = sum((np.abs(slopes[name]) * size[name] for name in names), np.zeros(len(own)))
        found[term.name] = float(np.sqrt(np.mean(np.square(total))))
    return found
