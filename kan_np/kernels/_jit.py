"""Decorators that compile kernels: all flags of Numba are set here.

`fastmath` leaves out `nnan` and `ninf`: with them `isnan` is compiled to False and a diverging fit
would not be noticed. `reassoc` lets sums run in vector registers.

A loop that adds up numbers must write to no array. Where a loop does both, LLVM compiles it twice, in vectors
and number by number, and chooses by the addresses of the arrays at every call: the sum, rounded in one order
or the other, would differ from one run to the next (tests/kernels/test_sums_keep_their_order.py).
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
    """As `entry`, for what only kernels call: the wrapper for Python, a quarter of the time, is left out."""
    return _compiled(function, _SUMS_REORDERED, inner=True)


def jit_inline(function: F) -> F:
    """As `jit`, and always inlined by LLVM: for loops that are called once for each node."""
    return _compiled(function, _SUMS_REORDERED, inner=True, forceinline=True)


def spliced(function: F) -> F:
    """As `jit`, inlined by Numba before types are inferred: for functions that pass on tuples of arrays.

    A call would copy the header of every array of the tuples, and a separate function has to be compiled.
    """
    return _compiled(function, _SUMS_REORDERED, inner=True, inline="always")


def jit_exact(function: F) -> F:
    """As `jit`, for code whose accuracy depends on the order in which it is written."""
    return _compiled(function, _SUMS_AS_WRITTEN, inner=True)


def bound(kernel: F, *arguments: Any) -> F:
    """The machine code of an `entry` for arguments of these types, for many calls with the same types.

    Numba inspects the types of all arguments at every call, which for tuples of arrays takes longer than a
    small kernel. The returned function skips that: it must not be called with other types.
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


#: Results of `bound`. Numba's inspection of the types takes as long as a hundred calls of a small kernel.
_CODE: dict[Any, Any] = {}


def _outline(value: Any) -> Any:
    """A key for what machine code depends on: type, dimensions and layout of arrays, also inside tuples."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.ndim, value.flags.c_contiguous, value.flags.f_contiguous
    if isinstance(value, tuple):
        return type(value), tuple([_outline(member) for member in value])
    return type(value)


def address_of(kernel: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    """The address of the machine code of a `jit` function for arguments of these types of Numba.

    It is compiled at the first call, and stays in memory as long as the process runs.
    """
    dispatcher: Any = kernel
    if arguments not in dispatcher.overloads:
        dispatcher.compile(arguments)
    compiled = dispatcher.overloads[arguments]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def intrinsic(generator: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that are written as LLVM instructions."""
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
