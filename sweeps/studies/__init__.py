"""Studies: parts of the KAN paper (arXiv:2404.19756) that are no fit of one function.

A study is one file here and a line in `STUDIES`. It offers

    DESCRIPTION: str                                    one sentence
    METHODS: tuple[str, ...]                            what is compared
    QUANTITIES: dict[str, str]                          every number that is measured, in words, with its unit
    PAPER: dict[str, str]                               what the paper or pykan prints, by quantity or method
    run(method, seed, quick=False) -> Measured          measures one method, with one seed

and imports kan_np within `run` alone, for whoever lists studies need not wait for it. In a sweep a study is a
task "study/NAME", and its methods are values of an axis (`sweeps.families.study`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from sweeps.studies.measured import Measured

#: The studies by name, in the order of pages, and their modules.
STUDIES = {
    "continual": "sweeps.studies.continual",
    "formulas": "sweeps.studies.formulas",
    "knots": "sweeps.studies.knots",
    "localization": "sweeps.studies.localization",
    "film": "sweeps.studies.film",
}
#: Those that search for formulas, whose kernels are compiled before the first run.
SEARCHES = frozenset({"formulas", "knots", "localization"})


class Study(Protocol):
    """What the module of a study offers."""

    DESCRIPTION: str
    METHODS: tuple[str, ...]
    QUANTITIES: dict[str, str]
    PAPER: dict[str, str]

    def run(self, method: str, seed: int, quick: bool = False) -> Measured:
        """Measure one method with one seed; `quick` is a smaller size of the same."""
        ...


def study_of(name: str) -> Study:
    """Return the study of that name.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> study_of("continual").METHODS
    ('kan', 'mlp', 'mlp-anchor')
    """
    if name not in STUDIES:
        raise ValueError(f"study is {name!r}; expected one of {', '.join(STUDIES)}.")
    return cast(Study, import_module(STUDIES[name]))
