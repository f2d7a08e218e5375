"""The Lennard-Jones pair potential, as in the example of J. Kitchin's blog of 2024-05-05.

E(r) = 1/r^12 - 1/r^6 for distances r in [0.95, 2], 50 training samples. As in every suite the inputs of
networks are mapped to [-1, 1]; the example in the blog uses r itself.
"""

from __future__ import annotations

from kan_np._validate import FloatArray
from kan_np.data.suites import Suite, entry


def _energy(r: FloatArray) -> FloatArray:
    r6 = r**6
    return 1 / r6**2 - 1 / r6


SUITE = Suite(
    "lennard-jones",
    "The Lennard-Jones pair potential on [0.95, 2] from 50 samples",
    (entry("lennard-jones", "1/r^12 - 1/r^6", {"r": (0.95, 2.0)}, (1, 2, 1), _energy, n_train=50),),
)
