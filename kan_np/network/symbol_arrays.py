"""What kernels read of named functions: kinds, guards and programs, and the room that they work in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from kan_np import _aligned
from kan_np._validate import FloatArray
from kan_np.edges.symbol import kernel_of
from kan_np.functions.guard import BOUND
from kan_np.functions.program import Program
from kan_np.functions.symbol import Symbol
from kan_np.kernels.arrays import Ints, Symbols
from kan_np.kernels.scalar_functions import PROGRAM

_NONE = np.empty((0, 0))
_NO_NODES = np.empty(0, dtype=np.int64)


def symbol_arrays(functions: Sequence[Symbol], fan_start: Ints, source: Ints, target: Ints) -> Symbols:
    """Named functions as arrays, without room for samples.

    Parameters
    ----------
    functions : sequence of Symbol
        One an edge.
    fan_start, source, target : ndarray
        Which nodes and sums the edges connect; see `kan_np.kernels.arrays.Symbols`.
    """
    return _of_functions(tuple(functions))._replace(fan_start=fan_start, source=source, target=target)


@lru_cache(maxsize=512)
def _of_functions(functions: tuple[Symbol, ...]) -> Symbols:
    """What depends on the functions alone; kernels only read it."""
    kinds = [kernel_of(symbol) or (0, 1.0) for symbol in functions]
    guards = [symbol.guard for symbol in functions]
    first_piece = np.concatenate([[0], np.cumsum([guard.exact.size for guard in guards])])
    program_start, operation, left, right, number = _steps(_programs(functions, kinds))
    return Symbols(
        *(_NO_NODES, _NO_NODES, _NO_NODES),
        np.array([kind for kind, _ in kinds], dtype=np.int64),
        np.array([power for _, power in kinds], dtype=np.float64),
        np.array([_inside(symbol) for symbol in functions], dtype=np.float64),
        np.array([guard.widest for guard in guards], dtype=np.float64).reshape(-1, 2),
        np.array([guard.start for guard in guards], dtype=np.float64),
        np.array([guard.period for guard in guards], dtype=np.float64),
        first_piece.astype(np.int64),
        np.concatenate([np.zeros(0), *([*guard.edges, np.inf] for guard in guards)]),
        np.concatenate([np.zeros(0, dtype=bool), *(guard.exact for guard in guards)]).astype(np.int64),
        np.concatenate([np.zeros(0), *(guard.origin for guard in guards)]),
        np.concatenate([np.zeros((0, 4)), *(guard.cubic for guard in guards)]),
        BOUND,
        *(_NONE, _NONE, _NONE, _NONE, _NONE),
        np.array([symbol.probed for symbol in functions], dtype=np.int64),
        program_start,
        operation,
        left,
        right,
        number,
        *(_NONE, _NONE, _NONE, _NONE),
    )


def with_room(arrays: Symbols, block: int, inputs: tuple[int, int]) -> Symbols:
    """The arrays with room of their own for so many samples at once, a multiple of a panel.

    Parameters
    ----------
    arrays : Symbols
    block : int
    inputs : tuple of int
        Shape of the samples that are kept.
    """
    n = arrays.kind.size
    steps = 1 + int(np.diff(arrays.program_start).max(initial=0))
    shapes = [(n, 4), (n, 4), (2, block), (2, block), (steps, block), (steps, block), (n, block), (n, block)]
    constants, gradient, argument, inner, step_value, step_slope, value, slope, samples = _aligned.arrays(
        *shapes, inputs
    )
    for array in (argument, inner, step_value, step_slope):
        array.fill(0.0)
    return arrays._replace(
        inputs=samples,
        constants=constants,
        gradient=gradient,
        argument=argument,
        inner=inner,
        step_value=step_value,
        step_slope=step_slope,
        value=value,
        slope=slope,
    )


def _programs(functions: Sequence[Symbol], kinds: Sequence[tuple[int, float]]) -> list[Program | None]:
    """The programs of those symbols that have one."""
    return [
        symbol.program if kind == PROGRAM else None
        for symbol, (kind, _) in zip(functions, kinds, strict=True)
    ]


def _steps(programs: Sequence[Program | None]) -> tuple[Ints, Ints, Ints, Ints, FloatArray]:
    """Where the steps of each program start, and those of all."""
    there = [program for program in programs if program is not None]
    lengths = [0 if program is None else len(program.operation) for program in programs]
    operation, left, right, number = (
        np.array([entry for program in there for entry in getattr(program, name)], dtype=np.float64)
        for name in ("operation", "left", "right", "number")
    )
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return start, operation.astype(np.int64), left.astype(np.int64), right.astype(np.int64), number


def _inside(symbol: Symbol) -> float:
    """An argument where a function is exact, not far from 0."""
    low, high = symbol.guard.widest
    return float(np.clip(0.5, low, high)) if low <= 0.5 <= high else 0.5 * (max(low, -1e3) + min(high, 1e3))
