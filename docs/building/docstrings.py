"""How docstrings are read: formulas keep their lines, and signs of mathematics mean nothing else."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_LIST = re.compile(r"\s*([-*+•]|\d+[.)]|\.\.|>>>|:)(\s|$)")
#: A bar, which would begin a substitution, and an underscore at the end of a word, which would be a link.
_SIGNS = re.compile(r"(?<!\\)\||(?<=\w)_(?!\w)")
#: How the sections begin that numpydoc makes of Parameters, Returns, Raises, Examples and so on.
_SECTION = re.compile(r":[A-Z]\w+:|:param|\.\. rubric")


def plain_signs(
    app: Sphinx, what: str, name: str, thing: object, options: dict[str, Any], lines: list[str]
) -> None:
    """Let bars, as of abs(x), and underscores at ends of names be themselves, but for examples and code."""
    example, literal = False, -1  # how far the line before a literal block is indented, or -1
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        example = line.lstrip().startswith(">>>") or (example and line.strip() != "")
        if literal >= 0 and line.strip() and indent <= literal:
            literal = -1
        if not example and literal < 0:
            lines[number] = escaped(line)
            literal = indent if line.rstrip().endswith("::") else -1


def escaped(line: str) -> str:
    """A line of reStructuredText whose bars and final underscores, outside of code, have no meaning."""
    parts = re.split(r"(`+[^`]*`+_*)", line)
    return "".join(part if part.startswith("`") else _SIGNS.sub(r"\\\g<0>", part) for part in parts)


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
