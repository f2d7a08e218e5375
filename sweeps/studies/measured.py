"""What a study has measured: numbers, formulas and arrays for figures, and how a store keeps them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The entry of the file that holds the formulas; no array may have this name.
_FORMULAS = "formulas"


@dataclass(frozen=True)
class Measured:
    """The outcome of one method of a study with one seed.

    Parameters
    ----------
    quantities : mapping of str to float
        Numbers by the names that the study describes; NaN for what was looked for and not found. What this
        method does not have is left out.
    formulas : mapping of str to str
        Formulas that were found, as sympy writes them, by what they are of.
    arrays : mapping of str to ndarray
        What figures are drawn from.

    Examples
    --------
    >>> found = Measured({"rmse": 0.5}, {"hello": "x + 1"}, {"errors": np.array([0.5, 0.25])})
    >>> again = Measured.of_bytes(found.to_bytes(), found.quantities)
    >>> again.formulas, again.arrays["errors"].tolist()
    ({'hello': 'x + 1'}, [0.5, 0.25])
    """

    quantities: Mapping[str, float]
    formulas: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return formulas and arrays as the bytes of an npz file, the same for the same content."""
        if _FORMULAS in self.arrays:
            raise ValueError(
                f"an array is called {_FORMULAS!r}; expected another name, for formulas have it."
            )
        text = json.dumps(dict(self.formulas), sort_keys=True)
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            allow_pickle=False,
            **{_FORMULAS: np.frombuffer(text.encode(), dtype=np.uint8)},
            **{name: np.asarray(values) for name, values in self.arrays.items()},
        )
        return buffer.getvalue()

    @classmethod
    def of_bytes(cls, content: bytes, quantities: Mapping[str, float]) -> Measured:
        """Return what `to_bytes` has written, with the numbers that the store keeps beside it.

        Raises
        ------
        ValueError
            If the bytes are something else.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            formulas = json.loads(arrays.pop(_FORMULAS).tobytes().decode())
        except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"these bytes are not what a study has measured: {error}.") from None
        return cls(quantities, formulas, arrays)
