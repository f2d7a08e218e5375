"""Classification by KANs, with probabilities."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from kan_np._validate import FloatArray
from kan_np.objective.losses import CrossEntropy
from kan_np.sklearn.network_estimator import AUTO, NetworkEstimator, kan_maker, kan_shapes


class KANClassifier(ClassifierMixin, NetworkEstimator):
    """Classification by a Kolmogorov-Arnold network whose shape cross-validation chooses by the log loss.

    The network gives logits, one of two classes or one for each of more; otherwise as `KANRegressor`.

    Parameters
    ----------
    hidden : "auto", int or sequence of int
        Nodes of the hidden layers; () is the additive model.
    grid : "auto" or int
        Number of intervals of the grids of splines; "auto" begins with few and refines where that pays.
    k : int
        Order of the splines.
    edges : str or sequence of str
        Family of the edges, as for `KAN`.
    folds : int
        Of the cross-validation.
    random_state : int, RandomState instance or None
        Of the random starts.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    model_ : KAN
    best_ : TriedModel
        The shape that was chosen; its error is the log loss over that of the shares of the classes.
    tried_ : list of TriedModel
    n_params_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        One an input, where X has names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from kan_np.sklearn import KANClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = KANClassifier(hidden=()).fit(X, y)
    >>> bool(model.score(X, y) > 0.95), model.predict_proba(X[:2]).shape
    (True, (2, 3))
    """

    def __init__(
        self,
        hidden: Any = AUTO,
        *,
        grid: Any = AUTO,
        k: int = 3,
        edges: Any = "bspline",
        folds: int = 5,
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.grid = grid
        self.k = k
        self.edges = edges
        self.folds = folds
        self.random_state = random_state

    def _maker(self, n_in: int, n_out: int) -> Any:
        return kan_maker(n_in, n_out, self.k, self.edges)

    def _shapes(self) -> list[tuple[tuple[int, ...], int]]:
        return kan_shapes(self.hidden, self.grid)

    def _refines(self) -> bool:
        return isinstance(self.grid, str)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose the shape by cross-validation, and fit it to all rows.

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)
        y : array_like of shape (n_samples,)
            Classes: numbers or texts.
        sample_weight : array_like of shape (n_samples,), optional
            A row of weight 2 is one that is there twice.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For data or parameters that cannot be used.
        """
        x, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        labels = column_or_1d(labels, warn=True)
        if sample_weight is not None:  # a class without weight is none
            sample_weight = _check_sample_weight(sample_weight, x, dtype=np.float64)
            x, labels, sample_weight = (own[sample_weight != 0] for own in (x, labels, sample_weight))
            if not len(x):
                raise ValueError("sample_weight is 0 in every row; expected some of them > 0.")
        self.classes_, number = np.unique(labels, return_inverse=True)
        n_classes = len(self.classes_)
        columns = number[:, None] if n_classes <= 2 else np.eye(n_classes)[number]
        self._search(x, columns.astype(np.float64), sample_weight, CrossEntropy())
        return self

    def decision_function(self, X: Any) -> FloatArray:
        """Logits, (n_samples,) of the second of two classes, else (n_samples, n_classes).

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        logits: FloatArray = self.model_.predict(x)
        return logits if len(self.classes_) > 2 else logits[:, 0]

    def predict_proba(self, X: Any) -> FloatArray:
        """Probability of every class, (n_samples, n_classes); rows sum to 1.

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        if len(self.classes_) == 1:
            return np.ones((len(x), 1))
        found: FloatArray = self.model_.predict_proba(x)
        return found

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of every row.

        Parameters
        ----------
        X : array_like or data frame of shape (n_samples, n_features)
        """
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])
