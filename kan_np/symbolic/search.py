"""The search for the line of a symbol: rounds of refinement on fewer starts and more samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kan_np.functions.symbol import Symbol
from kan_np.symbolic.initial_guesses import starts
from kan_np.symbolic.line_coordinates import Line
from kan_np.symbolic.projection import Candidates, refine
from kan_np.symbolic.samples import Samples


class _Round(NamedTuple):
    """Refinement of the best `kept` candidates, by at most `steps` each, while one gains the part `gain`."""

    kept: int
    steps: int
    gain: float


#: Samples on which starts are compared, and on which they are first refined.
_COARSE, _MIDDLE = 128, 256
_FIRST, _SECOND, _LAST = _Round(12, 8, 1e-2), _Round(4, 20, 1e-4), _Round(2, 40, 1e-10)
#: A candidate that is this many times worse than the best is not followed.
_HOPELESS = 100.0
#: Candidates of one chart nearer than this, in its coordinates, are one.
_SAME = 1e-2


@dataclass(frozen=True)
class Search:
    """Candidates that a search has come to; none for constants and straight lines.

    Attributes
    ----------
    found : list of Candidates
    n_fev : int
        Lines tried so far.
    """

    found: list[Candidates]
    n_fev: int

    @property
    def cost(self) -> float:
        """Least 1 - R^2, on a part of the samples; NaN without candidates."""
        return min((float(c.cost.min()) for c in self.found), default=np.nan)

    def finished(self, symbol: Symbol, samples: Samples) -> Candidates:
        """The one best line, refined on all samples."""
        if not self.found:
            return Candidates(Line(1.0), np.empty((0, 2)), np.empty(0), 1)
        found = [refine(symbol, c, samples, _LAST.steps, _LAST.gain) for c in _best(self.found, _LAST.kept)]
        n_fev = self.n_fev + sum(candidates.n_fev for candidates in found)
        (best,) = _best(found, 1)
        return Candidates(best.chart, best.theta, best.cost, n_fev)


def search(symbol: Symbol, samples: Samples) -> Search:
    """Starts, and two rounds of refinement, on a part of the samples where that is enough.

    Parameters
    ----------
    symbol : Symbol
    samples : Samples
    """
    if (symbol.scale_free and symbol.shift_free) or samples.half == 0.0 or samples.spread == 0.0:
        return Search([], 0)
    middle = samples.thinned(_MIDDLE)
    found = starts(symbol, samples.thinned(_COARSE), samples)
    n_fev = sum(candidates.n_fev for candidates in found)
    for kept, steps, gain in (_FIRST, _SECOND):
        found = [
            refine(symbol, candidates, samples if candidates.sharp else middle, steps, gain)
            for candidates in _best(found, kept)
        ]
        n_fev += sum(candidates.n_fev for candidates in found)
    return Search(found, n_fev)


def _best(found: list[Candidates], most: int) -> list[Candidates]:
    """The `most` of least cost over all charts, without repetitions and hopeless ones."""
    ranked = sorted((float(cost), i, k) for i, c in enumerate(found) for k, cost in enumerate(c.cost))
    kept: dict[int, list[int]] = {}
    count = 0
    for cost, i, k in ranked:
        theta, mine = found[i].theta, kept.setdefault(i, [])
        if count == most or (count and cost > _HOPELESS * ranked[0][0]):
            break
        if mine and (np.abs(theta[mine] - theta[k]).max(axis=1) < _SAME).any():
            continue
        mine.append(k)
        count += 1
    return [found[i].rows(rows) for i, rows in kept.items() if rows]
