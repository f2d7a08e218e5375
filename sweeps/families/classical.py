"""Classical solvers of differential equations, a baseline: collocation, and steps in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeps.checks import TomlTable
from sweeps.families.equations import solve_classically
from sweeps.families.family import NO_HIDDEN, Axis, Config, Family, HiddenWidths, Solving

#: A rough cost in seconds on one core.
_COST_S = 0.5


class ClassicalFamily(Family):
    """The solver that belongs to an equation, with nothing to choose; its parameters are its coefficients."""

    label = "classical solver"
    one_model = one_model_of_many = "classical solver"
    colour, marker = "#56B4E9", "X"
    has_hidden = False
    is_baseline = is_deterministic = True
    fits_samples, solves_equations = False, True

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return one shape without a hidden layer."""
        return NO_HIDDEN

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return no axes."""
        return []

    def is_for(self, description: Mapping[str, Any]) -> bool:
        """Say whether an equation has a solver: where unknown numbers are found from data it has none."""
        return bool(description.get("has_classical_solver"))

    def cost(self, config: Config) -> float:
        """Return a rough estimate of the seconds that a run takes on one core."""
        return _COST_S

    def solve(self, solving: Solving) -> None:
        """Solve the equation."""
        solve_classically(solving)
