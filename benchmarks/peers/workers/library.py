"""The loop of every worker: read a line of JSON, answer with a line of JSON, time calls."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar

Answer = dict[str, Any]
Rows = list[list[float]]

_FEWEST_CALLS = 3


class Library:
    """A library; its public methods are the requests that it answers."""

    #: Distributions whose versions describe it.
    packages: ClassVar[tuple[str, ...]] = ()

    def describe(self) -> Answer:
        """Versions of what is measured."""
        return {"versions": {name: version(name) for name in self.packages}}


class EdgeLibrary(Library, ABC):
    """A library of networks with functions on their edges."""

    @abstractmethod
    def load(self, numbers: Answer, variant: str) -> Answer:
        """Build the model that `numbers` describes (`Network.numbers`), in one of the library's ways."""

    @abstractmethod
    def evaluate(self) -> Answer:
        """Outputs of the loaded model (n, n_out), and the gradient of its mean squared error by layers."""

    @abstractmethod
    def _step(self) -> object:
        """One mean squared error of the loaded model and its full gradient."""

    def time_gradient(self, seconds: float) -> Answer:
        """Seconds of each of as many losses and gradients as fit into `seconds`, at least three."""
        return {"seconds": repeated(self._step, seconds)}


def repeated(call: Callable[[], object], seconds: float) -> list[float]:
    """Seconds of as many calls as fit into `seconds`, at least three, after one that is not counted."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < _FEWEST_CALLS or time.perf_counter() < end:
        times.append(stopwatch(call)[0])
    return times


def stopwatch(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call took, and its result."""
    clock = time.perf_counter()
    result = call()
    return time.perf_counter() - clock, result


def serve(library: Library) -> None:
    """Answer requests from standard input until it closes; an exception is an answer too.

    The process keeps to one core, so that no thread pool of a library makes use of another.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                answer = getattr(library, request.pop("request"))(**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
