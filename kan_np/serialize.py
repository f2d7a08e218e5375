"""Models in files: one .npz with arrays and a JSON header, no pickle, written atomically."""

from __future__ import annotations

import json
import os
import secrets
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kan_np._version import __version__
from kan_np.data.columns import Columns
from kan_np.data.scaler import Scaler
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.trainable import Trainable
from kan_np.training_range import checked_range

#: Raised when what is written changes so that older readers would misread it.
FORMAT_VERSION = 4

_KINDS: dict[str, type[KAN] | type[MLP]] = {"KAN": KAN, "MLP": MLP}
_SCALER_PREFIX = "scaler_"
_RANGE = "training_range"


def save_model(model: Trainable, file: str | PathLike[str] | BinaryIO) -> None:
    """Write `model` to a path or an open binary file; see ``KAN.save``."""
    header = {
        "format": "kan_np model",
        "version": FORMAT_VERSION,
        "kind": type(model).__name__,
        "config": model._config(),
        "written_by": __version__,
    }
    if columns := model._columns.described():
        header["columns"] = columns  # which readers of earlier versions leave out
    arrays: dict[str, Any] = {"header": np.array(json.dumps(header, sort_keys=True)), **model._arrays()}
    if model.scaler is not None:
        arrays |= {_SCALER_PREFIX + name: a for name, a in model.scaler.to_arrays().items()}
    if model._training_range is not None:
        arrays[_RANGE] = model._training_range
    if not isinstance(file, str | PathLike):
        np.savez(file, **arrays)
        return
    path = Path(file)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot save {path}: there is no folder {path.parent}; make it first.")
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


def load_model(file: str | PathLike[str] | BinaryIO) -> KAN | MLP:
    """Read a model that ``save`` wrote, back to the same bits.

    Parameters
    ----------
    file : path or binary file

    Raises
    ------
    FileNotFoundError, PermissionError, IsADirectoryError
    ValueError
        If the file is damaged, is not a model, or was written by a newer version.

    Examples
    --------
    >>> import io
    >>> from kan_np import KAN, load_model
    >>> buffer = io.BytesIO()
    >>> KAN([2, 1], seed=0).save(buffer)
    >>> _ = buffer.seek(0)
    >>> load_model(buffer)
    KAN([2, 1], grid=5, k=3, n_params=18)
    """
    name = str(file) if isinstance(file, str | PathLike) else "the file"
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        header = json.loads(str(arrays.pop("header")))
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # a damaged archive can make the readers below fail in any way
        raise ValueError(
            f"{name} cannot be read as a kan_np model ({error}); it is damaged or something else."
        ) from error
    _check_header(header, name)
    scaling = {k.removeprefix(_SCALER_PREFIX): arrays[k] for k in arrays if k.startswith(_SCALER_PREFIX)}
    try:
        model = _KINDS[header["kind"]]._restore(header["config"], arrays)
        model.scaler = Scaler.from_arrays(scaling) if scaling else None
        model._columns = Columns.of(header.get("columns", {}), model.width[0], model.width[-1])
        if _RANGE in arrays:  # files of earlier versions have none
            model._training_range = checked_range(arrays[_RANGE], model.width[0])
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{name} is a damaged kan_np model ({error}).") from error
    return model


def _check_header(header: object, name: str) -> None:
    if (
        not isinstance(header, dict)
        or header.get("format") != "kan_np model"
        or not isinstance(header.get("version"), int)
        or str(header.get("kind")) not in _KINDS
    ):
        raise ValueError(f"{name} is not a kan_np model; its header says {header}.")
    if header["version"] > FORMAT_VERSION:
        raise ValueError(
            f"{name} has format version {header['version']}, this kan_np reads up to {FORMAT_VERSION}; "
            "install a newer kan_np."
        )
