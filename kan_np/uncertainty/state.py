"""Error bars in the file of their model: what is read is checked before it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.data.scaler import Scaler
from kan_np.model_file import BARS_PREFIX, SCALER_PREFIX
from kan_np.network.state import check_config
from kan_np.training.estimator import Estimator
from kan_np.training.training_range import checked_range
from kan_np.uncertainty.bars import (
    ConformalBars,
    EnsembleBars,
    ErrorBars,
    JackknifeBars,
    LaplaceBars,
)
from kan_np.uncertainty.laplace import MAX_PARAMS, Laplace
from kan_np.uncertainty.outside import Outside

#: Most further fits in a file; chosen by judgement.
_MOST_MEMBERS = 10_000
_FOLLOWED = "followed_range"


def restored_bars(
    model: Estimator,
    described: object,
    declared: Mapping[str, Declared],
    read: Callable[[str], NDArray[Any]],
    kinds: Mapping[str, type[Estimator]],
) -> ErrorBars:
    """The error bars of a file.

    Parameters
    ----------
    model : Estimator
        As it was read.
    described : mapping
        What the header says: the method, and kind and configuration of every further fit.
    declared : mapping of str to Declared
        The arrays whose names begin with `BARS_PREFIX`.
    read : callable
        Reads one of them.
    kinds : mapping of str to class
        Classes of models by name.

    Raises
    ------
    ValueError
        If the arrays are not those of error bars of this model.
    """
    if not isinstance(described, dict) or not isinstance(described.get("method"), str):
        raise ValueError("its error bars have no method")
    own = _Arrays(declared, read)
    n_in, n_out = model.width[0], model.width[-1]
    outside = Outside(
        checked_range("range of the error bars", own.take("limits", (2, n_in)), n_in),
        own.positive("spread", (n_out,), allow_zero=True),
    )
    members = _members(described.get("members", []), own, kinds, (n_in, n_out))
    bars: ErrorBars
    if described["method"] == "laplace":
        bars = LaplaceBars(model, outside, _laplace(model, own))
    elif described["method"] == "conformal":
        laplace, scores = _laplace(model, own), own.positive("scores", (None, n_out), allow_zero=True)
        if not len(scores) or (np.diff(scores, axis=0) < 0).any():
            raise ValueError("the scores of its error bars are not sorted")
        bars = ConformalBars(model, outside, laplace, scores)
    elif described["method"] == "ensemble" and members:
        noise, freedom = own.positive("noise", (n_out,)), own.positive("freedom", (n_out,))
        bars = EnsembleBars(model, outside, members, noise, freedom)
    elif described["method"] == "jackknife+" and members:
        residuals = own.positive("residuals", (None, n_out), allow_zero=True)
        fold = own.take("fold", (len(residuals),), np.int64)
        if not len(fold) or fold.min() < 0 or fold.max() >= len(members):
            raise ValueError("the folds of its error bars are not those of its members")
        bars = JackknifeBars(model, outside, members, fold, residuals)
    else:
        raise ValueError(f"its error bars are of no known method, {described['method'][:40]!r}")
    own.check_all_taken()
    return bars


class _Arrays:
    """Arrays of error bars in a file, each read once, after its type and shape were compared."""

    def __init__(self, declared: Mapping[str, Declared], read: Callable[[str], NDArray[Any]]) -> None:
        self._left, self._read = dict(declared), read

    def take(self, name: str, shape: tuple[int | None, ...], dtype: type = np.float64) -> NDArray[Any]:
        """Read an array; None in the shape stands for any number."""
        full = BARS_PREFIX + name
        if full not in self._left:
            raise ValueError(f"its error bars lack {name!r}")
        found = self._left.pop(full)
        fits = len(found.shape) == len(shape) and all(
            size in (None, own) for size, own in zip(shape, found.shape, strict=True)
        )
        if not fits or found.dtype != dtype:
            raise ValueError(f"{full} is {found.dtype} of shape {found.shape}; expected {dtype} of {shape}")
        array = self._read(full)
        if not np.isfinite(array).all():
            raise ValueError(f"{full} is not finite")
        return array

    def positive(self, name: str, shape: tuple[int | None, ...], *, allow_zero: bool = False) -> FloatArray:
        """Read an array of positive numbers."""
        array: FloatArray = self.take(name, shape)
        if (array < 0 if allow_zero else array <= 0).any():
            raise ValueError(f"{BARS_PREFIX}{name} has negative numbers")
        return array

    def of_member(self, number: int) -> dict[str, Declared]:
        """What the arrays of a further fit are declared as, by their own names."""
        prefix = f"{BARS_PREFIX}{number}_"
        return {
            name.removeprefix(prefix): found for name, found in self._left.items() if name.startswith(prefix)
        }

    def read_member(self, number: int, names: Mapping[str, Declared]) -> dict[str, NDArray[Any]]:
        """Read these arrays of a further fit."""
        found = {}
        for name in names:
            full = f"{BARS_PREFIX}{number}_{name}"
            del self._left[full]
            found[name] = self._read(full)
        return found

    def check_all_taken(self) -> None:
        """Raise for arrays that nothing has asked for."""
        if self._left:
            raise ValueError(f"there is an array {min(self._left)[:40]!r}, which no error bars have")


def _laplace(model: Estimator, own: _Arrays) -> Laplace:
    n_out = model.width[-1]
    root = own.take("root", (model.n_params, None))
    if root.shape[1] > MAX_PARAMS:
        raise ValueError("its error bars have more directions than parameters")
    return Laplace(own.positive("noise", (n_out,)), own.positive("freedom", (n_out,)), root)


def _members(
    described: object, own: _Arrays, kinds: Mapping[str, type[Estimator]], ends: tuple[int, int]
) -> list[Estimator]:
    """The further fits of an ensemble or of jackknife+."""
    if not isinstance(described, list) or len(described) > _MOST_MEMBERS:
        raise ValueError(f"the members of its error bars are no list of at most {_MOST_MEMBERS}")
    return [_member(number, one, own, kinds, ends) for number, one in enumerate(described)]


def _member(
    number: int, described: object, own: _Arrays, kinds: Mapping[str, type[Estimator]], ends: tuple[int, int]
) -> Estimator:
    if not isinstance(described, dict) or str(described.get("kind")) not in kinds:
        raise ValueError(f"member {number} of its error bars is of no known kind")
    config = described.get("config")
    if not isinstance(config, dict):
        raise ValueError(f"member {number} of its error bars has no configuration")
    kind, declared = kinds[described["kind"]], own.of_member(number)
    extra = {
        name: declared.pop(name)
        for name in list(declared)
        if name == _FOLLOWED or name.startswith(SCALER_PREFIX)
    }
    check_config(config, declared)
    width = kind._check_arrays(config, declared)
    if (width[0], width[-1]) != ends:
        raise ValueError(f"member {number} of its error bars has other inputs or outputs than the model")
    if any(found.shape not in ((2, ends[0]), (ends[0],), (ends[1],)) for found in extra.values()):
        raise ValueError(f"member {number} of its error bars has arrays of other shapes than a model")
    model = kind._restore(config, own.read_member(number, declared))
    more = own.read_member(number, extra)
    if _FOLLOWED in more:
        model._followed = checked_range("followed range", more.pop(_FOLLOWED), ends[0])
    if more:
        model.scaler = Scaler.from_arrays({n.removeprefix(SCALER_PREFIX): a for n, a in more.items()})
        if (model.scaler.input_shift.size, model.scaler.label_shift.size) != ends:
            raise ValueError(f"member {number} of its error bars has a scaler of another shape")
    return model
