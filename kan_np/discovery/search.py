"""The search for formulas of one label column: shapes of networks, their symbols, and when it ends."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kan_np._time_limit import NEAR
from kan_np.data.check import Dataset
from kan_np.discovery.border import checked_data
from kan_np.discovery.candidate import Candidate, Discovery
from kan_np.discovery.choice import answered, best_of
from kan_np.discovery.found_by_parts import taken_apart
from kan_np.discovery.found_directly import leaves_nothing, made_of, quotients_of_sums, sums_of_products
from kan_np.discovery.ladder import Rung, rungs
from kan_np.discovery.merged_variables import merged, rough_network
from kan_np.discovery.relevance import relevant_inputs
from kan_np.discovery.symbolic_search import State, is_symbolic, snap
from kan_np.discovery.training import Trained, train_tree
from kan_np.discovery.trees import MANY, Shape, shapes
from kan_np.discovery.unit_check import ColumnUnits
from kan_np.discovery.writing import Writer
from kan_np.functions.library import SymbolLibrary
from kan_np.network.network import Network
from kan_np.training.progress import Watch

#: Networks below this part of the spread may become exact when their constants are recognised.
_MAY_BE_EXACT = 1e-6
#: Labels with a last digit finer than this end the search when they are met; coarser ones are met by more.
_FINE_DIGITS = 1e-5
#: With as few samples every shape is snapped, and the simplest exact formula is taken, not the first.
_FEW = 30
#: Part of the time for shapes in the inputs that seem to matter.
_SHARE_OF_FEWER = 0.5
#: Of more inputs than this no straight line is tried: nobody reads it.
_MOST_TERMS = 20
#: Formulas that are written of those that are not exact, and of those when the time is over.
_WRITTEN, _WRITTEN_LATE = 5, 2
#: A shape is snapped at once if its splines leave no more than this part of the spread.
_GOOD = 1e-2
#: Later, shapes within this factor of the least error.
_NEAR = 10.0
_SNAPPED_LATER = 4
_BIG_GRIDS = (8, 16, 32)
#: Seconds for sums of products, and the part of the budget that they take at most; where steps are counted,
#: that part of them, up to the last number, are attempts, each a step.
_SUMS, _SHARE_OF_SUMS, _ATTEMPTS = 8.0, 0.25, 60
#: Seconds for quotients of sums, and the part of the budget.
_QUOTIENTS, _SHARE_OF_QUOTIENTS = 6.0, 0.15
#: The same for formulas that are found by parts.
_PARTS, _SHARE_OF_PARTS, _ATTEMPTS_AT_PARTS = 15.0, 0.4, 60
#: Part of the time after which no network is trained any more; the rest is for writing formulas.
_TRAINING = 0.9


def searched(
    dataset: Dataset,
    library: SymbolLibrary,
    *,
    var: Sequence[Any] | None = None,
    units: ColumnUnits | None = None,
    seconds: float = 60.0,
    most_steps: int | None = None,
    restarts: int = 6,
    seed: int = 0,
    end: float | None = None,
    watch: Watch | None = None,
) -> Discovery:
    """Formulas for the one label column of a dataset: `discover` without its border.

    Parameters
    ----------
    dataset : dict
    library : SymbolLibrary
        What edges may become.
    var, seconds, most_steps, restarts, seed
        As in `discover`, which has compiled the kernels.
    units : ColumnUnits, optional
    end : float, optional
        By `time.monotonic`.
    watch : Watch, optional
        Told the seconds that are over, what is done and the best so far.
    """
    data, columns = checked_data(dataset, seed)
    budget = _Budget(seconds, most_steps, end, watch or Watch(lambda done, text: None))
    writer = Writer(data, var, dataset.get("scaler"), columns.features, units)
    writer = replace(writer, over=lambda: budget.out_of_seconds, near=lambda: budget.is_near)
    found = _Search(writer, library, budget, restarts, seed).run()
    for candidate in (*found.candidates, found.best):
        candidate.model._columns = columns
    return found


@dataclass
class _Budget:
    """Processor time of the thread and steps of the optimizer, whichever is over first; and other ends.

    `deadline` is by `time.monotonic`, and `watch` knows whether the user asked to stop.
    """

    seconds: float
    most_steps: int | None
    deadline: float | None
    watch: Watch
    begin: float = field(default_factory=lambda: time.thread_time())
    steps: int = 0

    @property
    def spent(self) -> float:
        """Seconds."""
        return time.thread_time() - self.begin

    @property
    def share(self) -> float:
        """The part of it that is spent."""
        share = self.spent / self.seconds if self.seconds > 0 else np.inf
        return share if self.most_steps is None else max(share, self.steps / self.most_steps)

    @property
    def is_late(self) -> bool:
        """Whether the wall-clock time is over, or the user asked to stop."""
        return self.watch.stopped or (self.deadline is not None and time.monotonic() > self.deadline)

    @property
    def out_of_seconds(self) -> bool:
        """Whether there is no time for the small formulas that always are written, whatever the steps."""
        return self.spent >= self.seconds or self.is_late

    @property
    def is_near(self) -> bool:
        """Whether the seconds, or the wall-clock time, are over soon."""
        left = np.inf if self.deadline is None else self.deadline - time.monotonic()
        return min(left, self.seconds - self.spent) < NEAR

    @property
    def what_is_over(self) -> str:
        """What ended the search."""
        if self.watch.stopped:
            return "callback ended the search"
        return "max_seconds were over" if self.is_late else f"the {self} were over"

    def __str__(self) -> str:
        """What there is to spend."""
        steps = self.most_steps
        by_time = self.spent / self.seconds if self.seconds > 0 else np.inf
        return f"{self.seconds:.3g} s" if steps is None or self.share == by_time else f"{steps} steps"


class _Search:
    """Data, budget and what has been found so far."""

    def __init__(
        self, writer: Writer, library: SymbolLibrary, budget: _Budget, restarts: int, seed: int
    ) -> None:
        self.budget = budget
        half = writer.half_unit
        self.writer, self.library, self.restarts = writer, library, restarts
        # labels that are rounded leave a deviation of their own
        self.data = replace(writer.data, noise=half * writer.data.spread * 3**-0.5)
        self.near = max(_MAY_BE_EXACT, 2 * half) * self.data.spread
        self.ends_when_exact = half <= _FINE_DIGITS and len(self.data.y) + len(self.data.val_y) > _FEW
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.trained: list[tuple[Shape, Trained]] = []
        self.snapped: set[int] = set()
        self.waiting: list[tuple[str, State]] = []
        self.candidates: list[Candidate] = []
        #: Complexity of the symbols of the simplest exact network.
        self.simplest = np.inf
        self.written = 0
        self.notes: list[str] = []

    @property
    def over(self) -> bool:
        """Whether the budget for training is over."""
        return self.budget.share > _TRAINING or self.budget.is_late

    @property
    def _out_of_time(self) -> bool:
        """Whether nothing more is written."""
        return self.budget.share > 1.0 or self.budget.is_late

    def _stop(self) -> bool:
        """Asked after every step."""
        self.budget.steps += 1
        return self.over

    @property
    def exact(self) -> bool:
        return self.ends_when_exact and any(candidate.exact for candidate in self.candidates)

    def run(self) -> Discovery:
        """Constant and line, shapes in what matters or with merged variables, if any, then all shapes."""
        n_in = self.data.x.shape[1]
        self._add_simplest(n_in)
        rungs_left = self._add_rungs(rungs(*self.writer.physical, self.writer.inputs), _MAY_BE_EXACT)
        if not self._found_directly() and not self._found_by_parts():
            _ = self.writer.noise  # which the answer says, found before the time is over
            self._try_fewer(n_in)
            self._try(shapes(list(range(n_in))))
            self._snap_the_nearest()
            if not any(candidate.exact for candidate in self.candidates) and not self.over:
                self._try_finer()
            rungs_left = self._add_rungs(rungs_left, np.inf)
            self._write_the_others()
        self._add_rungs(rungs_left, np.inf)
        return self._answer()

    def _found_directly(self) -> bool:
        """Try sums of products and their quotients; whether the search ends with what there is."""
        if any(candidate.exact for candidate in self.candidates):
            return True
        seconds, more = self._part_of_budget("sums of products", _SUMS, _SHARE_OF_SUMS, _ATTEMPTS)
        found, settled = sums_of_products(
            self.writer, self.data, self.library, seconds, lambda: self.over, more
        )
        self.candidates += found
        self._tell("sums of products")
        if any(candidate.exact for candidate in found):
            return True
        if settled is not None and leaves_nothing(settled, self.writer, self.data, self._stop):
            return True
        seconds, _ = self._part_of_budget("quotients", _QUOTIENTS, _SHARE_OF_QUOTIENTS, 1)
        found = quotients_of_sums(self.writer, self.data, self.candidates, seconds, lambda: self.over)
        self.candidates += found
        self._tell("quotients of sums")
        return any(candidate.exact for candidate in found)

    def _found_by_parts(self) -> bool:
        """Take the labels apart; whether a formula is exact."""
        if self.over:
            return False
        seconds, more = self._part_of_budget("formulas by parts", _PARTS, _SHARE_OF_PARTS, _ATTEMPTS_AT_PARTS)
        unit = 1.0 if self.writer.scaler is None else float(self.writer.scaler.label_scale[0])
        found = taken_apart(
            self.writer,
            self.data,
            self.library,
            min((c.val_rmse for c in self.candidates if c.symbolic), default=np.inf) * unit,
            seconds=seconds,
            stop=lambda: self.over,
            more=more,
            accepts=made_of(self.library),
        )
        self.candidates += found
        self._tell("formulas by parts")
        return any(candidate.exact for candidate in found)

    def _part_of_budget(
        self, name: str, most: float, share: float, attempts: int
    ) -> tuple[float, Callable[[], bool]]:
        """Seconds for a part of the search, and what counts its attempts and tells of them.

        Where steps are counted a number of attempts gives the same result on every machine.
        """
        steps = self.budget.most_steps
        seconds = min(most, share * self.budget.seconds) if steps is None else np.inf
        left = np.inf if steps is None else min(share * steps, attempts)

        def more() -> bool:
            nonlocal left
            if left < 1:
                return False
            left -= 1
            self.budget.steps += 1
            self._tell(name)
            return not self.budget.watch.stopped

        return seconds, more

    def _answer(self) -> Discovery:
        if self.over and not self.exact:
            self.notes.append(f"{self.budget.what_is_over} before everything had been tried")
        return answered(self.writer, self.candidates, self.trained, self.budget.spent, self.notes)

    def _add_rungs(self, found: Sequence[Rung], most: float) -> list[Rung]:
        """Write small formulas that leave no more than this part of the spread; return the others."""
        left = []
        exact = min((c.complexity for c in self.candidates if c.exact), default=np.inf)
        for rung in found:
            simpler = [c.val_rmse for c in self.candidates if c.complexity <= rung.parts]
            if rung.error > most:
                left.append(rung)
            elif rung.error * self.writer.spread < min(simpler, default=np.inf) and (
                rung.parts < exact and not self.budget.out_of_seconds
            ):
                candidate = self.writer.if_possible(rung.name, rung.expression, rung.price)
                if candidate is not None:
                    self.candidates.append(candidate)
        return left

    def _add_simplest(self, n_in: int) -> None:
        """What everything else has to beat."""
        candidates = [self.writer.constant()]
        if n_in <= _MOST_TERMS and not (candidates[0] is not None and candidates[0].exact):
            candidates.append(self.writer.line())
        self.candidates += [candidate for candidate in candidates if candidate is not None]
        if n_in == 1 and not any(candidate.exact for candidate in self.candidates):
            for candidate in self.writer.symbols(self.library):
                self.candidates.append(candidate)
                if candidate.exact:
                    return

    def _try_fewer(self, n_in: int) -> None:
        """Shapes in the inputs that matter, and in those of which some are merged to a straight line."""
        x, y = np.concatenate([self.data.x, self.data.val_x]), np.concatenate([self.data.y, self.data.val_y])
        matter = relevant_inputs(x, y[:, 0], MANY) if n_in > 2 else []
        if n_in > MANY:
            self._say_many(n_in, matter)
        if 0 < len(matter) < n_in:
            # from a generator of its own, so that the rest of the search is the same
            others, self.rng = self.rng, np.random.default_rng([self.seed, 1])
            self._try(shapes(matter), share=_SHARE_OF_FEWER)
            self.rng = others
        if 2 < n_in <= MANY and not (
            self.exact or self.over
        ):  # a line through two variables is a sum as well
            sources = merged(rough_network(self.data, self.rng, self._stop), self.data.x)
            if len(sources) < n_in:
                self._try(shapes(sources))

    def _say_many(self, n_in: int, matter: Sequence[int]) -> None:
        names = self.writer.names_of(matter)
        others = self.writer.names_of([i for i in range(n_in) if i not in matter])
        text = (
            f"{n_in} inputs: of more than {MANY} only sums and dense networks are tried, no products"
            + (
                f"; all shapes are tried in {names} alone, which matter most, not in {others}"
                if names
                else ""
            )
            + ". Give fewer inputs if you know which matter."
        )
        self.notes.append(text)
        warnings.warn(text, UserWarning, stacklevel=5)

    def _try(self, trees: Sequence[Shape], share: float = 1.0, **options: Any) -> None:
        """Train shapes, and snap at once what fits well and better than what is there."""
        few = len(self.data.y) + len(self.data.val_y) <= _FEW
        for shape in trees:
            if self.exact or self.over or (self.trained and self.budget.share > share):
                return
            best_before = min((trained.rmse for _, trained in self.trained), default=np.inf)
            trained = train_tree(
                shape.tree, self.data, self.rng, restarts=self.restarts, stop=self._stop, **options
            )
            self.trained.append((shape, trained))
            self._tell(shape.name)
            better = trained.rmse <= min(_GOOD * self.data.spread, 0.5 * best_before)
            if (better or few) and not shape.name.startswith("dense"):
                self._snap(len(self.trained) - 1)

    def _snap_the_nearest(self) -> None:
        """Snap the shapes of least error, as long as there is none exact."""
        if not self.trained:
            return
        order = np.argsort([trained.rmse for _, trained in self.trained], kind="stable")
        least = self.trained[int(order[0])][1].rmse
        for k in order[:_SNAPPED_LATER].tolist():
            if self.exact or self.over:
                return
            fits = self.trained[k][1].rmse <= _NEAR * least
            if fits and k not in self.snapped and not self.trained[k][0].name.startswith("dense"):
                self._snap(k)

    def _try_finer(self) -> None:
        """The shapes again, from finer grids: for functions that oscillate."""
        again = [shape for shape, _ in self.trained if not shape.name.startswith("dense")]
        self._try(again, grids=_BIG_GRIDS)
        self._snap_the_nearest()

    def _snap(self, k: int) -> None:
        self.snapped.add(k)
        shape, trained = self.trained[k]
        for state in snap(trained, self.data, self.library, stop=self._stop):
            if state.trained.rmse <= self.near:
                candidate = self._add(shape.name, state.trained.network)
                if candidate is not None and candidate.exact:
                    self.simplest = min(self.simplest, _symbols(state.trained.network))
                if self.exact:
                    return
            else:
                self.waiting.append((shape.name, state))

    def _write_the_others(self) -> None:
        """Formulas of the shortest messages among what is not exact, and of the best network of splines."""
        if any(candidate.exact for candidate in self.candidates):
            # beside an exact formula another one is of use only if it is simpler
            self.waiting = [
                pair for pair in self.waiting if _symbols(pair[1].trained.network) < self.simplest
            ]
        self.waiting.sort(key=lambda pair: pair[1].length)
        for name, state in self.waiting[: _WRITTEN if not self.over else _WRITTEN_LATE]:
            self._add(name, state.trained.network)
            if self.written and self._out_of_time:
                return
        if not self.trained or any(candidate.exact for candidate in self.candidates):
            return
        shape, trained = min(self.trained, key=lambda pair: pair[1].rmse)
        self._add(shape.name, trained.network)

    def _tell(self, name: str) -> None:
        """Show how much of the time is over, what was tried and the best of what was found."""
        best = best_of(self.candidates) if self.candidates else None
        error = np.inf if best is None else best.val_rmse
        self.budget.watch(self.budget.spent, f"{name}; least RMSE {error:.2e}", best)

    def _add(self, name: str, network: Network) -> Candidate | None:
        candidate = self.writer.candidate(name, network)
        if candidate is not None:
            self.written += 1
            self.candidates.append(candidate)
            self._tell(name)
        return candidate


def _symbols(network: Network) -> float:
    """Complexity of the symbols of a network; infinite where edges are splines."""
    return (
        float(sum(own.symbol.complexity for own in network.symbols.values()))
        if is_symbolic(network)
        else np.inf
    )
