"""Formulas that need no network of splines: sums of products, quotients, and whether anything is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from kan_np.discovery.candidate import Candidate
from kan_np.discovery.terms import find_sums
from kan_np.discovery.terms.polish import Samples
from kan_np.discovery.terms.quotients import find_quotients
from kan_np.discovery.terms.selection import select, select_quotients
from kan_np.discovery.training import Data, train_tree
from kan_np.discovery.trees import Tree, total
from kan_np.discovery.writing import Writer
from kan_np.functions.library import SymbolLibrary

#: Rows from which on sums are looked for, those for validation among them, and sums that are written.
_FEWEST, _FEWEST_TO_JUDGE, _WRITTEN = 12, 2, 2
#: They end a search only if they leave no more than this many times the noise that neighbouring rows show.
_LIKE_NOISE = 1.5
#: Times that quotients are looked for, led by the best of them after the first.
_ROUNDS = 2
#: Networks that look for something that a formula leaves: hidden nodes, grids, starts.
_HIDDEN, _GRIDS, _STARTS = (2, 4), (4,), 2
#: Attempts at sums by which the kernels are compiled.
_COMPILED = 2
#: A network that is better by this part has found something.
_BETTER = 0.02


@cache
def compile_kernels() -> None:
    """Compile what the search needs, once a process, so that no budget of processor time pays for it.

    A few attempts reach what compares pairs; triples and quotients are compared directly.
    """
    rng = np.random.default_rng(0)
    x = rng.uniform(1.0, 2.0, (40, 2))
    y = x[:, 0] * np.sqrt(1.0 + x[:, 1]) + 0.1 * rng.normal(size=40)
    attempts = count(1)
    find_sums(x[:30], y[:30], x[30:], y[30:], seconds=np.inf, more=lambda: next(attempts) <= _COMPILED)
    columns = rng.normal(size=(30, 8))
    select(columns, y[:30], np.ones(30), 3)
    select_quotients(columns[:, :5], columns[:, 5:], y[:30], np.ones(30), 3)
    data = Data(x[:30], y[:30, None], x[30:], y[30:, None])
    train_tree(total([total([0, 1], q) for q in range(2)]), data, rng, grids=(3,), restarts=1)
    Writer(data, None, None).line()


def sums_of_products(
    writer: Writer,
    data: Data,
    library: SymbolLibrary,
    seconds: float,
    stop: Callable[[], bool],
    more: Callable[[], bool],
) -> tuple[list[Candidate], Candidate | None]:
    """The shortest sums of products, and the one after which no term of a dictionary explains anything.

    Parameters
    ----------
    writer : Writer
    data : Data
        Of the writer, its noise that of the last digits of the labels.
    library : SymbolLibrary
        Functions beside powers are those of its symbols.
    seconds : float
        Processor time of the thread.
    stop, more : callable
        As in `find_sums`.
    """
    x, y = writer.physical
    n, noise = len(data.y), _of_last_digits(writer, data)
    if n < _FEWEST or len(y) - n < _FEWEST_TO_JUDGE:
        return [], None
    found = find_sums(
        *(x[:n], y[:n], x[n:], y[n:]),
        noise=noise,
        seconds=seconds,
        stop=stop,
        more=more,
        symbols=writer.inputs,
        accepts=made_of(library),
    )
    candidates: list[Candidate] = []
    settled = None
    for own in found[:_WRITTEN]:
        if not own.expression.free_symbols:
            break
        candidate = writer.if_possible("sum of products", own.expression)
        if candidate is None:
            continue
        candidates.append(candidate)
        if own.settled and settled is None and _like_noise(own.val_rmse, writer):
            settled = candidate
        if candidate.exact:
            break
    return candidates, settled


def quotients_of_sums(
    writer: Writer, data: Data, candidates: Sequence[Candidate], seconds: float, stop: Callable[[], bool]
) -> list[Candidate]:
    """Quotients of two sums of monomials, led by what the best formula makes of the labels.

    Parameters
    ----------
    writer : Writer
    data : Data
        Of the writer, its noise that of the last digits of the labels.
    candidates : sequence of Candidate
        What has been found.
    seconds : float
        Processor time of the thread.
    stop : callable
        Asked before every choice of terms and every fit; True ends the search.
    """
    x, y = writer.physical
    n, end = len(data.y), time.thread_time() + seconds
    if n < _FEWEST or len(y) - n < _FEWEST_TO_JUDGE:
        return []
    samples = Samples(x[:n], y[:n], x[n:], y[n:], _of_last_digits(writer, data), writer.inputs)

    def over() -> bool:
        return stop() or time.thread_time() > end

    found: list[Candidate] = []
    for _ in range(_ROUNDS):
        best = min((c for c in [*candidates, *found] if c.symbolic), key=lambda c: c.val_rmse, default=None)
        if found and best not in found:
            break
        guide = y[:n] if best is None else best.formula.numpy()(x[:n])[:, 0]
        for own in find_quotients(samples, guide, over=over):
            candidate = writer.if_possible("quotient of sums", own.expression)
            found += [] if candidate is None else [candidate]
            if candidate is not None and candidate.exact:
                return found
        if not found:
            break
    return found


def _of_last_digits(writer: Writer, data: Data) -> float:
    """Noise by the last digits of the labels, in the units of `writer.physical`."""
    noise = data.noise * writer.of_label
    return noise if writer.scaler is None else noise * float(writer.scaler.label_scale[0])


def _like_noise(error: float, writer: Writer) -> bool:
    """Whether neighbouring rows show as much noise: terms are smooth, and may not see steps of labels.

    False where neighbours say nothing, as those of few rows or of many inputs. `error` is in the units of
    `writer.physical`.
    """
    if writer.noise is None:
        return False
    unit = 1.0 if writer.scaler is None else float(writer.scaler.label_scale[0])
    return error <= _LIKE_NOISE * writer.noise.level * unit


def made_of(library: SymbolLibrary) -> Callable[[Any], bool]:
    """Whether an expression has no functions but those of a library, the waves being one family."""
    import sympy

    families = ({sympy.sin, sympy.cos}, {sympy.asin, sympy.acos}, {sympy.exp, sympy.sinh, sympy.cosh})
    allowed: set[Any] = set()

    def accepts(expression: Any) -> bool:
        if not allowed:
            for symbol in library:
                allowed.update(f.func for f in symbol.sympy().atoms(sympy.Function))
            for family in families:
                if allowed & family:
                    allowed.update(family)
            allowed.add(sympy.Integer)  # no function: says that this was done
        return all(f.func in allowed for f in expression.atoms(sympy.Function))

    return accepts


def leaves_nothing(candidate: Candidate, writer: Writer, data: Data, stop: Callable[[], bool]) -> bool:
    """Whether no small dense network of splines is nearer to the validation samples than a formula.

    Parameters
    ----------
    candidate : Candidate
    writer : Writer
    data : Data
        In the units that networks are trained in.
    stop : callable
    """
    rng = np.random.default_rng(0)
    sources = list(range(data.x.shape[1]))
    for hidden in _HIDDEN:
        if stop():
            return False
        dense: Tree = total([total(sources, q) for q in range(hidden)])
        trained = train_tree(dense, data, rng, grids=_GRIDS, restarts=_STARTS, keep=1, stop=stop)
        if trained.rmse * writer.of_label < (1.0 - _BETTER) * candidate.val_rmse:
            return False
    return True
