"""Formulas of the boundary between two classes, from a classifier and the labels.

    discover_boundary   one column as a formula of the others, where the two classes are equally likely

>>> from kan_np.boundary import discover_boundary
"""

from kan_np.boundary.candidate import Boundaries, Boundary
from kan_np.boundary.find import discover_boundary

__all__ = ["Boundaries", "Boundary", "discover_boundary"]
