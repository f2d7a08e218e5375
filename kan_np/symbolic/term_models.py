"""Sums of a few terms, c1 f1(u; p1) + c2 f2(u; p2) + ... + d, fitted by variable projection.

The coefficients are solved for by linear least squares at every trial of the inner numbers p; these descend
by Levenberg-Marquardt with Kaufman's Jacobian, -P (df/dp c), P the projection away from the columns. Source:
Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973), 413-432.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kan_np._validate import FloatArray
from kan_np.symbolic.function_families import Family

#: Relative step of the derivatives by inner numbers: they need few digits where residuals vanish.
_STEP = 1e-7
#: A column that leaves no more than this part of itself to the others is one of them.
_DEPENDENT = 1e-10
_DAMPING, _GIVE_UP = 1e-3, 1e8


@dataclass(frozen=True)
class Term:
    """A family with its numbers, and which of its columns are used."""

    family: Family
    numbers: tuple[float, ...]
    used: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """A sum of terms in u - shift, and 1 - R^2 of it; infinite before it is fitted, or if not finite."""

    terms: tuple[Term, ...]
    cost: float = np.inf
    shift: float = 0.0

    @property
    def count(self) -> int:
        """Constants: coefficients, inner numbers and the offset."""
        inside = sum(len(term.used) + len(term.numbers) for term in self.terms)
        return 1 + int(self.shift != 0.0) + inside

    @property
    def complexity(self) -> float:
        """Of the terms, and one for each sum."""
        parts = sum(term.family.complexity for term in self.terms)
        return parts + len(self.terms) - 1

    @property
    def kind(self) -> tuple[object, ...]:
        """What it is but for its numbers."""
        return self.shift != 0.0, *sorted((term.family.texts, term.used) for term in self.terms)

    @property
    def numbers(self) -> FloatArray:
        """All inner numbers in a row."""
        return np.array([number for term in self.terms for number in term.numbers])

    def with_numbers(self, numbers: FloatArray, cost: float) -> Model:
        """The same terms with other inner numbers."""
        given = iter(numbers.tolist())
        terms = tuple(replace(term, numbers=tuple(next(given) for _ in term.numbers)) for term in self.terms)
        return Model(terms, cost, self.shift)

    def columns(self, u: FloatArray) -> FloatArray:
        """Used columns of all terms at u, of shape (n, k)."""
        return np.stack(
            [column for term in self.terms for column in term_columns(term, u - self.shift)], axis=1
        )


def term_columns(term: Term, u: FloatArray) -> list[FloatArray]:
    """The columns of a term that are used."""
    with np.errstate(all="ignore"):
        columns = term.family.columns(u, *term.numbers)
    return [columns[i] for i in term.used]


@dataclass(frozen=True)
class Target:
    """A curve that sums of terms are fitted to.

    Attributes
    ----------
    u : ndarray of shape (n,)
    root : ndarray of shape (n,)
        Square roots of the weights, which sum to 1.
    z : ndarray of shape (n,)
        Values of mean 0 and variance 1, times `root`.
    rounding : float
        Part of the variance that is rounding.
    """

    u: FloatArray
    root: FloatArray
    z: FloatArray
    rounding: float

    def centred(self, columns: FloatArray) -> FloatArray:
        """Columns (n, k) weighted, without their means, of length 1."""
        with np.errstate(all="ignore"):
            largest = np.abs(columns).max(axis=0)
            unit = columns / np.where(largest > 0, largest, 1.0)
            weighted = self.root[:, None] * unit
            return np.asarray(weighted - np.outer(self.root, self.root @ weighted))

    def projection(self, columns: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """Q, R and the residual; None where columns are not finite or depend on each other."""
        matrix = self.centred(columns)
        if not np.isfinite(matrix).all():
            return None
        length = np.sqrt((matrix**2).sum(axis=0))
        if length.min() <= _DEPENDENT:
            return None
        q, r = np.linalg.qr(matrix / length)
        if np.abs(np.diagonal(r)).min() <= _DEPENDENT:
            return None
        rest = self.z - q @ (q.T @ self.z)
        return q, r, rest - q @ (q.T @ rest)

    def cost(self, model: Model) -> float:
        """1 - R^2 of a model with the inner numbers it has."""
        found = self.projection(model.columns(self.u))
        return np.inf if found is None else float(found[2] @ found[2])


def fitted(model: Model, target: Target, steps: int, gain: float = 1e-3) -> Model:
    """The model with inner numbers that have descended for some steps, while each gains the part `gain`."""
    found = target.projection(model.columns(target.u))
    if found is None:
        return replace(model, cost=np.inf)
    cost = float(found[2] @ found[2])
    numbers = model.numbers
    model = model.with_numbers(numbers, cost)
    if numbers.size == 0:
        return model
    damping = _DAMPING
    for _ in range(steps):
        if cost <= target.rounding:
            break
        q, _, rest = found
        jacobian = _jacobian(model, target, q)
        if not np.isfinite(jacobian).all():
            break
        normal, gradient = jacobian.T @ jacobian, jacobian.T @ rest
        before = cost
        while damping < _GIVE_UP:
            scale = np.diagonal(normal) * damping + 1e-300
            try:
                move = np.linalg.solve(normal + np.diag(scale), gradient)
            except np.linalg.LinAlgError:
                damping *= 10.0
                continue
            trial = model.with_numbers(numbers - move, np.inf)
            new = target.projection(trial.columns(target.u))
            if new is not None and float(new[2] @ new[2]) < cost:
                found, cost, numbers = new, float(new[2] @ new[2]), numbers - move
                model = model.with_numbers(numbers, cost)
                damping = max(damping / 10.0, 1e-12)
                break
            damping = max(damping * 10.0, 1e-6)
        if before - cost <= gain * before:
            break
    return model


def _jacobian(model: Model, target: Target, q: FloatArray) -> FloatArray:
    """Derivatives of the residual by the inner numbers, (n, k), by differences."""
    raw = model.columns(target.u)
    matrix = target.root[:, None] * raw
    matrix -= np.outer(target.root, target.root @ matrix)
    coefficients = np.asarray(np.linalg.lstsq(matrix, target.z, rcond=None)[0], dtype=np.float64)
    jacobian = target.root[:, None] * _moved(model, target.u, raw, coefficients)
    jacobian -= np.outer(target.root, target.root @ jacobian)
    return np.asarray(-(jacobian - q @ (q.T @ jacobian)))


def _moved(model: Model, u: FloatArray, raw: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Derivatives of the sum by the inner numbers, (n, k), its coefficients held; `raw` are its columns."""
    moved, at, u = [], 0, u - model.shift
    for term in model.terms:
        own = coefficients[at : at + len(term.used)]
        for k, number in enumerate(term.numbers):
            step = _STEP * max(abs(number), 1e-2)
            numbers = (*term.numbers[:k], number + step, *term.numbers[k + 1 :])
            columns = term_columns(replace(term, numbers=numbers), u)
            change = sum(
                c * (new - raw[:, at + q]) for q, (c, new) in enumerate(zip(own, columns, strict=True))
            )
            moved.append(np.asarray(change) / step)
        at += len(term.used)
    return np.stack(moved, axis=1)


def without_idle_columns(model: Model, target: Target, allowed: float, steps: int) -> Model:
    """The model without the columns that it does not need for a cost of `allowed` times its own."""
    while sum(len(term.used) for term in model.terms) > 1:
        best = None
        for t, term in enumerate(model.terms):
            for i in term.used:
                used = tuple(j for j in term.used if j != i)
                others = (
                    *model.terms[:t],
                    *([replace(term, used=used)] if used else []),
                    *model.terms[t + 1 :],
                )
                fewer = fitted(Model(others, shift=model.shift), target, steps, 1e-2)
                if best is None or fewer.cost < best.cost:
                    best = fewer
        if best is None or best.cost > max(allowed * model.cost, target.rounding):
            return model
        model = best
    return model
