"""One stage of a solution, as tables show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kan_np.optimize.status import FitStatus


@dataclass
class PdeStage:
    """One stage of a solution: a size of the grid and a round of points.

    Attributes
    ----------
    grid : int or None
        Of KANs.
    n_params : int
    objective : float
        The weighted sum of mean squares at its end.
    fresh : dict of str to float
        Root mean square of every term's residual on points that were not used.
    fresh_objective : float
        The weighted sum of mean squares there.
    unknowns : dict of str to float
    steps, evaluations : int
    seconds : float
    status : FitStatus
    """

    grid: int | None
    n_params: int
    objective: float
    fresh: dict[str, float]
    fresh_objective: float
    unknowns: dict[str, float]
    steps: int
    evaluations: int
    seconds: float
    status: FitStatus
    curve: list[float] = field(default_factory=list, repr=False)
