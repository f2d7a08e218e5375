"""Classical solvers for equations on boxes, beside which networks stand: Chebyshev collocation, solve_ivp.

Functions are Chebyshev series through their values at the extrema x_j = cos(pi j / N) of T_N, and equations
hold at these. Boundary values replace the outermost rows. In time, series go on by the implicit Runge-Kutta
method of `scipy.integrate.solve_ivp` ("Radau"). Source: L. N. Trefethen (2000), Spectral Methods in MATLAB,
chapters 6, 7 and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.polynomial import chebyshev

from kan_np._validate import FloatArray
from kan_np.pde.names import Names


def nodes(n: int, low: float = -1.0, high: float = 1.0) -> FloatArray:
    """Extrema of T_n on an interval, in increasing order: (n + 1,)."""
    return np.asarray(0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * np.arange(n + 1) / n))


def derivative_matrix(n: int, low: float = -1.0, high: float = 1.0) -> FloatArray:
    """Matrix that takes values at `nodes` to those of the derivative of the polynomial through them."""
    x = nodes(n)
    c = np.ones(n + 1)
    c[[0, -1]] = 2.0
    c *= (-1.0) ** np.arange(n + 1)
    apart = x[:, None] - x + np.eye(n + 1)
    d = np.outer(c, 1.0 / c) / apart
    d -= np.diag(d.sum(axis=1))
    return np.asarray(d * 2.0 / (high - low))


def coefficients(values: FloatArray) -> FloatArray:
    """Chebyshev coefficients along the first axis, from values at `nodes`."""
    n = len(values) - 1
    angle = np.pi * np.outer(np.arange(n + 1), np.arange(n, -1, -1)) / n
    halved = np.ones(n + 1)
    halved[[0, -1]] = 0.5
    matrix = 2.0 / n * np.cos(angle) * halved * halved[:, None]
    return np.tensordot(matrix, values, 1)


class Series:
    """A product of Chebyshev series on a box: a `kan_np.pde.equations.Reference`.

    Parameters
    ----------
    names : Names
    domain : sequence of (low, high)
    coef : ndarray of shape (n_outputs, n_1 + 1, n_2 + 1, ...)
        Of T_i(x) T_j(y) ... in every output.
    """

    def __init__(self, names: Names, domain: Sequence[tuple[float, float]], coef: FloatArray) -> None:
        self._names, self._coef = names, coef
        self._low, self._high = np.array(domain, dtype=np.float64).T

    @classmethod
    def through(cls, names: Names, domain: Sequence[tuple[float, float]], values: FloatArray) -> Self:
        """The series through values (n_outputs, n_1 + 1, ...) at `nodes` of every coordinate."""
        coef = values
        for axis in range(1, values.ndim):
            coef = np.moveaxis(coefficients(np.moveaxis(coef, axis, 0)), 0, axis)
        return cls(names, domain, coef)

    @property
    def n_values(self) -> int:
        """How many numbers it is made of."""
        return int(self._coef.size)

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """Outputs and derivatives by name at points (n, n_coordinates)."""
        z = (2.0 * points - self._low - self._high) / (self._high - self._low)
        found = {}
        for name in names:
            own = self._names.derivative(name)
            if own is None:
                raise ValueError(f"{name!r} is no output or derivative of one.")
            coef = self._coef[own[0]]
            for axis in own[1]:
                scale = 2.0 / float(self._high[axis] - self._low[axis])
                coef = scale * chebyshev.chebder(coef, axis=axis)
            found[name] = _evaluated(coef, z)
        return found


def _evaluated(coef: FloatArray, z: FloatArray) -> FloatArray:
    """A product series at points (n, n_coordinates), each different value of a coordinate once."""
    value: FloatArray | None = None
    for axis in range(coef.ndim - 1, -1, -1):  # contract the last coordinate first
        once, back = np.unique(z[:, axis], return_inverse=True)
        basis = chebyshev.chebvander(once, coef.shape[axis] - 1)
        if value is None:
            value = (coef @ basis.T)[..., back]  # (..., n)
        else:
            value = np.einsum("...rn,nr->...n", value, basis[back])
    assert value is not None  # noqa: S101  a series has at least one coordinate
    return value


def poisson_on_square(
    source: Callable[[FloatArray, FloatArray], FloatArray],
    domain: Sequence[tuple[float, float]],
    n: int,
    k2: float = 0.0,
) -> FloatArray:
    """Values at the nodes of u_xx + u_yy + k2 u = source(x, y), u = 0 on the boundary: (n + 1, n + 1).

    D_x^2 U + U (D_y^2)^T + k2 U = F is one Sylvester equation.
    """
    from scipy.linalg import solve_sylvester

    x, y = (nodes(n, *own) for own in domain)
    by_x, by_y = ((derivative_matrix(n, *own) @ derivative_matrix(n, *own))[1:-1, 1:-1] for own in domain)
    inside = source(*np.meshgrid(x[1:-1], y[1:-1], indexing="ij"))
    u = np.zeros((n + 1, n + 1))
    u[1:-1, 1:-1] = solve_sylvester(by_x + k2 * np.eye(n - 1), by_y.T, inside)
    return u


def evolution(
    start: Callable[[FloatArray], FloatArray],
    right: Callable[[FloatArray, FloatArray, FloatArray, float], FloatArray],
    slopes: Callable[[FloatArray, FloatArray], tuple[FloatArray | float, FloatArray | float]],
    diffusivity: float,
    domain: Sequence[tuple[float, float]],
    n: int,
    n_times: int,
    tolerance: float = 1e-9,
) -> FloatArray:
    """Values (n + 1, n_times + 1) of u_t = D u_xx + right(x, u, u_x, t) at nodes in x and in sqrt(t).

    Both boundary values stay what they are at the start. Nodes in the square root of time lie close where
    boundary values that do not fit the equation have just begun to act.

    Parameters
    ----------
    start : callable
        u at time 0 of x.
    right : callable
        Without the diffusion.
    slopes : callable
        Derivatives of `right` by u and u_x, of u and u_x, for the Jacobian.
    """
    from scipy.integrate import solve_ivp

    space, (t0, t1) = domain
    x, d = nodes(n, *space), derivative_matrix(n, *space)
    d2 = d @ d
    edge = start(x)

    def whole(inside: FloatArray) -> FloatArray:
        u = edge.copy()
        u[1:-1] = inside
        return u

    def by_time(t: float, inside: FloatArray) -> FloatArray:
        u = whole(inside)
        u_x, u_xx = d @ u, d2 @ u
        return np.asarray((diffusivity * u_xx + right(x, u, u_x, t))[1:-1])

    def jacobian(_: float, inside: FloatArray) -> FloatArray:
        u = whole(inside)
        by_u, by_slope = slopes(u, d @ u)
        full = diffusivity * d2 + np.broadcast_to(by_slope, u.shape)[:, None] * d
        full[np.arange(n + 1), np.arange(n + 1)] += by_u
        return np.asarray(full[1:-1, 1:-1])

    times = t0 + nodes(n_times, 0.0, np.sqrt(t1 - t0)) ** 2
    times[-1] = t1
    found = solve_ivp(
        by_time,
        (t0, t1),
        edge[1:-1],
        method="Radau",
        t_eval=times,
        jac=jacobian,
        rtol=tolerance,
        atol=tolerance,
    )
    return np.stack([whole(u) for u in found.y.T], axis=1)


class RootTimeSeries(Series):
    """A series in x and sqrt(t), as a function of x and t."""

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """u, u_x and u_t; u_t = u_s / (2 s) with s = sqrt(t), at t = 0 by its limit u_ss / 2."""
        u, t = self._names.outputs[0], self._names.coordinates[1]
        inner = np.stack([points[:, 0], np.sqrt(points[:, 1])], axis=1)
        found: dict[str, FloatArray] = {}
        for name in names:
            if name != f"{u}_{t}":
                found[name] = super().__call__(inner, name)[name]
                continue
            own = super().__call__(inner, f"{u}_{t}", f"{u}_{t}{t}")
            s = inner[:, 1]
            later = s > 0.0
            slope = own[f"{u}_{t}"] / np.where(later, 2.0 * s, 1.0)
            found[name] = np.where(later, slope, 0.5 * own[f"{u}_{t}{t}"])
        return found


def lowest_state(potential: Callable[[FloatArray], FloatArray], n: int) -> tuple[float, FloatArray]:
    """Lowest E and values u of -u_xx + V(x) u = E u on (0, 1), u(0) = u(1) = 0, u_x(0) = 1."""
    x, d = nodes(n, 0.0, 1.0), derivative_matrix(n, 0.0, 1.0)
    energies, states = np.linalg.eig(-(d @ d)[1:-1, 1:-1] + np.diag(potential(x[1:-1])))
    lowest = int(np.argmin(energies.real))
    u = np.zeros(n + 1)
    u[1:-1] = states[:, lowest].real
    return float(energies[lowest].real), u / float(d[0] @ u)


def newton(
    residual: Callable[[FloatArray], tuple[FloatArray, Any]], start: FloatArray, steps: int = 30
) -> FloatArray:
    """A root of a system by Newton's method, given a function that returns residuals and their Jacobian."""
    u = start.copy()
    for _ in range(steps):
        found, jacobian = residual(u)
        step = np.linalg.lstsq(jacobian, found, rcond=None)[0]
        u -= step
        if np.linalg.norm(step) <= 1e-13 * np.linalg.norm(u):
            break
    return u
