"""Structure of functions, found on derivatives: separability, symmetries, inner functions."""

from kan_np.structure.hypotheses import (
    Separability,
    depends_through,
    detect_separability,
    has_symmetry,
    is_separable,
)
from kan_np.structure.separability import StructureTest
from kan_np.structure.tree import Tree, find_tree

__all__ = [
    "Separability",
    "StructureTest",
    "Tree",
    "depends_through",
    "detect_separability",
    "find_tree",
    "has_symmetry",
    "is_separable",
]
