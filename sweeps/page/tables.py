"""Tables of a report, written as HTML text, CSV and LaTeX with the same numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sweeps._files import write_file
from sweeps._safe_text import cell, one_line
from sweeps.analysis.results import Interval, OfSome
from sweeps.page.number_format import count, duration, interval_text, number, percent, plain, share_of
from sweeps.page.style import ratio_text

#: Formats of the cells of a column; all but "text" are aligned to the right.
KINDS = ("text", "count", "error", "round", "plain", "share", "percent", "seconds", "ratio")
_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "–": "--",
    "−": "$-$",
    "×": "$\\times$",
    "∞": "$\\infty$",
    "≤": "$\\le$",
    "\u2009": "\\,",
}


class Column(NamedTuple):
    """The name of a column and the kind of its values."""

    name: str
    kind: str = "text"


@dataclass(frozen=True)
class ReportTable:
    """Columns and rows of plain values; None is an empty cell.

    Parameters
    ----------
    name : str
        Of its files.
    caption : str
    columns : sequence of Column
    rows : sequence of sequence
        Text, numbers or `Interval`, whose CSV has two columns more, `_low` and `_high`; of `OfSome` a third,
        `_found`.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]

    def cells(self) -> list[list[tuple[str, Column, str]]]:
        """Return for every row the text of each cell, its column, and the number it is sorted by or ""."""
        return [
            [
                (cell_text(value, column.kind), column, _sorted_by(value))
                for value, column in zip(row, self.columns, strict=True)
            ]
            for row in self.rows
        ]


def cell_text(value: Any, kind: str) -> str:
    """Return a value as it is read.

    Examples
    --------
    >>> cell_text(Interval(0.5, 0.25, 0.75), "share"), cell_text(0.00123, "error"), cell_text(None, "count")
    ('50 % [25, 75]', '1.23e-3', '')
    >>> cell_text(OfSome(0.5, found=1, of=5), "plain")
    '0.50 (1 of 5)'
    """
    if value is None:
        return ""
    if isinstance(value, OfSome):
        text = cell_text(Interval(value.value, value.low, value.high), kind)
        return f"{text} ({value.found} of {value.of})"
    if kind == "ratio":
        ratio = value.value if isinstance(value, Interval) else value
        return "–" if math.isnan(ratio) else ratio_text(ratio)
    if kind == "percent":
        return "–" if math.isnan(value) else share_of(value, 1.0)
    if isinstance(value, Interval):
        return percent(value) if kind == "share" else interval_text(value)
    if kind == "plain" and isinstance(value, int):
        return count(value)
    writers = {"count": count, "error": number, "round": _round, "plain": plain, "seconds": duration}
    return writers[kind](value) if kind in writers else str(value)


def _round(value: float) -> str:
    """Return a round number without the zeros behind it."""
    if 0.1 <= value < 1e4:
        return f"{value:g}"
    return re.sub(r"\.?0+e", "e", number(value))


def _sorted_by(value: Any) -> str:
    if isinstance(value, Interval):
        value = value.value
    if isinstance(value, (int, float)):
        return "" if math.isnan(value) else f"{value:.6g}"
    return ""


def text_lines(table: ReportTable) -> list[str]:
    """Return a table as lines of text for a terminal: its caption, its columns, its rows."""
    rows = [[text for text, _, _ in row] for row in table.cells()]
    heads = [column.name for column in table.columns]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    left = [column.kind == "text" for column in table.columns]

    def line(cells: Sequence[str]) -> str:
        parts = zip(cells, widths, left, strict=True)
        return "  ".join(
            f"{text:{'<' if to_left else '>'}{width}}" for text, width, to_left in parts
        ).rstrip()

    return [table.caption, line(heads), *map(line, rows)]


def to_csv(table: ReportTable) -> str:
    """Return a table as CSV text, numbers with all their digits."""
    numbers = range(len(table.columns))
    spread = [any(isinstance(row[i], Interval) for row in table.rows) for i in numbers]
    of_some = [any(isinstance(row[i], OfSome) for row in table.rows) for i in numbers]
    header: list[str] = []
    for column, wide, some in zip(table.columns, spread, of_some, strict=True):
        name = re.sub(r"[^a-z0-9]+", "_", column.name.lower()).strip("_")
        header += [name, f"{name}_low", f"{name}_high"] if wide else [name]
        header += [f"{name}_found"] if some else []
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in table.rows:
        cells: list[Any] = []
        for value, wide, some in zip(row, spread, of_some, strict=True):
            three = (
                (value.value, value.low, value.high) if isinstance(value, Interval) else (value, None, None)
            )
            cells += [cell(_exact(part)) for part in (three if wide else three[:1])]
            cells += [f"{value.found} of {value.of}" if isinstance(value, OfSome) else ""] if some else []
        writer.writerow(cells)
    return buffer.getvalue()


def _exact(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else value


def to_latex(table: ReportTable) -> str:
    """Return a table as LaTeX text for a paper; it needs the package booktabs, and nothing else."""
    sides = "".join("l" if column.kind == "text" else "r" for column in table.columns)
    lines = [
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{latex(table.caption)}}}",
        f"  \\label{{tab:{re.sub('[^a-z0-9-]+', '-', table.name.lower())}}}",
        f"  \\begin{{tabular}}{{{sides}}}",
        "    \\toprule",
        "    " + " & ".join(latex(column.name) for column in table.columns) + " \\\\",
        "    \\midrule",
    ]
    body = (" & ".join(_latex_cell(text, column.kind) for text, column, _ in row) for row in table.cells())
    lines += [f"    {row} \\\\" for row in body]
    return "\n".join([*lines, "    \\bottomrule", "  \\end{tabular}", "\\end{table}", ""])


def write_tables(tables: Sequence[ReportTable], directory: Path) -> None:
    """Write tables as CSV and LaTeX files."""
    for table in tables:
        write_file(directory / f"{table.name}.csv", to_csv(table).encode())
        write_file(directory / f"{table.name}.tex", to_latex(table).encode())


def _latex_cell(text: str, kind: str) -> str:
    if kind == "text":
        return latex(text)
    powers = re.sub(r"(-?[\d.]+)e[-−]?(\d+)", _power, text)
    return "".join(part if part.startswith("$") else latex(part) for part in re.split(r"(\$[^$]*\$)", powers))


def _power(match: re.Match[str]) -> str:
    sign = "-" if re.search(r"e[-−]", match[0]) else ""
    return f"${match[1]}\\times10^{{{sign}{match[2]}}}$"


def latex(text: str) -> str:
    """Return a text with what LaTeX reads as commands made harmless.

    Examples
    --------
    >>> latex("a_1 & 50 %")
    'a\\\\_1 \\\\& 50 \\\\%'
    """
    return "".join(_LATEX.get(char, char) for char in one_line(text))
