"""The readers that are fuzzed, with the results and errors that each may return for any file."""

from __future__ import annotations

import contextlib
import io
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kan_np import load_csv, load_model
from sweeps.cli import main

#: Processor seconds, and megabytes beyond those before, that a reader may take: the promise of `load_model`,
#: and for commands what a plan of a million runs is allowed.
BOUNDS = {"model": (5.0, 300.0), "table": (5.0, 300.0), "spec": (20.0, 1000.0), "store": (20.0, 500.0)}


class BrokenPromiseError(Exception):
    """A reader has answered in a way that is not documented."""


def read(kind: str, data: bytes, folder: Path) -> str:
    """Give a file to its readers, and say what came of it: "read" or "refused".

    Raises
    ------
    BrokenPromiseError
        For wrong exit codes, more than a line of error, models that are not what was read.
    Exception
        What a reader raised and should not have.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return _READERS[kind](data, folder)


def _model(data: bytes, folder: Path) -> str:
    try:
        model = load_model(io.BytesIO(data))
    except ValueError:
        return "refused"
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    again = load_model(buffer)
    with np.errstate(all="ignore"), contextlib.suppress(ValueError):
        x = np.zeros((3, model.width[0]))
        if not np.array_equal(model(x), again(x), equal_nan=True):
            raise BrokenPromiseError("a model that was saved again is another one")
    if not np.isfinite(model._theta).all():
        raise BrokenPromiseError("parameters are not finite")
    return "read"


def _table(data: bytes, folder: Path) -> str:
    path = folder / "t.csv"
    path.write_bytes(data)
    answers = set()
    for options in ({}, {"classes": "one-hot", "folds": 3}, {"group": "c", "decimal": ","}):
        try:
            dataset = load_csv(path, "y", **options)
        except (ValueError, TypeError, OSError) as error:
            if not str(error) or isinstance(error, UnicodeError | RecursionError):
                raise BrokenPromiseError(f"{type(error).__name__} says {str(error)[:80]!r}") from error
            answers.add("refused")
        else:
            if not all(np.isfinite(dataset[name]).all() for name in ("train_input", "train_label")):
                raise BrokenPromiseError("values are not finite")
            answers.add("read")
    return "read" if "read" in answers else "refused"


def _spec(data: bytes, folder: Path) -> str:
    rows = "\n".join(f"{i},{i % 7},{i % 5},{i % 3}" for i in range(40))
    (folder / "t.csv").write_text(f"a,b,c,y\n{rows}\n")
    (folder / "t.toml").write_bytes(data)
    return _command("run", str(folder / "t.toml"), "--dry-run", "--out", str(folder / "out"))


def _store(data: bytes, folder: Path) -> str:
    store, new = folder / "store", folder / "new"
    for path in (store, new):
        shutil.rmtree(path, ignore_errors=True)
    store.mkdir()
    (store / "results.db").write_bytes(data)
    answers = [
        _command("status", str(store)),
        _command("list", str(store)),
        _command("export", str(store), "-o", str(folder / "x.csv")),
        _command("show", str(store), "0" * 15 + "2", "--out", str(folder / "x.png")),
        _command("repair", str(store), "--out", str(new)),
    ]
    return "read" if answers[0] == "read" else "refused"


def _command(*arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    told = err.getvalue()
    if code not in (0, 1, 2):
        raise BrokenPromiseError(f"{arguments[0]} ends with code {code}")
    if code == 2 and len(told.strip().splitlines()) != 1:
        raise BrokenPromiseError(f"{arguments[0]} says {told[:300]!r}")
    return "refused" if code == 2 else "read"


_READERS: dict[str, Callable[[bytes, Path], str]] = {
    "model": _model,
    "table": _table,
    "spec": _spec,
    "store": _store,
}
