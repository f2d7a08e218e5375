"""Predictions that go by the loss of the last fit: probabilities of classes, classes, and rates of counts."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np._validate import FloatArray
from kan_np.objective.loss import SQUARES, Loss
from kan_np.objective.losses import CrossEntropy, Poisson


class PredictsLabels:
    """What a model whose outputs are logits, or logarithms of rates, says of labels."""

    #: The loss of the last fit.
    _loss: Loss = SQUARES

    @abstractmethod
    def predict(self, x: ArrayLike) -> FloatArray:
        """Outputs, (n_samples, n_out)."""

    def predict_proba(self, x: ArrayLike) -> FloatArray:
        """Probability of every class, of a model that was fitted with ``loss="cross_entropy"``.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to 1. A model of one output has two classes, the second being that of the label 1.

        Raises
        ------
        ValueError
            As `predict`, and for a model that was fitted with another loss.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN, dataset_from_arrays
        >>> x = np.linspace(-1, 1, 60)[:, None]
        >>> model = KAN([1, 3], grid=3, seed=0)
        >>> result = model.fit(dataset_from_arrays(x, np.digitize(x, [-0.3, 0.3])), loss="cross_entropy")
        >>> model.predict_proba([[-0.9], [0.0]]).argmax(axis=1).tolist()
        [0, 1]
        """
        if not isinstance(self._loss, CrossEntropy):
            raise ValueError(
                f"the model was fitted with loss={self._loss.name!r} and has no probabilities of classes; "
                "expected one of fit(..., loss='cross_entropy'). Use predict."
            )
        return self._loss.probabilities(self.predict(x))

    def predict_class(self, x: ArrayLike) -> NDArray[np.int64]:
        """Number of the most probable class, of a model that was fitted with ``loss="cross_entropy"``.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table

        Returns
        -------
        ndarray of int of shape (n_samples,)

        Raises
        ------
        ValueError
            As `predict_proba`.
        """
        return np.asarray(self.predict_proba(x).argmax(axis=1), dtype=np.int64)

    def predict_rate(self, x: ArrayLike) -> FloatArray:
        """Expected counts e^f of a model that was fitted with ``loss="poisson"``: (n_samples, n_out).

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table

        Raises
        ------
        ValueError
            As `predict`, and for a model that was fitted with another loss.
        """
        if not isinstance(self._loss, Poisson):
            raise ValueError(
                f"the model was fitted with loss={self._loss.name!r} and has no rates; expected one of "
                "fit(..., loss='poisson'). Use predict."
            )
        with np.errstate(over="ignore"):  # far outside
            return np.asarray(np.exp(self.predict(x)))
