"""Which inputs a model uses, and how: permutation importance, and its average prediction along each input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
#: Gives predictions (n, n_out) of inputs (n, n_in), both in the units of the table.
Predictor = Callable[[FloatArray], FloatArray]
#: Gives the error of a model from the losses of rows, as the root of their mean.
Error = Callable[[FloatArray], float]

#: Most evaluations of a model for all importances together, and for all curves; chosen by judgement.
_EVALUATIONS = 400_000
_LEAST_REPEATS, _MOST_REPEATS = 8, 40
_LEAST_ROWS, _MOST_ROWS = 50, 500
_CURVE_POINTS, _CURVE_ROWS = 41, 200
#: Shares of the rows below and above a band.
_BAND = (0.1, 0.9)


@dataclass(frozen=True)
class Part:
    """Test rows and the model that they test: inputs, labels, and what gives losses of predictions."""

    x: FloatArray
    y: FloatArray
    predict: Predictor


def importances(
    parts: Sequence[Part],
    columns: Mapping[str, Sequence[int]],
    losses: Callable[[FloatArray, FloatArray], FloatArray],
    error: Error,
) -> list[dict[str, object]]:
    """Return by how much the test error rises if the values of a column are dealt out anew among rows.

    Permutation importance (L. Breiman (2001), Machine Learning 45, 5), a number a column of the table: all
    numbers that stand for its classes change places together, so that it does not depend on their coding.
    Rows are drawn again with each repetition (the bootstrap), so that the 5 % and 95 % points say what other
    test rows and permutations would have given.

    Parameters
    ----------
    parts : sequence of Part
        One for every fold.
    columns : mapping of str to sequence of int
        Positions of each column among the inputs.
    losses : callable
        Of predictions and labels, (n,).
    error : callable
        Of losses.

    Returns
    -------
    list of dict
        column, value, low, high; and "clear", whether the low end is above zero. The largest comes first.
    """
    generator = np.random.default_rng(0)
    most = int(np.clip(_EVALUATIONS // (_LEAST_REPEATS * len(columns)), _LEAST_ROWS, _MOST_ROWS))
    parts = [_thinned(part, most, generator) for part in parts]
    n = sum(len(part.x) for part in parts)
    repeats = int(np.clip(_EVALUATIONS // max(n * len(columns), 1), _LEAST_REPEATS, _MOST_REPEATS))
    drawn = generator.integers(0, n, (repeats, n))
    plain = np.concatenate([losses(part.predict(part.x), part.y) for part in parts])
    found: list[dict[str, object]] = []
    for column, positions in columns.items():
        shuffled = np.concatenate(
            [_losses_of_shuffled(part, positions, repeats, losses, generator) for part in parts], axis=1
        )
        rises = [error(shuffled[i][rows]) - error(plain[rows]) for i, rows in enumerate(drawn)]
        low, high = np.percentile(rises, [5, 95])
        found.append(
            {
                "column": column,
                "value": float(np.mean([error(own) for own in shuffled]) - error(plain)),
                "low": float(low),
                "high": float(high),
                "clear": bool(low > 0),
            }
        )
    return sorted(found, key=lambda own: -float(str(own["value"])))


def _thinned(part: Part, most: int, generator: np.random.Generator) -> Part:
    if len(part.x) <= most:
        return part
    rows = np.sort(generator.permutation(len(part.x))[:most])
    return Part(part.x[rows], part.y[rows], part.predict)


def _losses_of_shuffled(
    part: Part,
    positions: Sequence[int],
    repeats: int,
    losses: Callable[[FloatArray, FloatArray], FloatArray],
    generator: np.random.Generator,
) -> FloatArray:
    """Return the losses of rows among which a column was dealt out anew, (repeats, n)."""
    n = len(part.x)
    x = np.tile(part.x, (repeats, 1))
    for i in range(repeats):
        order = generator.permutation(n)
        x[i * n : (i + 1) * n, positions] = part.x[order][:, positions]
    predicted = part.predict(x)
    return losses(predicted, np.tile(part.y, (repeats, 1))).reshape(repeats, n)


def curves(
    predict: Predictor,
    x: FloatArray,
    columns: Mapping[str, Sequence[int]],
    classes: Mapping[str, Sequence[str]],
    wanted: Sequence[str],
) -> list[dict[str, object]]:
    """Return the average prediction along each column, over the rows as they are in all other columns.

    Partial dependence (J. H. Friedman (2001), Annals of Statistics 29, 1189, section 8.2), with a band that
    holds 80 % of the rows, each moved up or down by the difference of its mean from that of all rows: where
    it is narrow the column has the same effect on every row.

    Parameters
    ----------
    predict : callable
    x : ndarray, shape (n, n_in)
        Training rows.
    columns : mapping of str to sequence of int
        Positions of each column among the inputs.
    classes : mapping of str to sequence of str
        Classes of the columns that hold such.
    wanted : sequence of str
        The columns to look at.

    Returns
    -------
    list of dict
        column, x (numbers or classes), and mean, low and high, lists with a list for every output.
    """
    generator = np.random.default_rng(0)
    rows = x[np.sort(generator.permutation(len(x))[:_CURVE_ROWS])]
    return [_curve(predict, x, rows, name, columns[name], classes.get(name, ())) for name in wanted]


def _curve(
    predict: Predictor,
    x: FloatArray,
    rows: FloatArray,
    name: str,
    positions: Sequence[int],
    labels: Sequence[str],
) -> dict[str, object]:
    if labels:
        coded = np.eye(len(labels)) if len(positions) == len(labels) else np.array([[0.0], [1.0]])
        values: Sequence[object] = list(labels)
    else:
        own = x[:, positions[0]]
        points = np.linspace(own.min(), own.max(), _CURVE_POINTS)
        values, coded = [float(point) for point in points], points[:, None]
    n_points, n = len(coded), len(rows)
    asked = np.tile(rows, (n_points, 1))
    asked[:, list(positions)] = np.repeat(coded, n, axis=0)
    found = predict(asked)
    found = found.reshape(n_points, n, found.shape[1])
    mean = found.mean(axis=1)
    centred = found - found.mean(axis=0) + found.mean(axis=(0, 1))
    low, high = np.quantile(centred, _BAND, axis=1)
    return {
        "column": name,
        "x": list(values),
        **{key: values_.T.tolist() for key, values_ in (("mean", mean), ("low", low), ("high", high))},
    }
