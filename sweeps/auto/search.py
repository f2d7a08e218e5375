"""The search of `kan-sweep auto`: from the smallest model to finer grids, wider and deeper networks.

This is the advice of arXiv:2404.19756, section 6: start small, and let the model grow only where that pays.
What pays is decided on the validation samples, sample by sample: a model is better if its squared errors are
lower by more than one standard error of the mean difference, and by 2 % in RMSE; of classes log losses take
the place of both. The recommendation is the smallest model that is as good as the best one in this sense
(`sweeps.answer.choice`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeps.answer.candidates import Fitted, TrainedConfiguration
from sweeps.answer.choice import LEAST_GAIN, excess, recommended
from sweeps.errors import UserError
from sweeps.families import ADDITIVE, KAN, LINEAR, MLP
from sweeps.families.family import NO_HIDDEN, Axis, HiddenWidths
from sweeps.families.mlp import n_weights_and_biases
from sweeps.spec.sweep_spec import ModelTable

FloatArray = NDArray[np.float64]

GRIDS = (3, 5, 10, 20, 50, 100, 200)
WIDTHS = (1, 2, 3, 5, 8, 12, 20)
MAX_LAYERS = 4
#: A validation RMSE of this many standard deviations of the target counts as zero; chosen by judgement.
TOLERANCE = 1e-7
#: Steps on each grid. Networks with one or two hidden nodes get fewer steps and several starts. Chosen by
#: judgement.
_STEPS, _SMALL_STEPS, _SMALL = 20, 6, 2
_ALONE_RESTARTS = 2
_MLP_STEPS = 60


class BudgetOver(Exception):  # noqa: N818 - the end of a search, not a mistake
    """There is no time left for another model."""


class Trainer(Protocol):
    """The interface by which a search trains models and reads their errors."""

    def train(self, table: ModelTable, seeds: Sequence[int]) -> list[TrainedConfiguration]:
        """Train what a table says; return all of its stages that every seed has, with finite errors.

        Raises
        ------
        BudgetOver
            If there is none because the time is over.
        """

    def losses(self, candidate: TrainedConfiguration, part: str) -> FloatArray:
        """Return the losses of the best model of every fold, one a sample of a part of the data.

        Squared errors in standard deviations of the target, or log losses of classes.
        """


@dataclass(frozen=True)
class Trial:
    """One enlargement that was tried: "width" or "depth", its best stage, and whether it was better."""

    what: str
    candidate: TrainedConfiguration
    better: bool


@dataclass(frozen=True)
class Finding:
    """What a search found.

    `baselines` are the linear and the additive model, as far as they were trained; `untried` is what was not
    done, or not to its end, for the budget was over; `set_aside` are models that would have been recommended,
    had training not failed or diverged with another seed.
    """

    recommended: TrainedConfiguration
    best: TrainedConfiguration
    candidates: tuple[TrainedConfiguration, ...]
    baselines: tuple[TrainedConfiguration, ...]
    trials: tuple[Trial, ...]
    untried: tuple[str, ...]
    enough: bool
    set_aside: tuple[TrainedConfiguration, ...] = ()

    @property
    def budget_over(self) -> bool:
        """Whether the time was over before the search was."""
        return bool(self.untried)

    @property
    def tried_a_network(self) -> bool:
        """Whether a model with a hidden layer was trained."""
        return any(not candidate.is_deterministic for candidate in self.candidates)


class Search:
    """One search for the smallest model that is as good as any.

    Parameters
    ----------
    trainer : Trainer
        Trains and evaluates.
    n_in, n_out, n_labels : int
        Inputs and outputs of a model, and the number of training labels, beyond which no model has
        parameters.
    seeds : sequence of int
        The recommended model is trained with all of them, the others with the first one.
    tolerance : float
        The search ends where the validation RMSE, in standard deviations of the target, is not above it.
    """

    def __init__(
        self,
        trainer: Trainer,
        n_in: int,
        n_out: int,
        n_labels: int,
        seeds: Sequence[int] = (0, 1, 2),
        tolerance: float = TOLERANCE,
    ) -> None:
        self._trainer, self._seeds, self._tolerance = trainer, tuple(seeds), tolerance
        self._n_in, self._n_out, self._most = n_in, n_out, n_labels
        self._tables: dict[str, ModelTable] = {}
        self._known: dict[str, list[TrainedConfiguration]] = {}
        self._trials: list[Trial] = []
        self._set_aside: list[TrainedConfiguration] = []

    def run(self) -> Finding:
        """Search until nothing improves or the budget is over.

        Raises
        ------
        BudgetOver
            If there was not even time for the first model.
        UserError
            If no model could be trained for another reason.
        """
        steps = {
            "a linear model": lambda: self._train(self.linear()),
            "an additive spline": lambda: self._train(self.additive()),
            "wider networks": self._grow_wider,
            "deeper networks": self._grow_deeper,
            "an MLP of the same size": self._compare_with_an_mlp,
            "further seeds": self._confirm,
        }
        left = list(steps)
        try:
            for step in steps.values():
                step()
                del left[0]
        except BudgetOver:
            pass
        over = bool(left)
        if not any(math.isfinite(candidate.val) for candidate in self._all()):
            if over:
                raise BudgetOver
            raise UserError(
                "no model could be trained: every run failed or diverged. kan-sweep status says why."
            )
        return Finding(
            recommended=self._recommended(),
            best=self._best(),
            candidates=tuple(self._all()),
            baselines=tuple(c for c in map(self._best, (LINEAR.name, ADDITIVE.name)) if math.isfinite(c.val)),
            trials=tuple(self._trials),
            untried=tuple(left),
            enough=self._is_enough(),
            set_aside=tuple(self._set_aside),
        )

    def linear(self) -> ModelTable:
        """Return the table of the linear model."""
        return ModelTable(LINEAR.name, NO_HIDDEN, ())

    def additive(self) -> ModelTable:
        """Return the table of additive splines."""
        grids = self._grids(())
        axes = {"grids": grids, "k": 3, "steps": _SMALL_STEPS, "patience": 1, "enough": self._tolerance}
        return ModelTable(ADDITIVE.name, NO_HIDDEN, _axes(axes))

    def network(self, hidden: HiddenWidths) -> ModelTable | None:
        """Return the table of a KAN, None if it has too many parameters on the coarsest grid."""
        grids = self._grids(hidden)
        if self._n_params(hidden, grids[0]) > self._most:
            return None
        small = sum(hidden) <= _SMALL
        axes = {
            "grids": grids,
            "k": 3,
            "opt": "auto",
            "steps": _SMALL_STEPS if small else _STEPS,
            # A single node, through which everything goes, is often badly placed at the start.
            "restarts": _ALONE_RESTARTS if 1 in hidden[:1] else 1,
            "patience": 1,
            "enough": self._tolerance,
        }
        return ModelTable(KAN.name, (hidden,), _axes(axes))

    def kinds(self) -> list[ModelTable]:
        """Return a table of every kind of model that may be asked for."""
        networks = filter(None, (self.network((1,)), self.network((WIDTHS[1],))))
        return [self.linear(), self.additive(), *networks, self._mlp((2, 2))]

    def _grids(self, hidden: HiddenWidths) -> tuple[int, ...]:
        fitting = tuple(grid for grid in GRIDS if self._n_params(hidden, grid) <= self._most)
        return fitting or GRIDS[:1]

    def _n_params(self, hidden: HiddenWidths, grid: int) -> int:
        return KAN.n_params({"width": (self._n_in, *hidden, self._n_out), "k": 3}, grid) or 0

    def _grow_wider(self) -> None:
        failures = 0
        for width in WIDTHS:
            if self._is_enough() or width > max(2 * self._n_in + 1, WIDTHS[2]):
                break
            failures = 0 if self._try("width", (width,)) else failures + 1
            # As long as no hidden layer has paid, one node alone is not proof enough.
            if failures > (0 if self._hidden_that_paid() else 1):
                break

    def _grow_deeper(self) -> None:
        """Add layers where several nodes in one layer have paid: then one layer may not be enough."""
        while not self._is_enough() and len(self._hidden_that_paid()) < MAX_LAYERS - 1:
            hidden = self._hidden_that_paid()
            if max(hidden, default=0) < 2 or not self._try("depth", (hidden[0], *hidden)):
                break

    def _hidden_that_paid(self) -> HiddenWidths:
        """Return the hidden layers of the last network that was better than all before it; () without one."""
        return next((trial.candidate.width[1:-1] for trial in reversed(self._trials) if trial.better), ())

    def _is_enough(self) -> bool:
        return self._best().val <= self._tolerance

    def _try(self, what: str, hidden: HiddenWidths) -> bool:
        table = self.network(hidden)
        if table is None:
            return False
        before = self._best()
        found = self._train(table)
        if found is None:
            return False
        better = self.is_better(found, before)
        self._trials.append(Trial(what, found, better))
        return better

    def _compare_with_an_mlp(self) -> None:
        """Train an MLP of two hidden layers with as many parameters as the recommended model."""
        if self._is_enough():
            return
        sizes = range(2, 2 * WIDTHS[-1])
        shapes = [(self._n_in, n, n, self._n_out) for n in sizes]
        fitting = [s for s in shapes if n_weights_and_biases(s) <= self._recommended().n_params] or shapes[:1]
        self._train(self._mlp(fitting[-1][1:-1]))

    def _mlp(self, hidden: HiddenWidths) -> ModelTable:
        axes = {"activation": "tanh", "opt": "auto", "steps": _MLP_STEPS, "restarts": 1}
        return ModelTable(MLP.name, (hidden,), _axes(axes))

    def _confirm(self) -> None:
        """Train what is recommended with all seeds, until what is recommended has them.

        What cannot be trained with all of them is no longer recommended.
        """
        while (chosen := self._recommended()) is not _NOTHING and not chosen.is_deterministic:
            if len(chosen.seeds) == len(self._seeds):
                return
            if self._train(self._tables[chosen.group_id], self._seeds) is None:
                self._set_aside.append(chosen)
                del self._known[chosen.group_id]

    def _train(self, table: ModelTable, seeds: Sequence[int] | None = None) -> TrainedConfiguration | None:
        """Return the best stage of a table, None if there is none."""
        found = self._trainer.train(table, self._seeds[:1] if seeds is None else seeds)
        for candidate in found:
            self._tables[candidate.group_id] = table
        for group in {candidate.group_id for candidate in found}:
            self._known[group] = [candidate for candidate in found if candidate.group_id == group]
        return min(found, key=lambda c: c.val, default=None)

    def _all(self) -> list[TrainedConfiguration]:
        return [candidate for group in self._known.values() for candidate in group]

    def _best(self, family: str | None = None) -> TrainedConfiguration:
        own = [c for c in self._all() if family is None or c.family == family]
        return min(own, key=lambda c: (c.val, c.n_params), default=_NOTHING)

    def _recommended(self) -> TrainedConfiguration:
        return recommended(self._all(), self._losses) or self._best()

    def is_better(self, new: TrainedConfiguration, old: TrainedConfiguration) -> bool:
        """Say whether the validation errors of one model are lower than those of another beyond the noise."""
        if not math.isfinite(new.val):
            return False
        if not math.isfinite(old.val):
            return True
        return new.val < (1.0 - LEAST_GAIN) * old.val and self._excess(old, new) > 1.0

    def _excess(self, one: TrainedConfiguration, other: TrainedConfiguration) -> float:
        return excess(*map(self._losses, (one, other)))

    def _losses(self, candidate: TrainedConfiguration) -> FloatArray:
        return self._trainer.losses(candidate, "val")


def _axes(values: Mapping[str, Any]) -> tuple[Axis, ...]:
    return tuple((name, (value,)) for name, value in values.items())


_NOTHING = TrainedConfiguration("", "", (), None, 0, 0, (Fitted("", 0, 0, math.inf, math.inf, math.inf),))
