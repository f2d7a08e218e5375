"""The one place with jit flags.

`fastmath` leaves out `nnan` and `ninf`: with them `isnan` is compiled to False and a diverging fit
would not be noticed. `reassoc` lets sums run in vector registers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

_SUMS_REORDERED = {"contract", "reassoc", "arcp", "nsz"}
_SUMS_AS_WRITTEN = {"contract"}


def jit(function: F) -> F:
    """Compile on first call, cache on disk, release the GIL, allow sums to be reordered."""
    return cast(
        F, numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS_REORDERED)(function)
    )


def jit_exact(function: F) -> F:
    """As `jit`, for code whose accuracy depends on the order in which it is written."""
    return cast(
        F, numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS_AS_WRITTEN)(function)
    )
