"""Knots and their invariants: the table in which A. Davies et al. found that geometry predicts the signature.

Columns, for hyperbolic knots of the Hoste-Thistlethwaite table with up to 14 crossings:

    name                          K13a1533: the 1533rd alternating knot of 13 crossings
    signature                     positive minus negative eigenvalues of V + V^T, V a Seifert matrix
    meridional_translation_real   mu_r, of the meridian as a translation mu of the maximal cusp's boundary
    meridional_translation_imag   mu_i
    longitudinal_translation      lambda > 0, of the longitude, whose direction is that of real numbers
    volume                        of the complement
    chern_simons                  its Chern-Simons invariant, modulo 1/2
    cusp_volume                   volume of the maximal cusp
    crossings                     of the diagram that all of this is computed from

The natural slope is Re(lambda / mu) = lambda mu_r / (mu_r^2 + mu_i^2); minus half of it is about the
signature.

Source of the data set: A. Davies et al. (2021), Advancing mathematics by guiding human intuition with AI,
Nature 600, 70; of its use for KANs: arXiv:2404.19756, section 4.3. Other columns of that table (short
geodesics, injectivity radius, torsion degrees) snappy gives with much more work only. The rows are computed
by `kan_np.data.make_knots`.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray

KnotTable = dict[str, NDArray[Any]]

#: Columns of a table, in the order of the file.
COLUMNS = (
    "name",
    "signature",
    "meridional_translation_real",
    "meridional_translation_imag",
    "longitudinal_translation",
    "volume",
    "chern_simons",
    "cusp_volume",
    "crossings",
)
#: Columns that describe the geometry, from which the signature is predicted.
FEATURES = (*COLUMNS[2:8],)

_WHOLE = ("signature", "crossings")
_SHIPPED = Path(__file__).with_name("knots.csv.gz")


def load_knots(path: str | PathLike[str] | None = None) -> KnotTable:
    """Read a table of hyperbolic knots: 2,000 of them, drawn at random, if no file is named.

    Parameters
    ----------
    path : path-like, optional
        A table that `kan_np.data.make_knots` has written.

    Returns
    -------
    dict of str to ndarray of shape (n_knots,)
        The columns of the module, by name: text for "name", integers for "signature" and "crossings".

    Raises
    ------
    ValueError
        For a file with other columns.

    Examples
    --------
    >>> from kan_np.data import load_knots
    >>> knots = load_knots()
    >>> len(knots["signature"]), sorted(set((knots["signature"] % 2).tolist()))
    (2000, [0])
    """
    file = _SHIPPED if path is None else Path(path)
    raw = file.read_bytes()
    text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode("utf-8")
    header, *rows = csv.reader(text.splitlines())
    if tuple(header) != COLUMNS:
        raise ValueError(
            f"{file} has the columns {', '.join(header)}; expected {', '.join(COLUMNS)}, as "
            "python -m kan_np.data.make_knots writes them."
        )
    columns = zip(COLUMNS, zip(*rows, strict=True), strict=True)
    return {name: _array(name, cells) for name, cells in columns}


def _array(name: str, cells: tuple[str, ...]) -> NDArray[Any]:
    if name == "name":
        return np.array(cells)
    return np.array(cells, dtype=np.int64 if name in _WHOLE else np.float64)


def natural_slope(knots: Mapping[str, Any]) -> FloatArray:
    """Natural slope lambda mu_r / (mu_r^2 + mu_i^2) of every knot of a table: (n_knots,).

    Source: A. Davies, A. Juhasz, M. Lackenby and N. Tomasev (2021), arXiv:2111.15323, section 1.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.data.knots import load_knots, natural_slope
    >>> knots = load_knots()
    >>> bool(np.corrcoef(natural_slope(knots), knots["signature"])[0, 1] < -0.96)
    True
    """
    real, imag, longitude = (np.asarray(knots[name], dtype=np.float64) for name in COLUMNS[2:5])
    return np.asarray(longitude * real / (real**2 + imag**2))
