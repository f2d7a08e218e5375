"""Small and wide tables on which flexible models can have huge errors: scikit-learn's, and generated ones.

Of every table the data seed draws the rows, or where these are given which of them train and which test.
Inputs and labels have mean 0 and standard deviation 1 on the training rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from kan_np import Dataset, dataset_from_arrays, standardized

FloatArray = NDArray[np.float64]
Rng = np.random.Generator
Rows = tuple[FloatArray, FloatArray]

#: Rows of a made table that test; of a given one at most so many of the rest.
_N_TEST = 200
#: Parts of a table of twenty rows: five test rows alone would say little, so each part tests once.
_FOLDS = 4


def folds(table: str, data_seed: int) -> list[Dataset]:
    """Return the datasets of a draw: one, or where rows are very few one for each part that tests.

    Parameters
    ----------
    table : str
        A key of `TABLES`.
    data_seed : int
    """
    rng = np.random.default_rng([data_seed, list(TABLES).index(table)])
    return TABLES[table](rng)


def _dataset(train: Rows, test: Rows) -> Dataset:
    dataset = standardized(dataset_from_arrays(*train, *test))
    del dataset["scaler"]  # the standardised numbers are the data, for all methods
    return dataset


def _linnerud(rng: Rng) -> list[Dataset]:
    found = datasets.load_linnerud()
    order = rng.permutation(len(found.data))
    x, y = found.data[order], found.target[order]
    parts = np.array_split(np.arange(len(x)), _FOLDS)
    return [_dataset((np.delete(x, p, 0), np.delete(y, p, 0)), (x[p], y[p])) for p in parts]


def _given(load: Callable[[], Rows], n_train: int) -> Callable[[Rng], list[Dataset]]:
    """Some rows of a given table train, and others test."""

    def draw(rng: Rng) -> list[Dataset]:
        x, y = load()
        order = rng.permutation(len(x))
        train, test = order[:n_train], order[n_train : n_train + _N_TEST]
        return [_dataset((x[train], y[train]), (x[test], y[test]))]

    return draw


def _made(make: Callable[[Rng, int], Rows], n_train: int) -> Callable[[Rng], list[Dataset]]:
    """The first rows of a made table train."""

    def draw(rng: Rng) -> list[Dataset]:
        x, y = make(rng, n_train + _N_TEST)
        return [_dataset((x[:n_train], y[:n_train]), (x[n_train:], y[n_train:]))]

    return draw


# ---------------------------------------------------------------- given tables


def _diabetes() -> Rows:
    return datasets.load_diabetes(return_X_y=True)


def _column(load: Callable[..., Rows], column: int) -> Callable[[], Rows]:
    """A column of a table for classification is what is to be learnt from the others."""

    def rows() -> Rows:
        x = np.asarray(load(return_X_y=True)[0], dtype=np.float64)
        return np.delete(x, column, axis=1), x[:, column]

    return rows


def _digits() -> Rows:
    """The digit as a number from the 64 pixels, some of which never vary."""
    x, y = datasets.load_digits(return_X_y=True)
    return x, np.asarray(y, dtype=np.float64)


# ---------------------------------------------------------------- made tables


def _with_noise(rng: Rng, signal: FloatArray, share: float) -> FloatArray:
    """Labels of which a share of the variance is noise."""
    noise = rng.normal(0.0, np.sqrt(share / (1.0 - share)) * signal.std(), signal.shape)
    return np.asarray(signal + noise)


def _wide_linear(rng: Rng, n: int) -> Rows:
    return datasets.make_regression(
        n, 50, n_informative=10, noise=30.0, random_state=int(rng.integers(2**31))
    )


def _friedman1(x: FloatArray) -> FloatArray:
    """Friedman 1991, Multivariate adaptive regression splines, equation 61."""
    return np.asarray(
        10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    )


def _wide_friedman(rng: Rng, n: int) -> Rows:
    """Friedman's function of five inputs twice, and forty more inputs."""
    x = rng.random((n, 50))
    return x, _friedman1(x[:, :5]) + _friedman1(x[:, 5:10]) + rng.normal(size=n)


def _friedman_small(rng: Rng, n: int) -> Rows:
    x = rng.random((n, 10))
    return x, _friedman1(x) + rng.normal(size=n)


