"""The one place with jit flags.

`fastmath` leaves out `nnan` and `ninf`: with them `isnan` is compiled to False and a diverging fit
would not be noticed. `reassoc` lets sums run in vector registers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numba.extending
import numpy as np

from kan_np.kernels._cache import KernelCache

F = TypeVar("F", bound=Callable[..., Any])

_SUMS_REORDERED = {"contract", "reassoc", "arcp", "nsz"}
_SUMS_AS_WRITTEN = {"contract"}


def entry(function: F) -> F:
    """Compile on first call, keep on disk, release the GIL, allow sums to be reordered."""
    return _compiled(function, _SUMS_REORDERED, inner=False)


def jit(function: F) -> F:
    """As `entry`, for what only kernels call: no wrapper for Python, which is a quarter of the compiling."""
    return _compiled(function, _SUMS_REORDERED, inner=True)


def jit_inline(function: F) -> F:
    """As `jit`, and always a part of what calls it: for loops that are called once a node."""
    return _compiled(function, _SUMS_REORDERED, inner=True, forceinline=True)


def spliced(function: F) -> F:
    """As `jit`, put into its callers before types are found: for what hands whole tuples of arrays on.

    A call copies every array of them; and what is no function of its own is compiled no time of its own.
    """
    return _compiled(function, _SUMS_REORDERED, inner=True, inline="always")


def jit_exact(function: F) -> F:
    """As `jit`, for code whose accuracy depends on the order in which it is written."""
    return _compiled(function, _SUMS_AS_WRITTEN, inner=True)


def bound(kernel: F, *arguments: Any) -> F:
    """The machine code of an `entry` for arguments of these types, to be called many times with such.

    Numba looks at the types of all arguments at every call, which takes longer than a small kernel for tuples
    of arrays. What comes back skips that: it must not be called with other types.
    """
    dispatcher: Any = kernel
    if not hasattr(dispatcher, "compile"):  # NUMBA_DISABLE_JIT
        return kernel
    key = kernel, _outline(arguments)
    if key not in _CODE:
        types = tuple(numba.typeof(argument) for argument in arguments)
        dispatcher.compile(types)
        _CODE[key] = dispatcher.overloads[types].entry_point
    return cast(F, _CODE[key])


#: What `bound` has found. Numba's look at the types takes as long as a hundred calls of a small kernel.
_CODE: dict[Any, Any] = {}


def _outline(value: Any) -> Any:
    """What machine code depends on: kind, dimensions and layout of arrays, in tuples of them."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.ndim, value.flags.c_contiguous, value.flags.f_contiguous
    if isinstance(value, tuple):
        return type(value), tuple([_outline(member) for member in value])
    return type(value)


def intrinsic(generator: Callable[..., Any]) -> Any:
    """Numba's decorator for code that is written as instructions."""
    return numba.extending.intrinsic(generator)


def _compiled(function: F, sums: set[str], *, inner: bool, **further: Any) -> F:
    # _nrt=False: no reference counts, since kernels allocate nothing and taking an array out of a tuple would
    # cost a small kernel as much as its arithmetic
    flags: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": sums, "_nrt": False}
    flags |= further
    if inner:
        flags |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    kernel: Any = numba.njit(**flags)(function)
    if kernel is not function:  # as it is with NUMBA_DISABLE_JIT
        kernel._cache = KernelCache(function)
    return cast(F, kernel)
