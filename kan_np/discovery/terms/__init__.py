"""Sums of products found directly: T(y) = sum of few terms of a dictionary, by linear least squares."""

from kan_np.discovery.terms.find import find_sums
from kan_np.discovery.terms.polish import SumFormula

__all__ = ["SumFormula", "find_sums"]
