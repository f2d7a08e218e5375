"""The file of a model as it is written: one .npz with arrays and a JSON header, no pickle, atomically."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kan_np._validate import FloatArray
from kan_np._version import __version__
from kan_np.archive import plain_words

#: Raised when what is written changes so that older readers would misread or refuse it.
FORMAT_VERSION = 7
#: The versions of files without symbols that have numbers of their own, whose rows readers of 6 cannot read,
#: without error bars, of which readers of 5 know nothing, and without a followed range, of which readers of 4
#: know nothing.
_WITHOUT_DOMAINS, _WITHOUT_ERROR_BARS, _WITHOUT_FOLLOWED_RANGE = 6, 5, 4
#: Entries of the row of a symbol without numbers of its own.
_ROW = 6
#: What the names of the arrays of error bars begin with.
BARS_PREFIX = "bars_"
#: What the names of a scaler's arrays begin with.
SCALER_PREFIX = "scaler_"


def write_model(
    file: str | PathLike[str] | BinaryIO, header: Mapping[str, Any], arrays: Mapping[str, FloatArray]
) -> None:
    """Write a model to a path or an open binary file; see ``KAN.save``.

    Parameters
    ----------
    file : path or writable binary file
    header : mapping
        Plain values: the kind of the model and its configuration.
    arrays : mapping of str to ndarray
    """
    described = {
        "format": "kan_np model",
        "version": _version(header, arrays),
        "written_by": __version__,
        **header,
    }
    write_arrays(file, {"header": np.array(json.dumps(described, sort_keys=True)), **arrays})


def write_arrays(file: str | PathLike[str] | BinaryIO, everything: Mapping[str, Any]) -> None:
    """Write arrays by name to one .npz, of a path atomically.

    Parameters
    ----------
    file : path or writable binary file
    everything : mapping of str to ndarray

    Raises
    ------
    OSError
        With a message that says what to do.
    """
    if not isinstance(file, str | PathLike):
        np.savez(file, **everything)
        return
    path = Path(file)
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
        if has_folder and not is_folder:
            _replace(path, everything)
            return
    except OSError as error:
        raise plain_words(error, f"cannot save {path}") from error
    if is_folder:
        raise IsADirectoryError(f"cannot save to {path}: it is a folder; expected a file, such as model.npz.")
    raise FileNotFoundError(f"cannot save {path}: there is no folder {path.parent}; make it first.")


def _version(header: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> int:
    """The lowest format version that has all of this."""
    rows = json.loads(str(arrays["symbols"])) if "symbols" in arrays else []
    if any(len(row) > _ROW for row in rows):
        return FORMAT_VERSION
    if "error_bars" in header:
        return _WITHOUT_DOMAINS
    return _WITHOUT_ERROR_BARS if "followed_range" in arrays else _WITHOUT_FOLLOWED_RANGE


def _replace(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write the file beside its place, and move it there when it is whole."""
    # not tempfile: its files are private to the user whatever the umask says
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with temporary.open("xb") as handle:
            np.savez(handle, **arrays)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
