"""Stages of a run that searched for formulas: one for each formula on the frontier, simplest first.

A stage has the entries of one of a network, and a formula: `n_params` counts the numbers in the formula or,
if edges stayed splines, which a formula cannot write out, the parameters of its model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
#: A test RMSE up to this fraction of the spread of the labels counts as rounding; chosen by judgement.
ROUNDING = 1e-9


def formula_stages(found: Any, dataset: Mapping[str, Any], wall_s: float) -> list[tuple[dict[str, Any], Any]]:
    """Return every formula as a stage of a record, and its model.

    Parameters
    ----------
    found : kan_np.Discovery
        Its candidates, and its best one, which need not be among them.
    dataset : mapping
        What was searched; its test samples say whether an exact formula is exact on fresh samples.
    wall_s : float
        How long the search took.
    """
    candidates = list(found.candidates)
    if not any(candidate is found.best for candidate in candidates):
        candidates = sorted([*candidates, found.best], key=lambda c: (c.complexity, c.val_rmse))
    return [
        (_stage(number, candidate, candidate is found.best, dataset, wall_s), candidate.model)
        for number, candidate in enumerate(candidates)
    ]


def n_constants(expression: Any) -> int:
    """Return how many numbers stand in a sympy expression; 1 and -1 are none.

    Examples
    --------
    >>> import sympy
    >>> n_constants(sympy.sympify("3*x**2/y + exp(-y)"))
    2
    """
    import sympy

    leaves = (part for part in sympy.preorder_traversal(expression) if not part.args)
    return sum(bool(leaf.is_number) and leaf not in (1, -1) for leaf in leaves)


def _stage(
    number: int, candidate: Any, best: bool, dataset: Mapping[str, Any], wall_s: float
) -> dict[str, Any]:
    formula = candidate.formula
    (expression,) = formula.expressions
    test_rmse, spread = math.nan, math.nan
    if "test_input" in dataset:
        test_rmse = _rmse(
            formula.numpy(), dataset["test_input"], dataset["test_label"], dataset.get("scaler")
        )
        spread = float(np.std(dataset["test_label"]))
    exact = candidate.exact and not test_rmse > ROUNDING * spread
    constants = n_constants(expression)
    return {
        "stage": number,
        "grid": None,
        "n_params": candidate.model.n_params if formula.splines else constants,
        "train_rmse": float(candidate.train_rmse),
        "val_rmse": float(candidate.val_rmse),
        "test_rmse": test_rmse,
        "wall_s": wall_s,
        "n_iter": 0,
        "n_fev": 0,
        "status": "exact" if exact else "splines left" if formula.splines else "approximate",
        "opt": "",
        "model": None,
        "formula": {
            "formula": str(expression),
            "latex": formula.latex()[0],
            "complexity": float(candidate.complexity),
            "n_constants": constants,
            "exact": exact,
            "best": best,
        },
    }


def _rmse(function: Any, x: FloatArray, y: FloatArray, scaler: Any) -> float:
    """Return the error of a formula in the units of the labels; infinite where it is not real somewhere."""
    if scaler is None:
        predicted = function(x)
    else:
        values = function(x * scaler.input_scale + scaler.input_shift)
        predicted = (values - scaler.label_shift) / scaler.label_scale
    with np.errstate(over="ignore", invalid="ignore"):
        rmse = float(np.sqrt(np.mean(np.square(predicted - y))))
    return rmse if math.isfinite(rmse) else math.inf
