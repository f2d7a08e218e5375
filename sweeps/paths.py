"""Checks of paths that users type: ~ is expanded, and names that no file can have are errors."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import typer

#: Tables by the end of their names; text also where it is packed with gzip.
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".xlsx", ".xlsm", ".parquet", ".pq")
_PACKED = ".gz"

#: The path of a directory has to leave room for the names of the files in it.
_ROOM = "results.db-journal"


def path(text: str | Path) -> Path:
    """Return a path that was typed, or is the default of an option; see `source`."""
    return Path(source(str(text)))


def source(text: str) -> str:
    """Return a path that was typed, or the name of a suite, with ~ and ~user as home directories.

    A shell expands ~ at the start of a word only, not in ``--out=~/x``.

    Raises
    ------
    typer.BadParameter
        If it is empty, has no UTF-8 form or a character that no path has, is too long for the file system, or
        starts with the ~ of nobody.

    Examples
    --------
    >>> source("runs/special")
    'runs/special'
    """
    if not text.strip():
        raise typer.BadParameter(f"{text!r} is empty; expected a path, or . for the current folder.")
    expanded = os.path.expanduser(text)  # noqa: PTH111 - pathlib raises where there is no such user
    if expanded.startswith("~"):
        raise typer.BadParameter(
            f"{shortened(text)} starts with the home folder of a user who is not known here. For a folder of "
            f"that name write ./{text}"
        )
    fault = _fault(expanded)
    if fault:
        raise typer.BadParameter(f"{shortened(text)} {fault}; expected the path of a file or a folder.")
    return expanded


def is_table(text: str) -> bool:
    """Say whether a path is that of a table, by the end of its name.

    Examples
    --------
    >>> is_table("data.csv.gz"), is_table("Data.XLSX"), is_table("special"), is_table("spec.toml")
    (True, True, False, False)
    """
    name = text.lower().removesuffix(_PACKED)
    return name.endswith(TABLE_SUFFIXES) and (name == text.lower() or not name.endswith(TABLE_SUFFIXES[4:]))


def stem(text: str | Path) -> str:
    """Return the name of a file without what says its format.

    Examples
    --------
    >>> stem("data/beam.csv.gz"), stem("beam.v2.xlsx")
    ('beam', 'beam.v2')
    """
    path = Path(text)
    return Path(path.stem).stem if path.suffix.lower() == _PACKED else path.stem


def shortened(text: str, most: int = 60) -> str:
    """Return a text in quotes, the middle left out if it is long.

    Examples
    --------
    >>> shortened("a" * 1000, 20)
    "'aaaaaaaaaa...aaaaaaaaaa'"
    """
    half = most // 2
    return repr(text if len(text) <= most else f"{text[:half]}...{text[-half:]}")


def _fault(text: str) -> str:
    """Return what is wrong with a path; empty if nothing is."""
    if "\0" in text:
        return "has a character of code 0"
    try:
        # What is stored, and what pages and commands show, is UTF-8, and paths are made absolute there.
        os.path.abspath(text).encode("utf-8")  # noqa: PTH100 - resolving would follow links
    except UnicodeEncodeError:
        return "is not UTF-8 text (or the current folder is not)"
    try:
        os.lstat(os.path.join(text, _ROOM))  # noqa: PTH118 - the text as it is
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return f"is too long ({len(os.fsencode(text))} bytes)"
    return ""
