"""The training loop: steps, grid updates, history, callback, progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kan_np import _validate
from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.objective import Objective
from kan_np.optimize import OPTIMIZERS
from kan_np.optimize.status import FitResult, FitStatus, Progress
from kan_np.penalty import Penalty

if TYPE_CHECKING:
    from kan_np.trainable import Trainable

Callback = Callable[[Progress], object]


@dataclass(frozen=True)
class FitOptions:
    """Checked options of a fit; the names and defaults are pykan's where pykan has them."""

    opt: str = "LBFGS"
    steps: int = 50
    update_grid: bool = True
    grid_update_num: int = 2
    start_grid_update_step: int = -1
    stop_grid_update_step: int = 10
    progress: bool = False

    def __post_init__(self) -> None:
        _validate.choice("opt", self.opt, OPTIMIZERS)
        _validate.integer("steps", self.steps, 1)
        _validate.integer("start_grid_update_step", self.start_grid_update_step, -1)
        _validate.integer("grid_update_num", self.grid_update_num, 1)
        _validate.integer("stop_grid_update_step", self.stop_grid_update_step, 0)

    def segments(self) -> list[tuple[int, bool]]:
        """Split the steps at the grid updates: (steps, whether the grid is updated before them)."""
        every = max(self.stop_grid_update_step // self.grid_update_num, 1)
        last = min(self.steps, self.stop_grid_update_step)
        updates = [s for s in range(0, last, every) if s >= self.start_grid_update_step]
        if not self.update_grid or not updates:
            return [(self.steps, False)]
        cuts = sorted({0, *updates})
        return [
            (end - begin, begin in updates) for begin, end in zip(cuts, [*cuts[1:], self.steps], strict=True)
        ]


def fit(
    model: Trainable,
    data: Dataset,
    options: FitOptions,
    penalty: Penalty,
    callback: Callback | None = None,
) -> FitResult:
    """Train `model` in place on a checked dataset; see ``KAN.fit`` for the meaning of the options."""
    recorder = _Recorder(model, data, options, callback)
    optimizer = OPTIMIZERS[options.opt]
    status = FitStatus.STEP_LIMIT
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        recorder.open_bar(stack)
        for steps, moves_grid in options.segments():
            if moves_grid:
                model._move_grid(data["train_input"])
            objective = model._objective(data["train_input"], data["train_label"], penalty)
            recorder.begin(objective, steps, optimizer.iterations_per_step)
            try:
                outcome = optimizer.minimize(
                    objective,
                    model._theta,
                    steps * optimizer.iterations_per_step,
                    recorder.iteration,
                )
                status = outcome.status
            finally:
                recorder.end()
            if status not in (FitStatus.STEP_LIMIT, FitStatus.CONVERGED, FitStatus.STALLED):
                break
    return FitResult(recorder.history, status, recorder.n_iter, recorder.n_fev, recorder.wall_s)


class _Recorder:
    """Follows the iterations of a fit: keeps the model up to date, writes the history, asks the callback."""

    def __init__(
        self, model: Trainable, data: Dataset, options: FitOptions, callback: Callback | None
    ) -> None:
        self.model, self.data, self.options, self.callback = model, data, options, callback
        self.splits = [s for s in ("test", "val") if f"{s}_input" in data]
        self.history: dict[str, list[float]] = {"train_loss": [], "test_loss": [], "reg": []}
        if "val" in self.splits:
            self.history["val_loss"] = []
        self.n_iter = 0
        self.steps_before = 0
        self._fev_before = 0
        self._clock = time.perf_counter()
        self._bar: Callable[[int, str], None] | None = None

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._clock

    @property
    def n_fev(self) -> int:
        return self._fev_before + self._objective.n_fev

    def open_bar(self, stack: ExitStack) -> None:
        if self.options.progress:
            from kan_np.progress import step_bar

            self._bar = stack.enter_context(step_bar(self.options.steps))

    def begin(self, objective: Objective, steps: int, iterations_per_step: int) -> None:
        self._objective, self._steps, self._per_step = objective, steps, iterations_per_step
        self._theta = self.model._theta
        self._inner = 0
        self._recorded_at = -1

    def iteration(self, theta: FloatArray) -> bool:
        """Called by the optimizer with the accepted parameters."""
        self._theta = theta
        self._inner += 1
        self.n_iter += 1
        if self._inner % self._per_step == 0:
            self._record()
        if self.callback is None:
            return False
        answer = self.callback(self._progress())
        return isinstance(answer, bool | np.bool_) and bool(answer)  # only True: not any value it returns

    def _progress(self) -> Progress:
        return Progress(
            step=self.steps_before + self._inner // self._per_step,
            steps=self.options.steps,
            n_iter=self.n_iter,
            n_fev=self.n_fev,
            train_loss=float(np.sqrt(self._objective.mse)),
            reg=self._objective.reg,
            wall_s=self.wall_s,
        )

    def _record(self) -> None:
        self.model._theta = self._theta
        self._recorded_at = self._inner
        history = self.history
        history["train_loss"].append(float(np.sqrt(self._objective.mse)))
        history["reg"].append(float(self._objective.reg))
        for split in self.splits:
            history[f"{split}_loss"].append(
                self.model._rmse(self.data[f"{split}_input"], self.data[f"{split}_label"])
            )
        if self._bar is not None:
            test = f", test {history['test_loss'][-1]:.2e}" if history["test_loss"] else ""
            self._bar(
                self.steps_before + -(-self._inner // self._per_step),
                f"train {history['train_loss'][-1]:.2e}{test}, reg {history['reg'][-1]:.2e}",
            )

    def end(self) -> None:
        """Keep the last accepted parameters, also when an exception passes; record an unfinished step."""
        self.model._theta = self._theta
        self._fev_before += self._objective.n_fev
        if self._recorded_at != self._inner or not self.history["train_loss"]:
            self._objective(self._theta)
            self._record()
        self._objective.n_fev = 0
        self.steps_before += self._steps
