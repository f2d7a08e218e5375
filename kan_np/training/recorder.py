"""What a fit leaves while it runs: history, counts, the callback's answer, the progress bar."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.data.standardize import common_unit
from kan_np.objective.objective import Objective
from kan_np.optimize.status import Progress
from kan_np.training.estimator import Estimator
from kan_np.training.metrics import Metrics

Callback = Callable[[Progress], object]


class FitWatcher(ABC):
    """A callback that also sees the model: it is told when a fit begins and when it has ended."""

    @abstractmethod
    def begin(self, model: Estimator, samples: FloatArray, history: Mapping[str, Sequence[float]]) -> None:
        """Called before the first step.

        Parameters
        ----------
        model : Estimator
            The one that is trained; after every step its network is the present one.
        samples : ndarray of shape (n_samples, n_in)
            Training inputs as the network sees them.
        history : mapping of str to sequence of float
            The history of the fit, which grows with every step.
        """

    @abstractmethod
    def __call__(self, progress: Progress) -> object:
        """Called after every iteration, as any callback."""

    @abstractmethod
    def end(self) -> None:
        """Called after the last step; not where the fit was left by an exception."""


class Recorder:
    """Follows the iterations of a fit: keeps the model up to date, writes the history, asks the callback."""

    def __init__(
        self,
        model: Estimator,
        data: Dataset,
        steps: int,
        progress: bool,
        callback: Callback | None,
        metrics: Metrics = Metrics(),  # noqa: B008  it cannot be changed
    ) -> None:
        self.model, self.data, self.callback = model, data, callback
        self._all_steps, self._shows_bar = steps, progress
        self._unit, self.units = common_unit(data), data.get("label_unit", 1.0)
        self.splits = [s for s in ("test", "val") if f"{s}_input" in data]
        self.history: dict[str, list[float]] = {"train_loss": [], "test_loss": [], "reg": []}
        if "val" in self.splits:
            self.history["val_loss"] = []
        self._metrics = metrics
        self.history |= {name: [] for name in metrics.keys(self.splits)}
        self.n_iter = 0
        self.steps_before = 0
        self._fev_before = self._inner = 0
        self._per_step = 1
        self._objective: Any = None
        self._clock = time.perf_counter()
        self._bar: Callable[[int, str], None] | None = None

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._clock

    @property
    def n_fev(self) -> int:
        return self._fev_before + (0 if self._objective is None else self._objective.n_fev)

    def open_bar(self, stack: ExitStack) -> None:
        if self._shows_bar:
            from kan_np.training.progress import step_bar

            self._bar = stack.enter_context(step_bar(self._all_steps))

    def begin(self, objective: Objective, steps: int, iterations_per_step: int) -> None:
        self.watch(objective)
        self._steps, self._per_step = steps, iterations_per_step
        self._theta = self.model._theta
        self._inner = 0
        self._recorded_at = -1

    def watch(self, objective: Objective) -> None:
        """Count the evaluations of another objective."""
        self._fev_before, self._objective = self.n_fev, objective

    def iteration(self, theta: FloatArray) -> bool:
        """Called by the optimizer with the accepted parameters."""
        self._theta = theta
        self._inner += 1
        self.n_iter += 1
        if self._inner % self._per_step == 0:
            self._record()
        return self._asks_to_stop()

    def trial(self, theta: FloatArray) -> bool:
        """As `iteration` while the smoothing is chosen: counted, but no step of the history."""
        self.n_iter += 1
        return self._asks_to_stop()

    def take(self, theta: FloatArray) -> None:
        """Go on from other parameters."""
        self._theta = self.model._theta = theta

    def keep(self, theta: FloatArray) -> None:
        """End with other parameters than the last, such as the best: the last step then tells of them."""
        self.take(theta)
        self._objective(theta)
        if self._recorded_at == self._inner and self.history["train_loss"]:
            for values in self.history.values():
                if values:
                    values.pop()
        self._record()

    def _asks_to_stop(self) -> bool:
        if self.callback is None:
            return False
        answer = self.callback(self._progress())
        return isinstance(answer, bool | np.bool_) and bool(answer)  # only True: not any value it returns

    def _progress(self) -> Progress:
        return Progress(
            step=self.steps_before + self._inner // self._per_step,
            steps=self._all_steps,
            n_iter=self.n_iter,
            n_fev=self.n_fev,
            train_loss=self._train_loss(),
            reg=self._objective.reg,
            wall_s=self.wall_s,
        )

    def _record(self) -> None:
        self.model._theta = self._theta
        self._recorded_at = self._inner
        history = self.history
        history["train_loss"].append(self._train_loss())
        history["reg"].append(float(self._objective.reg))
        for split in self.splits:
            history[f"{split}_loss"].append(self._loss(split))
        for name, value in self._measured():
            history[name].append(value)
        if self._bar is not None:
            test = f", test {history['test_loss'][-1]:.2e}" if history["test_loss"] else ""
            self._bar(
                self.steps_before + -(-self._inner // self._per_step),
                f"train {history['train_loss'][-1]:.2e}{test}, reg {history['reg'][-1]:.2e}",
            )

    def correct_last(self) -> None:
        """Measure the last step once more, now that the model has its ends outside the range."""
        for split in self.splits:
            if self.history[f"{split}_loss"]:
                self.history[f"{split}_loss"][-1] = self._loss(split)
        for name, value in self._measured():
            if self.history[name]:
                self.history[name][-1] = value

    def _train_loss(self) -> float:
        """Training loss in the units of the data; of all samples where outputs have units of their own."""
        if self._unit is not None:
            return self.model._loss.reported(self._objective.mse, self._unit)
        self.model._theta = self._theta
        return self._loss("train")

    def _loss(self, split: str) -> float:
        x, y = self.data[f"{split}_input"], self.data[f"{split}_label"]
        return self.model._mean_loss(x, y, self.data.get(f"{split}_weight"), self.units)

    def _measured(self) -> Iterator[tuple[str, float]]:
        """Metrics by name."""
        values = self._metrics.values(self.model, self.data, self.splits)
        return zip(self._metrics.keys(self.splits), values, strict=True)

    def end(self) -> None:
        """Keep the last accepted parameters, also when an exception passes; record an unfinished step."""
        self.model._theta = self._theta
        self._fev_before += self._objective.n_fev
        if self._recorded_at != self._inner or not self.history["train_loss"]:
            self._objective(self._theta)
            self._record()
        self._objective.n_fev = 0
        self.steps_before += self._steps
