"""Choice of the width of a network by validation: from additive models to two hidden layers.

Widths are tried in the order of this list (the ladder), each with all grids of a schedule and several starts:

    [n, m]                    the additive model, with every spline order
    [n, w, m]                 w = 1, 2, 4, 8, 16
    [n, w, m, m]              w = 2, 4, 8: functions of functions
    [n, w, w, m]              w = 2, 3, 4, 6, 8

A line of the list is left after two widths in a row that lower the validation error by no more than its
noise, and lines with two hidden layers are only tried if one hidden layer was better than none. Networks have
at most half a parameter for each training label; this also bounds the finest grid of a width. If the spline
order is not given, all widths are tried with the highest, and the best one with the other orders at the end.
The two with the lowest validation error are trained again with more steps. These two and the best one before
are refitted on all samples, if the schedule does that, and the one with the lowest error is chosen: the root
mean square of the validation error and of the leave-one-out error of the training samples
(`kan_np.schedule.leave_one_out`).

Smooth functions need a high order and many steps rather than fine grids: Franke's function from 1000 samples,
[2,10,1], G = 10, test RMSE over the spread on data seeds 100 and 101: order 3 with 200 steps 1.5e-4, order 5
with 50 steps 3.6e-5, with 200 steps 1.5e-5 and 1.0e-5.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from kan_np import _validate
from kan_np.data.check import Dataset, check_dataset, without_idle_samples
from kan_np.data.dataset import split_validation
from kan_np.edges.bspline import MAX_ORDER
from kan_np.optimize.status import FitStatus
from kan_np.schedule.stage import Schedule, TriedShape

#: ``width="auto"``: the width is chosen here; None means the same.
AUTO_WIDTH = "auto"
#: Spline orders that are tried if none is given: pykan's default, and the highest order.
ORDERS = (3, 5)
#: Restarts if none are given: the best four of 24 short fits are continued.
RESTARTS = 4
#: The finalists are trained with this many times the steps of the others.
FINAL_STEPS = 4

_ONE_HIDDEN = (1, 2, 4, 8, 16)
_COMPOSED = (2, 4, 8)
_TWO_HIDDEN = (2, 3, 4, 6, 8)
_PATIENCE = 2
#: Widths that are trained with more steps: after few steps the second is often as good (exp(-x) sin 3y cos
#: 2z, data seed 100: validation errors of 1.2e-5 and 2.7e-5).
_FINALISTS = 2
#: Most parameters for each training label, so that networks cannot fit noise; chosen by judgement.
_MOST_PER_LABEL = 0.5
#: A grid above the bound is replaced by the finest grid within it, if that is finer than the previous grid by
#: this factor; chosen by judgement.
_FINER = 1.25
#: Relative standard error of an RMSE of n samples, times the root of n: sqrt((kurtosis - 1) / 4) with a
#: kurtosis of 37, for errors with heavy tails.
_NOISE = 3.0


class Trainer(Protocol):
    """The interface by which the search trains networks of a width."""

    def try_shape(
        self, width: list[int], k: int, grids: list[int], /, *, steps_factor: int, final: bool
    ) -> Schedule:
        """Train a network of one width on its grids; final ones may be refitted on all samples."""

    def error(self, schedule: Schedule, /) -> float:
        """The estimated error of its best stage, which is refitted on all samples first."""


def choose_shape(
    trainer: Trainer,
    dataset: Dataset,
    val_fraction: float,
    grids: Sequence[int],
    k: int | None,
    has_base: bool,
) -> Schedule:
    """Return the schedule of the width, and of the order if `k` is None, that validation chooses.

    Raises
    ------
    ValueError
        Without validation samples, and for an invalid dataset.
    """
    n_in, n_out = (_n_columns(dataset, name) for name in ("train_input", "train_label"))
    data = without_idle_samples(check_dataset(dataset, n_in, n_out))
    share = _validate.real("val_fraction", val_fraction, 0.0, 0.9)
    n_train = _rows(data, "train_input")
    n_val = _rows(data, "val_input")
    if n_val == 0 and share > 0 and n_train > 1:
        n_val = n_train - _rows(split_validation(data, share), "train_input")
    if n_val == 0:
        raise ValueError(
            f"width is {AUTO_WIDTH!r} without validation samples; expected validation samples in the "
            "dataset or a val_fraction above 0. Otherwise give a width such as [2, 5, 1]."
        )
    orders = ORDERS if k is None else (_validate.integer("k", k, 0, MAX_ORDER),)
    ladder = Ladder(n_in, n_out, n_train * n_out, n_val, grids, orders, int(has_base), trainer)
    return ladder.climb()


def _n_columns(dataset: Dataset, name: str) -> int:
    """Columns of an array of a dataset; 1 for what is no table, of which `check_dataset` complains."""
    value: Any = dataset.get(name) if isinstance(dataset, dict) else None
    size: tuple[int, ...] = np.shape(value) if hasattr(value, "__len__") else ()
    return size[1] if len(size) == 2 and size[1] > 0 else 1


def _rows(data: Dataset, name: str) -> int:
    return int(data[name].shape[0]) if name in data else 0


@dataclass
class Ladder:
    """A search for the best width, and its results so far.

    Parameters
    ----------
    n_in, n_out : int
    n_labels : int
        Number of training labels, which bounds the number of parameters.
    n_val : int
        Number of validation samples.
    grids : sequence of int
    orders : sequence of int
    n_extra : int
        Number of parameters of an edge besides its G + k coefficients.
    trainer : Trainer
    """

    n_in: int
    n_out: int
    n_labels: int
    n_val: int
    grids: Sequence[int]
    orders: Sequence[int]
    n_extra: int
    trainer: Trainer
    tried: list[TriedShape] = field(default_factory=list)
    stopped: bool = False
    _best: Schedule | None = None
    _chosen: TriedShape | None = None

    def climb(self) -> Schedule:
        """The schedule of the width that validation chooses."""
        flat = [self.n_in, self.n_out]
        for k in self.orders:
            self._try(flat, k)
        if self._best is None:  # no width is within the bound: the smallest one
            self._try(flat, min(self.orders), bounded=False)
        if self._rungs([self.n_in, w, self.n_out] for w in _ONE_HIDDEN):
            self._rungs([self.n_in, w, self.n_out, self.n_out] for w in _COMPOSED)
            self._rungs([self.n_in, w, w, self.n_out] for w in _TWO_HIDDEN)
        return self._finish()

    def _rungs(self, widths: Iterable[list[int]]) -> bool:
        """Try the widths of one line of the list; return whether one was better than all before."""
        paid, failures = False, 0
        for width in widths:
            orders = [k for k in sorted(self.orders) if self._grids(width, k)]
            if not orders or failures == _PATIENCE:
                break
            better = self._try(width, orders[-1])
            paid, failures = paid or better, 0 if better else failures + 1
        return paid

    def _try(self, width: list[int], k: int, *, bounded: bool = True) -> bool:
        """Train a width; return whether it lowers the validation error by more than the noise of that."""
        grids = self._grids(width, k) if bounded else [self.grids[0]]
        if not grids or self.stopped:
            return False
        schedule = self.trainer.try_shape(width, k, grids, steps_factor=1, final=False)
        found = TriedShape(tuple(width), k, schedule.best.grid, schedule.best.n_params, schedule.best.score)
        self.tried.append(found)
        self.stopped = schedule[-1].status is FitStatus.STOPPED
        known = math.inf if self._chosen is None else self._chosen.score
        if self._best is None or found.score * self.noise < known:
            self._best, self._chosen = schedule, found
            return True
        return False

    @property
    def noise(self) -> float:
        """Ratio up to which two validation errors do not differ significantly."""
        return 1.0 + _NOISE / math.sqrt(self.n_val)

    def _grids(self, width: list[int], k: int) -> list[int]:
        """Grids with which a width stays within the bound on parameters."""
        n_edges = sum(a * b for a, b in zip(width[:-1], width[1:], strict=True))
        finest = int(_MOST_PER_LABEL * self.n_labels) // n_edges - k - self.n_extra
        grids = [grid for grid in self.grids if grid <= finest]
        if 0 < len(grids) < len(self.grids) and finest >= _FINER * grids[-1]:
            grids.append(finest)
        return grids

    def _finish(self) -> Schedule:
        """Try the chosen width with the other orders, and train the best ones with more steps."""
        if self._best is None or self._chosen is None:
            raise AssertionError("the first rung is always trained")
        width, tried_order = list(self._chosen.width), self._chosen.k
        if len(width) > 2:
            for k in self.orders:
                if k != tried_order:
                    self._try(width, k)
        best, chosen = self._best, self._chosen
        others = sorted((t for t in self.tried if t is not chosen), key=lambda t: t.score)
        least = math.inf if self.stopped else self.trainer.error(best)
        self.stopped = self.stopped or best.best.status is FitStatus.STOPPED
        for finalist in [chosen, *others][:_FINALISTS]:
            if self.stopped:
                break
            final = self._train_out(finalist)
            error = math.inf if self.stopped else self.trainer.error(final)
            # the chosen width may be worse within the noise; another one has to be better than the noise
            if error < least * (self.noise if finalist is chosen else 1.0 / self.noise):
                best, least = final, error
        best.shapes = tuple(self.tried)
        return best

    def _train_out(self, shape: TriedShape) -> Schedule:
        width = list(shape.width)
        grids = self._grids(width, shape.k) or [self.grids[0]]
        final = self.trainer.try_shape(width, shape.k, grids, steps_factor=FINAL_STEPS, final=True)
        self.stopped = final[-1].status is FitStatus.STOPPED
        return final
