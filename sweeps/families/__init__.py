"""The families of models that a sweep can train, by name.

A family is one file with a class that derives from `sweeps.families.family.Family`, and a line in `FAMILIES`.
Nothing else in `sweeps` asks for the name of a family. Where the edges of KANs differ reports compare the
families of `sweeps.families.compared`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sweeps.families.additive import AdditiveFamily
from sweeps.families.classical import ClassicalFamily
from sweeps.families.compared import kan_of_edges
from sweeps.families.family import Family
from sweeps.families.formula import FormulaFamily
from sweeps.families.kan import KanFamily
from sweeps.families.linear import LinearFamily
from sweeps.families.mlp import MlpFamily
from sweeps.families.sklearn import SklearnFamily
from sweeps.families.study import StudyFamily

KAN = KanFamily("kan")
MLP = MlpFamily("mlp")
FORMULA = FormulaFamily("formula")
LINEAR = LinearFamily("linear")
ADDITIVE = AdditiveFamily("additive")
SKLEARN = SklearnFamily("sklearn")
CLASSICAL = ClassicalFamily("classical")
STUDY = StudyFamily("study")

FAMILIES: dict[str, Family] = {
    family.name: family for family in (KAN, MLP, FORMULA, LINEAR, ADDITIVE, SKLEARN, CLASSICAL, STUDY)
}
#: The two kinds of networks, which a report compares with each other where edges do not differ.
NETWORKS = (KAN.name, MLP.name)
#: Models to compare networks with.
BASELINES = tuple(name for name, family in FAMILIES.items() if family.is_baseline)
#: Families whose runs look for formulas.
SEARCHES = tuple(name for name, family in FAMILIES.items() if family.searches_formulas)


def family_of(name: str) -> Family:
    """Return the family of that name: one of `FAMILIES`, KANs of one edge family, or what is not known here.

    Of a family that is not known here something can be shown.

    Examples
    --------
    >>> family_of("additive").label, family_of("kan/chebyshev").label, family_of("tree").label
    ('additive splines', 'KAN, Chebyshev', 'TREE')
    """
    return FAMILIES.get(name) or kan_of_edges(name) or Family(name)


def by_family(name: str) -> tuple[bool, str]:
    """Return a key that sorts the networks, Kolmogorov-Arnold networks first, before all other families.

    Examples
    --------
    >>> sorted(["additive", "mlp", "kan/sine", "kan/chebyshev"], key=by_family)
    ['kan/chebyshev', 'kan/sine', 'mlp', 'additive']
    """
    return not family_of(name).is_network, name


def networks(names: Iterable[str]) -> list[str]:
    """Return those of the families that are networks, in the order of figures.

    Examples
    --------
    >>> networks(["linear", "mlp", "kan"])
    ['kan', 'mlp']
    """
    return sorted((name for name in names if family_of(name).is_network), key=by_family)
