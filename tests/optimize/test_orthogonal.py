"""Steps by orthogonal transformations: the minimum is that of the normal equations, with more digits."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.optimize import levenberg_marquardt
from kan_np.optimize.orthogonal import OrthogonalSearch
from kan_np.optimize.status import FitStatus


class Squares:
    """f = |r(theta)|^2 of a residual with a known Jacobian (n, n_params)."""

    def __init__(self, residual, jacobian):
        self._residual, self._jacobian, self.mse, self.reg = residual, jacobian, np.nan, 0.0

    def value(self, theta):
        r = self._residual(theta)
        self.mse = float(r @ r)
        return self.mse

    def rows(self, theta):
        r, rows = self._residual(theta), np.array(self._jacobian(theta).T, order="C")
        self.mse = float(r @ r)
        return r, rows

    def normal_equations(self, theta):
        r, rows = self.rows(theta)
        return self.mse, 2.0 * rows @ r, np.asfortranarray(2.0 * rows @ rows.T)


def minimum(objective, theta, search, steps=200):
    return levenberg_marquardt.minimize(objective, theta, steps, lambda _: False, search)


def test_same_minimum_as_by_normal_equations():
    t = np.linspace(0, 1, 20)
    y = 2.0 * np.exp(-1.5 * t) + 0.01 * np.sin(9.0 * t)
    decay = Squares(
        lambda p: p[0] * np.exp(-p[1] * t) - y,
        lambda p: np.stack([np.exp(-p[1] * t), -p[0] * t * np.exp(-p[1] * t)], axis=1),
    )
    start = np.array([1.0, 0.5])
    normal, orthogonal = (minimum(decay, start, search) for search in (None, OrthogonalSearch))
    np.testing.assert_allclose(orthogonal.theta, normal.theta, rtol=1e-6)
    assert orthogonal.status is FitStatus.CONVERGED
    _, gradient, _ = decay.normal_equations(orthogonal.theta)
    assert np.abs(gradient).max() < 1e-6


def test_digits_are_kept_where_normal_equations_lose_them():
    """A polynomial of degree 15 through values of exp on [0, 1]: the condition of J is 1e12."""
    t = np.linspace(0, 1, 40)
    powers = t[:, None] ** np.arange(16)
    line = Squares(lambda p: powers @ p - np.exp(t), lambda p: powers)
    left = {}
    for search in (levenberg_marquardt.NormalSearch, OrthogonalSearch):
        state = search(line, np.zeros(16))
        state.damping = 1e-28
        step = state.solve()
        left[search] = np.inf if step is None else float(np.sqrt(line.value(step)))
    assert left[OrthogonalSearch] < 1e-13
    assert left[levenberg_marquardt.NormalSearch] > 100 * left[OrthogonalSearch]


def test_more_parameters_than_residuals():
    wide = np.random.default_rng(0).normal(size=(3, 8))
    found = minimum(Squares(lambda p: wide @ p - 1.0, lambda p: wide), np.zeros(8), OrthogonalSearch)
    np.testing.assert_allclose(wide @ found.theta, 1.0, atol=1e-8)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_a_status(bad):
    broken = Squares(lambda p: np.array([p[0], bad]), lambda p: np.array([[1.0], [0.0]]))
    assert minimum(broken, np.zeros(1), OrthogonalSearch).status is FitStatus.NON_FINITE
    torn = Squares(lambda p: np.array([p[0] - 1.0]), lambda p: np.array([[bad]]))
    assert minimum(torn, np.zeros(1), OrthogonalSearch).status is FitStatus.NON_FINITE
