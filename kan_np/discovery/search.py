"""discover: from data to formulas in one call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset, check_dataset
from kan_np.data.columns import Columns, without_tables
from kan_np.data.dataset import split_validation
from kan_np.discovery.candidate import Candidate, Discovery, frontier, message_bits
from kan_np.discovery.library import wide_library
from kan_np.discovery.ridges import merged, rough_network
from kan_np.discovery.snapping import State, is_symbolic, snap
from kan_np.discovery.training import Data, Trained, descend, rmse, train_tree
from kan_np.discovery.trees import MANY, Shape, shapes
from kan_np.mixed_network import MixedNetwork
from kan_np.symbolic.library import SymbolLibrary
from kan_np.symbolic.names import checked_variables

if TYPE_CHECKING:
    from kan_np.model import KAN
    from kan_np.symbolic.formula import Formula

#: RMSE below this part of the spread of the labels is rounding.
_EXACT = 1e-10
#: Networks below this may become exact when their constants are recognised.
_MAY_BE_EXACT = 1e-6
#: Formulas that are written of those that are not exact, and of those when the time is over.
_WRITTEN, _WRITTEN_LATE = 5, 2
#: A shape is snapped at once if its splines leave no more than this part of the spread.
_GOOD = 1e-2
#: Later, shapes within this factor of the least error.
_NEAR = 10.0
_SNAPPED_LATER = 4
_BIG_GRIDS = (8, 16, 32)
#: Part of the time after which no network is trained any more; the rest is for writing formulas.
_TRAINING = 0.9


def discover(
    dataset: Dataset,
    *,
    library: SymbolLibrary | None = None,
    lib: Sequence[str] | None = None,
    var: Sequence[Any] | None = None,
    seconds: float = 60.0,
    restarts: int = 6,
    seed: int = 0,
) -> Discovery:
    """Find formulas for data: small shapes first, symbols on their edges, constants recognised.

    Shapes of formulas (`kan_np.discovery.trees`) are trained as networks of splines by Levenberg-Marquardt
    from several starts and refined. Where one fits well its edges become symbols one by one, the rest being
    trained again after each (`kan_np.discovery.snapping`); the formula is simplified, its constants are
    recognised and fitted together. It ends when a formula is exact up to rounding; else, when all shapes
    have been tried, also with variables that enter together merged (`kan_np.discovery.ridges`), or when the
    time is over. Validation samples decide throughout, so that noise is no accuracy.

    Parameters
    ----------
    dataset : dict
        train_input, train_label of one column, and val_input, val_label; a fifth of the training samples if
        there is no validation split. Test samples are not looked at.
    library : SymbolLibrary, optional
        `wide_library()` if None: `default_library()`, with what `add_symbolic` has added, and short
        compositions.
    lib : sequence of str, optional
        Names of the library to use; all if None.
    var : sequence of str or sympy.Expr, optional
        Names of the inputs, no two alike; see `kan_np.symbolic.names` for how they are written.
    seconds : float
        Budget, in processor time of the thread, which other programs do not use up. Training ends after
        nine tenths of it, and after the whole no further formula is written once there is one; the same seed
        gives the same result where it is not reached.
    restarts : int
        Starts of each shape.
    seed : int

    Returns
    -------
    Discovery

    Raises
    ------
    ValueError, TypeError
        For data or names that cannot be used, more than one label column, and labels that do not vary;
        before anything is trained.

    Examples
    --------
    >>> from kan_np import create_dataset
    >>> from kan_np.discovery import discover
    >>> f = lambda x: 3 * x[:, [0]] * x[:, [1]]
    >>> found = discover(create_dataset(f, n_var=2, train_num=300, seed=0), var=["u", "v"])
    >>> found.best.formula.expressions, found.best.exact
    ([3*u*v], True)
    """
    seconds = _validate.real("seconds", seconds, 0.0)
    restarts = _validate.integer("restarts", restarts, 1)
    seed = _validate.integer("seed", seed, 0)
    data, columns = _checked(dataset, seed)
    if var is not None:
        checked_variables(var, data.x.shape[1])
    library = wide_library(library)
    if lib is not None:
        library = SymbolLibrary(library.select(lib))
    found = _Search(data, library, var, seconds, restarts, seed, dataset.get("scaler")).run()
    for candidate in (*found.candidates, found.best):
        candidate.model._columns = columns
    return found


class _Search:
    """Data, budget and what has been found so far."""

    def __init__(
        self,
        data: Data,
        library: SymbolLibrary,
        var: Sequence[Any] | None,
        seconds: float,
        restarts: int,
        seed: int,
        scaler: Any,
    ) -> None:
        self.data, self.library, self.var, self.restarts = data, library, var, restarts
        self.scaler = scaler
        self.rng = np.random.default_rng(seed)
        self.begin = time.thread_time()
        self.seconds = seconds
        self.trained: list[tuple[Shape, Trained]] = []
        self.snapped: set[int] = set()
        self.waiting: list[tuple[str, State]] = []
        self.candidates: list[Candidate] = []

    @property
    def spent(self) -> float:
        return time.thread_time() - self.begin

    @property
    def over(self) -> bool:
        """Whether the time for training is over."""
        return self.spent > _TRAINING * self.seconds

    def _stop(self) -> bool:
        return self.over

    @property
    def exact(self) -> bool:
        return any(candidate.exact for candidate in self.candidates)

    def run(self) -> Discovery:
        """Shapes with merged variables, if any, then all shapes, then what is left of the good ones."""
        n_in = self.data.x.shape[1]
        plain = shapes(list(range(n_in)))
        if 2 < n_in <= MANY:  # a line through two variables is a sum as well
            sources = merged(rough_network(self.data, self.rng, self._stop), self.data.x)
            if len(sources) < n_in:
                self._try(shapes(sources))
        self._try(plain)
        self._snap_the_nearest()
        if not self.exact and not self.over:
            self._try_finer()
        self._write_the_others()
        best = min(self.candidates, key=lambda c: (not c.exact, c.complexity if c.exact else c.length))
        tried = {shape.name: trained.rmse for shape, trained in self.trained}
        return Discovery(frontier(self.candidates), best, len(self.trained), self.spent, tried)

    def _try(self, trees: Sequence[Shape], **options: Any) -> None:
        """Train shapes, and snap at once what fits well and better than what is there."""
        for shape in trees:
            if self.exact or (self.over and self.trained):
                return
            best_before = min((trained.rmse for _, trained in self.trained), default=np.inf)
            trained = train_tree(
                shape.tree, self.data, self.rng, restarts=self.restarts, stop=self._stop, **options
            )
            self.trained.append((shape, trained))
            better = trained.rmse <= min(_GOOD * self.data.spread, 0.5 * best_before)
            if better and not shape.name.startswith("dense"):
                self._snap(len(self.trained) - 1)

    def _snap_the_nearest(self) -> None:
        """Snap the shapes of least error, as long as there is none exact."""
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
            if state.trained.rmse <= _MAY_BE_EXACT * self.data.spread:
                self._add(shape.name, state.trained.network)
                if self.exact:
                    return
            else:
                self.waiting.append((shape.name, state))

    def _write_the_others(self) -> None:
        """Formulas of the shortest messages among what is not exact, and of the best network of splines."""
        if self.exact:
            return
        self.waiting.sort(key=lambda pair: pair[1].length)
        for name, state in self.waiting[: _WRITTEN if not self.over else _WRITTEN_LATE]:
            self._add(name, state.trained.network)
            if self.candidates and self.spent > self.seconds:
                return
        shape, trained = min(self.trained, key=lambda pair: pair[1].rmse)
        self._add(shape.name, trained.network)

    def _add(self, name: str, network: MixedNetwork) -> None:
        candidate = _candidate(name, network, self.data, self.var, self.scaler)
        if candidate is not None:
            self.candidates.append(candidate)


def _candidate(
    name: str, network: MixedNetwork, data: Data, var: Sequence[Any] | None, scaler: Any
) -> Candidate | None:
    """The model and the formula of a network; None where the formula is not real on all samples."""
    from kan_np.symbolic.formula import symbolic_formula

    x, y = np.concatenate([data.x, data.val_x]), np.concatenate([data.y, data.val_y])
    network = descend(network, Data(x, y, data.val_x, data.val_y), 5).network
    model = as_model(network, scaler)
    try:
        formula = symbolic_formula(model, x=x, y=y)
    except ValueError:
        return None
    symbolic = is_symbolic(network)
    if symbolic:
        rest = _residuals(formula, x, y, scaler)
        n = len(data.y)
        errors = [float(np.sqrt(np.mean(np.square(part)))) for part in (rest[:n], rest[n:])]
    else:
        errors = [rmse(network, data.x, data.y), rmse(network, data.val_x, data.val_y)]
    n_splines = sum(layer.splines.theta.size for layer in network.layers)
    constants = sum(len(e.atoms(_float())) for e in formula.expressions)
    complexity = formula.complexity + n_splines
    rounding = 1e-15 * max(float(np.abs(y).max()), 1e-300)
    return Candidate(
        name,
        model,
        formula if var is None else formula.renamed(var),
        errors[0],
        errors[1],
        complexity,
        symbolic and errors[1] <= _EXACT * data.spread,
        message_bits(errors[1], rounding, data.val_y.size, formula.complexity, constants + n_splines),
    )


def _residuals(formula: Formula, x: FloatArray, y: FloatArray, scaler: Any) -> FloatArray:
    """Formula minus labels, in the units of the labels that were trained on."""
    if scaler is None:
        return np.asarray(formula.numpy()(x) - y)
    predicted = formula.numpy()(x * scaler.input_scale + scaler.input_shift)
    return np.asarray((predicted - scaler.label_shift) / scaler.label_scale - y)


def as_model(network: MixedNetwork, scaler: Any = None) -> KAN:
    """The KAN of a network."""
    from kan_np.model import KAN
    from kan_np.shape import Shape as Width

    width = Width.of(network)
    model = KAN(width.pykan, mult_arity=width.mult_arity, base_fun=network.base_fun, k=network.k)
    model._network = network.simplified()
    model.scaler = scaler
    return model


def _float() -> Any:
    import sympy

    return sympy.Float


def _checked(dataset: Dataset, seed: int) -> tuple[Data, Columns]:
    if not isinstance(dataset, dict):
        raise TypeError(
            f"dataset is a {type(dataset).__name__}; expected a dict with train_input, train_label."
        )
    dataset = without_tables(dataset)
    given = dataset if "val_input" in dataset else split_validation(dataset, 0.2, seed)
    n_in = np.shape(given["train_input"])[1] if np.ndim(given["train_input"]) == 2 else 1
    checked = check_dataset(given, n_in, 1)
    data = Data(checked["train_input"], checked["train_label"], checked["val_input"], checked["val_label"])
    if data.spread == 0.0:
        raise ValueError(
            f"train_label is {data.y[0, 0]} for all samples; expected labels that vary. Their formula "
            "is that number."
        )
    return data, Columns.of(checked, n_in, 1)
