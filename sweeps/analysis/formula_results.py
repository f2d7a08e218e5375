"""The formulas of a report as plain values: each that was found, and what the searches of a task found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that a search found.

    `text` is as sympy writes it. `n_constants` numbers stand in it; `n_params` are they, or the parameters of
    the network where edges stayed splines. `exact` says that its error is rounding, `best` that it is the one
    its search recommends. `time_s` is how long the search took.
    """

    run_id: str
    stage: int
    seed: int
    text: str
    complexity: float
    n_constants: int
    n_params: int
    train_rmse: float
    val_rmse: float
    test_rmse: float
    time_s: float
    exact: bool
    best: bool


@dataclass(frozen=True)
class FormulaSearch:
    """All searches for a formula of one function: the best one, if any was found, and the frontier.

    `n_exact` of the `n_runs` recorded searches ended with an exact formula. `frontier` holds what is more
    accurate on validation samples than all that is simpler, simplest first.
    """

    best: Formula | None
    frontier: list[Formula]
    n_runs: int
    n_exact: int
