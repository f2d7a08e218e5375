"""small_formulas: sums and products of a few functions of one variable for a curve that no single symbol is.

The formulas are sums of terms of a dictionary (`kan_np.symbolic.function_families`), tried by complexity:

    1. all sums of up to four powers of x, by linear least squares, also of x minus a shift
    2. one function with inner numbers, and all products of two
    3. single functions at any scale and shift (`kan_np.symbolic.rarer_symbols`)
    4. all pairs of 1 and 2
    5. the best of these with one term more

At each stage the sets that explain most on a coarse grid of inner numbers are polished by variable projection
(`kan_np.symbolic.term_models`). It ends with the stage at which residuals are noise: below the noise that is
given, rounding, or without a trend along x (the runs of Wald and Wolfowitz, 1940). Formulas are ranked by the
bits of `kan_np.symbolic.suggest`, their inner numbers counting as constants.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

import numpy as np

from kan_np._validate import FloatArray
from kan_np.symbolic.batched_polish import roughly_fitted
from kan_np.symbolic.fit_symbol import SymbolFit, fit_found
from kan_np.symbolic.function_families import FAMILIES, POWERS
from kan_np.symbolic.rarer_symbols import default_names, rarer_symbols
from kan_np.symbolic.samples import Samples
from kan_np.symbolic.search import search
from kan_np.symbolic.sparse_terms import best_subsets
from kan_np.symbolic.term_dictionary import Dictionary
from kan_np.symbolic.term_models import Model, Target, Term, fitted, without_idle_columns
from kan_np.symbolic.term_symbol import fit_of

#: Samples that the search looks at; what is found is polished on all.
_POINTS = 150
#: An origin that is farther away than this many half ranges says nothing about x.
_FAR = 20.0
#: Terms of a sum of powers, and sets of each size that are followed.
_MOST_POWERS, _POWER_SETS = 4, 3
#: Kinds that are polished at each stage, with how many steps: fewer of them go on. Then steps to the end.
_ROUNDS = ((96, 3), (40, 4), (12, 4))
_FINE, _FINE_STEPS = 5, 25
#: Models that get one term more, and the part of the variance that must not be noise for it.
_EXTENDED, _KNOWN = 4, 1e-5
_BITS_PER_UNIT = 2.0
#: Samples on which functions with a shift are compared, and how many are fitted to all.
_SHIFTED_POINTS, _SHIFTED = 75, 3
#: Independent values that costs on a grid of numbers count as.
_OF_A_GRID = 8.0
#: Formulas of so few constants end the search; or else an error of rounding, in parts of the variance.
_FEW, _ROUNDING = 3, 1e-20
#: Errors below this many times the noise fit.
_FITS = 1.5


def small_formulas(
    samples: Samples,
    noise: float | None = None,
    top: int = 5,
    *,
    names: Collection[str] | None = None,
    only_powers: bool = False,
) -> list[SymbolFit]:
    """Formulas of a few terms for samples, those of fewest bits first.

    Parameters
    ----------
    samples : Samples
    noise : float, optional
        Standard deviation of y below which differences mean nothing.
    top : int
    names : collection of str, optional
        Symbols of the library that may be used, such as "exp"; all if None.
    only_powers : bool
        Whether to end with the sums of powers, which take some milliseconds.

    Returns
    -------
    list of SymbolFit
        None where x or y does not vary.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.symbolic.samples import make_samples
    >>> x = np.linspace(-2, 2, 100)
    >>> best, *_ = small_formulas(make_samples(x, x**3 - x))
    >>> best.name, bool(best.rmse < 1e-14)
    ('x**3 - x', True)
    """
    if samples.half == 0.0 or samples.spread == 0.0 or samples.n < 5:
        return []
    return _Search(samples, noise, names).run(top, only_powers)


class _Search:
    """The stages for one curve."""

    def __init__(self, samples: Samples, noise: float | None, names: Collection[str] | None = None) -> None:
        self.samples, self.names = samples, None if names is None else frozenset(names)
        #: Functions with a shift that fit, beside the models found.
        self.shifted: list[SymbolFit] = []
        largest = float(np.abs(samples.x).max())
        if largest > _FAR * samples.half:
            self.scale, self.shift = samples.half, samples.middle / samples.half
        else:
            self.scale, self.shift = (-largest if samples.x[-1] <= 0 else largest), 0.0
        self.floor = samples.rounding
        if noise is not None:
            self.floor = min(1.0, max(self.floor, (noise / samples.spread) ** 2))
        self.target = self._target(samples.thinned(_POINTS))
        self.m = float(self.target.u.size)
        self.found: dict[object, Model] = {}
        positive = bool(self.target.u.min() > 0.0)
        self.families, self.powers = (
            [
                family
                for family in families
                if (positive or not family.positive)
                and (names is None or all(any(name in names for name in some) for some in family.needs))
            ]
            for families in (FAMILIES, POWERS)
        )

    def _target(self, samples: Samples) -> Target:
        root = np.sqrt(samples.weight)
        z = root * samples.z
        z /= max(float(np.sqrt(z @ z)), 1e-300)
        return Target(samples.x / self.scale - self.shift, root, z, self.samples.rounding)

    @cached_property
    def dictionary(self) -> Dictionary:
        """Terms at the points of the curve."""
        return Dictionary(self.target, self._rough_message, [*self.powers, *self.families])

    def run(self, top: int, only_powers: bool = False) -> list[SymbolFit]:
        """The stages until one fits."""
        if not self.powers:
            return []
        stages = (self._powers, self._ones, self._rarer, self._pairs, self._one_more)
        for stage in stages[:1] if only_powers else stages:
            self._take(stage())
            if self._fits():
                break
        full = self._target(self.samples)
        fits = list(self.shifted)
        for model in sorted(self.found.values(), key=self.bits)[:top]:
            if self.samples.n > _POINTS:
                model = fitted(model, full, _FINE_STEPS, 1e-3)
            fit = fit_of(model, self.samples, self.scale, self.shift + model.shift)
            if fit is not None and np.isfinite(fit.one_minus_r2):
                fits.append(fit)
        return sorted(fits, key=self._bits_of)[:top]

    def bits(self, model: Model) -> float:
        """Message length of a model."""
        return float(self._message(np.array(model.cost), np.array(model.complexity), np.array(model.count)))

    def _bits_of(self, fit: SymbolFit) -> float:
        """Message length of a fit."""
        cost, complexity = np.array(fit.one_minus_r2), np.array(fit.symbol.complexity)
        return float(self._message(cost, complexity, np.array(fit.symbol.n_free)))

    def _rough_message(self, cost: FloatArray, complexity: FloatArray, count: FloatArray) -> FloatArray:
        """For costs on a grid of numbers, which say little of what they will be."""
        return self._message(cost, complexity, count, min(self.m, _OF_A_GRID))

    def _message(
        self, cost: FloatArray, complexity: FloatArray, count: FloatArray, m: float | None = None
    ) -> FloatArray:
        """As `kan_np.symbolic.suggest` counts it, for m independent values."""
        m = self.m if m is None else m
        unexplained = np.maximum(cost * m / np.maximum(m - count, 1.0), max(self.floor, 1e-300))
        return np.asarray(m / 2 * np.log2(unexplained) + _BITS_PER_UNIT * complexity + count / 2 * np.log2(m))

    def _fits(self) -> bool:
        """Whether the best leaves nothing but noise, of so few constants that no other is simpler."""
        if any(fit.one_minus_r2 <= _FITS**2 * self.floor for fit in self.shifted):
            return True
        best = min(self.found.values(), key=self.bits, default=None)
        if best is None or not self._is_noise(best):
            return False
        return best.count <= _FEW or best.cost <= _ROUNDING

    def _is_noise(self, model: Model) -> bool:
        """Whether residuals are below the noise, or change their sign as often as noise does."""
        if model.cost <= _FITS**2 * self.floor:
            return True
        found = self.target.projection(model.columns(self.target.u))
        if found is None:
            return False
        signs = np.sign(found[2])
        n = signs.size - 1
        return bool((signs[1:] != signs[:-1]).sum() >= n / 2 - np.sqrt(n))

    def _take(self, models: Iterable[Model]) -> None:
        for model in models:
            known = self.found.get(model.kind)
            if np.isfinite(model.cost) and (known is None or model.cost < known.cost):
                self.found[model.kind] = model

    def _shorter(self, model: Model) -> Model:
        """The model without the columns that do not pay for themselves."""
        allowed = 2.0 ** ((np.log2(self.m) + 4.0 * _BITS_PER_UNIT) / self.m)
        if model.cost <= self.floor:
            allowed = max(allowed, _FITS * self.floor / max(model.cost, 1e-300))
        return without_idle_columns(model, self.target, allowed, _FINE_STEPS)

    def _powers(self) -> Iterator[Model]:
        """Sums of powers; of whole powers also about the point at which the last but one vanishes."""
        u = self.target.u
        families = self.powers
        columns = self.target.centred(np.stack([f.columns(u)[0] for f in families], axis=1)).T
        for chosen in best_subsets(columns, self.target.z, _MOST_POWERS, _POWER_SETS):
            yield fitted(Model(tuple(Term(families[i], (), (0,)) for i in chosen)), self.target, 0)
        whole = [Term(f, (), (0,)) for f in families if not f.positive]
        for degree in range(2, len(whole) + 1):
            model = fitted(Model(tuple(whole[:degree])), self.target, 0)
            yield model
            if degree > 2 and self._is_noise(model):
                yield from self._about_its_middle(model)
                return

    def _about_its_middle(self, model: Model) -> Iterator[Model]:
        """A polynomial in u - s without its last but one power, nor others that vanish there."""
        degree = len(model.terms)
        t = np.polynomial.Polynomial.fit(
            self.target.u, self.target.z / self.target.root, degree, w=self.target.root
        )
        coefficients = t.convert().coef
        if coefficients.size <= degree or coefficients[degree] == 0.0:
            return
        shift = -float(coefficients[degree - 1] / (degree * coefficients[degree]))
        left = tuple(term for k, term in enumerate(model.terms, 1) if k != degree - 1)
        moved = fitted(Model(left, shift=shift), self.target, 0)
        if np.isfinite(moved.cost):
            yield self._shorter(moved)

    def _ones(self) -> Iterator[Model]:
        """One function with inner numbers, products of two."""
        yield from self._polished(self.dictionary.ones(_ROUNDS[0][0]))

    def _rarer(self) -> Iterator[Model]:
        """No model, but fits of single functions with a shift, the best few."""
        if self.names is None or default_names() <= self.names:
            some = self.samples.thinned(_SHIFTED_POINTS)
            found = [(search(symbol, some), symbol) for symbol in rarer_symbols(self.names or ())]
            found.sort(key=lambda pair: pair[0].cost)
            self.shifted = [fit_found(symbol, result, self.samples) for result, symbol in found[:_SHIFTED]]
        return iter(())

    def _pairs(self) -> Iterator[Model]:
        """Sums of two."""
        yield from self._polished(self.dictionary.pairs(_ROUNDS[0][0]))

    def _one_more(self) -> Iterator[Model]:
        """What is best so far with one term more, where the curve is known well enough for three."""
        if self.floor > _KNOWN:
            return
        best = sorted(self.found.values(), key=self.bits)[:_EXTENDED]
        yield from self._polished(self.dictionary.one_more(best, _ROUNDS[0][0]))

    def _polished(self, models: list[Model]) -> Iterator[Model]:
        """The best after some steps to the end, also without what they do not need."""
        for kept, steps in _ROUNDS:
            models = sorted(roughly_fitted(models[:kept], self.target, steps), key=self.bits)
            if models and self._is_noise(models[0]):
                break
        for model in models[:_FINE]:
            fine = fitted(model, self.target, _FINE_STEPS)
            yield fine
            if np.isfinite(fine.cost):
                yield self._shorter(fine)
