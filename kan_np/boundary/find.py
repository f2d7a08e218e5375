"""discover_boundary: from the labels of two classes to a formula of where they meet."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np._warnings import KanWarning
from kan_np.boundary.border import (
    checked_columns,
    checked_model,
    checked_options,
    checked_rows,
    warn_of_few,
)
from kan_np.boundary.candidate import Boundaries, Boundary
from kan_np.boundary.logistic import BoundaryFit
from kan_np.boundary.many_logits import flipped_loss
from kan_np.boundary.points import Crossings, crossings
from kan_np.boundary.rows import Rows
from kan_np.boundary.sums import BoundarySum, boundary_sums
from kan_np.data.check import Dataset
from kan_np.discovery.call import discover
from kan_np.discovery.found_directly import made_of
from kan_np.discovery.ladder import rungs, terms_alone
from kan_np.functions.column_symbols import column_symbols
from kan_np.functions.variables import checked_variables
from kan_np.model import KAN
from kan_np.objective.losses import CrossEntropy
from kan_np.symbolic.simplify import size

#: Points of the boundary from which formulas are read, and the fewest. They come from rows of the half that
#: is nearest to it.
_POINTS, _LEAST_POINTS, _NEAR = 400, 30, 0.5
#: Classifiers, but for the first each of a part of the groups of rows: where they differ is the noise of the
#: points.
_CLASSIFIERS, _PART = 4, 0.7
#: Bits by which the classes must determine a number beyond the length of a simple one that it becomes: of
#: four others one does by chance, of the second formula each may, and the accuracy decides.
_MARGINS = (2.0, 0.0)
#: Standard errors by which a simpler formula may be worse than the best, which of many is the luckiest, too.
_ERRORS = 2.0
#: Powers, products and ratios of the other columns that are tried alone, times a number.
_ALONE = 6
#: Part of the time in which sums of terms are compared; those of each number of terms, and of all, whose
#: numbers are fitted.
_SHARE, _EACH, _SUMS = 0.5, 5, 12
#: Steps of the classifier, rows that it is trained on at most, and rows that formulas are fitted to.
_STEPS, _TRAINED, _ROWS = 60, 8_000, 20_000
#: Its grids, of which the finest is taken that has as many labels a parameter as a class needs
#: (`CrossEntropy`).
_GRIDS, _LABELS = (5, 3, 2, 1), CrossEntropy.samples_a_parameter
#: Edges of it, about, from nine columns on: the time of a step grows with their third power.
_HIDDEN_EDGES = 100


def discover_boundary(
    dataset: Dataset,
    *,
    columns: Sequence[str] | None = None,
    model: KAN | None = None,
    groups: ArrayLike | None = None,
    tolerance: float = 0.005,
    seconds: float = 60.0,
    seed: int = 0,
    **options: Any,
) -> Boundaries:
    """Find formulas of the boundary between two classes: one column as a function of the others.

    For each column v formulas v = h(others) come from two roads. Sums of up to three terms, such as products
    of powers, some times an exponential, a hyperbolic cosine, a logarithm, a sine, are compared by how well
    they tell the labels apart. And KANs are trained by cross-entropy: their logit is known up to a monotone
    function only, but its zero set is a surface in the space of the columns, whose points `kan_np.discover`
    looks for formulas of.

    The numbers of each formula are then fitted to the classes themselves, by

        P(label is right) = e + (1 - 2 e) / (1 + exp(-t s w (v - h))),   t = 1 and -1 for the two classes,

    with the part e of labels that are wrong wherever they are, so that neither errors of the KAN nor a few
    labels far from the boundary stay in them. They become whole numbers and the like where the classes cannot
    tell the difference, or, in a second formula, where they hardly can.

    The first formula is the simplest whose accuracy on the rows, up to 20000 for training and those for
    validation, is within two standard errors of the best, the error being that of the difference, over groups
    of rows, or within the tolerance; the others follow by that accuracy.

    Parameters
    ----------
    dataset : dict
        train_input and train_label, labels 0 and 1; val_input and val_label, or a fifth of the rows.
    columns : sequence of str, optional
        Which columns v may be; all if None. A table of one column has a number as its boundary.
    model : KAN, optional
        A fitted classifier with one output, a logit; else [n_in, n_in + 1, 1] is trained, with fewer hidden
        nodes from ten columns on, on 8000 rows at most, and three more on parts of the rows.
    groups : array_like of int of shape (n_rows,), optional
        Which training rows belong together, such as states of one chain: they say less about numbers of a
        formula than independent rows. A validation split is then made of whole groups, about a fifth of the
        rows, with both classes in each part.
    tolerance : float
        Share of the rows by which the first formula, a simpler one, may be less accurate than the best of
        all, though rows are many enough to tell them apart: labels are seldom right to more. With 0 only
        standard errors count.
    seconds : float
        Budget of the searches, in processor time, in equal parts for the columns. Training the networks and
        fitting the numbers of what was found come on top: with 0 the best of the simplest formulas are left.
        What is found in a time depends on the machine.
    seed : int
    **options
        Of `kan_np.discover`, such as ``lib``, which says what functions formulas may have beside powers; not
        ``var`` and ``units``.

    Returns
    -------
    Boundaries

    Warns
    -----
    KanWarning
        If the smaller class has fewer than 20 rows.

    Raises
    ------
    ValueError, TypeError
        For data that cannot be used, a column in ``columns`` that does not vary, labels other than 0 and 1,
        groups that leave a part without one of the classes, unknown columns and options, and a model of
        another shape; all before anything is trained.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.boundary import discover_boundary
    >>> x = np.random.default_rng(0).uniform(0.5, 2, (600, 2))
    >>> inside = (x[:, 1] < 1 / x[:, 0]).astype(int)
    >>> table = {"p": x[:, 0], "q": x[:, 1]}
    >>> data = {"train_input": table, "train_label": inside}
    >>> found = discover_boundary(data, columns=["q"], seconds=2)
    >>> found.best.equation
    'q = 1/p'
    """
    tolerance = _validate.real("tolerance", tolerance, 0.0, 1.0)
    seconds = _validate.real("seconds", seconds, 0.0)
    seed = _validate.integer("seed", seed, 0)
    accepts = made_of(checked_options(options))
    train, held, names = checked_rows(dataset, groups, seed)
    chosen = checked_columns(columns, names, train.x)
    checked_model(model, len(names))
    warn_of_few(train, held)
    symbols = checked_variables(list(column_symbols(names).values()), len(names))
    others: list[KAN] = []
    if model is None:
        model = _classifier(train, seed)
        others = [_classifier(train.part(_PART, seed + k), seed + k) for k in range(1, _CLASSIFIERS)]
    some = train.some(_ROWS, seed)
    sign = np.where(some.second, 1.0, -1.0)
    found: dict[str, tuple[Boundary, FloatArray]] = {}
    begun = time.thread_time()

    def add(expression: Any, column: int, slope: FloatArray, slope_held: FloatArray) -> None:
        fit = BoundaryFit(expression, symbols, column, some.x, sign, slope, some.group)
        for one in _boundaries(fit, symbols, names, column, held, slope_held):
            found.setdefault(one[0].equation, one)

    for number, column in enumerate(chosen):
        left = max(seconds - (time.thread_time() - begun), 0.0) / (len(chosen) - number)
        end = time.thread_time() + left
        for own in _sums(some.x, sign, column, symbols, _SHARE * left, seed, accepts):
            add(own.expression, column, own.slope(some.x), own.slope(held.x))
        ends = (float(some.x[:, column].min()), float(some.x[:, column].max()))
        there, there_held = (crossings(model, rows.x, column, ends) for rows in (some, held))
        points = [there, *(crossings(other, some.x, column, ends) for other in others)]
        x, value = _points(points, some.x, column, seed)
        if len(value) < _LEAST_POINTS:
            continue
        left = max(end - time.thread_time(), 0.0)
        for expression in _formulas(x, value, symbols, column, left, seed, options):
            add(expression, column, there.slope, there_held.slope)
    right = float(np.mean((_logit(model, held.x) > 0.0) == held.second))
    least_gain = tolerance * (len(some.x) + len(held.x))
    return Boundaries(tuple(_ordered(list(found.values()), least_gain)), model, right)


def _sums(
    x: FloatArray,
    sign: FloatArray,
    column: int,
    symbols: Sequence[Any],
    seconds: float,
    seed: int,
    accepts: Callable[[Any], bool],
) -> list[BoundarySum]:
    """Sums of terms that tell the classes apart: the best of all, and of each number of terms."""
    end = time.thread_time() + seconds

    def over() -> bool:
        return time.thread_time() > end

    found = boundary_sums(x, sign, column, symbols, seed=seed, over=over, accepts=accepts)
    of_size: dict[int, list[BoundarySum]] = {}
    for own in found:
        of_size.setdefault(own.n_terms, []).append(own)
    each = [own for size in sorted(of_size) for own in of_size[size][:_EACH]]
    return [*each, *(own for own in found[:_SUMS] if not any(own is one for one in each))]


def _points(
    found: Sequence[Crossings], x: FloatArray, column: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Points of the boundary: the other columns, and the one, once for each classifier.

    Of the rows from which the first sees the boundary, and another one too, the half that is nearest to it is
    taken, and of these the half for which they agree best.
    """
    values = np.stack([one.value for one in found])
    seen = np.isfinite(values)
    rows = np.flatnonzero(seen[0] & (seen.sum(axis=0) >= min(2, len(found))))
    distance = np.abs(np.nanmedian(values[:, rows], axis=0) - x[rows, column])
    rows = rows[np.argsort(distance, kind="stable")[: max(len(rows) // 2, _LEAST_POINTS)]]
    if len(found) > 1:
        spread = np.nanmax(values[:, rows], axis=0) - np.nanmin(values[:, rows], axis=0)
        rows = rows[np.argsort(spread, kind="stable")[: max(len(rows) // 2, _LEAST_POINTS)]]
    rows = np.random.default_rng(seed).permutation(rows)[: _POINTS // len(found)]
    others = np.delete(x[rows], column, axis=1)
    kept = seen[:, rows].reshape(-1)
    return np.tile(others, (len(found), 1))[kept], values[:, rows].reshape(-1)[kept]


def _ordered(found: list[tuple[Boundary, FloatArray]], least_gain: float) -> list[Boundary]:
    """By accuracy on all rows, but first the simplest that is as good as the best, or so many rows worse."""
    if not found:
        return []
    found = sorted(found, key=lambda one: (float(one[1].sum()), one[0].complexity))
    least = found[0][1]
    as_good = []
    for one, wrong in found:
        rise = wrong - least
        error = float(np.sqrt(np.sum(np.square(rise - rise.mean()))))
        if float(rise.sum()) <= max(_ERRORS * error, least_gain):
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
    """Formulas of one column by the others, on points of the boundary; small ones whatever the time.

    Without other columns it is a number.
    """
    if not others.shape[1]:
        import sympy

        return [sympy.Float(float(np.median(value)))]
    names = [symbol for i, symbol in enumerate(symbols) if i != column]
    data = {"train_input": others, "train_label": value[:, None]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of discover: about points that nobody has given it
        search: Any = discover
        found = search(data, var=names, seconds=seconds, seed=seed, **options)
    small = [
        *terms_alone(others, value, names, _ALONE),
        *(rung.expression for rung in rungs(others, value, names)),
    ]
    return [*small, *(one.formula.expressions[0] for one in found.candidates if one.symbolic)]


def _boundaries(
    fit: BoundaryFit,
    symbols: Sequence[Any],
    names: Sequence[str],
    column: int,
    held: Rows,
    slope: FloatArray,
) -> Iterator[tuple[Boundary, FloatArray]]:
    """A formula with its numbers fitted to the classes, and how many rows of every group it gets wrong.

    Twice if there are simple numbers nearby that the fit would refuse: the accuracy decides. Nothing where
    the formula is not real on all rows.
    """
    first = fit.fit() if fit.finite else None
    if first is None:
        return
    side = 1 if np.median(fit.slope) > 0.0 else -1
    for margin in _MARGINS:
        settled, numbers = fit.with_exact_numbers(first, margin)
        expression = fit.written(settled, numbers)
        found = Boundary(
            symbols[column], expression, side, 0.0, 0.0, size(expression), tuple(symbols), tuple(names)
        )
        gap = found.decision(held.x)
        if not np.isfinite(gap).all():
            continue
        logit = settled.factor * np.abs(slope) * gap
        losses, _, _ = flipped_loss(np.where(held.second, 1.0, -1.0) * logit, settled.flips)
        wrong = (gap > 0.0) != held.second
        found = replace(found, accuracy=1.0 - float(np.mean(wrong)), loss=float(losses.mean()))
        others = (found.decision(fit.x) > 0.0) != (fit.sign > 0.0)
        counts = [np.bincount(fit.groups, others), np.bincount(held.group, wrong)]
        yield found, np.concatenate(counts).astype(np.float64)


def _classifier(train: Rows, seed: int) -> KAN:
    n_in = train.x.shape[1]
    some = train.some(_TRAINED, seed)
    data = {"train_input": some.x, "train_label": some.second[:, None].astype(np.float64)}
    hidden = min(n_in + 1, max(_HIDDEN_EDGES // (n_in + 1), 2))
    model = KAN([n_in, hidden, 1], grid=_GRIDS[0], seed=seed)
    for grid in _GRIDS[1:]:
        if len(some.x) < _LABELS * model.n_params:
            model = KAN([n_in, hidden, 1], grid=grid, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        model.fit(data, "LM", _STEPS, loss="cross_entropy", standardize=True)
    return model


def _logit(model: KAN, x: FloatArray) -> FloatArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        return np.asarray(model(x)[:, 0])
