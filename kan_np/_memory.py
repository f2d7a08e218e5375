"""The available memory, and a check that arrays fit into it before they are allocated."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

#: Bytes that are assumed if the system does not tell.
_UNKNOWN = 2**40
#: Files in which Linux has the memory limit of this process's container, for both versions of control groups.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_GIB = 2**30
#: Largest number of GiB in a message.
_MOST_GIB = 10**15


def check_memory(what: str, n_bytes: int, advice: str) -> None:
    """Raise ValueError if arrays of `n_bytes` do not fit in memory.

    Parameters
    ----------
    what : str
        What needs the memory, for the message.
    n_bytes : int
        Least number of bytes.
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
            f"the {there / _GIB:,.1f} GiB of this machine. {advice}"
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
