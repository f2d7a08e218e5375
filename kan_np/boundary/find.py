"""discover_boundary: from the labels of two classes to a formula of where they meet."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np._warnings import KanWarning
from kan_np.boundary.candidate import Boundaries, Boundary
from kan_np.boundary.logistic import BoundaryFit
from kan_np.boundary.points import boundary_points
from kan_np.data.check import Dataset, check_dataset
from kan_np.data.columns import Columns, without_tables
from kan_np.data.dataset import split_validation
from kan_np.discovery.call import discover
from kan_np.functions.column_symbols import column_symbols
from kan_np.functions.variables import checked_variables
from kan_np.model import KAN
from kan_np.objective.losses import CrossEntropy
from kan_np.symbolic.simplify import size

#: Points of the boundary from which formulas are read, and the fewest.
_POINTS, _LEAST_POINTS = 400, 30
#: Steps and grid of the classifier, rows that it is trained on at most, and rows that formulas are fitted to.
_STEPS, _GRID, _TRAINED, _ROWS = 60, 5, 8_000, 20_000


def discover_boundary(
    dataset: Dataset,
    *,
    columns: Sequence[str] | None = None,
    model: KAN | None = None,
    groups: ArrayLike | None = None,
    seconds: float = 60.0,
    seed: int = 0,
    **options: Any,
) -> Boundaries:
    """Find formulas of the boundary between two classes: one column as a function of the others.

    A classifier's logit is known up to a monotone function only, but its zero set is a surface in the space
    of the columns. A KAN is trained by cross-entropy; for each column the points of the boundary are found
    along it, and `kan_np.discover` looks for formulas v = h(others) of them. The numbers of each formula are
    then fitted to the classes themselves, with s (v - h) as the logit, so that errors of the KAN do not stay
    in them, and become whole numbers and the like where the classes cannot tell the difference. The first is
    the simplest one whose logarithmic loss is within a standard error of the least, the error being that of
    the difference, over groups of rows; the others follow by their loss.

    Parameters
    ----------
    dataset : dict
        train_input and train_label, labels 0 and 1; val_input and val_label, or a fifth of the rows.
    columns : sequence of str, optional
        Which columns v may be; all if None.
    model : KAN, optional
        A fitted classifier with one output, a logit; else [n_in, n_in + 1, 1] is trained.
    groups : array_like of int of shape (n_rows,), optional
        Which training rows belong together, such as states of one chain: they say less about numbers of a
        formula than independent rows. A validation split is then made of whole groups.
    seconds : float
        Budget of the searches, in processor time, in equal parts for the columns.
    seed : int
    **options
        Of `kan_np.discover`, such as ``lib``.

    Returns
    -------
    Boundaries

    Raises
    ------
    ValueError, TypeError
        For data that cannot be used, labels other than 0 and 1, unknown columns and a model of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.boundary import discover_boundary
    >>> x = np.random.default_rng(0).uniform(0.5, 2, (600, 2))
    >>> inside = (x[:, 1] < 1 / x[:, 0]).astype(int)
    >>> table = {"p": x[:, 0], "q": x[:, 1]}
    >>> found = discover_boundary({"train_input": table, "train_label": inside}, columns=["q"])
    >>> found.best.equation
    'q = 1/p'
    """
    seconds = _validate.real("seconds", seconds, 0.0)
    seed = _validate.integer("seed", seed, 0)
    data, names, group = _checked(dataset, groups, seed)
    symbols = checked_variables(list(column_symbols(names).values()), len(names))
    chosen = list(range(len(names))) if columns is None else [_place(name, names) for name in columns]
    if model is None:
        model = _classifier(data, seed)
    elif model.width[0] != len(names) or model.width[-1] != 1:
        raise ValueError(f"model has the shape {model.width}; expected {len(names)} inputs and one output.")
    x, sign = data["train_input"], 2.0 * data["train_label"][:, 0] - 1.0
    rows = np.random.default_rng(seed).permutation(len(x))[:_ROWS]
    found: dict[str, tuple[Boundary, FloatArray]] = {}
    begun = time.thread_time()
    for number, column in enumerate(chosen):
        points = boundary_points(model, x[rows], column, _POINTS)
        if len(points.value) < _LEAST_POINTS:
            continue
        left = max(seconds - (time.thread_time() - begun), 0.0) / (len(chosen) - number)
        for expression in _formulas(points.others, points.value, symbols, column, left, seed, options):
            fit = BoundaryFit(expression, symbols, column, x[rows], sign[rows], group[rows])
            one = _boundary(fit, symbols, names, column, data)
            if one is not None:
                found.setdefault(one[0].equation, one)
    label = data["val_label"][:, 0] > 0.5
    right = float(np.mean((_logit(model, data["val_input"]) > 0.0) == label))
    return Boundaries(tuple(_ordered(list(found.values()))), model, right)


def _ordered(found: list[tuple[Boundary, FloatArray]]) -> list[Boundary]:
    """By loss on the training rows, but first the simplest that is as good as the best."""
    if not found:
        return []
    found = sorted(found, key=lambda one: float(one[1].sum()))
    least = found[0][1]
    as_good = []
    for one, losses in found:
        rise = losses - least
        error = float(np.sqrt(np.sum(np.square(rise - rise.mean()))))
        if float(rise.sum()) <= error:
            as_good.append(one)
    first = min(as_good, key=lambda one: one.complexity)
    return [first, *(one for one, _ in found if one is not first)]


def _formulas(
    others: FloatArray,
    value: FloatArray,
    symbols: Sequence[Any],
    column: int,
    seconds: float,
    seed: int,
    options: dict[str, Any],
) -> list[Any]:
    """Formulas of one column by the others, on points of the boundary."""
    names = [symbol for i, symbol in enumerate(symbols) if i != column]
    data = {"train_input": others, "train_label": value[:, None]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of discover: about points that nobody has given it
        found = discover(data, var=names, seconds=seconds, seed=seed, **options)
    return [one.formula.expressions[0] for one in found.candidates if one.symbolic]


def _boundary(
    fit: BoundaryFit, symbols: Sequence[Any], names: Sequence[str], column: int, data: Dataset
) -> tuple[Boundary, FloatArray] | None:
    """A formula with its numbers fitted to the classes, and the loss of every group of rows.

    None where it is not real on all rows.
    """
    first = fit.fit() if fit.finite else None
    if first is None:
        return None
    settled, numbers = fit.with_exact_numbers(first)
    expression = fit.written(settled, numbers)
    side = 1 if settled.factor > 0.0 else -1
    found = Boundary(
        symbols[column], expression, side, 0.0, 0.0, size(expression), tuple(symbols), tuple(names)
    )
    gap, second = found.decision(data["val_input"]), data["val_label"][:, 0] > 0.5
    if not np.isfinite(gap).all():
        return None
    loss = np.mean(np.logaddexp(0.0, np.where(second, -1.0, 1.0) * abs(settled.factor) * gap))
    found = replace(found, accuracy=float(np.mean((gap > 0.0) == second)), loss=float(loss))
    return found, fit.losses(settled)


def _classifier(data: Dataset, seed: int) -> KAN:
    n_in = data["train_input"].shape[1]
    some = np.random.default_rng(seed).permutation(len(data["train_input"]))[:_TRAINED]
    data = {key: data[key][some] for key in ("train_input", "train_label")}
    model = KAN([n_in, n_in + 1, 1], grid=_GRID, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        model.fit(data, "LM", _STEPS, loss="cross_entropy", standardize=True)
    return model


def _logit(model: KAN, x: FloatArray) -> FloatArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        return np.asarray(model(x)[:, 0])


def _place(name: str, names: Sequence[str]) -> int:
    return list(names).index(_validate.choice("columns", name, names))


def _checked(
    dataset: Dataset, groups: ArrayLike | None, seed: int
) -> tuple[Dataset, list[str], NDArray[np.int64]]:
    """Arrays of training and validation rows, names of the columns, and the group of every training row."""
    if not isinstance(dataset, dict):
        raise TypeError(
            f"dataset is a {type(dataset).__name__}; expected a dict with train_input, train_label."
        )
    plain = without_tables(dataset)
    n_in = np.shape(plain["train_input"])[1] if np.ndim(plain.get("train_input")) == 2 else 1
    group = None
    if groups is not None:
        group = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
        if len(group) != len(plain["train_input"]):
            raise ValueError(
                f"groups has {len(group)} entries; expected {len(plain['train_input'])}, one for every "
                "training row."
            )
    if plain.get("val_input") is None:
        plain, group = _split(plain, group, seed)
    checked = check_dataset(plain, n_in, 1)
    for name in ("train_label", "val_label"):
        checked[name] = CrossEntropy().labels(name, checked[name], 1)
        if not np.isin(checked[name], (0.0, 1.0)).all():
            raise ValueError(
                f"{name} has other values than 0 and 1; expected one of two classes in every row."
            )
    if np.ptp(checked["train_label"]) == 0.0:
        raise ValueError("train_label is the same in every row; expected two classes, 0 and 1.")
    features = list(Columns.of(plain, n_in, 1).features) or [f"x_{i}" for i in range(1, n_in + 1)]
    if group is None:
        group = np.arange(len(checked["train_input"]))
    return checked, features, group


def _split(plain: Dataset, group: Any, seed: int) -> tuple[Dataset, Any]:
    if group is None:
        return split_validation(plain, 0.2, seed), None
    order = np.random.default_rng(seed).permutation(int(group.max()) + 1)
    held = np.isin(group, order[: max(len(order) // 5, 1)])
    x, y = np.asarray(plain["train_input"]), np.asarray(plain["train_label"])
    parts = {"train_input": x[~held], "train_label": y[~held], "val_input": x[held], "val_label": y[held]}
    return {**plain, **parts}, np.unique(group[~held], return_inverse=True)[1].reshape(-1)
