"""Random sequences of everything that changes a model: nothing breaks, nothing is lost in files."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

from kan_np import KAN, FitStatus, NotLearntWarning, load_model
from kan_np.symbolic import default_library

SEQUENCES = 100
CHUNKS = 5
WIDTHS = ([2, 3, 1], [2, 1, 1], [3, [2, 1], 1], [2, [0, 2], 2], [1, 2, 2, 1], [2, [1, 1], [1, 1], 1])
NAMES = default_library().names
DOCUMENTED = (ValueError,)


class Sequence:
    """A model on its way through random changes."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        width = WIDTHS[self.rng.integers(len(WIDTHS))]
        self.model = KAN(
            width,
            grid=int(self.rng.integers(1, 5)),
            k=int(self.rng.choice([1, 2, 3])),
            base_fun=str(self.rng.choice(["silu", "identity", "zero"])),
            extrapolation=str(self.rng.choice(["smooth", "linear", "constant"])),
            affine_trainable=bool(self.rng.random() < 0.25),
            mult_arity=int(self.rng.choice([2, 3])),
            seed=seed,
        )
        self.x = self.rng.uniform(-1, 1, (60, width[0]))
        self.y = np.sin(3 * self.x[:, :1]) * self.x[:, -1:] + 0.3 * self.x.sum(axis=1, keepdims=True)
        self.y = np.tile(self.y, (1, self.model.width[-1]))

    def edge(self):
        """An edge that there is."""
        layer = int(self.rng.integers(len(self.model.edges)))
        i, j = self.rng.choice(np.argwhere(self.model.edges[layer]))
        return layer, int(i), int(j)

    def fix(self):
        edge = self.edge()
        x = self.x if self.rng.random() < 0.5 else None
        self.model.fix_symbolic(*edge, str(self.rng.choice(NAMES)), x=x)

    def set_symbol(self):
        constants = dict(zip("abcd", self.rng.normal(size=4), strict=True))
        self.model.fix_symbolic(*self.edge(), str(self.rng.choice(NAMES)), fit=False, **constants)

    def unfix(self):
        if self.model.symbols:
            edges = list(self.model.symbols)
            self.model.unfix_symbolic(*edges[self.rng.integers(len(edges))])

    def lock(self):
        layer, *first = self.edge()
        _, *second = (layer, *self.rng.choice(np.argwhere(self.model.edges[layer])))
        self.model.lock(layer, [first, second])

    def unlock(self):
        self.model.unlock(int(self.rng.integers(len(self.model.edges))))

    def train(self):
        opt = str(self.rng.choice(["LM", "LBFGS"]))
        lamb = 0.0 if opt == "LM" else float(self.rng.choice([0.0, 1e-2]))
        data = {"train_input": self.x, "train_label": self.y}
        # A prior for so few samples is chosen by cross-validation, of which some are enough: it takes a
        # hundred times as long as the two steps of all others.
        smoothing = "auto" if self.rng.random() < 0.2 else 0.0
        result = self.model.fit(data, opt=opt, steps=2, lamb=lamb, smoothing=smoothing)
        assert isinstance(result.status, FitStatus)

    def prune(self):
        way = self.rng.integers(5)
        if way == 0:
            self.model = self.model.prune(self.x, 1e-2, 1e-2)
        elif way == 1:
            self.model = self.model.prune_edge(3e-2, self.x)
        elif way == 2:
            self.model = self.model.remove_edge(*self.edge())
        elif way == 3:
            layer = int(self.rng.integers(1, len(self.model.width)))
            self.model = self.model.remove_node(layer, int(self.rng.integers(self.model.width[layer])))
        else:
            self.model = self.model.prune_input(1e-2, x=self.x)

    def refine(self):
        self.model = self.model.refine(min(self.model.grid + int(self.rng.integers(4)), 9))

    def move(self):
        self.model.update_grid(self.x)

    def save(self):
        buffer = io.BytesIO()
        self.model.save(buffer)
        buffer.seek(0)
        again = load_model(buffer)
        assert np.array_equal(again(self.x), self.model(self.x), equal_nan=True)
        assert (again.symbols, again.locks, again.n_params) == (
            self.model.symbols,
            self.model.locks,
            self.model.n_params,
        )
        self.model = again

    def run(self, steps):
        """Random steps; those that are refused in words leave the model as it was."""
        doings = (self.fix, self.fix, self.set_symbol, self.unfix, self.lock, self.unlock, self.train)
        doings += (self.train, self.prune, self.prune, self.refine, self.move, self.save)
        refused = 0
        for _ in range(steps):
            before = self.model(self.x)
            try:
                doings[self.rng.integers(len(doings))]()
            except DOCUMENTED:
                refused += 1
                assert np.array_equal(self.model(self.x), before)
            assert np.isfinite(self.model(self.x)).all()
            assert np.isfinite(self.model._theta).all()
            assert self.model.n_params == self.model._theta.size > 0
        self.save()
        return refused


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_sequences(chunk):
    steps, refused = 8, 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", NotLearntWarning)  # random symbols, trained for a moment
        for seed in range(chunk, SEQUENCES, CHUNKS):
            refused += Sequence(seed).run(steps)
    assert refused < steps * SEQUENCES / CHUNKS / 3  # most steps do something
