"""What notebooks show of models and results: tables and inline drawings as HTML, made in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Parameters of the largest model that is drawn: pictures of larger ones take seconds, and cannot be read.
_MOST_PARAMS = 20_000


def paragraph(text: str) -> str:
    """A text as a paragraph.

    Examples
    --------
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p>{escape(text)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], best: int | None = None) -> str:
    """A table of texts; the row of number `best` is bold.

    Examples
    --------
    >>> table(["a"], [["1"], ["2"]], best=1).count("<b>")
    1
    """
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = [f"<tr>{head}</tr>"]
    for number, row in enumerate(rows):
        cells = [escape(cell) for cell in row]
        if number == best:
            cells = [f"<b>{cell}</b>" for cell in cells]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "<table>" + "".join(lines) + "</table>"


def drawing(n_params: int, plot: Callable[[], Figure]) -> str:
    """The picture of a model as inline SVG; empty for one that is too large, or not finite, to be drawn."""
    if n_params > _MOST_PARAMS:
        return ""
    try:
        figure = plot()
    except ValueError:  # values inside the model overflow
        return ""
    return svg(figure)


def svg(figure: Figure) -> str:
    """A figure as an SVG element, the same text for the same picture."""
    import matplotlib as mpl

    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": "kan_np"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    whole = text.getvalue()
    return whole[whole.index("<svg") :]
