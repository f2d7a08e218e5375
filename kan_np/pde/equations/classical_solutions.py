"""Every equation by a classical solver: what a network has to be compared with.

Chebyshev collocation, Newton's method where equations are not linear, Radau steps in time, and Runge-Kutta
steps for initial values; `kan_np.pde.classical` has the methods.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev

from kan_np._validate import FloatArray
from kan_np.pde.classical import (
    RootTimeSeries,
    Series,
    derivative_matrix,
    evolution,
    lowest_state,
    newton,
    nodes,
    poisson_on_square,
)
from kan_np.pde.equations.equation import ClassicalSolution, Equation, Reference


def classical_solution(equation: Equation) -> ClassicalSolution | None:
    """Solve an equation classically; None where unknown numbers are to be found from data.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.pde import equations
    >>> from kan_np.pde.equations.classical_solutions import classical_solution
    >>> equation = equations.poisson()
    >>> u = classical_solution(equation)(np.array([[0.5, 0.5]]), "u")["u"]
    >>> bool(abs(u[0] - 1.0) < 1e-12)
    True
    """
    solver = _SOLVERS.get(equation.name)
    return None if solver is None else solver(equation)


def _elliptic(n: int, k2: float = 0.0) -> Callable[[Equation], ClassicalSolution]:
    def solved(equation: Equation) -> ClassicalSolution:
        names, form, exact = equation.problem.names, equation.problem.form, equation.reference
        domain = list(zip(form.low, form.high, strict=True))

        def source(x: FloatArray, y: FloatArray) -> FloatArray:
            found = exact(np.stack([x.ravel(), y.ravel()], axis=1), "u", "u_xx", "u_yy")
            return (found["u_xx"] + found["u_yy"] + k2 * found["u"]).reshape(x.shape)

        return Series.through(names, domain, poisson_on_square(source, domain, n, k2)[None])

    return solved


def _heat(equation: Equation) -> ClassicalSolution:
    values = evolution(
        lambda x: np.sin(np.pi * x),
        lambda x, u, u_x, t: (np.pi**2 - 1.0) * np.exp(-t) * np.sin(np.pi * x),
        lambda u, u_x: (0.0, 0.0),
        1.0,
        [(0.0, 1.0), (0.0, 1.0)],
        n=20,
        n_times=30,
        tolerance=1e-11,
    )
    return RootTimeSeries.through(equation.problem.names, [(0.0, 1.0), (0.0, 1.0)], values[None])


def _burgers(equation: Equation) -> ClassicalSolution:
    """On (0, 1), where u is odd around 0: nodes then lie close to the shock."""
    from kan_np.pde.equations.burgers import VISCOSITY

    half = [(0.0, 1.0), (0.0, 1.0)]
    values = evolution(
        lambda x: -np.sin(np.pi * x),
        lambda x, u, u_x, t: -u * u_x,
        lambda u, u_x: (-u_x, -u),
        VISCOSITY,
        half,
        n=100,
        n_times=120,
        tolerance=1e-10,
    )
    return _Odd(RootTimeSeries.through(equation.problem.names, half, values[None]))


class _Odd:
    """A function of (x, t) that is odd in x, from its right half."""

    def __init__(self, right: RootTimeSeries) -> None:
        self._right = right

    @property
    def n_values(self) -> int:
        """See `ClassicalSolution`."""
        return self._right.n_values

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """See `Reference`."""
        found = self._right(np.stack([np.abs(points[:, 0]), points[:, 1]], axis=1), *names)
        side = np.where(points[:, 0] < 0.0, -1.0, 1.0)
        return {name: own if name == "u_x" else side * own for name, own in found.items()}


def _allen_cahn(equation: Equation) -> ClassicalSolution:
    from kan_np.pde.equations.allen_cahn import by_collocation

    return by_collocation(n=256, n_times=40, tolerance=1e-8)


def _schroedinger(equation: Equation) -> ClassicalSolution:
    from kan_np.pde.equations.schroedinger import FIELD

    _, u = lowest_state(lambda x: FIELD * x, n=24)
    return Series.through(equation.problem.names, [(0.0, 1.0)], u[None])


def _oscillator(equation: Equation) -> ClassicalSolution:
    """Linear: one system of collocation equations, with u and u_t at 0 in two rows."""
    n, (mu, k) = 40, (4.0, 400.0)
    d = derivative_matrix(n, 0.0, 1.0)
    system, right = d @ d + mu * d + k * np.eye(n + 1), np.zeros(n + 1)
    system[0], right[0] = np.eye(n + 1)[0], 1.0
    system[-1] = d[0]
    u = np.asarray(np.linalg.solve(system, right), dtype=np.float64)
    return Series.through(equation.problem.names, [(0.0, 1.0)], u[None])


def _predators(equation: Equation) -> ClassicalSolution:
    from kan_np.pde.equations.ordinary import PredatorPrey

    return PredatorPrey(tolerance=1e-9)


def _kovasznay(equation: Equation) -> ClassicalSolution:
    """Pressure by polynomials two degrees below velocities: of the same degree it would not be unique."""
    exact, names, form = equation.reference, equation.problem.names, equation.problem.form
    domain = list(zip(form.low, form.high, strict=True))
    flow = _Flow(exact, domain, 18)
    start = np.concatenate([np.ones(flow.size), np.zeros(flow.size + flow.pressures.shape[1])])
    return Series.through(names, domain, flow.values(newton(flow.residual, start)))


class _Flow:
    """Collocation of Navier and Stokes' equations: unknowns are u and v at nodes, and coefficients of p."""

    def __init__(self, exact: Reference, domain: list[tuple[float, float]], n: int) -> None:
        from kan_np.pde.equations.kovasznay import REYNOLDS

        self.n, self.size = n, (n + 1) ** 2
        mesh = np.stack(
            [own.ravel() for own in np.meshgrid(*(nodes(n, *own) for own in domain), indexing="ij")], axis=1
        )
        one = np.eye(n + 1)
        self.by_x = np.kron(derivative_matrix(n, *domain[0]), one)
        self.by_y = np.kron(one, derivative_matrix(n, *domain[1]))
        self.viscous = (self.by_x @ self.by_x + self.by_y @ self.by_y) / REYNOLDS
        lower = chebyshev.chebvander(nodes(n), n - 2)
        self.pressures = np.kron(lower, lower)
        low, high = np.array(domain).T
        self.edge = np.flatnonzero(((mesh == low) | (mesh == high)).any(axis=1))
        self.true = exact(mesh, "u", "v", "p")

    def values(self, w: FloatArray) -> FloatArray:
        """u, v and p at the nodes: (3, n + 1, n + 1)."""
        m = self.size
        return np.stack([w[:m], w[m : 2 * m], self.pressures @ w[2 * m :]]).reshape(3, self.n + 1, self.n + 1)

    def residual(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Momentum, with boundary values in its place on the edge, continuity, the pressure at one corner."""
        u, v, p = self.values(w).reshape(3, -1)
        by_x, by_y, pressures, edge = self.by_x, self.by_y, self.pressures, self.edge
        carried = u[:, None] * by_x + v[:, None] * by_y - self.viscous
        found = [carried @ u + by_x @ p, carried @ v + by_y @ p, by_x @ u + by_y @ v]
        rows = [
            np.hstack([carried + np.diag(by_x @ u), np.diag(by_y @ u), by_x @ pressures]),
            np.hstack([np.diag(by_x @ v), carried + np.diag(by_y @ v), by_y @ pressures]),
            np.hstack([by_x, by_y, np.zeros_like(pressures)]),
        ]
        for number, (own, name) in enumerate(((u, "u"), (v, "v"))):
            found[number][edge] = own[edge] - self.true[name][edge]
            rows[number][edge] = 0.0
            rows[number][edge, number * self.size + edge] = 1.0
        corner = np.concatenate([np.zeros(2 * self.size), pressures[0]])
        return np.concatenate([*found, [p[0] - self.true["p"][0]]]), np.vstack([*rows, corner[None]])


_SOLVERS: dict[str, Callable[[Equation], ClassicalSolution]] = {
    "poisson": _elliptic(28),
    "poisson_unit_square": _elliptic(20),
    "poisson_paper": _elliptic(32),
    "helmholtz": _elliptic(40, 1.0),
    "heat": _heat,
    "burgers": _burgers,
    "allen_cahn": _allen_cahn,
    "schroedinger": _schroedinger,
    "oscillator": _oscillator,
    "lotka_volterra": _predators,
    "kovasznay": _kovasznay,
}
