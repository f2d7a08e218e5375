"""The families that reports compare: where edges differ, the KANs of each edge family are one of their own.

Such a family is called "kan/chebyshev", or "kan/mixed" where the layers of a model have different edges, and
"kan/product" where some of its nodes are products, whatever its edges. A sweep whose KANs are sums of
B-splines only has the family "kan".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from sweeps.families.edges import BSPLINE
from sweeps.families.kan import KanFamily

_KAN, _BETWEEN, MIXED, PRODUCTS = "kan", "/", "mixed", "product"
# Configurations are canonical JSON; a quote within a text has a stroke before it.
_PRODUCTS = re.compile(r'(?<!\\)"width":\[[^\]]*\[')
_EDGES = re.compile(r'(?<!\\)"edges":("[^"]*"|\[[^\]]*\])')


class Look(NamedTuple):
    """How figures draw a family: its label, its colour, and a marker and line of matplotlib."""

    label: str
    colour: str
    marker: str
    line: Any = "-"


#: Every one has a marker of its own and, for the usual eye as for those of deuteranopes and protanopes, a
#: colour that is at least 28 apart from all others in CIE L*a*b*. B-splines and MLPs have the blue and the
#: vermilion of Okabe and Ito (2008); the others were searched for from other colours of theirs and of P. Tol
#: (Colour schemes, SRON/EPS/TN/09-002, 2021), none lighter than L* = 78.
LOOKS = {
    BSPLINE: Look("B-splines", "#0072B2", "o"),
    "piecewise_linear": Look("piecewise linear", "#62c4ff", "^"),
    "gaussian": Look("Gaussians", "#0cac7c", "v"),
    "chebyshev": Look("Chebyshev", "#650062", "D"),
    "fourier": Look("Fourier", "#ffb200", "P"),
    "wavelet": Look("wavelets", "#320885", "X"),
    "rational": Look("rational", "#7fd16e", "p"),
    "sine": Look("sines", "#9f332e", "h"),
    "linear": Look("linear", "#4f8897", "d"),
    "mlp": Look("small MLPs", "#000000", "*"),
    MIXED: Look("mixed edges", "#8f49ed", "<", (0, (6, 1.5))),
    PRODUCTS: Look("products", "#0f0fff", "8"),
}
#: Of an edge family of another version.
_UNKNOWN = ("#117733", ">", (0, (1, 1)))


class KanOfEdges(KanFamily):
    """KANs of one edge family, as a family that a report compares with others."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        edges = name.partition(_BETWEEN)[2]
        look = LOOKS.get(edges) or Look(edges, *_UNKNOWN)
        self.label = self.one_model = self.one_model_of_many = f"KAN, {look.label}"
        self.colour, self.marker, self.line = look.colour, look.marker, look.line
        self.has_splines = edges == BSPLINE


@cache
def kan_of_edges(name: str) -> KanOfEdges | None:
    """Return the family of that name, as in "kan/chebyshev"; None if the name is none of a KAN."""
    return KanOfEdges(name) if name.startswith(_KAN + _BETWEEN) else None


def have_other_edges(configs: Iterable[str]) -> bool:
    """Say whether one, in canonical JSON, has edges that are no B-splines, or nodes that are products."""
    return any(
        ('"edges":' in config and _EDGES.search(config) is not None) or _PRODUCTS.search(config) is not None
        for config in configs
    )


def compared_families(families: Iterable[str], configs: Iterable[str]) -> list[str]:
    """Return `compared_family` of every run."""
    return [compared_family(*run) for run in zip(families, configs, strict=True)]


def compared_family(family: str, config: str) -> str:
    """Return the family to which a report counts a configuration, in canonical JSON, where edges differ.

    Examples
    --------
    >>> compared_family("kan", '{"edges":"chebyshev","family":"kan"}'), compared_family("kan", "{}")
    ('kan/chebyshev', 'kan/bspline')
    >>> compared_family("kan", '{"edges":["linear","bspline"]}'), compared_family("mlp", "{}")
    ('kan/mixed', 'mlp')
    """
    if family != _KAN:
        return family
    if _PRODUCTS.search(config) is not None:
        return f"{_KAN}{_BETWEEN}{PRODUCTS}"
    found = _EDGES.search(config)
    edges = BSPLINE if found is None else json.loads(found[1])
    return f"{_KAN}{_BETWEEN}{edges if isinstance(edges, str) else MIXED}"
