"""Formulas found by taking functions apart: separable parts, merged variables, one inner quantity."""

from kan_np.discovery.structure.search import find_by_structure

__all__ = ["find_by_structure"]
