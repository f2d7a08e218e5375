"""Inputs with columns more, computed from the others by formulas: guesses of what a law depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray

if TYPE_CHECKING:
    import sympy

X = TypeVar("X")


def augment_input(orig_vars: Sequence[sympy.Symbol], aux_vars: Sequence[sympy.Expr], x: X) -> X:
    """Put the values of formulas before the columns of inputs; pykan's ``augment_input``.

    Parameters
    ----------
    orig_vars : sequence of sympy.Symbol
        One a column of the inputs.
    aux_vars : sequence of sympy.Expr
        Formulas of these: the new columns, which come first.
    x : array_like of shape (n_samples, n_in), or dataset
        Of a dataset the inputs of all splits. It is not changed (pykan changes it).

    Returns
    -------
    ndarray of shape (n_samples, n_aux + n_in), or dict
        A new dataset, whose ``feature_names``, where it has such, have the formulas as text in front.

    Raises
    ------
    ValueError, TypeError
        For other variables in the formulas, a number of variables that is not that of the columns, and where
        a formula is not real and finite on the samples.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> from kan_np import augment_input
    >>> a, b = sympy.symbols("a b")
    >>> augment_input([a, b], [a + b, a * b], np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[ 3.,  2.,  1.,  2.],
           [ 7., 12.,  3.,  4.]])
    """
    import sympy

    variables, formulas = list(orig_vars), [sympy.sympify(formula) for formula in aux_vars]
    for formula in formulas:
        for unknown in sorted(formula.free_symbols - set(variables), key=str):
            raise ValueError(f"aux_vars has {formula} with {unknown}; expected only {variables}.")
    if not isinstance(x, Mapping):
        augmented: Any = _augmented("x", variables, formulas, x)
        return augmented
    dataset = dict(x)
    for split in ("train", "test", "val"):
        name = f"{split}_input"
        if dataset.get(name) is not None:
            dataset[name] = _augmented(f"dataset[{name!r}]", variables, formulas, dataset[name])
    if dataset.get("feature_names") is not None:
        dataset["feature_names"] = [*map(str, formulas), *dataset["feature_names"]]
    return dataset  # type: ignore[return-value]


def _augmented(name: str, variables: list[Any], formulas: list[Any], x: Any) -> FloatArray:
    import sympy

    samples = _validate.matrix(name, x)
    if samples.shape[1] != len(variables):
        raise ValueError(
            f"{name} has {samples.shape[1]} columns and orig_vars {len(variables)} variables; expected as "
            "many."
        )
    columns = []
    for formula in formulas:
        function = sympy.lambdify(variables, formula, "numpy")
        with np.errstate(all="ignore"):
            values = np.broadcast_to(np.asarray(function(*samples.T)), len(samples))
        if values.dtype.kind == "c" or not np.isfinite(values.astype(np.float64)).all():
            raise ValueError(
                f"{formula} is not real and finite for all rows of {name}; expected a formula that is."
            )
        columns.append(values.astype(np.float64))
    return np.column_stack([*columns, samples])
