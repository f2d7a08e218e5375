"""The style of figures: fonts, colours, names of axes and families, and reproducible image files.

matplotlib's default style whatever the user's settings are, and nothing in the files that depends on the day
or the machine: the same store gives the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal
from matplotlib.text import Text

from sweeps.analysis.results import LBFGS, TaskResult
from sweeps.families import FORMULA, by_family, family_of

FORMULA_COLOUR = FORMULA.colour
GREY, INK = "#8a8f98", "#22262d"

_STYLE: dict[str, Any] = {
    "font.size": 11,
    "axes.titlesize": 12.5,
    "axes.labelsize": 11,
    "axes.edgecolor": "#c3c7ce",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": "#5b616b",
    "ytick.color": "#5b616b",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "kan-sweep",
    "svg.fonttype": "path",
}


#: Names of the figures of the answer on a table.
ANSWER_FIGURES = (
    *("answer-parity", "answer-importance", "answer-curves"),
    *("answer-confusion", "answer-calibration"),
)


def file_names(tasks: Iterable[str]) -> dict[str, str]:
    """Return a file name (without suffix) for every task: safe on every system, different for every task.

    Examples
    --------
    >>> file_names(["special/jv"])
    {'special/jv': 'special-jv'}
    """
    names: dict[str, str] = {}
    taken = {"summary", "all-functions", "leaders", *ANSWER_FIGURES}
    for task in tasks:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", task).strip("-.")[:80]
        # NAME-time is the figure of a function's time.
        if not name or name.lower() in taken or name.lower().endswith("-time"):
            name = f"{name or 'task'}-{hashlib.sha256(task.encode()).hexdigest()[:8]}"
        taken.add(name.lower())
        names[task] = name
    return names


def colour(family: str) -> str:
    """Return the colour of a family: the same in every figure."""
    return family_of(family).colour


def marker(family: str) -> str:
    """Return the marker of a family: the same in every figure."""
    return family_of(family).marker


def line(family: str) -> Any:
    """Return the style of the lines of a family: the same in every figure."""
    return family_of(family).line


def label(family: str) -> str:
    """Return a family's name as it is written in figures and tables."""
    return family_of(family).label


def face(opt: str, colour: str) -> str:
    """Return the colour that fills the marker of a model: hollow markers were trained with LBFGS."""
    return "white" if opt == LBFGS else colour


def edge(opt: str, colour: str) -> str:
    """Return the colour around the marker of a model."""
    return colour if opt == LBFGS else "white"


def family_label(family: str, opt: str, what: str) -> str:
    """Return the legend text of the models of a family that one optimizer trained.

    Examples
    --------
    >>> family_label("kan", "LM", "{} front")
    'KAN front, LM'
    """
    text = what.format(label(family))
    return f"{text}, {opt}" if opt else text


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw in the style of all figures here, and restore the caller's matplotlib settings at the end."""
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # A formula may hold a character that the built-in font lacks; a box in a title is no reason to stop.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


#: Resolution of images, and of clouds of dots inside vector graphics; pages contain the SVG, which must be
#: small.
_DPI = {"svg": 100, "png": 160, "pdf": 200}


#: Compression of PNG files, 0 to 9: with 3 files are a tenth larger than with the usual 6 and take half the
#: time.
_PNG_LEVEL = 3
#: Metadata with date and version are left out, so that the same figure is the same file.
_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def lay_out(figure: Figure) -> None:
    """Solve the layout of `figure`, if it has one to be solved, once for all kinds of files."""
    if figure.get_layout_engine() is not None:
        with house_style():
            figure.draw_without_rendering()
        figure.set_layout_engine("none")


def render(figure: Figure, kind: str) -> bytes:
    """Return `figure`, which has been laid out, as "svg", "png" or "pdf" bytes, the same on every call.

    Text is drawn as outlines in an SVG and in a PDF, so that no font has to be there or is embedded: journals
    refuse the kind that matplotlib embeds by default, and its other kind takes four times as long as all the
    rest of a file.
    """
    buffer, before = BytesIO(), (figure.canvas, figure.dpi)
    outlines = figure.findobj(Text) if kind == "pdf" else []
    try:
        figure.dpi = _DPI[kind]
        for text in outlines:
            text.set_path_effects([Normal()])
        # `Figure.savefig` draws everything twice, the first time for a layout that is there.
        with house_style():
            _PRINT[kind](figure, buffer)
    finally:
        figure.dpi = before[1]
        figure.set_canvas(before[0])
        for text in outlines:
            text.set_path_effects([])
    return buffer.getvalue()


