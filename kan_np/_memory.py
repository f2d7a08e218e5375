"""How much memory there is, asked before arrays are made that do not fit."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

#: What is assumed where the system does not say.
_UNKNOWN = 2**40
#: Where Linux says how much the container of this process may use, of both versions of control groups.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_GIB = 2**30
#: No message has more digits than that.
_MOST_GIB = 10**15


def check_memory(what: str, n_bytes: int, advice: str) -> None:
    """Raise if arrays of so many bytes cannot be in memory.

    Parameters
    ----------
    what : str
        What needs them, as a message calls it.
    n_bytes : int
        How many bytes they have at least.
    advice : str
        What to do, as a sentence.

    Raises
    ------
    ValueError
        If this machine, or the container of this process, has less.
    """
    there = total_memory()
    if n_bytes > there:
        raise ValueError(
            f"{what} would take at least {min(n_bytes // _GIB, _MOST_GIB):,} GiB of memory; expected at most "
            f"the {there / _GIB:,.1f} GiB that there are. {advice}"
        )


@functools.cache
def total_memory() -> int:
    """Return the bytes of memory of this machine, or of the container of this process if that has fewer."""
    found = [_UNKNOWN]
    with contextlib.suppress(AttributeError, OSError, ValueError):  # not everywhere
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            found.append(int(path.read_text()))
    return min(n for n in found if n > 0)
