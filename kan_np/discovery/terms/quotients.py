"""Quotients of two sums of monomials, for labels with noise: y = N(x) / D(x).

y D = N is linear in the coefficients, but with noisy labels on both sides least squares is biased. With
D = psi_0 + sum_l d_l psi_l and labels y^ of a formula or network that is nearly right,

    y psi_0 = sum_k c_k phi_k - sum_l d_l y^ psi_l

has the noise on one side alone, as in regression in two stages (H. Theil, 1953). Each choice of psi_0 and of
one phi_k is tried, the others are selected by `select`; the numbers of the best are fitted to the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.discovery.terms.atoms import Powers
from kan_np.discovery.terms.dictionary import Term
from kan_np.discovery.terms.peeling import product
from kan_np.discovery.terms.polish import Samples, SumFormula, written
from kan_np.discovery.terms.selection import select
from kan_np.symbolic.constants import MARGIN

#: Inputs at most, and degrees of the monomials above and below.
MOST_INPUTS = 4
_ABOVE, _BELOW = 3, 2
#: Terms beside psi_0 and the first above.
_MOST_TERMS = 3
#: Samples that terms are chosen by.
_MOST = 1000
#: Sets of each size that are compared by what they leave of the labels, and those that are fitted to these.
_COMPARED, _FITTED = 2, 10
#: Formulas whose numbers are recognised.
_FINISHED = 2
#: Bits by which a number must be known beyond the length of a simple one. Terms of one denominator often have
#: the same number: that is proposed where noise leaves doubt, and the whole message decides.
_MARGINS = (MARGIN, 2.0)


@dataclass(frozen=True)
class _Quotient:
    """Terms above and below, their coefficients, and bits of a message with what is left."""

    above: tuple[Powers, ...]
    below: tuple[Powers, ...]
    c: tuple[float, ...]
    d: tuple[float, ...]
    bits: float

    def expression(self, symbols: Sequence[Any]) -> Any:
        parts = [
            written([Term(powers).expression(symbols) for powers in terms], numbers, 0.0)
            for terms, numbers in ((self.above, self.c), (self.below, self.d))
        ]
        return parts[0] / parts[1]


def find_quotients(
    samples: Samples, smooth: FloatArray, *, over: Callable[[], bool] = lambda: False
) -> list[SumFormula]:
    """Quotients of sums, the best first.

    Parameters
    ----------
    samples : Samples
    smooth : ndarray of shape (n,)
        Labels of the training samples nearly without noise, of a formula or a network.
    over : callable
        Asked before every choice of two terms and every fit; True ends the search.

    Returns
    -------
    list of SumFormula
        None of them for more than four inputs, and for labels that are no such quotient.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.discovery.terms.polish import Samples
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(0, 3, (300, 2))
    >>> y = x[:, 0] / (x[:, 0] + x[:, 1] ** 2)
    >>> find_quotients(Samples(x[:240], y[:240], x[240:], y[240:], 0.0), y[:240])[0].expression
    x_1/(x_1 + x_2**2)
    """
    if samples.x.shape[1] > MOST_INPUTS or not np.isfinite(smooth).all() or samples.spread == 0.0:
        return []
    with one_thread(), np.errstate(all="ignore"):
        proposed = sorted(_proposed(samples, smooth, over), key=lambda one: one.bits)
        unlike: dict[Any, _Quotient] = {}
        for one in proposed:
            unlike.setdefault((frozenset(one.above), frozenset(one.below)), one)
        found = []
        for one in list(unlike.values())[:_FITTED]:
            if over():
                break
            fitted, rmse = samples.fitted(one.expression(samples.symbols))
            if np.isfinite(rmse):
                found.append(samples.formula(fitted))
        found = [one for one in sorted(found, key=lambda one: one.bits) if np.isfinite(one.bits)]
        finished: dict[Any, SumFormula] = {}
        for formula in found[:_FINISHED]:
            for margin in _MARGINS:
                short = samples.finished(formula.expression, simplify=True, over=over, margin=margin)
                finished.setdefault(short.expression, short)
        return sorted(finished.values(), key=lambda one: one.bits)


def _proposed(samples: Samples, smooth: FloatArray, over: Callable[[], bool]) -> Iterator[_Quotient]:
    """Quotients for each leading term below and above."""
    rows = np.unique(np.linspace(0, len(samples.y) - 1, min(len(samples.y), _MOST)).astype(int))
    unit = float(np.abs(samples.all_y).max())
    x, y, smooth = samples.x[rows], samples.y[rows] / unit, smooth[rows] / unit
    above, phi, of_phi = _monomials(x, _ABOVE)
    below, psi, of_psi = _monomials(x, _BELOW)
    weight = 1.0 / np.abs(psi / np.sqrt(np.mean(np.square(psi), axis=0))).sum(axis=1)
    columns = np.concatenate([phi, -smooth[:, None] * psi], axis=1)
    floor = max(samples.noise, samples.rounding) / unit
    n, n_above = len(samples.all_y), len(above)
    for first in range(len(below)):
        for lead in range(n_above):
            if over():
                return
            others = [k for k in range(columns.shape[1]) if k not in (lead, n_above + first)]
            chosen = select(
                columns[:, others] * weight[:, None],
                y * psi[:, first] * weight,
                phi[:, lead] * weight,
                _MOST_TERMS,
            )
            for own in (one for sets in chosen for one in sets[:_COMPARED]):
                terms = [others[k] for k in own.columns]
                up = [lead, *(k for k in terms if k < n_above)]
                down = [first, *(k - n_above for k in terms if k >= n_above)]
                fit = _fitted(phi[:, up], psi[:, down], y, smooth)
                if len(down) == 1 or fit is None:
                    continue
                c, d, rmse = fit
                costs = sum(Term(above[k]).cost for k in up) + sum(Term(below[k]).cost for k in down)
                bits = n * float(np.log2(max(rmse, floor))) + 0.5 * costs
                bits += (len(up) + len(down) - 1) * (0.5 * np.log2(n) + np.log2(columns.shape[1]))
                yield _Quotient(
                    tuple(above[k] for k in up),
                    tuple(below[k] for k in down),
                    tuple((c * unit / of_phi[up]).tolist()),
                    tuple((d / of_psi[down]).tolist()),
                    bits,
                )


def _fitted(
    phi: FloatArray, psi: FloatArray, y: FloatArray, smooth: FloatArray
) -> tuple[FloatArray, FloatArray, float] | None:
    """Coefficients by least squares in two stages, and what is left of the labels; None for a pole."""
    count = phi.shape[1]
    matrix = np.concatenate([phi, -smooth[:, None] * psi[:, 1:]], axis=1)
    target, weight = y * psi[:, 0], np.ones(len(y))
    for _ in range(2):  # residuals are those of y times D, which is known after the first
        found, *_ = np.linalg.lstsq(matrix * weight[:, None], target * weight, rcond=1e-12)
        c, d = found[:count], np.concatenate([[1.0], found[count:]])
        down = psi @ d
        if not (np.abs(down).min() > 0.0 and np.ptp(np.sign(down)) == 0):
            return None
        weight = 1.0 / np.abs(down)
    rmse = float(np.sqrt(np.mean(np.square(phi @ c / down - y))))
    return (np.asarray(c, dtype=np.float64), d.astype(np.float64), rmse) if np.isfinite(rmse) else None


def _monomials(x: FloatArray, degree: int) -> tuple[list[Powers], FloatArray, FloatArray]:
    """Products of powers up to a degree, their values in units of the largest, and these units."""
    d = x.shape[1]
    varying = [i for i in range(d) if np.ptp(x[:, i]) > 0]
    powers = [
        tuple(Fraction(factors.count(i)) for i in range(d))
        for total in range(degree + 1)
        for factors in combinations_with_replacement(varying, total)
    ]
    values = np.column_stack([product(x, own) for own in powers])
    units = np.abs(values).max(axis=0)
    return powers, values / units, units
