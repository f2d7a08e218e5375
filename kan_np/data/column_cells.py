"""The cells of one column of a text file that are no numbers, and what the column holds because of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kan_np.data.dates import are_dates
from kan_np.data.disguised import Disguise, disguised
from kan_np.data.numerals import comma_number, is_grouped

#: What a column holds.
NUMBERS, CLASSES, DATES = "numbers", "classes", "dates"
#: Position among the rows of data, row in the file, text.
Cell = tuple[int, int, str]


@dataclass
class ColumnCells:
    """The cells of one column that are no finite numbers, and how its numbers are written.

    `texts` are cells with text; `words` are such that mean a missing cell among numbers, n.d. or a dash, and
    `empty` those that hold nothing. `infinite` are pairs of row and text, and so are the first number with a
    point, the first with a comma, and the first with a comma that must be decimal. `disguise` is an example
    of its texts where those are numbers or dates with other characters.
    """

    texts: list[Cell] = field(default_factory=list)
    words: list[Cell] = field(default_factory=list)
    empty: list[Cell] = field(default_factory=list)
    infinite: list[Cell] = field(default_factory=list)
    point: tuple[int, str] | None = None
    comma: tuple[int, str] | None = None
    decimal_comma: tuple[int, str] | None = None
    disguise: Disguise | None = None
    kind: str = NUMBERS

    def set_kind(self, n_rows: int, one_hot: bool) -> None:
        """Say what the column holds: most of its cells decide, apart from missing ones.

        The words for a missing cell are names of classes in a column of classes.
        """
        n_filled = n_rows - len(self.empty) - len(self.words)
        if 2 * len(self.texts) <= n_filled or self.are_numbers(n_filled, one_hot):
            return
        texts = [text for _, _, text in self.texts]
        self.disguise = disguised(texts)
        if self.disguise is None:
            self.kind = CLASSES
        elif are_dates(set(texts)):
            self.kind = DATES

    def are_numbers(self, n_rows: int, one_hot: bool) -> bool:
        """Whether its texts are numbers in a form that is not supported.

        Codes such as 192.168.100 look like numbers with separated thousands. Where classes are accepted,
        texts count as codes if they fill every row and occur twice or more, on average.
        """
        texts = [text for _, _, text in self.texts]
        if one_hot and len(texts) == n_rows >= 2 * len(set(texts)) and all(map(is_grouped, texts)):
            return False
        return all(is_grouped(text) or comma_number(text) is not None for text in texts)

    def missing(self, known: Sequence[str] | None = None) -> list[Cell]:
        """Return the missing cells; words are names in a column of classes, of the `known` ones if given."""
        if self.kind != CLASSES:
            return [*self.empty, *self.words]
        if known is None:
            return self.empty
        return [*self.empty, *(cell for cell in self.words if cell[2] not in known)]

    def labelled(self) -> list[Cell]:
        """Return the cells that name a class."""
        return [*self.texts, *self.words]

    def kept(self, keep: NDArray[np.bool_]) -> ColumnCells:
        """The column without the rows that are left out; positions count the rows that stay."""
        place = np.cumsum(keep) - 1
        texts, words, empty, infinite = (
            [(int(place[i]), row, text) for i, row, text in cells if keep[i]]
            for cells in (self.texts, self.words, self.empty, self.infinite)
        )
        return replace(self, texts=texts, words=words, empty=empty, infinite=infinite)

    def first_text(self) -> list[tuple[int, str]]:
        """Return row and text of the first cell that is no number; an empty list if there is none.

        Where the texts are numbers with a unit or the like, it is the first of these.
        """
        wanted = self.disguise and self.disguise.text
        return [(row, text) for _, row, text in self.texts if wanted in (None, text)][:1]
