"""The solution of a problem: functions with derivatives, unknown numbers with errors, how it was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray, matrix
from kan_np.functions.library import SymbolLibrary
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.network.mlp_network import MlpNetwork
from kan_np.pde.objective import ResidualObjective
from kan_np.pde.problem import Problem
from kan_np.pde.solution_formula import FormulaFinder, SolutionFormula
from kan_np.pde.stage import PdeStage
from kan_np.pde.term_pass import FormPass, TermPass

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kan_np.pde.fields import Fields


@dataclass(frozen=True, eq=False)
class Solution:
    """What `solve` found.

    Attributes
    ----------
    problem : Problem
    model : KAN or MLP
        The network N of u = g + m N(z).
    unknowns : dict of str to float
    standard_errors : dict of str to float
        Of the unknowns: how far they scatter with the noise of the data, which is taken from the residuals.
    stages : list of PdeStage
    """

    problem: Problem
    model: KAN | MLP
    unknowns: dict[str, float]
    standard_errors: dict[str, float]
    stages: list[PdeStage] = field(repr=False)

    @classmethod
    def of(
        cls,
        problem: Problem,
        model: KAN | MLP,
        unknowns: FloatArray,
        stages: Sequence[PdeStage],
        objective: ResidualObjective | None,
    ) -> Solution:
        """With standard errors at the parameters of the last stage."""
        names = problem.names.unknowns
        errors = np.full(len(names), np.nan)
        if names and objective is not None:
            errors = _standard_errors(objective, objective.theta_of(model._network, unknowns), len(names))
        return cls(
            problem,
            model,
            dict(zip(names, unknowns.tolist(), strict=True)),
            dict(zip(names, errors.tolist(), strict=True)),
            list(stages),
        )

    def __call__(self, points: ArrayLike) -> FloatArray:
        """The functions at points (n, n_coordinates): (n, n_outputs)."""
        found = self.derivatives(points, *self.problem.names.outputs)
        return np.stack([found[name] for name in self.problem.names.outputs], axis=1)

    def derivatives(self, points: ArrayLike, *names: str) -> dict[str, FloatArray]:
        """Derivatives by name at points: ``solution.derivatives(x, "u_x", "u_xx")["u_xx"]`` is (n,)."""
        own, known = self.problem.names, matrix("points", points, len(self.problem.names.coordinates))
        for name in names:
            if own.derivative(name) is None:
                own.check(name)
                raise ValueError(f"{name!r} is no output or derivative of one.")
        network = self.model._network
        values = network.theta if isinstance(network, MlpNetwork) else network.values
        return FormPass(self.problem.form, network, names, known).forward(values)

    def residuals(self, round_: int) -> dict[str, FloatArray]:
        """The residual of every term on points drawn for another round."""
        unknowns = np.array(list(self.unknowns.values()), dtype=np.float64)
        points = self.problem.points(round_)
        objective = ResidualObjective(self.problem, self.model._network, unknowns, points)
        found = objective.residuals(objective.theta_of(self.model._network, unknowns))
        return {term.name: own for term, own in zip(self.problem.terms, found, strict=True)}

    def formula(
        self,
        *,
        lib: Sequence[str] | None = None,
        library: SymbolLibrary | None = None,
        seconds: float = 60.0,
        seed: int = 0,
    ) -> SolutionFormula:
        """The functions as formulas of the coordinates, their numbers settled by the equation itself.

        If all edges of the network are symbols it is their formula. If not, symbols are tried on the edges
        (``KAN.auto_symbolic``), then formulas are searched for the values of the functions
        (`kan_np.discovery.discover`). The numbers of each are fitted so that equation, conditions and what
        lift, factor and periodic coordinates build in hold; the first for which they do up to rounding is
        taken, with numbers recognised as fractions, multiples of pi, e and roots where the equation holds
        with these as well.

        Parameters
        ----------
        lib : sequence of str, optional
            Names of symbols to use; all of the library if None.
        library : SymbolLibrary, optional
        seconds : float
            Budget of the search, in processor time. Fitting one formula to the equation ends after a tenth of
            it, or 3 s if that is more; this comes on top.
        seed : int
            Of the search.

        Returns
        -------
        SolutionFormula
            ``exact`` says whether the problem is solved by it. If no formula does that it is the one that is
            nearest to the solution, and ``max_error`` says how near.

        Examples
        --------
        >>> from kan_np import KAN
        >>> from kan_np.pde import Problem, Term, grid, solve
        >>> line = [(0.0, 2.0)]
        >>> problem = Problem(
        ...     [Term("u_xx + 4*u", at=grid(line, 40))], ("x",), line, lift="1", factor="x**2"
        ... )
        >>> solution = solve(problem, KAN([1, 1], edges="chebyshev", degree=12, seed=0))
        >>> solution.formula()
        Formula(cos(2*x))
        """
        seconds, seed = _validate.real("seconds", seconds, 0.0), _validate.integer("seed", seed, 0)
        finder = FormulaFinder(
            self.problem, self.model, self.unknowns, lambda x, names: self.derivatives(x, *names)
        )
        return finder.found(lib, library, seconds, seed)

    def equation_residuals(self, points: ArrayLike) -> dict[str, FloatArray]:
        """The residuals of equations, not of conditions and data, at points: by name of the term, (n,).

        Equations with a target are left out: their right sides are known at their own points only.
        """
        known = matrix("points", points, len(self.problem.names.coordinates))
        network, unknowns = self.model._network, np.array(list(self.unknowns.values()), dtype=np.float64)
        values = network.theta if isinstance(network, MlpNetwork) else network.values
        form = self.problem.form
        return {
            term.name: TermPass(term.residual, form, network, known).forward(values, unknowns)
            for term in self.problem.terms
            if term.target is None and not term.is_condition(form)
        }

    def fields(self, n: int = 101, reference: Callable[..., dict[str, FloatArray]] | None = None) -> Fields:
        """The solution, its residual and where it bends on an even grid; see `kan_np.pde.fields.Fields`.

        Parameters
        ----------
        n : int
            Points along every coordinate.
        reference : callable, optional
            A solution to compare with, as that of an equation that ships: ``reference(points, "u")["u"]``.
        """
        from kan_np.pde.fields import fields_of

        return fields_of(self.problem, self.derivatives, self.equation_residuals, n, reference)

    def plot(self, reference: Callable[..., dict[str, FloatArray]] | None = None, *, n: int = 101) -> Figure:
        """Draw the solution, its residual, where it bends and, beside a reference, its error.

        Of one coordinate these are curves, of two maps; errors and residuals have a logarithmic scale.

        Parameters
        ----------
        reference : callable, optional
            As for `fields`.
        n : int
            Points along every coordinate.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            For more than two coordinates.

        Examples
        --------
        >>> from kan_np.pde import equations
        >>> heat = equations.heat()
        >>> figure = heat.solve(0).plot(heat.reference, n=31)
        >>> [axes.get_title() for axes in figure.axes[:4]]
        ['u', 'error of u', 'residual', 'bending']
        """
        from kan_np.plot.solution import plot_fields

        return plot_fields(**vars(self.fields(n, reference)))

    def __repr__(self) -> str:
        last = self.stages[-1]
        unknowns = "".join(
            f", {name} = {value:.6g} +- {self.standard_errors[name]:.2g}"
            for name, value in self.unknowns.items()
        )
        fresh = ", ".join(f"{name} {value:.2g}" for name, value in last.fresh.items())
        return (
            f"Solution({last.n_params} parameters, {sum(stage.seconds for stage in self.stages):.1f} s"
            f"{unknowns}; RMS on fresh points: {fresh})"
        )


def _standard_errors(objective: ResidualObjective, theta: FloatArray, n_unknowns: int) -> FloatArray:
    """How far the unknowns scatter with the noise of the data.

    With J = (J_e, J_d) the Jacobians of equations and data and H = J^T J, noise of variance s^2 in the data
    moves the parameters by the covariance s^2 H^-1 J_d^T J_d H^-1; s^2 is the sum of the squared residuals of
    the data over their number less tr(J_d H^-1 J_d^T), the parameters that follow them. Without data all
    residuals count as data: the errors are then those of the discretisation, in order of magnitude.
    """
    residual, rows = objective.rows(theta)
    data = objective.data_rows if objective.data_rows.any() else np.full(residual.size, True)
    u, s, _ = np.linalg.svd(rows, full_matrices=False)
    kept = s > s[0] * 1e-12
    half = u[:, kept] / s[kept]
    felt = (half @ (half.T @ rows[:, data]))[-n_unknowns:]
    following = float(np.sum((half.T @ rows[:, data]) ** 2))
    noise = residual[data]
    variance = float(noise @ noise) / max(noise.size - following, 1.0)
    return np.sqrt(variance * np.sum(felt * felt, axis=1))
