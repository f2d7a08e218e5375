"""The result of a fit: its history, how it ended, and what callbacks are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kan_np import _html


class FitStatus(StrEnum):
    """How a fit ended; ``.message`` says it in a sentence."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit"
    STALLED = "stalled"
    STOPPED = "stopped"
    NON_FINITE = "non-finite"
    NOT_LEARNT = "not learnt"

    @property
    def message(self) -> str:
        """The status in a sentence."""
        return _MESSAGES[self]


_MESSAGES = {
    FitStatus.CONVERGED: "Further iterations would hardly lower the objective.",
    FitStatus.STEP_LIMIT: "All steps were taken; more steps may lower the loss.",
    FitStatus.STALLED: "No step in the optimizer's direction lowers the objective; kept the best parameters.",
    FitStatus.STOPPED: "The callback asked to stop; kept the parameters so far.",
    FitStatus.NON_FINITE: "The loss or its gradient became NaN or infinite; kept the last finite parameters.",
    FitStatus.NOT_LEARNT: "Further iterations would hardly lower the objective, but the model predicts no "
    "better than the mean of the labels or a plane through them.",
}


@dataclass(frozen=True)
class Progress:
    """What a callback is told after every optimizer iteration.

    Attributes
    ----------
    step, steps : int
        Steps completed and asked for.
    n_iter, n_fev : int
        Iterations and evaluations of the objective so far.
    train_loss, reg : float
        RMSE on the training samples, in the units of the labels, or the mean of another loss; penalty R.
    wall_s : float
        Seconds since the fit began.
    """

    step: int
    steps: int
    n_iter: int
    n_fev: int
    train_loss: float
    reg: float
    wall_s: float


@dataclass(frozen=True)
class GridUpdate:
    """A move of the grids during a fit.

    Attributes
    ----------
    step : int
        Steps completed before it.
    change : float
        RMS change of the outputs on the training samples, in the units of the labels, which the splines on
        the moved grids could not avoid.
    """

    step: int
    change: float


@dataclass(frozen=True, repr=False)
class FitResult(Mapping[str, list[float]]):
    """History and outcome of a fit; ``result["train_loss"]`` reads the history, as with pykan's dict.

    Attributes
    ----------
    history : dict
        "train_loss", "test_loss" (and "val_loss" if there are validation samples): RMSE after each step, in
        the units of the labels, or the mean of another loss of labels and outputs in their units; "reg":
        penalty R after each step; and the metrics by name.
    status : FitStatus
    n_iter, n_fev : int
        Optimizer iterations and evaluations of loss and gradient.
    wall_s : float
        Seconds.
    opt : str
        Optimizer that was used; with "auto" the one that was chosen.
    smoothing : float
        Weight of the smoothing penalty that was used; with "gcv" the one that was chosen.
    shrinkage : float
        Weight of the prior that draws the edges of a KAN towards constants, or the weights of an MLP to zero:
        chosen by cross-validation where samples are too few for least squares (see ``KAN.fit``), or the
        ``weight_decay`` that was given. Infinite if no weight was better than predicting the mean of the
        labels; the model is then this constant. 0 if there was no prior.
    grid_updates : tuple of GridUpdate
    advice : tuple of str
        What is wrong, and what to do about it, a sentence or two each; empty when all is well.
    """

    history: dict[str, list[float]] = field(repr=False)
    status: FitStatus
    n_iter: int
    n_fev: int
    wall_s: float
    opt: str
    smoothing: float = 0.0
    grid_updates: tuple[GridUpdate, ...] = ()
    advice: tuple[str, ...] = ()
    shrinkage: float = 0.0

    @property
    def message(self) -> str:
        """The status in a sentence."""
        return self.status.message

    def __getitem__(self, key: str) -> list[float]:
        """History of one quantity, with one value for each step."""
        return self.history[key]

    def __iter__(self) -> Iterator[str]:
        """Names of the recorded quantities."""
        return iter(self.history)

    def __len__(self) -> int:
        """Number of recorded quantities."""
        return len(self.history)

    @property
    def _last(self) -> dict[str, float]:
        """The last value of every quantity that has some."""
        return {name: values[-1] for name, values in self.history.items() if values}

    def __repr__(self) -> str:
        """How the fit ended, the optimizer, and the last losses.

        Examples
        --------
        >>> FitResult({"train_loss": [0.5, 0.25]}, FitStatus.CONVERGED, 2, 3, 0.1, "LM")
        FitResult('converged', opt='LM', n_iter=2, train_loss=0.25)
        """
        told = [repr(self.status.value), f"opt={self.opt!r}", f"n_iter={self.n_iter}"]
        told += [f"{name}={value:.4g}" for name, value in self._last.items() if value or name != "reg"]
        for name in ("smoothing", "shrinkage"):
            if getattr(self, name):
                told.append(f"{name}={getattr(self, name):.3g}")
        if self.advice:
            told.append(f"{len(self.advice)} advice")
        return f"FitResult({', '.join(told)})"

    def _repr_html_(self) -> str:
        """For notebooks: how it ended, the last losses, and the advice."""
        last = {name: value for name, value in self._last.items() if value or name != "reg"}
        losses = _html.table(list(last), [[f"{value:.4g}" for value in last.values()]])
        text = f"{self.status.value} after {self.n_iter} iterations of {self.opt}. {self.message}"
        return "".join([_html.paragraph(text), losses, *map(_html.paragraph, self.advice)])
