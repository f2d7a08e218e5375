"""HTML pages in one file: their templates, and SVG figures that follow the colours of the page."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from sweeps.families import KAN, LINEAR, MLP
from sweeps.families.compared import LOOKS
from sweeps.families.family import OTHER_COLOURS
from sweeps.page.mathml import formula_html
from sweeps.page.number_format import count, duration, number, share_of, width_text
from sweeps.page.style import GREY, INK, colour, label

#: The colours of the figures, and the names under which a style sheet may change them.
_VARIABLES = {
    INK: "ink",
    GREY: "grey",
    "#5b616b": "tick",
    "#6b717b": "tick",
    "#c3c7ce": "axis",
    "#c9cdd4": "axis",
    "#eceef1": "grid",
    "#ffffff": "paper",
    KAN.colour: "kan",
    MLP.colour: "mlp",
    LINEAR.colour: "brown",
    **{look.colour: f"edge-{edges}" for edges, look in LOOKS.items() if look.colour != KAN.colour},
    **dict(zip(OTHER_COLOURS, ("green", "pink", "amber", "sky"), strict=True)),
}


def render_page(template: str, values: dict[str, Any]) -> str:
    """Return a page from a template and its values."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    # A file path and not a package loader: templates lie beside this module wherever it is installed.
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "rmse": number,
        "seconds": duration,
        "label": label,
        "colour": page_colour,
        "count": count,
        "share_of": share_of,
        "shape": width_text,
    }
    environment.filters["formula"] = lambda text: Markup(formula_html(text))  # noqa: S704 (escaped there)
    return environment.get_template(template).render(**values)


def page_colour(family: str) -> str:
    """Return the colour of a family as a style sheet writes it."""
    return _variable(colour(family))


def inline_svg(svg: str, prefix: str, name: str, title: str, links: str = "") -> str:
    """Return an SVG file as an element for a page.

    Without prolog, comments, metadata or size; its ids begin with `prefix`, its colours can be changed by the
    page, and `links` lie above all else. `name` is what the script of the page calls it.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]*)"', body)
    body = body[body.index(">") + 1 :]
    body = re.sub(r'\bid="', f'id="{prefix}', body)
    body = re.sub(r'xlink:href="#', f'xlink:href="#{prefix}', body).replace("url(#", f"url(#{prefix}")
    body = re.sub(r"(?<=[ :])#[0-9a-f]{6}\b", lambda match: _variable(match[0]), body)
    body = re.sub(r"\s*\n\s*", " ", body)
    view = box.group(1) if box else "0 0 1 1"
    # What is an image to a screen reader has no links in it.
    role = "group" if links else "img"
    body = body.replace("</svg>", f"{links}</svg>")
    said = f'role="{role}" aria-label="{html.escape(title)}" data-name="{html.escape(name)}"'
    return f'<svg viewBox="{view}" {said}>{body}'


def _variable(value: str) -> str:
    name = next((name for key, name in _VARIABLES.items() if key.lower() == value.lower()), "")
    return f"var(--{name},{value.lower()})" if name else value