def _impedance(rng: Rng, n: int) -> Rows:
    return datasets.make_friedman2(n, noise=100.0, random_state=int(rng.integers(2**31)))


def _noise(rng: Rng, n: int) -> Rows:
    return rng.normal(size=(n, 5)), rng.normal(size=n)


def _weak_and_wide(rng: Rng, n: int) -> Rows:
    x = rng.normal(size=(n, 30))
    return x, _with_noise(rng, x[:, 0] + x[:, 1] * x[:, 2], 0.7)


def _dozen(rng: Rng, n: int) -> Rows:
    x = rng.uniform(0.0, 1.0, (n, 1))
    return x, _with_noise(rng, np.sin(2 * np.pi * x[:, 0]), 0.02)


def _steps(rng: Rng, n: int) -> Rows:
    x = rng.uniform(-1.0, 1.0, (n, 3))
    return x, _with_noise(rng, np.sign(x[:, 0]) + np.sign(x[:, 1] - 0.3), 0.1)


def _heavy_tails(rng: Rng, n: int) -> Rows:
    x = rng.standard_t(2.0, (n, 3))
    return x, _with_noise(rng, np.tanh(x[:, 0]) + np.tanh(x[:, 1] - x[:, 2]), 0.2)


def _skewed_labels(rng: Rng, n: int) -> Rows:
    x = rng.normal(size=(n, 4))
    return x, np.exp(0.7 * x[:, 0] + 0.5 * x[:, 1] + rng.normal(0.0, 0.5, n))


def _collinear(rng: Rng, n: int) -> Rows:
    hidden = rng.normal(size=(n, 3))
    x = hidden @ rng.normal(size=(3, 20)) + rng.normal(0.0, 0.05, (n, 20))
    return x, _with_noise(rng, hidden[:, 0] + hidden[:, 1] ** 2, 0.2)


def _binary(rng: Rng, n: int) -> Rows:
    x = rng.integers(0, 2, (n, 12)).astype(np.float64)
    return x, _with_noise(rng, x[:, 0] + 2 * x[:, 1] * x[:, 2] - x[:, 3], 0.2)


def _one_far_row(rng: Rng, n: int) -> Rows:
    """One training row lies at a hundred standard deviations in one input."""
    x = rng.normal(size=(n, 2))
    y = _with_noise(rng, np.sin(2 * x[:, 0]) + x[:, 1], 0.1)
    x[0, 0] = 100.0
    return x, y


def _repeats(rng: Rng, n: int) -> Rows:
    """Some fifteen settings, each measured several times; what is new is tested."""
    settings = rng.uniform(-1.0, 1.0, (15, 2))
    x = np.concatenate([settings[rng.integers(15, size=n - _N_TEST)], rng.uniform(-1.0, 1.0, (_N_TEST, 2))])
    return x, _with_noise(rng, x[:, 0] + x[:, 1] ** 2, 0.1)


#: linnerud and the two wide ones are those on which users saw blow-ups; new ones go to the end.
TABLES: dict[str, Callable[[Rng], list[Dataset]]] = {
    "linnerud": _linnerud,
    "wide-linear": _made(_wide_linear, 400),
    "wide-friedman": _made(_wide_friedman, 400),
    "diabetes-40": _given(_diabetes, 40),
    "diabetes-100": _given(_diabetes, 100),
    "diabetes-300": _given(_diabetes, 300),
    "wine-alcohol": _given(_column(datasets.load_wine, 0), 120),
    "iris-petal-width": _given(_column(datasets.load_iris, 3), 100),
    "iris-sepal-30": _given(_column(datasets.load_iris, 1), 30),
    "cancer-fractal": _given(_column(datasets.load_breast_cancer, 9), 150),
    "digits": _given(_digits, 300),
    "friedman-60": _made(_friedman_small, 60),
    "impedance-80": _made(_impedance, 80),
    "noise": _made(_noise, 100),
    "weak-and-wide": _made(_weak_and_wide, 150),
    "dozen": _made(_dozen, 12),
    "steps": _made(_steps, 60),
    "heavy-tails": _made(_heavy_tails, 120),
    "skewed-labels": _made(_skewed_labels, 150),
    "collinear": _made(_collinear, 80),
    "binary": _made(_binary, 100),
    "one-far-row": _made(_one_far_row, 100),
    "repeats": _made(_repeats, 60),
}
