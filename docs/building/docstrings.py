"""How docstrings are read: formulas that stand by themselves keep their lines."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_LIST = re.compile(r"\s*([-*+•]|\d+[.)]|\.\.|>>>|:)(\s|$)")
#: How the sections begin that numpydoc makes of Parameters, Returns, Raises, Examples and so on.
_SECTION = re.compile(r":[A-Z]\w+:|:param|\.\. rubric")


def keep_formulas(
    app: Sphinx, what: str, name: str, thing: object, options: dict[str, Any], lines: list[str]
) -> None:
    """Make indented paragraphs without a marker, which are formulas or tables, literal blocks."""
    result: list[str] = []
    literal = False
    for number, line in enumerate(lines):
        if _SECTION.match(line):
            result += lines[number:]
            break
        indented = line.startswith("    ") and line.strip() != ""
        if indented and not literal and not lines[number - 1].strip() and not _LIST.match(line):
            literal = not _belongs_to_what_was_before(result)
            result += ["::", ""] if literal else []
        elif line.strip() and not indented:
            literal = False
        result.append(line)
    lines[:] = result


def _belongs_to_what_was_before(lines: list[str]) -> bool:
    """Whether the last paragraph begins a directive, a list or a literal block."""
    paragraph: list[str] = []
    for line in reversed(lines):
        if line.strip():
            paragraph.append(line)
        elif paragraph:
            break
    return bool(paragraph) and (paragraph[0].rstrip().endswith("::") or bool(_LIST.match(paragraph[-1])))
