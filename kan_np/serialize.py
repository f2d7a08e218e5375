"""Models in files: one .npz with arrays and a JSON header, no pickle, written atomically."""

from __future__ import annotations

import json
import reprlib
from os import PathLike
from typing import Any, BinaryIO

from kan_np.archive import Archive, opened
from kan_np.data.columns import Columns
from kan_np.data.scaler import Scaler
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.model_file import BARS_PREFIX, FORMAT_VERSION, SCALER_PREFIX
from kan_np.network.state import check_text, check_vector
from kan_np.objective.losses import restored_loss
from kan_np.training.training_range import checked_range
from kan_np.uncertainty.state import restored_bars

_KINDS: dict[str, type[KAN] | type[MLP]] = {"KAN": KAN, "MLP": MLP}
#: Attributes that are ranges of the inputs; files of earlier versions have none.
_RANGES = ("training_range", "followed_range")
#: Which layer the values of a scaler are for.
_SCALERS = {
    f"{SCALER_PREFIX}{side}_{kind}": layer
    for side, layer in (("input", 0), ("label", -1))
    for kind in ("shift", "scale")
}


def load_model(file: str | PathLike[str] | BinaryIO) -> KAN | MLP:
    """Read a model that ``save`` wrote, back to the same bits.

    Parameters
    ----------
    file : path or binary file

    Raises
    ------
    FileNotFoundError, PermissionError, IsADirectoryError
    ValueError
        If the file is damaged, is not a model, was written by a newer version, or holds what no model has:
        parameters that are not finite, knots that do not increase, symbols that take too long to set up.

    Notes
    -----
    A file from anywhere may be opened: nothing in it is executed, and no array is made before its header
    and its shape are known to fit together and to the size of the file.

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
    with opened(file) as handle:
        try:
            archive = Archive(handle)
            header = _header(archive)
        except Exception as error:  # a damaged archive can make the readers fail in any way
            raise ValueError(
                f"{name} cannot be read as a kan_np model ({_short(error)}); it is damaged or something else."
            ) from error
        _check_header(header, name)
        try:
            return _restored(header, archive)
        except Exception as error:
            raise ValueError(f"{name} is a damaged kan_np model ({_short(error)}).") from error


def _header(archive: Archive) -> Any:
    if "header" not in archive.declared:
        raise ValueError("it has no header")
    check_text("header", archive.declared["header"])
    return json.loads(str(archive.read("header")))


def _check_header(header: object, name: str) -> None:
    if (
        not isinstance(header, dict)
        or header.get("format") != "kan_np model"
        or not isinstance(header.get("version"), int)
        or str(header.get("kind")) not in _KINDS
    ):
        raise ValueError(f"{name} is not a kan_np model; its header says {reprlib.repr(header)}.")
    if header["version"] > FORMAT_VERSION:
        raise ValueError(
            f"{name} has format version {header['version']}, this kan_np reads up to {FORMAT_VERSION}; "
            "install a newer kan_np."
        )


def _restored(header: dict[str, Any], archive: Archive) -> KAN | MLP:
    """The model of a file: first all shapes are compared with the header, then the arrays are read."""
    config = header["config"]
    if not isinstance(config, dict):
        raise ValueError(f"its configuration is {reprlib.repr(config)}")
    kind = _KINDS[header["kind"]]
    declared = {name: array for name, array in archive.declared.items() if name != "header"}
    bars = {name: declared.pop(name) for name in list(declared) if name.startswith(BARS_PREFIX)}
    ranges = {name: declared.pop(name) for name in _RANGES if name in declared}
    scaling = [name for name in declared if name.startswith(SCALER_PREFIX)]
    width = kind._check_arrays(config, {name: declared[name] for name in declared if name not in scaling})
    for name in scaling:
        if name not in _SCALERS:
            raise ValueError(f"there is an array {name[:40]!r}, which no scaler has")
        check_vector(name, declared[name], width[_SCALERS[name]])
    for name, limits in ranges.items():
        if limits.shape != (2, width[0]):
            raise ValueError(
                f"the {name.replace('_', ' ')} is of shape {limits.shape}; expected (2, {width[0]})"
            )
    arrays = {name: archive.read(name) for name in declared if name not in scaling}
    model = kind._restore(config, arrays)
    if scaling:
        values = {name.removeprefix(SCALER_PREFIX): archive.read(name) for name in scaling}
        model.scaler = Scaler.from_arrays(values)
    found = {
        name: checked_range(name.replace("_", " "), archive.read(name), model.width[0]) for name in ranges
    }
    model._training_range = found.get("training_range")
    model._followed = found.get("followed_range")
    if "loss" in header:
        model._loss = restored_loss(header["loss"])
    model._columns = Columns.of(header.get("columns", {}), model.width[0], model.width[-1])
    if bars:
        model._error_bars = restored_bars(model, header.get("error_bars"), bars, archive.read, _KINDS)
    return model


def _short(error: Exception) -> str:
    """What an error says, at most a few lines of it."""
    text = str(error) or type(error).__name__
    return text if len(text) <= 500 else text[:497] + "..."
