"""The families of models that a sweep can train, by name.

A family is one file with a class that derives from `sweeps.families.family.Family`, and a line in `FAMILIES`.
Nothing else in `sweeps` asks for the name of a family.
"""

from __future__ import annotations

from sweeps.families.additive import AdditiveFamily
from sweeps.families.family import Family
from sweeps.families.formula import FormulaFamily
from sweeps.families.kan import KanFamily
from sweeps.families.linear import LinearFamily
from sweeps.families.mlp import MlpFamily
from sweeps.families.sklearn import SklearnFamily

KAN = KanFamily("kan")
MLP = MlpFamily("mlp")
FORMULA = FormulaFamily("formula")
LINEAR = LinearFamily("linear")
ADDITIVE = AdditiveFamily("additive")
SKLEARN = SklearnFamily("sklearn")

FAMILIES: dict[str, Family] = {
    family.name: family for family in (KAN, MLP, FORMULA, LINEAR, ADDITIVE, SKLEARN)
}
#: The networks that a report compares with each other, in the order of its figures.
NETWORKS = (KAN.name, MLP.name)
#: Models to compare networks with.
BASELINES = tuple(name for name, family in FAMILIES.items() if family.is_baseline)
#: Families whose runs look for formulas.
SEARCHES = tuple(name for name, family in FAMILIES.items() if family.searches_formulas)


def family_of(name: str) -> Family:
    """Return the family of that name: one of `FAMILIES`, or what can be shown of one that is not known here.

    Examples
    --------
    >>> family_of("additive").label, family_of("tree").label
    ('additive splines', 'TREE')
    """
    return FAMILIES.get(name) or Family(name)


def by_family(name: str) -> tuple[bool, str]:
    """Return a key that sorts the networks, Kolmogorov-Arnold networks first, before all other families.

    Examples
    --------
    >>> sorted(["additive", "mlp", "kan"], key=by_family)
    ['kan', 'mlp', 'additive']
    """
    return name not in NETWORKS, name
