"""Discoveries: what `discover` found for each of several label columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _html, _validate
from kan_np._validate import FloatArray
from kan_np.discovery.candidate import Candidate, Discovery
from kan_np.functions.variables import text_of


@dataclass(frozen=True, repr=False)
class Discoveries:
    """What `discover` found for several label columns: by number, by name or one after the other.

    Attributes
    ----------
    outputs : tuple of Discovery
    names : tuple of str
        Of the label columns; y_1, y_2, ... where they have none.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import dataset_from_arrays, discover
    >>> x = np.random.default_rng(0).uniform(1, 2, (80, 2))
    >>> labels = np.column_stack([x[:, 0] * x[:, 1], 3 * x[:, 0]])
    >>> found = discover(dataset_from_arrays(x, labels), var=["u", "v"])
    >>> found
    Discoveries of 2 outputs
    y_1 = u*v  (complexity 1.02, exact)
    y_2 = 3*u  (complexity 1.02, exact)
    >>> found["y_2"].best.exact, found.numpy()([[2.0, 5.0]]).tolist()
    (True, [[10.0, 6.0]])
    """

    outputs: tuple[Discovery, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.outputs)

    def __iter__(self) -> Iterator[Discovery]:
        return iter(self.outputs)

    def __getitem__(self, output: int | str) -> Discovery:
        if isinstance(output, str):
            return self.outputs[self.names.index(_validate.choice("output", output, list(self.names)))]
        return self.outputs[output]

    @property
    def best(self) -> list[Candidate]:
        """The best candidate of every output."""
        return [found.best for found in self.outputs]

    def numpy(self) -> Callable[[ArrayLike], FloatArray]:
        """NumPy function (n_samples, n_var) -> (n_samples, n_out) of the best formulas."""
        functions = [candidate.formula.numpy() for candidate in self.best]
        return lambda x: np.concatenate([function(x) for function in functions], axis=1)

    def table(self) -> str:
        """The ladders of all outputs, one below the other."""
        return "\n\n".join(
            f"{name}\n{found.table()}" for name, found in zip(self.names, self.outputs, strict=True)
        )

    def __repr__(self) -> str:
        """The best formula of every output."""
        lines = [f"Discoveries of {len(self)} outputs"]
        for name, found in zip(self.names, self.outputs, strict=True):
            best = found.best
            kind = "exact" if best.exact else f"val_rmse={best.val_rmse:.2e}"
            text = text_of(best.formula.expressions[0])
            lines.append(f"{name} = {text}  (complexity {best.complexity:.3g}, {kind})")
        legend = dict.fromkeys(line for found in self.outputs for line in found.legend_lines())
        return "\n".join([*lines, *legend])

    def _repr_html_(self) -> str:
        """For notebooks: each output by itself."""
        parts = zip(self.names, self.outputs, strict=True)
        return "".join(_html.paragraph(name) + found._repr_html_() for name, found in parts)
