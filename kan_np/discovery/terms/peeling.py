"""Powers of variables that are a common factor of the labels, proposed from derivatives of their logarithms.

If y = x_i^p g(the others) then d log|y| / d log|x_i| = p everywhere. log|y| is fitted by a polynomial of the
logarithms and the variables, with the weights |y| that noise of one size in y asks for; a variable for which
that derivative varies little and is near a small rational is proposed. What follows decides.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.terms.atoms import Powers, raised

#: Exponents that are proposed.
_EXPONENTS = tuple(sorted({Fraction(k, 2) for k in range(-10, 11)} | {Fraction(k, 3) for k in range(-5, 6)}))
#: Thirds are proposed only this much nearer than halves.
_THIRDS = 0.25
#: How far derivatives may be from an exponent, from the strictest to the loosest proposal.
_WITHIN = (0.03, 0.1, 0.3)
#: Labels below this part of the usual size tell nothing by their logarithm.
_SMALL = 1e-3
_STEP = 1e-4
#: Samples for one coefficient of the polynomial.
_SAMPLES_EACH = 3


def monomial(x: FloatArray, y: FloatArray) -> tuple[Powers, float]:
    """Exponents of the monomial that is nearest to the labels, and its relative error on the samples.

    Exponents are whole, halves or thirds; infinite error if there is none.
    """
    usable, logs, weight = _logs(x, y)
    d = x.shape[1]
    if not usable.any() or np.ptp(np.sign(y)) != 0:
        return (Fraction(0),) * d, np.inf
    matrix = np.column_stack([logs[:, usable], np.ones(len(y))]) * weight[:, None]
    slopes, *_ = np.linalg.lstsq(matrix, _log(y) * weight, rcond=None)
    powers = [Fraction(0)] * d
    for i, slope in zip(np.flatnonzero(usable), slopes[:-1], strict=True):
        powers[int(i)] = nearest_exponent(float(slope))[0]
    rest = y / product(x, tuple(powers))
    with np.errstate(all="ignore"):
        error = float(np.std(rest / np.abs(rest).max()) / abs(np.mean(rest / np.abs(rest).max())))
    return tuple(powers), error if np.isfinite(error) else np.inf


def product(x: FloatArray, powers: Powers) -> FloatArray:
    """The product of powers of the columns."""
    found = np.ones(len(x))
    for column, power in zip(x.T, powers, strict=True):
        if power:
            found = found * raised(column, power)
    return found


def proposals(x: FloatArray, y: FloatArray, most: int = 4) -> list[Powers]:
    """Common factors to be tried, the largest set of surest variables first, 1 the last."""
    d = x.shape[1]
    nothing = (Fraction(0),) * d
    found: list[Powers] = []
    usable, _, _ = _logs(x, y)
    if d > 1 and usable.any():
        mean, spread, error = _derivatives(x, y, usable)
        for within in _WITHIN:
            powers = list(nothing)
            for i in np.flatnonzero(usable).tolist():
                power, off = nearest_exponent(float(mean[i]))
                limit = max(within, min(3 * error[i], 0.3))
                if power and off <= min(limit, 0.24) and spread[i] <= limit and _may_be(x[:, i], power):
                    powers[i] = power
            if tuple(powers) not in found:
                found.append(tuple(powers))
    if nothing in found:
        found.remove(nothing)
    return [*found[: most - 1], nothing]


def nearest_exponent(slope: float) -> tuple[Fraction, float]:
    """The exponent nearest to a slope, thirds only if clearly, and the distance."""

    def distance(p: Fraction) -> float:
        off = abs(slope - float(p))
        return off if p.denominator != 3 else off / _THIRDS

    best = min(_EXPONENTS, key=distance)
    return best, abs(slope - float(best))


def _may_be(column: FloatArray, power: Fraction) -> bool:
    return bool((column > 0).all() or power.denominator == 1)


def _log(values: FloatArray) -> FloatArray:
    size = np.abs(values)
    return np.asarray(np.log(np.where(size > 0, size, 1.0)))


def _logs(x: FloatArray, y: FloatArray) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Which variables have logarithms that vary, those logarithms, and weights of the samples."""
    logs = _log(x)
    usable = (np.abs(x).min(axis=0) > 0) & (np.ptp(logs, axis=0) > 1e-6)
    size = np.abs(y) / max(float(np.abs(y).max(initial=0.0)), 1e-300)
    usual = float(np.median(size)) or 1.0
    weight = np.where(size > _SMALL * usual, np.minimum(size / usual, 3.0), 0.0)
    return usable, logs, weight


def _derivatives(
    x: FloatArray, y: FloatArray, usable: np.ndarray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of d log|y| / d log|x_i| on the samples the mean, the spread and the error that its fit may have."""
    d = x.shape[1]
    _, logs, weight = _logs(x, y)
    centre, width = logs.mean(axis=0), np.where(usable, logs.std(axis=0), 1.0)
    middle, deviation = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)

    def features(changed: int | None, by: float) -> FloatArray:
        own, values = logs.copy(), x.copy()
        if changed is not None:
            own[:, changed] += by
            values[:, changed] *= np.exp(by)
        z = (own - centre) / width
        s = (values - middle) / deviation
        return _features(np.where(usable, z, s), s, len(y))

    matrix = features(None, 0.0)
    target = _log(y)
    weighted = matrix * weight[:, None]
    coefficients, *_ = np.linalg.lstsq(weighted, target * weight, rcond=1e-10)
    spare = max(len(y) - matrix.shape[1], 1)
    left = float(np.sqrt(np.sum(np.square(weighted @ coefficients - target * weight)) / spare))
    means, spreads, errors = np.full(d, np.nan), np.full(d, np.inf), np.full(d, np.inf)
    for i in np.flatnonzero(usable).tolist():
        slope = (features(i, _STEP) - features(i, -_STEP)) @ coefficients / (2 * _STEP)
        seen = slope[weight > 0]
        # the ends of a polynomial say least
        low, high = np.quantile(seen, (0.1, 0.9))
        means[i], spreads[i] = float(np.median(seen)), float(high - low) / 2
        errors[i] = left / (float(width[i]) * np.sqrt(len(y))) * np.sqrt(matrix.shape[1] / d)
    return means, spreads, errors


def _features(z: FloatArray, s: FloatArray, n: int) -> FloatArray:
    """Polynomials of each variable, and products of pairs, as far as there are samples for them."""
    d = z.shape[1]
    columns = [np.ones(len(z)), *z.T, *s.T]
    columns += [v**2 for v in z.T] + [z[:, i] * z[:, j] for i, j in combinations(range(d), 2)]
    columns += [v**3 for v in z.T] + [v**2 for v in s.T] + [v**3 for v in s.T]
    columns += [z[:, i] ** 2 * z[:, j] for i in range(d) for j in range(d) if i != j]
    columns += [z[:, i] * z[:, j] * z[:, k] for i, j, k in combinations(range(d), 3)]
    return np.column_stack(columns[: max(n // _SAMPLES_EACH, 1 + d)])
