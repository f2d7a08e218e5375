"""Results of the comparison with peers: bounds, peers that could not be measured, times of both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks._common import Bar, median


@dataclass
class Findings:
    """Bars in the order in which they were measured, and what was not measured, with the reason."""

    bars: list[Bar] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)

    def at_least(self, name: str, value: float, limit: float) -> None:
        self.bars.append(Bar(name, value, limit, at_least=True))

    def at_most(self, name: str, value: float, limit: float) -> None:
        self.bars.append(Bar(name, value, limit))

    def same_function(self, name: str, differences: Sequence[float], tolerance: float) -> None:
        """Note the largest of some relative differences from ours; NaN stays NaN."""
        self.at_most(f"{name}: relative difference from kan_np", float(np.max(differences)), tolerance)


@dataclass(frozen=True)
class Race:
    """Seconds of both sides in rounds: ours, theirs, ours, theirs, ..."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median over the rounds of theirs / ours."""
        return median(np.divide(self.theirs, self.ours))

    @property
    def micros(self) -> tuple[float, float]:
        """Median microseconds of ours and of theirs."""
        return 1e6 * median(self.ours), 1e6 * median(self.theirs)


def race(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Race:
    """Measure both sides in turn, a figure of seconds each, `rounds` times."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Race(*zip(*pairs, strict=True))
