"""Choosing the shape of a network by validation: a ladder from additive models to two hidden layers.

Every rung is a shape that goes through the grids of a schedule with several starts. Cheap rungs come first:

    [n, m]                    the additive model, with every spline order
    [n, w, m]                 w = 1, 2, 4, 8, 16
    [n, w, m, m]              w = 2, 4, 8: functions of functions
    [n, w, w, m]              w = 2, 3, 4, 6, 8

A ladder is left after two rungs in a row that lower the validation error by no more than its noise, and those
with two hidden layers are only climbed where one hidden layer paid. Networks have at most half a parameter a
training label; the finest grid of a rung is the finest that this allows. Where the order is open the rungs
have the highest, and the best shape is tried with the others in the end. The two that validate best are
trained again with more steps. These and the best rung see, if the schedule does so, the samples that were
held out, and the lowest error is chosen: the root of the mean square of that of validation and of that of all
training samples, each left out (`kan_np.schedule.leave_one_out`).

Smooth functions want a high order and a trained-out fit rather than fine grids: Franke's function from 1000
samples, [2,10,1], G = 10, test RMSE over the spread on data seeds 100 and 101: order 3 with 200 steps 1.5e-4,
order 5 with 50 steps 3.6e-5, with 200 steps 1.5e-5 and 1.0e-5.
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

#: The word for a shape that is chosen here; None means the same.
AUTO_WIDTH = "auto"
#: Spline orders that are tried where none is given: splines of pykan, and the smoothest there are.
ORDERS = (3, 5)
#: Restarts where none are given: of 24 short starts the best four.
RESTARTS = 4
#: The chosen shape is trained with so many times the steps of the rungs.
FINAL_STEPS = 4

_ONE_HIDDEN = (1, 2, 4, 8, 16)
_COMPOSED = (2, 4, 8)
_TWO_HIDDEN = (2, 3, 4, 6, 8)
_PATIENCE = 2
#: Shapes that are trained out: after few steps the second is often as good (exp(-x) sin 3y cos 2z, data seed
#: 100: validation errors of 1.2e-5 and 2.7e-5).
_FINALISTS = 2
#: At most so many parameters a training label: beyond it networks can fit noise.
_MOST_PER_LABEL = 0.5
#: A grid that the bound leaves out gives way to the finest within it, where that is finer by this factor.
_FINER = 1.25
#: A root of a mean of n squares has a standard error of about this over the root of n, in parts of itself, if
#: the errors have heavy tails: sqrt((kurtosis - 1) / 4 n) with a kurtosis of 37.
_NOISE = 3.0


class Trainer(Protocol):
    """What trains the shapes."""

    def try_shape(
        self, width: list[int], k: int, grids: list[int], /, *, steps_factor: int, final: bool
    ) -> Schedule:
        """Train a shape through its grids; only the final ones see the samples that were held out."""

    def error(self, schedule: Schedule, /) -> float:
        """What is to be expected of its best stage, which sees all samples from now on."""


def choose_shape(
    trainer: Trainer,
    dataset: Dataset,
    val_fraction: float,
    grids: Sequence[int],
    k: int | None,
    has_base: bool,
) -> Schedule:
    """Let validation choose the shape, and the order if it is open.

    Raises
    ------
    ValueError
        With nothing to validate by, and for a dataset that is none.
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
            f"width is {AUTO_WIDTH!r} with nothing to validate by; expected validation samples in the "
            "dataset or a val_fraction above 0. Otherwise give a shape such as [2, 5, 1]."
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
    """A search for a shape, and what it has seen.

    Parameters
    ----------
    n_in, n_out : int
    n_labels : int
        Training labels that bound the parameters.
    n_val : int
        Samples that validate.
    grids : sequence of int
    orders : sequence of int
    n_extra : int
        Parameters of an edge besides its G + k coefficients.
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
        """The schedule of the shape that validation chooses."""
        flat = [self.n_in, self.n_out]
        for k in self.orders:
            self._try(flat, k)
        if self._best is None:  # too few samples for the bound: the least there is
            self._try(flat, min(self.orders), bounded=False)
        if self._rungs([self.n_in, w, self.n_out] for w in _ONE_HIDDEN):
            self._rungs([self.n_in, w, self.n_out, self.n_out] for w in _COMPOSED)
            self._rungs([self.n_in, w, w, self.n_out] for w in _TWO_HIDDEN)
        return self._finish()

    def _rungs(self, widths: Iterable[list[int]]) -> bool:
        """Climb one kind of shapes; whether one of them was better than all before."""
        paid, failures = False, 0
        for width in widths:
            orders = [k for k in sorted(self.orders) if self._grids(width, k)]
            if not orders or failures == _PATIENCE:
                break
            better = self._try(width, orders[-1])
            paid, failures = paid or better, 0 if better else failures + 1
        return paid

    def _try(self, width: list[int], k: int, *, bounded: bool = True) -> bool:
        """Train a shape; whether it lowers the validation error by more than the noise of that."""
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
        """Validation errors whose ratio is below this factor cannot be told apart."""
        return 1.0 + _NOISE / math.sqrt(self.n_val)

    def _grids(self, width: list[int], k: int) -> list[int]:
        """Grids with which a shape stays within the bound."""
        n_edges = sum(a * b for a, b in zip(width[:-1], width[1:], strict=True))
        finest = int(_MOST_PER_LABEL * self.n_labels) // n_edges - k - self.n_extra
        grids = [grid for grid in self.grids if grid <= finest]
        if 0 < len(grids) < len(self.grids) and finest >= _FINER * grids[-1]:
            grids.append(finest)
        return grids

    def _finish(self) -> Schedule:
        """Try the chosen shape with the other orders, and train the best ones out."""
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
            # the chosen shape may be as good as it was; another one has to be better than that
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
