"""Limits BLAS to one thread while a model is fitted.

The matrices are far too small to gain from more threads, several fits at once would compete for cores, and
with one thread sums are taken in the same order on every machine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_fits = 0  # how many fits of this process run now, in whatever threads
_limiter: Any = None


@cache
def _controller() -> ThreadpoolController:
    # finding the loaded libraries takes milliseconds: once a process
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread; the former limits are restored when the last of concurrent fits ends."""
    global _fits, _limiter
    with _lock:
        if _fits == 0:
            _limiter = _controller().limit(limits=1, user_api="blas")
        _fits += 1
    try:
        yield
    finally:
        with _lock:
            _fits -= 1
            if _fits == 0:
                _limiter.restore_original_limits()
