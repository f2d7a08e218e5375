"""Results of schedules: a stage for every grid, and the list of stages with its best one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, SupportsIndex, overload

from kan_np import _html
from kan_np.optimize.status import FitResult, FitStatus
from kan_np.schedule.advice import advise

if TYPE_CHECKING:
    from kan_np.mlp import MLP
    from kan_np.model import KAN


@dataclass(frozen=True, repr=False)
class Stage:
    """A trained model of a schedule: one point of a frontier.

    Attributes
    ----------
    model : KAN or MLP
    grid : int or None
        None for an MLP.
    n_params : int
    train_rmse, val_rmse, test_rmse : float
        In the units of the labels; NaN where there are no such samples. After a refit (see `fit_schedule`)
        train and test RMSE are those of `model`, the validation RMSE is that of the model before the refit,
        which was not trained on those samples.
    wall_s : float
        Seconds from the start of the schedule, all starts included, to the end of this stage.
    result : FitResult
        History and status of this stage's fit; without test errors, which are computed at the end only.
    """

    model: KAN | MLP
    grid: int | None
    n_params: int
    train_rmse: float
    val_rmse: float
    test_rmse: float
    wall_s: float
    result: FitResult = field(repr=False)

    @property
    def status(self) -> FitStatus:
        """How this stage's fit ended."""
        return self.result.status

    @property
    def n_iter(self) -> int:
        """Optimizer iterations of this stage."""
        return self.result.n_iter

    @property
    def n_fev(self) -> int:
        """Evaluations of loss and gradient in this stage."""
        return self.result.n_fev

    @property
    def opt(self) -> str:
        """Optimizer that was used."""
        return self.result.opt

    @property
    def score(self) -> float:
        """The error by which stages are chosen: validation RMSE, or training RMSE if there is none."""
        score = self.train_rmse if math.isnan(self.val_rmse) else self.val_rmse
        return math.inf if math.isnan(score) else score

    def __repr__(self) -> str:
        """Model, errors and status."""
        errors = {"train_rmse": self.train_rmse, "val_rmse": self.val_rmse, "test_rmse": self.test_rmse}
        told = [f"{name}={value:.3g}" for name, value in errors.items() if not math.isnan(value)]
        return f"Stage({', '.join([repr(self.model), *told, repr(self.status.value)])})"


@dataclass(frozen=True)
class TriedShape:
    """A width and spline order that a schedule tried before it chose one.

    Attributes
    ----------
    width : tuple of int
    k : int
        Spline order.
    grid : int or None
        The best of the grids with this width.
    n_params : int
        Number of parameters with that grid.
    score : float
        Validation RMSE with that grid.
    """

    width: tuple[int, ...]
    k: int
    grid: int | None
    n_params: int
    score: float


class Schedule(list[Stage]):
    """The stages of a schedule, coarse grids first: a list with its best stage and advice.

    Parameters
    ----------
    stages : iterable of Stage
    n_train : int
        Number of training samples before any refit.
    smoothing : float or str
        The argument of the fits.
    label_spread : float
        Standard deviation of the training labels; NaN if unknown.

    Attributes
    ----------
    shapes : tuple of TriedShape
        If the schedule chose the width itself: all widths that it tried, in that order, with the chosen one.
    """

    def __init__(
        self,
        stages: Iterable[Stage],
        n_train: int,
        *,
        smoothing: float | str = 0.0,
        label_spread: float = math.nan,
    ) -> None:
        super().__init__(stages)
        self.n_train = n_train
        self.smoothing = smoothing
        self.label_spread = label_spread
        self.shapes: tuple[TriedShape, ...] = ()

    @overload
    def __getitem__(self, index: SupportsIndex) -> Stage: ...

    @overload
    def __getitem__(self, index: slice) -> Schedule: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Stage | Schedule:
        """One stage, or the schedule of some of them."""
        if isinstance(index, slice):
            stages = super().__getitem__(index)
            some = Schedule(stages, self.n_train, smoothing=self.smoothing, label_spread=self.label_spread)
            some.shapes = self.shapes
            return some
        return super().__getitem__(index)

    @property
    def best(self) -> Stage:
        """The stage with the lowest validation RMSE (training RMSE where nothing was held out).

        Raises
        ------
        IndexError
            If there is no stage.
        """
        if not self:
            raise IndexError("the schedule has no stage; the fit was stopped before the first one ended.")
        return min(self, key=lambda stage: stage.score)

    @property
    def advice(self) -> str:
        """Whether the model under- or overfits, which knob to turn, and what else is wrong.

        Of the knobs the grid comes first, then width; the rest is ``best.result.advice``.
        """
        knobs = advise(self, self.n_train, smoothing=self.smoothing, label_spread=self.label_spread)
        return " ".join([*self._choice(), knobs, *(self.best.result.advice if self else ())])

    def _choice(self) -> list[str]:
        """Which shape was chosen, if that was done here."""
        if not (self.shapes and self):
            return []
        model = self.best.model
        order = "" if self.best.grid is None else f" with splines of order {model.k}"  # type: ignore[union-attr]
        return [f"Of {len(self.shapes)} shapes validation chose {list(model.width)}{order}."]

    def __repr__(self) -> str:
        """The table of `summary`."""
        return f"Schedule of {len(self)} grids\n{self.summary()}" if self else "Schedule([])"

    def _repr_html_(self) -> str:
        """For notebooks: the table, the best stage in bold, the advice, and the best model."""
        if not self:
            return _html.paragraph(repr(self))
        header = ["G", "n_params", "train RMSE", "val RMSE", "test RMSE", "optimizer", "status"]
        rows = []
        for stage in self:
            errors = [f"{e:.3g}" for e in (stage.train_rmse, stage.val_rmse, stage.test_rmse)]
            size = ["-" if stage.grid is None else str(stage.grid), str(stage.n_params)]
            rows.append([*size, *errors, stage.opt, stage.status.value])
        best = self.best
        number = next(i for i, stage in enumerate(self) if stage is best)
        stages = _html.table(header, rows, number)
        return stages + _html.paragraph(self.advice) + _html.drawing(best.n_params, best.model.plot)

    def summary(self) -> str:
        """Table of all stages as text, an asterisk marks the best; then the shapes tried, if any."""
        lines = ["    G   n_params  train RMSE    val RMSE   test RMSE   optimizer  status"]
        best = self.best
        for stage in self:
            grid = "-" if stage.grid is None else str(stage.grid)
            lines.append(
                f"{'*' if stage is best else ' '}{grid:>4} {stage.n_params:>10}"
                f"{stage.train_rmse:>12.2e}{stage.val_rmse:>12.2e}{stage.test_rmse:>12.2e}"
                f"   {stage.opt:<9}  {stage.status.value}"
            )
        if self.shapes:
            lines += ["", "shapes tried         k     G   n_params    val RMSE"]
        for tried in self.shapes:
            shape = "[" + ", ".join(map(str, tried.width)) + "]"
            grid = "-" if tried.grid is None else str(tried.grid)
            lines.append(f"{shape:<19}{tried.k:>3} {grid:>5} {tried.n_params:>10}{tried.score:>12.2e}")
        return "\n".join(lines)
