"""Ends helper processes when their parent process has ended."""

from __future__ import annotations

import os
import threading
import time

_CHECK_S = 0.5


def end_with(parent: int) -> None:
    """Let this process end soon after the one that started it, whose id is `parent`, however that ends."""
    if os.name == "posix":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_CHECK_S)
    os._exit(1)
