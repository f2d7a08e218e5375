"""Models with symbols, products, affine values and locks, for the tests of all of these."""

from __future__ import annotations

import numpy as np

from kan_np import KAN

SYMBOLS = {
    (0, 0, 1): ("sin", {"a": 1.3, "b": 0.2}),
    (0, 1, 3): ("tanh", {"a": 0.3, "b": 0.2, "c": 1.4}),
    (0, 1, 4): ("0", {"d": 0.7}),
    (1, 1, 0): ("exp", {"a": 0.3, "d": 0.1}),
    (1, 1, 1): ("exp", {"a": 0.3, "d": 0.1}),
    (1, 2, 0): ("x", {"c": 0.4}),
    (2, 0, 1): ("x^2", {"b": 0.1}),
}


def mixed_model(*, affine=False, locked=True, base_fun="silu", seed=0, **options):
    """[2, [2, 2], [1, 1], 2] with products of two and three factors, seven symbols, two groups of locks."""
    arity = [[], [2, 3], [2], []]
    options = {"grid": 4, "noise_scale": 3.0, **options}
    width = [2, [2, 2], [1, 1], 2]
    model = KAN(width, mult_arity=arity, affine_trainable=affine, base_fun=base_fun, seed=seed, **options)
    for edge, (name, constants) in SYMBOLS.items():
        model.fix_symbolic(*edge, name, fit=False, **constants)
    if locked:
        model.lock(1, [(1, 0), (1, 1)])
        model.lock(0, [(0, 0), (1, 2), (0, 4)])
    if affine:
        theta = model._theta
        model._theta = theta + 0.05 * np.random.default_rng(seed).normal(size=theta.size)
    return model
