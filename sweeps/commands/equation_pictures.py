"""The pictures at the end of a sweep over differential equations: fields of the best solutions are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sweeps.spec.sweep_spec import EquationSource, SweepSpec

if TYPE_CHECKING:
    from sweeps.storage.store import Store


def draw_solutions(store: Store, spec: SweepSpec, say: Callable[[str], None]) -> None:
    """Keep what the best solution of every equation looks like, for the report.

    Nothing is done for other sweeps.
    """
    if not isinstance(spec.source, EquationSource):
        return
    from sweeps.answer.solutions import keep_solutions

    say("drawing the best solutions on grids ...")
    if not keep_solutions(store):
        say("there is no picture of a solution: that takes models that are stored.")
