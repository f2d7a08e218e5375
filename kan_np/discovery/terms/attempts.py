"""One attempt: labels divided by a common factor and transformed, as a sum of few terms of a dictionary.

Explicit: T(y / F) = c_0 + sum_k c_k phi_k. Implicit: T(y / F) (1 + sum_l d_l psi_l) = c_0 + sum_k c_k phi_k,
which is linear in all numbers, too, and stands for quotients of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.terms.atoms import Powers, Quantity
from kan_np.discovery.terms.dictionary import Dictionary, Term, may_be_above, may_multiply_the_label
from kan_np.discovery.terms.peeling import product
from kan_np.discovery.terms.polish import written
from kan_np.discovery.terms.selection import Selection, select, select_quotients
from kan_np.discovery.terms.transforms import Transform

#: Terms in a sum at most.
MOST_TERMS = 6
#: Share of the labels that a transform must be able to take; noise may have moved the others.
_SHARE = 0.95
#: Part of the weighted labels that a sum may leave and yet become exact when its numbers are polished.
NEARLY_EXACT = 1e-7
#: Sets of each size that are written out, and quotients that are fitted for that: their order is that of
#: residuals times what is below, and changes when they count as those of the labels.
_WRITTEN, _FITTED_QUOTIENTS = 3, 12
#: Terms of the sum above, and before the label, in quotients.
_ABOVE, _BELOW = 330, 330
#: Largest value of a term in quotients, in units of its root mean square.
_EVEN = 10.0


@dataclass(frozen=True)
class Sum:
    """A sum that was found.

    Attributes
    ----------
    attempt : Attempt
    terms : tuple of Term
    coefficients : tuple of float
        Of the terms, and the constant last.
    length : float
        Bits of a message with the terms and what they leave of the training labels.
    error : float
        What is left, as a part of the labels' own deviation.
    """

    attempt: Attempt
    terms: tuple[Term, ...]
    coefficients: tuple[float, ...]
    length: float
    error: float

    def expression(self, symbols: Sequence[Any]) -> Any:
        """The formula for the labels, in symbols of all inputs."""
        return self.attempt.expression(symbols, self.terms, self.coefficients)


@dataclass(frozen=True)
class Attempt:
    """A common factor, a transform, and whether terms with the label are used.

    Attributes
    ----------
    factor : tuple of Fraction
        Powers of all inputs.
    left : tuple of int
        Inputs that are in the terms.
    sign : int
        Of the labels, where they all have one.
    transform : Transform
    implicit : bool
    """

    factor: Powers
    left: tuple[int, ...]
    sign: int
    transform: Transform
    implicit: bool

    def expression(self, symbols: Sequence[Any], terms: Sequence[Term], coefficients: Sequence[float]) -> Any:
        """The formula for the labels."""
        own = [symbols[i] for i in self.left]
        pairs = list(zip(terms, coefficients[:-1], strict=True))
        plain = [(t, c) for t, c in pairs if not t.with_label]
        total = written([t.expression(own) for t, _ in plain], [c for _, c in plain], coefficients[-1])
        if self.implicit:
            below = [(t, c) for t, c in pairs if t.with_label]
            total = total / (1 - written([t.expression(own) for t, _ in below], [c for _, c in below], 0.0))
        return self.sign * Quantity(self.factor).expression(symbols) * self.transform.inverse(total)

    def prepared(self, x: FloatArray, y: FloatArray) -> _Prepared | None:
        """Targets and weights on the samples; None if the labels do not suit."""
        with np.errstate(all="ignore"):
            before = self.sign * product(x, self.factor)
            ratio = y / before
        fine = np.isfinite(ratio) & self.transform.within(ratio)
        if fine.mean() < _SHARE or not self.transform.suits(ratio[fine]):
            return None
        ratio = ratio[fine]
        if self.transform.name == "1/y" and np.abs(ratio).min() == 0.0:
            return None
        with np.errstate(all="ignore"):
            target = self.transform.forward(ratio)
            weight = np.abs(before[fine]) * self.transform.weights(ratio)
        if not (np.isfinite(target).all() and np.isfinite(weight).all() and np.ptp(target) > 0):
            return None
        return _Prepared(self, fine, target, weight / weight.max(), float(weight.max()), y)

    @cached_property
    def bits(self) -> float:
        """Of a message that names it."""
        return self.transform.bits + Quantity(self.factor).cost + (1.0 if self.implicit else 0.0)


@dataclass(frozen=True)
class _Prepared:
    attempt: Attempt
    fine: np.ndarray
    target: FloatArray
    weight: FloatArray
    unit: float
    y: FloatArray

    def sums(self, dictionary: Dictionary, floor: float, n_all: int) -> list[Sum]:
        """Sums of terms of the dictionary, whose values are on all samples of `y`.

        Parameters
        ----------
        dictionary : Dictionary
        floor : float
            Deviation of the labels below which differences mean nothing.
        n_all : int
            Samples that messages are of, some of which these are.
        """
        values, terms, units = dictionary.values[self.fine], dictionary.terms, dictionary.units
        size = float(np.abs(self.target).max())
        target = self.target / size
        if self.attempt.implicit:
            # with terms that are large on a few samples alone the label would be multiplied by nearly nothing
            even = np.abs(values).max(axis=0) <= _EVEN * np.sqrt(np.mean(np.square(values), axis=0))
            above = [k for k, t in enumerate(terms) if even[k] and may_be_above(t)][:_ABOVE]
            below = [k for k, t in enumerate(terms) if even[k] and may_multiply_the_label(t)][:_BELOW]
            found = select_quotients(values[:, above], values[:, below], target, self.weight, 3)
            values = np.concatenate([values[:, above], values[:, below] * target[:, None]], axis=1)
            terms = [*(terms[k] for k in above), *(terms[k]._replace(with_label=True) for k in below)]
            units = np.concatenate([units[above], units[below] * size])
        else:
            columns = values * self.weight[:, None]
            found = select(columns, target * self.weight, self.weight, MOST_TERMS)
        result: list[Sum] = []
        for sets in found:
            tried = sets[: _FITTED_QUOTIENTS if self.attempt.implicit else _WRITTEN]
            own = [self._fitted(s, values, terms, units, size, target, floor, n_all) for s in tried]
            result += sorted((s for s in own if s is not None), key=lambda s: s.length)[:_WRITTEN]
            if result and min(s.error for s in result) < NEARLY_EXACT:
                break
        return result

    def _fitted(
        self,
        chosen: Selection,
        values: FloatArray,
        terms: Sequence[Term],
        units: FloatArray,
        size: float,
        target: FloatArray,
        floor: float,
        n_all: int,
    ) -> Sum | None:
        """Coefficients by least squares, of residuals that are those of the labels."""
        own = tuple(terms[j] for j in chosen.columns)
        if own and all(t.with_label for t in own):
            return None
        matrix = np.column_stack([values[:, list(chosen.columns)], np.ones(len(target))])
        below = np.array([t.with_label for t in own] + [False])
        weight = self.weight
        for _ in range(4 if below.any() else 1):
            coefficients, *_ = np.linalg.lstsq(matrix * weight[:, None], target * weight, rcond=1e-15)
            if below.any():  # what is fitted is the label times this
                with np.errstate(all="ignore"):
                    times = 1.0 - (matrix[:, below] / target[:, None]) @ coefficients[below]
                if not (np.isfinite(times).all() and np.abs(times).min() > 0 and np.ptp(np.sign(times)) == 0):
                    return None
                weight = self.weight / np.abs(times)
        # a number that is rounding beside the others is none
        parts = np.abs(matrix * coefficients).max(axis=0)
        rest = (matrix @ coefficients - target) * weight
        n = len(target)
        square = float(rest @ rest)
        whole = float(np.var(target * self.weight)) * n
        deviation = np.sqrt(square / n) * size * self.unit
        constants = len(own) + 1
        if n <= constants + 2:
            return None
        if parts[-1] <= 1e-12 * parts.max():
            coefficients[-1] = 0.0
        price = sum(np.log2(len(terms)) + 0.5 * np.log2(n_all) + 0.5 * t.cost for t in own)
        length = n_all * float(np.log2(max(deviation, floor))) + float(price) + self.attempt.bits
        scaled = coefficients.copy()
        scaled[:-1] = coefficients[:-1] * size / units[list(chosen.columns)]
        scaled[-1] *= size
        return Sum(
            self.attempt,
            own,
            tuple(float(c) for c in scaled),
            length,
            float(np.sqrt(square / whole)) if whole > 0 else np.inf,
        )
