"""Makes a table of hyperbolic knots: translations of the cusp, volumes and the signature of each.

    python -m kan_np.data.make_knots --knots 10000

Knots are drawn at random from the Hoste-Thistlethwaite table, 59,937 prime knots of up to 14 crossings, and
computed by snappy, which is imported where it is used: ``pip install 'kan_np[knots]'``, best in an
environment of its own, as Dask takes a module of that name for its compression and fails. Nothing is
downloaded. A knot takes some 25 ms. Knots whose triangulation stays degenerate, and those that are not
hyperbolic, are left out and counted.

All numbers of a row are of one diagram, for signature and meridional translation change their sign in its
mirror image. The translations of KnotInfo belong to the mirror image of its diagram for many knots, so that
the two tables cannot be joined by name.
"""

from __future__ import annotations

import argparse
import gzip
import math
import os
import sys
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np.data.knots import COLUMNS, KnotTable, load_knots

#: Tries with another triangulation of the same exterior. 2 of 10,000 knots stay without a geometric one.
_TRIES = 20
#: Digits that are written: snappy's doubles agree with KnotInfo to ten.
_DIGITS = 12


def data_folder() -> Path:
    """Where tables are kept: ``KAN_NP_DATA``, or "kan_np" in the user's folder of caches."""
    chosen = os.environ.get("KAN_NP_DATA")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "kan_np"


def cached_knots(n_knots: int = 10_000, *, seed: int = 0, progress: bool = False) -> KnotTable:
    """Knots from the user's folder, where they are made, and kept, by the first call.

    This is the one function that writes there; making 10,000 knots takes some five minutes.

    Parameters
    ----------
    n_knots : int
        Rows, at most 59,937; those of knots that cannot be computed are left out.
    seed : int
        Of the choice of knots.
    progress : bool
        Say on standard error how many knots are done.

    Returns
    -------
    dict of str to ndarray
        As `kan_np.data.knots.load_knots` returns it.

    Raises
    ------
    ImportError
        Without snappy, where the table is not there yet.
    """
    n_knots = _validate.integer("n_knots", n_knots, 1)
    seed = _validate.integer("seed", seed, 0)
    path = data_folder() / f"knots-{n_knots}-{seed}.csv.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        make_knots(path, n_knots, seed=seed, progress=progress)
    return load_knots(path)


def make_knots(
    path: str | PathLike[str], n_knots: int = 10_000, *, seed: int = 0, progress: bool = False
) -> int:
    """Compute knots and write them as CSV, packed where the name ends with ".gz"; see the module.

    Parameters
    ----------
    path : path-like
        Is written when all knots are done.
    n_knots, seed, progress
        As in `cached_knots`.

    Returns
    -------
    int
        Knots that were left out.

    Raises
    ------
    ImportError
        Without snappy.
    ValueError
        For more knots than the table has.
    """
    census = _census()
    n_knots = _validate.integer("n_knots", n_knots, 1, len(census))
    chosen = np.random.default_rng(seed).permutation(len(census))[:n_knots]
    rows, left_out = [], 0
    for count, number in enumerate(chosen, 1):
        row = _row(census[int(number)])
        if row is None:
            left_out += 1
        else:
            rows.append(row)
        if progress and count % 100 == 0:
            sys.stderr.write(f"{count} of {n_knots} knots, {left_out} left out\n")
    _write(Path(path), rows)
    return left_out


def _census() -> Any:
    try:
        import snappy
    except ImportError as error:
        raise ImportError(
            "knots are computed by snappy, which is not installed: pip install 'kan_np[knots]'. "
            "kan_np.data.load_knots() has 2,000 knots without it."
        ) from error
    return snappy.HTLinkExteriors(knots_vs_links="knots")


def _row(manifold: Any) -> list[str] | None:
    """Name and numbers of a knot; None where there is no geometric triangulation."""
    link = manifold.link()
    exterior = link.exterior()
    for _ in range(_TRIES):
        if exterior.solution_type() == "all tetrahedra positively oriented":
            break
        exterior.randomize()
    else:
        return None
    meridian, longitude, cusp_volume = _maximal_cusp(exterior)
    numbers = {
        "meridional_translation_real": meridian.real,
        "meridional_translation_imag": meridian.imag,
        "longitudinal_translation": longitude,
        "volume": float(exterior.volume()),
        "chern_simons": float(exterior.chern_simons()),
        "cusp_volume": cusp_volume,
    }
    whole = {"signature": signature(link.seifert_matrix()), "crossings": len(link.crossings)}
    cells = {key: f"{value:.{_DIGITS}g}" for key, value in numbers.items()}
    cells |= {key: str(value) for key, value in whole.items()} | {"name": manifold.name()}
    return [cells[column] for column in COLUMNS]


def _maximal_cusp(exterior: Any) -> tuple[complex, float, float]:
    """Translations of meridian and longitude on the largest cusp that does not meet itself, and its volume.

    Those of a smaller one are scaled: snappy does not end where it enlarges the cusps of some knots.
    """
    cusp = exterior.cusp_neighborhood()
    meridian, longitude = map(complex, cusp.translations(0))
    factor = math.exp(cusp.stopping_displacement() - cusp.get_displacement())
    return factor * meridian, factor * longitude.real, factor**2 * float(cusp.volume())


def signature(seifert_matrix: Any) -> int:
    """Signature of a knot by a Seifert matrix V: positive minus negative eigenvalues of V + V^T.

    That of the trefoil whose crossings are positive is 2. KnotInfo has the opposite sign.

    Examples
    --------
    >>> signature([[1, -1], [0, 1]]), signature([[1, 1], [0, -1]])
    (2, 0)
    """
    form = np.array(seifert_matrix, dtype=np.float64)
    values = np.linalg.eigvalsh(form + form.T) if form.size else np.zeros(0)
    return int(np.count_nonzero(values > 0) - np.count_nonzero(values < 0))


def _write(path: Path, rows: list[list[str]]) -> None:
    """The rows in a file that is there as a whole or not at all, with the same bytes for the same rows."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                packed.write(_text(rows))
        else:
            raw.write(_text(rows))
    part.replace(path)


def _text(rows: list[list[str]]) -> bytes:
    lines = (",".join(row) for row in ([*COLUMNS], *rows))
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def main(arguments: list[str] | None = None) -> int:
    """The command: make a table of knots, say where it is and how many were left out, and return 0."""
    parser = argparse.ArgumentParser(
        prog="python -m kan_np.data.make_knots",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--knots", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="file to write; in the user's folder if not given")
    options = parser.parse_args(arguments)
    path = (
        Path(options.out) if options.out else data_folder() / f"knots-{options.knots}-{options.seed}.csv.gz"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    left_out = make_knots(path, options.knots, seed=options.seed, progress=True)
    sys.stderr.write(f"{path}: {options.knots - left_out} knots; {left_out} left out\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
