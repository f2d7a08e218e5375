"""SQLite's errors about the file of a store, translated into messages for users."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path

from sweeps._safe_text import one_line
from sweeps.errors import UserError


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite reports about the file into one message for the user."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _told(path, error) from error
    except (
        sqlite3.IntegrityError,
        sqlite3.ProgrammingError,
        sqlite3.InterfaceError,
        sqlite3.NotSupportedError,
    ):
        raise
    except sqlite3.DatabaseError as error:
        raise damaged(path, str(error)) from error


@contextlib.contextmanager
def understood(directory: Path) -> Iterator[None]:
    """Turn errors about the contents of a store into one message: rows may be unchanged and still invalid.

    Check sums are no signature: somebody who writes a store of his own can make them fit to anything.
    """
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        sqlite3.Error,
        struct.error,
    ) as error:
        told = one_line(f"{type(error).__name__}: {error}")
        raise UserError(
            f"{directory} has rows that mean nothing to this version ({told[:200]}). Restore it from a copy, "
            f"or see what is whole in it: kan-sweep repair {directory} --out NEW"
        ) from error


def _told(path: Path, error: sqlite3.OperationalError) -> UserError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return UserError(f"{path} is locked by another program ({text}). Close it and run the command again.")
    # A limit on the size of a file shows as a write that fails, a full disk as SQLITE_FULL.
    if "full" in text or getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR_WRITE"):
        return UserError(
            f"the disk of {path} is full, or the file may not grow ({text}); everything added so far is "
            "kept. Free some space and run the same command again."
        )
    if "readonly" in text or "unable to open" in text or "disk I/O" in text:
        return unwritable(path.parent, error)
    return damaged(path, text)


def damaged(path: Path, finding: str) -> UserError:
    """Return the error for a file that SQLite cannot read, or whose rows are not what was written."""
    finding = finding.replace("\n", " ")
    return UserError(
        f"{path} is damaged or not a store of kan-sweep ({finding}). It was left as it is. "
        f"kan-sweep repair {path.parent} --out NEW brings every run that is whole into a new store, in which "
        "the same command goes on with --out NEW. Or restore the file from a copy; or move "
        f"{path.name} and its -wal and -shm companions away and run the same command again."
    )


def unwritable(directory: Path, error: Exception) -> UserError:
    """Return the error for a directory in which nothing can be made."""
    reason = getattr(error, "strerror", None) or str(error)
    return UserError(
        f"cannot write to {directory}: {reason}. Choose another --out or make the directory writable."
    )
