"""Pages of the documentation as tests read them: their blocks of code, and what running these leaves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_MADE = ("_build", "gallery", "generated")


def pages() -> list[str]:
    """All pages that are written by hand, by their path in the folder of the documentation."""
    found = [path.relative_to(DOCS) for path in DOCS.rglob("*.md")]
    return sorted(path.as_posix() for path in found if not set(path.parts) & set(_MADE))


def text_of(page: str) -> str:
    """A page as it is written."""
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: str, *kinds: str) -> list[tuple[str, str]]:
    """Kind and text of the blocks of code of a page, in order."""
    chosen = "|".join(kinds)
    return re.findall(rf"^```({chosen})\n(.*?)^```", text_of(page), flags=re.MULTILINE | re.DOTALL)


def run(page: str, capsys: Any) -> tuple[dict[str, Any], str]:
    """Run the Python of a page from top to bottom: its names in the end, and all that it printed.

    A block of text after a block of Python is what that printed.
    """
    names: dict[str, Any] = {"__name__": __name__}
    printed, last = "", ""
    for kind, text in blocks(page, "python", "text"):
        if kind == "text":
            assert last.strip() == text.strip(), page
            continue
        exec(compile(text, page, "exec"), names)  # noqa: S102  the code under test is the page's
        last = capsys.readouterr().out
        printed += last
    return names, printed
