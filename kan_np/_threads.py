"""One model is one thread: BLAS pools are held at one thread while a model is fitted.

The matrices are far too small to gain from more, several fits at once would fight for cores, and sums in a
fixed order keep results the same on every machine size.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    # finding the loaded libraries takes milliseconds: once a process
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Context in which BLAS uses one thread; the former limits come back afterwards."""
    limiter: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limiter
