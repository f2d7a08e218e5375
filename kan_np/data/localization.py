"""Localised and extended states of quasiperiodic chains: spectra of three models with a mobility edge.

A chain of N sites has the potential V_n with w_n = cos(2 pi b n + phi), b = (1 + sqrt 5)/2, and hopping 1
between neighbours unless said otherwise:

    "mosaic"        V_n = lambda w_n for even n, 0 for odd n       lambda |E| = 2
    "generalized"   V_n = 2 lambda w_n / (1 - alpha w_n)           2 lambda = 2 - alpha E
    "modified"      V_n = lambda w_n, hopping e^(-p (|n-m| - 1))   lambda cosh p = E + e^p

The last column is the mobility edge; states whose left side is the larger one are localised. An eigenstate
psi has the inverse participation ratio IPR = sum |psi_n|^4 / (sum |psi_n|^2)^2 and the fractal dimension
D = -log IPR / log N, near 1 where it is extended and near 0 where it is localised.

Sources: Y. Wang et al. (2020), Phys. Rev. Lett. 125, 196604 (mosaic, here for kappa = 2 and without the
factor 2 of its potential); S. Ganeshan et al. (2015), Phys. Rev. Lett. 114, 146601 (generalized); J. Biddle
and S. Das Sarma (2010), Phys. Rev. Lett. 104, 070601 (modified); arXiv:2404.19756, section 4.4, for KANs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._validate import FloatArray

_GOLDEN = (1.0 + np.sqrt(5.0)) / 2.0
#: A Fibonacci number, so that the open chain holds nearly whole periods of the potential.
N_SITES = 610
#: Fractal dimension below which a state is called localised. Theory agrees with 99.1 to 99.7 % of the states
#: of 12 spectra of each model; with 0.45 or 0.6 it is 98.2 to 99.8 %.
THRESHOLD = 0.5


@dataclass(frozen=True)
class ChainModel:
    """A model of chains.

    Attributes
    ----------
    ranges : dict of str to (float, float)
        Between which its parameters are drawn.
    edge : callable
        g of the parameters, then the energy: above 0 where theory says that states are localised.
    formula : str
        The mobility edge g = 0.
    matrix : callable
        Hamiltonian (N, N) for N sites, cos(2 pi b n + phi) on them, and the parameters.
    """

    ranges: dict[str, tuple[float, float]]
    edge: Callable[..., FloatArray]
    formula: str
    matrix: Callable[..., FloatArray]


def _neighbours(n: int) -> FloatArray:
    return np.eye(n, k=1) + np.eye(n, k=-1)


def _mosaic(wave: FloatArray, lam: float) -> FloatArray:
    return _neighbours(wave.size) + np.diag(np.where(np.arange(1, wave.size + 1) % 2 == 0, lam * wave, 0.0))


def _generalized(wave: FloatArray, alpha: float, lam: float) -> FloatArray:
    return _neighbours(wave.size) + np.diag(2.0 * lam * wave / (1.0 - alpha * wave))


def _modified(wave: FloatArray, p: float, lam: float) -> FloatArray:
    sites = np.arange(wave.size)
    distance = np.abs(sites[:, None] - sites)
    return np.where(distance > 0, np.exp(-p * (distance - 1.0)), 0.0) + np.diag(lam * wave)


MODELS = {
    "mosaic": ChainModel(
        {"lam": (0.5, 4.0)},
        lambda lam, energy: lam * np.abs(energy) - 2.0,
        "lam*Abs(energy) - 2",
        _mosaic,
    ),
    "generalized": ChainModel(
        {"alpha": (0.0, 0.8), "lam": (0.5, 1.5)},
        lambda alpha, lam, energy: alpha * energy + 2.0 * lam - 2.0,
        "alpha*energy + 2*lam - 2",
        _generalized,
    ),
    "modified": ChainModel(
        {"p": (1.0, 4.0), "lam": (0.5, 4.0)},
        lambda p, lam, energy: lam * np.cosh(p) - energy - np.exp(p),
        "lam*cosh(p) - energy - exp(p)",
        _modified,
    ),
}


def fractal_dimension(states: ArrayLike) -> FloatArray:
    """Fractal dimension D = -log IPR / log N of every column of an array of states, (N, n_states).

    Raises
    ------
    ValueError
        For a single site, and for a column of zeros.

    Examples
    --------
    >>> import numpy as np
    >>> one_site, everywhere = np.eye(16)[:, 0], np.ones(16)
    >>> fractal_dimension(np.stack([one_site, everywhere], axis=1)).round(12).tolist()
    [0.0, 1.0]
    """
    psi = np.abs(np.asarray(states)) ** 2
    if psi.ndim != 2 or len(psi) < 2 or not (psi.sum(axis=0) > 0).all():
        raise ValueError(
            f"states is an array of shape {psi.shape}; expected (N, n_states), N at least 2, no state zero."
        )
    share = psi / psi.sum(axis=0)
    return np.asarray(np.abs(np.log(np.square(share).sum(axis=0)) / np.log(len(psi))))


def chain_spectrum(
    model: str, parameters: Mapping[str, float], phase: float = 0.0, n_sites: int = N_SITES
) -> tuple[FloatArray, FloatArray]:
    """Energies and fractal dimensions of all eigenstates of an open chain, (n_sites,) each.

    Parameters
    ----------
    model : {"mosaic", "generalized", "modified"}
    parameters : mapping of str to float
        Those of the model, such as {"alpha": 0.5, "lam": 1.2}.
    phase : float
        phi.
    n_sites : int
        N.

    Examples
    --------
    >>> energy, dimension = chain_spectrum("generalized", {"alpha": 0.0, "lam": 3.0}, n_sites=89)
    >>> bool(dimension.max() < 0.5)
    True
    """
    chosen = MODELS[_validate.choice("model", model, list(MODELS))]
    n_sites = _validate.integer("n_sites", n_sites, 2)
    if set(parameters) != set(chosen.ranges):
        raise ValueError(f"parameters has {sorted(parameters)}; expected {sorted(chosen.ranges)}.")
    values = [_validate.real(name, parameters[name]) for name in chosen.ranges]
    wave = np.cos(2.0 * np.pi * _GOLDEN * np.arange(1, n_sites + 1) + _validate.real("phase", phase))
    energy, states = np.linalg.eigh(chosen.matrix(wave, *values))
    return energy, fractal_dimension(states)


def load_localization(
    model: str,
    n_spectra: int = 300,
    *,
    n_states: int | None = 40,
    n_sites: int = N_SITES,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> dict[str, NDArray[Any]]:
    """Compute states of chains with random parameters, and which are localised.

    The states of one chain share its parameters: many chains with some states of each say more about the
    mobility edge than few chains with all of theirs.

    Parameters
    ----------
    model : {"mosaic", "generalized", "modified"}
    n_spectra : int
        Chains, each with parameters drawn evenly from the ranges of ``MODELS[model]``, and a phase.
    n_states : int, optional
        States of each that are kept, drawn at random; all if None.
    n_sites : int
        N, the number of states of a chain.
    threshold : float
        D below which a state is localised.
    seed : int

    Returns
    -------
    dict of str to ndarray of shape (n_spectra n_states,)
        "phi", the parameters, "energy", "dimension" (D), "localized" (0 or 1) and "spectrum", the number of
        the chain, by which a split keeps the states of one chain together.

    Raises
    ------
    ValueError, TypeError
        For an unknown model, and numbers out of range.

    Examples
    --------
    >>> table = load_localization("generalized", 2, n_sites=89)
    >>> list(table), len(table["energy"])
    (['phi', 'alpha', 'lam', 'energy', 'dimension', 'localized', 'spectrum'], 80)
    """
    chosen = MODELS[_validate.choice("model", model, list(MODELS))]
    n_spectra = _validate.integer("n_spectra", n_spectra, 1)
    n_sites = _validate.integer("n_sites", n_sites, 2)
    n_states = n_sites if n_states is None else _validate.integer("n_states", n_states, 1, n_sites)
    threshold = _validate.real("threshold", threshold, 0.0, 1.0)
    rng = np.random.default_rng(_validate.integer("seed", seed, 0))
    columns: dict[str, list[FloatArray]] = {
        name: [] for name in ("phi", *chosen.ranges, "energy", "dimension")
    }
    for _ in range(n_spectra):
        drawn = {name: float(rng.uniform(*ends)) for name, ends in chosen.ranges.items()}
        phase = float(rng.uniform(0.0, 2.0 * np.pi))
        energy, dimension = chain_spectrum(model, drawn, phase, n_sites)
        kept = np.sort(rng.permutation(n_sites)[:n_states])
        for name, value in {"phi": phase, **drawn}.items():
            columns[name].append(np.full(n_states, value))
        columns["energy"].append(energy[kept])
        columns["dimension"].append(dimension[kept])
    table: dict[str, NDArray[Any]] = {name: np.concatenate(parts) for name, parts in columns.items()}
    table["localized"] = (table["dimension"] < threshold).astype(np.int64)
    table["spectrum"] = np.repeat(np.arange(n_spectra), n_states)
    return table
