"""What estimators of networks share: rows of order one, the search for a shape, what is kept of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.scaler import Scaler
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.objective.loss import Loss
from kan_np.schedule.cross_validated import (
    USUAL,
    Maker,
    TriedModel,
    distinct_rows,
    fit_again,
    fit_cross_validated,
)
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample

AUTO = "auto"
#: Hidden layers that are tried, small ones first.
_HIDDEN: tuple[tuple[int, ...], ...] = ((), (2,), (5,), (10,))
_HIDDEN_MLP: tuple[tuple[int, ...], ...] = ((2,), (5,), (10,), (20,))
#: Size of the grids to begin with, without hidden nodes and with some.
_GRID_ADDITIVE, _GRID = 5, 3
#: Grids are by this part uniform and for the rest quantiles, so that inputs with heavy tails have knots where
#: rows are: R2 of held out rows of blood tests (bupa of KEEL) 0.112 with 1, 0.127 with 0.3.
_GRID_EPS = 0.3


#: (hidden widths, size of grids, source of the start) -> model.
MakerByGenerator = Callable[[tuple[int, ...], int, np.random.Generator], KAN | MLP]


class NetworkEstimator(BaseEstimator, ABC):
    """Base of the estimators whose model is a network.

    Parameters are those of the estimators; after a fit ``model_`` is the KAN or MLP.
    """

    hidden: Any
    folds: Any
    random_state: Any
    model_: Any

    @abstractmethod
    def _maker(self, n_in: int, n_out: int) -> MakerByGenerator:
        """What makes the networks that are tried."""

    @abstractmethod
    def _shapes(self) -> list[tuple[tuple[int, ...], int]]:
        """Hidden layers and grids that are tried."""

    def _refines(self) -> bool:
        return False

    def _has_usual_weight(self) -> bool:
        """Whether the preference for a weight was measured for such models."""
        return False

    def _begins_anew(self) -> bool:
        """Whether heavy weights of the prior lead such networks astray."""
        return False

    def _search(self, x: FloatArray, y: FloatArray, sample_weight: Any, loss: Loss) -> tuple[Any, Sample]:
        """Fit the model to checked rows, (n, n_in) and (n, n_out); return it and what it was fitted to."""
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, x, dtype=np.float64)
            if (weight < 0).any() or not (weight > 0).any():
                raise ValueError(
                    "sample_weight has negative numbers, or none above 0; expected numbers >= 0, "
                    "some of them > 0."
                )
        x, y, weight = distinct_rows(x, y, weight)
        scaler = Scaler.fit(x, y, scale_labels=loss.is_squares)
        sample = Sample(scaler.scale_input(x), scaler.scale_label(y), weight, loss)
        found = fit_cross_validated(
            self._seeded(self._maker(x.shape[1], y.shape[1])),
            self._shapes(),
            sample,
            folds=_validate.integer("folds", self.folds, 2),
            refine=self._refines(),
            usual=USUAL if self._has_usual_weight() else None,
            anew=self._begins_anew(),
        )
        model = found.model
        model.scaler = scaler
        names = list(getattr(self, "feature_names_in_", []))
        if names and len(set(names)) == len(names):
            model.feature_names = names
        self.model_, self.tried_, self.best_ = model, list(found.tried), found.best
        self.n_params_ = model.n_params
        return model, sample

    def _seeded(self, make: MakerByGenerator) -> Maker:
        """Random starts by number; the same ones for the same state."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return lambda hidden, grid, number: make(hidden, grid, np.random.default_rng([seed, number]))

    def _again(self, best: TriedModel, n_in: int, n_out: int, loss: Loss) -> Callable[[Any, int], Estimator]:
        """The fit with the shape that was chosen, to other rows."""
        make = self._seeded(self._maker(n_in, n_out))

        def again(dataset: Any, seed: int) -> Estimator:
            rows = dataset["train_input"], dataset["train_label"], dataset.get("train_weight")
            model = fit_again(make, best, Sample(*rows, loss), anew=self._begins_anew())
            model.scaler = dataset.get("scaler")
            return model

        return again


def hidden_shapes(hidden: Any, candidates: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The hidden layers that are tried.

    Raises
    ------
    ValueError, TypeError
        If `hidden` is neither "auto" nor numbers of nodes.
    """
    if isinstance(hidden, str):
        _validate.choice("hidden", hidden, (AUTO,))
        return list(candidates)
    layers = hidden if isinstance(hidden, Sequence | np.ndarray) else (hidden,)
    return [tuple(_validate.integer("hidden", width, 1) for width in layers)]


def kan_shapes(hidden: Any, grid: Any) -> list[tuple[tuple[int, ...], int]]:
    """Hidden layers and grids that a KAN is tried with."""
    tried = hidden_shapes(hidden, _HIDDEN)
    if isinstance(grid, str):
        _validate.choice("grid", grid, (AUTO,))
        return [(layers, _GRID if layers else _GRID_ADDITIVE) for layers in tried]
    grid = _validate.integer("grid", grid, 1)
    return [(layers, grid) for layers in tried]


def mlp_shapes(hidden: Any) -> list[tuple[tuple[int, ...], int]]:
    """Hidden layers that an MLP is tried with."""
    return [(layers, 0) for layers in hidden_shapes(hidden, _HIDDEN_MLP)]


def kan_maker(n_in: int, n_out: int, k: Any, edges: Any) -> MakerByGenerator:
    """(hidden, grid, generator) -> KAN of a random start."""

    def make(hidden: tuple[int, ...], grid: int, generator: np.random.Generator) -> KAN:
        return KAN(
            [n_in, *hidden, n_out],
            grid,
            k,
            base_fun="identity",
            grid_eps=_GRID_EPS,
            edges=edges,
            seed=generator,
        )

    return make