_PRINT: dict[str, Callable[[Figure, BytesIO], object]] = {
    "svg": lambda figure, out: FigureCanvasSVG(figure).print_svg(out, metadata=_METADATA["svg"]),
    "pdf": lambda figure, out: FigureCanvasPdf(figure).print_pdf(out, metadata=_METADATA["pdf"]),
    "png": lambda figure, out: FigureCanvasAgg(figure).print_png(
        out, metadata=_METADATA["png"], pil_kwargs={"compress_level": _PNG_LEVEL}
    ),
}


def wrap(text: str, width: int = 58, lines: int = 2) -> str:
    """Return `text` on a few lines, shortened if it does not fit."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "\n".join(textwrap.wrap(clean, width, max_lines=lines, placeholder=" …")) or " "


def ratio_text(ratio: float, first: str = "KAN", second: str = "MLP") -> str:
    """Return by what factor, and for whom, the error is smaller, as in "KAN 12×": the first one above 1.

    Examples
    --------
    >>> ratio_text(0.25), ratio_text(12.0, "LM", "LBFGS")
    ('MLP 4.0×', 'LM 12×')
    """
    if not math.isfinite(ratio) or ratio <= 0:
        return f"{first} exact" if ratio > 0 else f"{second} exact"
    if ratio == 1:
        return "equal"
    factor, winner = max(ratio, 1 / ratio), first if ratio > 1 else second
    return f"{winner} {factor:.1f}×" if factor < 9.95 else f"{winner} {factor:,.0f}×"


def decade_ticks(low: float, high: float, *, few: bool = False) -> list[float]:
    """Return ticks at 1, 2, 5 in each decade where there are few decades, else at powers of ten."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    span = math.log10(high / low)
    mantissas = (
        (1, 2, 5) if span < (0.9 if few else 2.2) else (1, 3) if span < (2.4 if few else 3.2) else (1,)
    )
    return [m * 10.0**d for d in decades for m in mantissas if low <= m * 10.0**d <= high]


def superscript(n: int) -> str:
    """Return an integer in raised digits: plain text, which is laid out far faster than a formula."""
    return str(n).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def plain_number(value: float, _position: int | None = None) -> str:
    """Return a tick's label without an exponent where it is short, as in 0.05 or 2 000."""
    if 1e-3 <= value < 1:
        return f"{value:g}"
    return f"{value:,.0f}".replace(",", " ") if 1 <= value < 1e7 else power_of_ten(value)


def power_of_ten(value: float, _position: int | None = None) -> str:
    """Return a tick's label, as in 10⁻³ or 5·10⁻³."""
    if not value > 0:
        return ""
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = round(value / 10.0**exponent)
    return f"{'' if mantissa == 1 else f'{mantissa}·'}10{superscript(exponent)}"


def family_handles(tasks: Iterable[TaskResult]) -> list[Line2D]:
    """Return the legend entries of the fronts: one for each family and optimizer on them."""
    kinds = {
        (family, point.opt) for task in tasks for family, front in task.fronts.items() for point in front
    }
    return [
        Line2D(
            [],
            [],
            color=colour(family),
            marker=marker(family),
            linestyle=line(family),
            markerfacecolor=face(opt, colour(family)),
            label=family_label(family, opt, "{} front"),
        )
        for family, opt in sorted(kinds, key=lambda kind: (by_family(kind[0]), kind[1] == LBFGS, kind[1]))
    ]


def cloud_handle(name: str = "every trained model") -> Line2D:
    """Return the legend entry of the faint dots."""
    style: dict[str, Any] = {
        "linestyle": "none",
        "marker": "o",
        "markersize": 3.8,
        "markeredgewidth": 0,
        "alpha": 0.5,
    }
    return Line2D([], [], color=GREY, label=name, **style)


def formula_handle() -> Line2D:
    """Return the legend entry of formulas."""
    name = "formula, by the numbers in it"
    return Line2D([], [], color=FORMULA_COLOUR, marker="D", markersize=5.5, linestyle="none", label=name)
