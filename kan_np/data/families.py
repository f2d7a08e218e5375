"""The functions on which edge families are compared: those of "special", "difficult" and "friedman".

Smooth functions, functions with one difficulty each, and noisy ones, so that no family of edges is at home
everywhere.
"""

from __future__ import annotations

from kan_np.data import difficult, friedman, special
from kan_np.data.suites import Suite

SUITE = Suite(
    "families",
    "Functions to compare edge families on: fifteen smooth ones, five difficult ones, three with noise",
    (*special.SUITE, *difficult.SUITE, *friedman.SUITE),
)
