"""Metrics: numbers that a fit records after every step, beside the losses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.objective.loss import Loss
from kan_np.objective.losses import CrossEntropy, Poisson
from kan_np.training.estimator import Estimator

#: Metrics by name; each is recorded for the training, test and validation samples that there are.
NAMES = ("accuracy", "r2", "mae")
_OTHERS = {"acc": "accuracy", "r^2": "r2", "r2_score": "r2", "mean_absolute_error": "mae"}
_TAKEN = ("train_loss", "test_loss", "val_loss", "reg")


@dataclass(frozen=True)
class Metrics:
    """What a fit records; `checked_metrics` makes it.

    Attributes
    ----------
    names : tuple of str
        Of `NAMES`.
    functions : tuple of (str, callable, bool)
        Functions of users with their names, and whether they take the model.
    """

    names: tuple[str, ...] = ()
    functions: tuple[tuple[str, Callable[..., Any], bool], ...] = ()

    def check(self, loss: Loss) -> None:
        """Raise ValueError for a metric that labels of this loss do not have."""
        of_classes = isinstance(loss, CrossEntropy)
        for name in self.names:
            if of_classes != (name == "accuracy"):
                fitting = ("accuracy",) if of_classes else tuple(n for n in NAMES if n != "accuracy")
                raise ValueError(
                    f"metrics has {name!r} with loss={loss.name!r}; expected "
                    f"{' or '.join(map(repr, fitting))}, which are for such labels, or functions."
                )

    def keys(self, splits: Iterable[str]) -> list[str]:
        """Names of the histories."""
        named = [f"{split}_{name}" for name in self.names for split in ("train", *splits)]
        return named + [name for name, _, _ in self.functions]

    def values(self, model: Estimator, data: Dataset, splits: Iterable[str]) -> list[float]:
        """The present values, in the order of `keys`."""
        splits = ("train", *splits) if self.names else ()
        outputs = {split: model._network.forward(model._within(data[f"{split}_input"])) for split in splits}
        unit = data.get("label_unit", 1.0)
        found = [
            _measure(
                name, model._loss, data[f"{split}_label"], outputs[split], data.get(f"{split}_weight"), unit
            )
            for name in self.names
            for split in splits
        ]
        return found + [_number(name, f(model) if takes else f()) for name, f, takes in self.functions]


def checked_metrics(metrics: Sequence[str | Callable[..., Any]] | None) -> Metrics:
    """The metrics that a user asks for.

    Raises
    ------
    TypeError, ValueError
        For anything but names of `NAMES` and functions with names of their own.
    """
    if metrics is None:
        return Metrics()
    if isinstance(metrics, str) or callable(metrics):
        metrics = (metrics,)
    try:
        wanted = list(metrics)
    except TypeError:
        raise TypeError(
            f"metrics is {_validate.shown(metrics)}; expected a sequence of functions and of "
            f"{', '.join(map(repr, NAMES))}."
        ) from None
    names, functions = [], []
    for metric in wanted:
        if isinstance(metric, str):
            names.append(_validate.choice("metrics", metric, NAMES, _OTHERS))
        elif callable(metric):
            name = getattr(metric, "__name__", type(metric).__name__)
            functions.append((name, metric, _takes_model(metric)))
        else:
            raise TypeError(
                f"metrics has {_validate.shown(metric)}; expected functions and "
                f"{', '.join(map(repr, NAMES))}."
            )
    own = [name for name, _, _ in functions]
    taken = [*_TAKEN, *(f"{split}_{name}" for split in ("train", "test", "val") for name in names)]
    twice = _validate.repeated([*names, *own]) or [name for name in own if name in taken]
    if twice:
        raise ValueError(f"metrics has {twice[0]!r} twice, or its name is taken; expected other names.")
    return Metrics(tuple(names), tuple(functions))


def _takes_model(function: Callable[..., Any]) -> bool:
    """Whether a function has an argument that must be given: it gets the model."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of compiled code
        return True
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind in positional and p.default is p.empty for p in parameters)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name} returned {_validate.shown(value)}; expected a number.") from None


def _measure(
    name: str,
    loss: Loss,
    y: FloatArray,
    f: FloatArray,
    weight: FloatArray | None,
    unit: FloatArray | float = 1.0,
) -> float:
    """A metric of `NAMES` in the units of the data, of labels and outputs that are so many of them."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # divergence is a status of the fit
        if name == "accuracy":
            right = (f > 0) == (y > 0.5) if y.shape[1] == 1 else f.argmax(axis=1) == y.argmax(axis=1)
            return float(np.average(right.reshape(len(y)), weights=weight))
        predicted = np.exp(f) if isinstance(loss, Poisson) else f
        if name == "mae":
            return float(np.average((np.abs(predicted - y) * unit).mean(axis=1), weights=weight))
        residual = np.average(np.square(predicted - y), axis=0, weights=weight)
        centred = y - np.average(y, axis=0, weights=weight)
        return float(np.mean(1.0 - residual / np.average(np.square(centred), axis=0, weights=weight)))
