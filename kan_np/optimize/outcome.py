"""What every optimizer returns."""

from __future__ import annotations

from dataclasses import dataclass

from kan_np._validate import FloatArray
from kan_np.optimize.status import FitStatus


@dataclass(frozen=True)
class Outcome:
    """Best parameters of a minimisation, how it ended, and how many iterations it took."""

    theta: FloatArray
    status: FitStatus
    n_iter: int
