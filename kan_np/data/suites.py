"""Suites: named collections of functions to learn, with their ranges, and the datasets sampled from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray, choice, integer, matrix
from kan_np.data.check import Dataset
from kan_np.data.dataset import sample_box

_MODULES = {
    "toy": "kan_np.data.toy",
    "special": "kan_np.data.special",
    "feynman": "kan_np.data.feynman",
    "lennard-jones": "kan_np.data.lennard_jones",
    "difficult": "kan_np.data.difficult",
    "friedman": "kan_np.data.friedman",
    "families": "kan_np.data.families",
}
#: Noise has a stream of random numbers of its own, apart from those of the inputs and of splits (1).
_NOISE_STREAM = 2


@dataclass(frozen=True)
class SuiteFunction:
    """A function to learn, the box in which it is sampled, and a suggested width of a KAN.

    Parameters
    ----------
    name : str
        Unique within its suite.
    formula : str
        The function in plain text, for titles.
    variables : tuple of str
        Names of the d inputs.
    ranges : tuple of (float, float), length d
        Lowest and highest value of each input.
    shape : tuple of int
        A suggested width of a KAN, from inputs to outputs.
    function : callable
        Takes d arrays (n,), one per variable, and returns an array (n,).
    n_train, n_test : int
        Default numbers of samples.
    paper_kan_rmse, paper_mlp_rmse : float or None
        Best test RMSE of any KAN and of any MLP in the tables of arXiv:2404.19756. For orientation only: the
        paper gives neither input ranges nor numbers of samples.
    paper_uncertain : bool
        True if different copies of the paper's table disagree about this function.
    noise : float
        Standard deviation of the normal noise on the labels of training samples; those of test samples are
        values of the function itself.
    """

    name: str
    formula: str
    variables: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    shape: tuple[int, ...]
    function: Callable[..., FloatArray] = field(repr=False)
    n_train: int = 1000
    n_test: int = 1000
    paper_kan_rmse: float | None = None
    paper_mlp_rmse: float | None = None
    paper_uncertain: bool = False
    noise: float = 0.0

    def __post_init__(self) -> None:
        d = len(self.variables)
        if len(self.ranges) != d or self.shape[0] != d or self.shape[-1] != 1:
            raise ValueError(
                f"{self.name} has {d} variables, {len(self.ranges)} ranges and shape {self.shape}; expected "
                "one range per variable, and a shape from that number to 1."
            )

    def evaluate(self, Z: ArrayLike) -> FloatArray:
        """Return the function of the physical inputs `Z` (n, d), shape (n, 1).

        Raises
        ------
        ValueError
            If `Z` has another number of columns or values that are not finite.
        """
        columns = np.ascontiguousarray(matrix("Z", Z, len(self.variables)).T)
        return np.asarray(self.function(*columns), dtype=np.float64).reshape(-1, 1)

    def dataset(self, n_train: int | None = None, n_test: int | None = None, seed: int = 0) -> Dataset:
        """Sample the function.

        With ``U = numpy.random.default_rng(seed).random((n_train + n_test, d))`` and
        ``Z = lo + (hi - lo) * U``, the labels are ``evaluate(Z)`` and the inputs ``2 * U - 1``: the inputs of
        networks are in [-1, 1] for any physical range. The first `n_train` rows are the training samples.
        With `noise` normal numbers from ``numpy.random.SeedSequence(seed, spawn_key=(2,))`` are added to
        their labels.

        Parameters
        ----------
        n_train, n_test : int, optional
            Numbers of samples; default the function's own.
        seed : int

        Returns
        -------
        dict
            A dataset (see `create_dataset`) with ``feature_names`` and ``target_names``.

        Examples
        --------
        >>> dataset = get_suite("special")["jv"].dataset(n_train=500)
        >>> dataset["train_input"].shape, dataset["test_label"].shape
        ((500, 2), (1000, 1))
        """
        n_train = self.n_train if n_train is None else integer("n_train", n_train, 1)
        n_test = self.n_test if n_test is None else integer("n_test", n_test, 1)
        unit, points = sample_box(n_train + n_test, np.array(self.ranges), seed)
        inputs, labels = 2.0 * unit - 1.0, self.evaluate(points)
        train_label = labels[:n_train].copy()
        if self.noise:
            stream = np.random.SeedSequence(seed, spawn_key=(_NOISE_STREAM,))
            train_label += self.noise * np.random.default_rng(stream).standard_normal((n_train, 1))
        return {
            "train_input": inputs[:n_train].copy(),
            "train_label": train_label,
            "test_input": inputs[n_train:].copy(),
            "test_label": labels[n_train:].copy(),
            "feature_names": list(self.variables),
            "target_names": [self.name],
        }


@dataclass(frozen=True)
class Suite:
    """A named collection of functions, in the order in which reports show them.

    ``suite["jv"]`` is the function of that name (ValueError with the nearest spelling if there is none);
    iterating gives the functions.
    """

    name: str
    description: str
    functions: tuple[SuiteFunction, ...]

    def __getitem__(self, name: str) -> SuiteFunction:
        by_name = {function.name: function for function in self.functions}
        return by_name[choice(f"function of the suite {self.name!r}", name, by_name)]

    def __iter__(self) -> Iterator[SuiteFunction]:
        return iter(self.functions)

    def __len__(self) -> int:
        return len(self.functions)


def list_suites() -> tuple[str, ...]:
    """Return the names of the built-in suites.

    Examples
    --------
    >>> from kan_np import list_suites
    >>> list_suites()
    ('toy', 'special', 'feynman', 'lennard-jones', 'difficult', 'friedman', 'families')
    """
    return tuple(_MODULES)


def get_suite(name: str) -> Suite:
    """Return a built-in suite by its name, one of `list_suites`.

    Raises
    ------
    ValueError
        If there is none of that name; the message gives the nearest spelling.

    Examples
    --------
    >>> len(get_suite("special"))
    15
    """
    # Imported on demand: the modules of the suites import this one, and most programs need only one of them.
    suite = import_module(_MODULES[choice("suite", name, _MODULES)]).SUITE
    assert isinstance(suite, Suite)  # noqa: S101 - tells the type checker what the modules hold
    return suite


def entry(
    name: str,
    formula: str,
    box: Mapping[str, tuple[float, float]],
    shape: tuple[int, ...],
    function: Callable[..., FloatArray],
    *,
    n_train: int = 1000,
    paper: tuple[float, float] | None = None,
    uncertain: bool = False,
    noise: float = 0.0,
) -> SuiteFunction:
    """Return a `SuiteFunction` from one line of a suite.

    `box` maps each variable to its range; `paper` is (paper_kan_rmse, paper_mlp_rmse).
    """
    kan, mlp = (None, None) if paper is None else paper
    return SuiteFunction(
        name=name,
        formula=formula,
        variables=tuple(box),
        ranges=tuple((float(low), float(high)) for low, high in box.values()),
        shape=shape,
        function=function,
        n_train=n_train,
        paper_kan_rmse=kan,
        paper_mlp_rmse=mlp,
        paper_uncertain=uncertain,
        noise=noise,
    )
