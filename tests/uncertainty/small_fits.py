"""A small noisy dataset and small fitted models, for the tests of error bars."""

from __future__ import annotations

import numpy as np

from kan_np import KAN, MLP, Scaler, split_validation


def data(n=80, seed=0, noise=0.2, standardize=False, held=True):
    """Half a wave with noise; with `held` 30 % of the rows are validation rows."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 1))
    y = np.sin(2 * x) + rng.normal(0, noise, (n, 1))
    if standardize:
        x, y = 100.0 + 10.0 * x, 5.0 - 20.0 * y
    dataset = {"train_input": x, "train_label": y}
    if standardize:
        scaler = Scaler.fit(x, y)
        dataset = {"train_input": scaler.scale_input(x), "train_label": scaler.scale_label(y)}
        dataset["scaler"] = scaler
    return split_validation(dataset, 0.3) if held else dataset


def small(dataset, kind=KAN, **options):
    """A fitted model of few parameters."""
    model = KAN([1, 1], grid=3, seed=0) if kind is KAN else MLP([1, 4, 1], seed=0)
    more = {} if kind is KAN else {"weight_decay": 0.0}  # its choice takes many fits
    model.fit(dataset, "LM", 10, **more, **options)
    return model
