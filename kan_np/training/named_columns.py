"""Names of the columns of a table that a model was fitted to, and inputs found in other tables by them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from kan_np.data.columns import Columns, checked_names, matched, names_in


class NamedColumns:
    """What a model knows of the table that it was fitted to."""

    _columns: Columns = Columns()  # replaced, never changed; files of earlier versions have no names

    @property
    @abstractmethod
    def width(self) -> list[int]:
        """Nodes of each layer, inputs first."""

    @property
    def feature_names(self) -> list[str] | None:
        """Names of the inputs, from the dataset of the last fit that had some; None if there was none.

        Tables with named columns are matched by them. They can be set, also to None.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> model = KAN([2, 1], seed=0)
        >>> model.feature_names = ["a", "b"]
        >>> table = np.array([(0.1, 0.2)], dtype=[("b", float), ("a", float)])
        >>> bool((model.predict(table) == model.predict([[0.2, 0.1]])).all())
        True
        """
        return list(self._columns.features) or None

    @feature_names.setter
    def feature_names(self, names: Sequence[str] | None) -> None:
        features = checked_names("feature_names", names, self.width[0])
        self._columns = replace(self._columns, features=features)

    @property
    def target_names(self) -> list[str] | None:
        """Names of the outputs, as `feature_names`."""
        return list(self._columns.targets) or None

    @target_names.setter
    def target_names(self, names: Sequence[str] | None) -> None:
        self._columns = replace(self._columns, targets=checked_names("target_names", names, self.width[-1]))

    @property
    def classes(self) -> dict[str, list[str]]:
        """Classes of the columns that held such, by name: a column c is the inputs "c=class" of 0 and 1."""
        return {name: list(labels) for name, labels in self._columns.classes.items()}

    @classes.setter
    def classes(self, classes: Mapping[str, Sequence[str]] | None) -> None:
        described = self._columns.described() | {"classes": classes}
        self._columns = Columns.of(described, self.width[0], self.width[-1])

    @property
    def dates(self) -> dict[str, str]:
        """Columns that held dates, now days since 1970-01-01, and the order in which these were written."""
        return dict(self._columns.dates)

    @property
    def input_columns(self) -> list[str] | None:
        """Columns of a table that the inputs come from: `feature_names`, with one name for all classes.

        Rows with text have a cell for each of them: ``model.predict([[80, 6, "THF"]])``.
        """
        return self._columns.sources() or None

    def _select(self, name: str, x: Any) -> ArrayLike:
        """The inputs in a table with named columns, or in rows with text, by the names of the model."""
        columns = self._columns
        if not columns.features:
            return x
        x = columns.as_table(name, x)
        return (
            x if names_in(x) is None else matched(name, x, columns.features, columns.classes, columns.dates)
        )
