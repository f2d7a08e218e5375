"""Many sums of terms polished at once, a few steps each: arrays of models save most of the time.

As `kan_np.symbolic.term_models.fitted`, to about half the digits: columns are made orthogonal by Gram and
Schmidt for all models together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.symbolic.term_models import Model, Target, Term, term_columns

_STEP = 1e-7
_DEPENDENT = 1e-7
_DAMPING, _LEAST, _LARGEST = 1e-3, 1e-9, 1e6


def roughly_fitted(models: Sequence[Model], target: Target, steps: int) -> list[Model]:
    """Models whose inner numbers have descended for some steps."""
    if not models:
        return []
    batch = _Batch(models, target)
    for _ in range(steps):
        batch.step()
    return [
        model.with_numbers(batch.numbers[k, : model.numbers.size], float(batch.cost[k]))
        for k, model in enumerate(models)
    ]


class _Batch:
    """m models as arrays: numbers (m, p), columns (m, k, n), and the orthonormal columns and residuals."""

    def __init__(self, models: Sequence[Model], target: Target) -> None:
        self.models, self.target = models, target
        given = [model.numbers for model in models]
        self.n_columns = max(sum(len(term.used) for term in model.terms) for model in models)
        self.has = np.zeros((len(models), max(max(len(own) for own in given), 1)), dtype=bool)
        self.numbers = np.zeros(self.has.shape)
        for k, own in enumerate(given):
            self.numbers[k, : len(own)], self.has[k, : len(own)] = own, True
        self.damping = np.full(len(models), _DAMPING)
        self.raw = self._columns(self.numbers, np.arange(len(models)))
        self.q, self.r, self.rest, self.cost = self._projected(self.raw)

    def _terms(self, k: int, numbers: FloatArray) -> list[Term]:
        terms, at = [], 0
        for term in self.models[k].terms:
            count = len(term.numbers)
            terms.append(replace(term, numbers=tuple(numbers[at : at + count].tolist())) if count else term)
            at += count
        return terms

    def _columns(self, numbers: FloatArray, chosen: NDArray[np.intp]) -> FloatArray:
        raw = np.zeros((len(chosen), self.n_columns, self.target.u.size))
        for row, k in enumerate(chosen.tolist()):
            u = self.target.u - self.models[k].shift
            columns = [c for term in self._terms(k, numbers[row]) for c in term_columns(term, u)]
            raw[row, : len(columns)] = columns
        return raw

    def _centred(self, rows: FloatArray) -> FloatArray:
        weighted = rows * self.target.root
        return np.asarray(weighted - (weighted @ self.target.root)[..., None] * self.target.root)

    def _projected(self, raw: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Q (m, k, n), R (m, k, k), residuals (m, n) and costs (m,); infinite where columns are of no use."""
        with np.errstate(all="ignore"):
            bad = ~np.isfinite(raw).all(axis=(1, 2)) | (np.abs(raw).max(axis=(1, 2)) > 1e100)
            a = self._centred(np.where(bad[:, None, None], 0.0, raw))
            m, count, _ = a.shape
            q, r = np.zeros_like(a), np.zeros((m, count, count))
            for k in range(count):
                v = a[:, k]
                size = np.sqrt((v * v).sum(axis=1))
                for _ in range(2):
                    for j in range(k):
                        part = (q[:, j] * v).sum(axis=1)
                        r[:, j, k] += part
                        v = v - part[:, None] * q[:, j]
                length = np.sqrt((v * v).sum(axis=1))
                there = np.abs(raw[:, k]).max(axis=1) > 0.0
                bad |= there & (length <= _DEPENDENT * size)
                r[:, k, k] = np.where(length > 0, length, 1.0)
                q[:, k] = np.where(there[:, None], v / r[:, k, k][:, None], 0.0)
            rest = np.repeat(self.target.z[None], m, axis=0)
            for k in range(count):
                rest = rest - (rest * q[:, k]).sum(axis=1)[:, None] * q[:, k]
            cost = np.where(bad, np.inf, (rest * rest).sum(axis=1))
        return q, r, rest, cost

    def _jacobian(self, chosen: NDArray[np.intp]) -> FloatArray:
        """Derivatives of the residuals by the numbers: (m, p, n)."""
        side = self.q[chosen] @ self.target.z
        coefficients = np.linalg.solve(self.r[chosen], side[:, :, None])[:, :, 0]
        moved = np.zeros((len(chosen), self.numbers.shape[1], self.target.u.size))
        for row, k in enumerate(chosen.tolist()):
            u, at, place = self.target.u - self.models[k].shift, 0, 0
            for term in self._terms(k, self.numbers[k]):
                own = range(place, place + len(term.used))
                for i, number in enumerate(term.numbers):
                    step = _STEP * max(abs(number), 1e-2)
                    numbers = (*term.numbers[:i], number + step, *term.numbers[i + 1 :])
                    for c, column in zip(own, term_columns(replace(term, numbers=numbers), u), strict=True):
                        moved[row, at] += coefficients[row, c] / step * (column - self.raw[k, c])
                    at += 1
                place += len(term.used)
        moved = self._centred(moved)
        q = self.q[chosen]
        return np.asarray(-(moved - (moved @ q.transpose(0, 2, 1)) @ q))

    def step(self) -> None:
        """One trial of every model that still moves."""
        going = np.isfinite(self.cost) & (self.damping < _LARGEST) & (self.cost > self.target.rounding)
        chosen = np.flatnonzero(going & self.has.any(axis=1))
        if chosen.size == 0:
            return
        with np.errstate(all="ignore"):
            jacobian = np.nan_to_num(self._jacobian(chosen), posinf=0.0, neginf=0.0)
            normal = jacobian @ jacobian.transpose(0, 2, 1)
            gradient = (jacobian @ self.rest[chosen][:, :, None])[:, :, 0]
            diagonal = np.einsum("mpp->mp", normal)
            diagonal += self.damping[chosen][:, None] * diagonal + (diagonal == 0.0)
            numbers = self.numbers[chosen] - np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
            raw = self._columns(numbers, chosen)
            q, r, rest, cost = self._projected(raw)
        better = cost < self.cost[chosen]
        won, lost = chosen[better], chosen[~better]
        self.numbers[won], self.raw[won], self.cost[won] = numbers[better], raw[better], cost[better]
        self.q[won], self.r[won], self.rest[won] = q[better], r[better], rest[better]
        self.damping[won] = np.maximum(self.damping[won] / 10.0, _LEAST)
        self.damping[lost] *= 30.0
