"""symbolic_formula: a model as a formula in the units of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._time_limit import Limits
from kan_np.inspection.model_type import KanModel
from kan_np.surgery import formula
from kan_np.surgery.formula import Formula
from kan_np.training.progress import SearchCallback, Watch, progress_bar


def symbolic_formula(
    model: KanModel,
    var: Sequence[Any] | None = None,
    normalizer: Sequence[ArrayLike] | None = None,
    digits: int | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    output_normalizer: Sequence[ArrayLike] | None = None,
    exact: bool = True,
    written_out: bool = False,
    seconds: float | None = None,
    max_seconds: float | None = None,
    progress: bool = False,
    callback: SearchCallback | None = None,
) -> Formula:
    """Write the model as a formula in the units of the data, simplified, its constants recognised.

    Constants become integers, fractions and multiples of pi, e and roots only where the labels `y`, or
    the outputs of the model without such, cannot tell the difference; see
    `kan_np.surgery.formula.symbolic_formula`. Edges that are no symbols stay functions without a
    formula; but w x of "linear" ones is written.

    Parameters
    ----------
    model : KAN
    var : sequence of str or sympy.Expr, optional
        Names of the columns of the data, no two alike. Any text is a name: what is no word, or means a
        function or a number, is written in quotes (`kan_np.functions.names`). If None they are symbols
        made of `feature_names`, "t" of "t / h", with a ``legend``; or x_1, x_2, ... without such.
    normalizer : (mean, std), optional
        What the network's input i is: (x_i - mean_i) / std_i. The scaler of the model if None.
    digits : int, optional
        Significant digits of the numbers that stay decimal.
    x : array_like of shape (n_samples, n_in), optional
        Samples, as ``model(x)`` takes them; spread over its grids if None.
    y : array_like of shape (n_samples, n_out), optional
        Labels.
    output_normalizer : (mean, std), optional
        Of the outputs, as `normalizer`.
    exact : bool
        Whether constants are recognised.
    written_out : bool
        Whether edges of other families than B-splines are written out where they have a formula, such as
        a polynomial; then nothing is simplified or recognised.
    seconds, max_seconds : float, optional
        Limits of processor time of the thread and of wall-clock time: the formula is then as simple as it
        could be made until there, and a warning says so. Long formulas take minutes, some never end.
    progress : bool
        Show on a terminal what is done.
    callback : callable, optional
        Takes a `kan_np.SearchProgress` before every step of every output; True ends it as a limit does.

    Returns
    -------
    Formula

    Raises
    ------
    ValueError, TypeError
        For names, normalizers or samples that do not fit the model, labels without samples, and where
        the formula or the model is not finite on the samples.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([1, 1, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "log", fit=False, b=2.0)
    >>> _ = model.fix_symbolic(1, 0, 0, "exp", fit=False, a=2.0)
    >>> model.symbolic_formula(var=["t"]).expressions
    [(t + 2)**2]
    """
    digits = None if digits is None else _validate.integer("digits", digits, 1)
    names = formula.variable_names(var, model._used.size)
    samples = model._samples_or_spread(x)
    labels = model._labels(y, len(samples))
    units = units_of(model, normalizer, output_normalizer)
    limit = Limits(seconds, max_seconds)
    n_out = model.width[-1]
    with progress_bar("formula", n_out if n_out > 1 else None, progress) as show:
        watch = Watch(show, callback, n_out)
        found = formula.symbolic_formula(
            model._network,
            names,
            units,
            samples,
            labels,
            digits=digits,
            exact=exact,
            written_out=written_out,
            over=lambda: "callback" if watch.stopped else limit(),
            near=limit.near,
            show=watch,
        )
    if var is not None or model.feature_names is None:
        return found
    columns = [f"x_{i + 1}" for i in range(model._used.size)]  # where they are no inputs
    for i, name in zip(model.input_id, model.feature_names, strict=True):
        columns[i] = name
    return found.named(columns)


def units_of(
    model: KanModel,
    normalizer: Sequence[ArrayLike] | None = None,
    output_normalizer: Sequence[ArrayLike] | None = None,
) -> formula.Units:
    """What had been done to inputs and outputs: as it is said, or by the scaler of the model."""
    n_in, n_out, scaler, used = model.width[0], model.width[-1], model.scaler, model._used
    inputs, outputs = (np.zeros(n_in), np.ones(n_in)), (np.zeros(n_out), np.ones(n_out))
    if normalizer is not None:
        shift, scale = formula.checked_normalizer("normalizer", normalizer, used.size)
        inputs = shift[used], scale[used]
    elif scaler is not None:
        inputs, outputs = (
            (scaler.input_shift, scaler.input_scale),
            (scaler.label_shift, scaler.label_scale),
        )
    if output_normalizer is not None:
        outputs = formula.checked_normalizer("output_normalizer", output_normalizer, n_out)
    return formula.Units(used, *inputs, *outputs)
