"""Versions of a model: kept in memory where the user asks for it, at most so many, and gone back to.

A version has pykan's name, "round.number": the number counts changes, the round how often somebody went back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from kan_np import _validate
from kan_np.inspection.model_type import KanModel, M

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Version:
    """A copy of a model as it was behind a change; `method` is None where it came from `rewind`."""

    name: str
    before: str | None
    method: str | None
    model: Any = field(repr=False)

    @property
    def line(self) -> str:
        """What pykan's history says of it."""
        if self.before is None:
            return f"{self.name}"
        return f"{self.before} => {self.method} => {self.name}"


class History:
    """The versions of one model, the latest last.

    Parameters
    ----------
    limit : int
        The most that are kept.
    folder : Path, optional
        Where a file of every version is written.
    """

    def __init__(self, limit: int, folder: Path | None) -> None:
        self.limit, self.folder = limit, folder
        self.versions: list[Version] = []
        self._round = self._number = 0

    def begin(self, model: Any, note: str | None = None) -> None:
        """Take the model as it is: the first version, or that which a new round begins with."""
        self._keep(Version(self._name, note, None if note is None else "rewind", _detached(model)))

    def record(self, model: Any, method: str) -> None:
        """Take the model as it is behind a method."""
        before = self._name
        self._number += 1
        self._keep(Version(self._name, before, method, _detached(model)))

    def branch(self) -> History:
        """The same versions, for a model that was made of this one."""
        other = History(self.limit, self.folder)
        other.versions = list(self.versions)
        other._round, other._number = self._round, self._number
        return other

    def back_to(self, name: str) -> History:
        """The history in a new round that begins at a version."""
        version, other = self.version(name), self.branch()
        other._round = self._round + 1
        other._number = int(version.name.split(".")[1])
        other.begin(version.model, version.name)
        return other

    def version(self, name: str) -> Version:
        """A version by its name; ValueError where none is kept."""
        for version in reversed(self.versions):
            if version.name == name:
                return version
        known = [version.name for version in self.versions]
        raise ValueError(
            f"there is no version {_validate.shown(name)}; expected one of those that are kept: "
            f"{_validate.listed(known)}."
        )

    @property
    def _name(self) -> str:
        return f"{self._round}.{self._number}"

    def _keep(self, version: Version) -> None:
        self.versions = [*self.versions, version][-self.limit :]
        if self.folder is not None:
            version.model.save(self.folder / f"{version.name}.npz")

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """Copies of a model, such as a fit makes while it searches, have no history of their own."""
        return


def keep_history(model: KanModel, limit: int | None = 20, folder: str | PathLike[str] | None = None) -> None:
    """Keep a copy of the model now and after every method that changes it, or returns a changed one.

    What pykan's ``auto_save`` is for: `rewind` and `checkout` go back to a version, `history` lists them.
    Nothing is kept without this call, and nothing is written without a folder. A copy is as large as a saved
    model, some kilobytes. Copies by ``model.copy()`` and models from files have no history.

    Parameters
    ----------
    model : KAN
    limit : int, optional
        The most versions that are kept, the latest ones; None ends the history.
    folder : path, optional
        An existing folder: every version is also saved there, as "0.1.npz", for ``kan_np.load_model``. Files
        of these names are overwritten.

    Raises
    ------
    ValueError, TypeError
        For another limit.
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> from kan_np import KAN, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 2, 1], seed=0)
    >>> model.keep_history()
    >>> result = model.fit(dataset, steps=10, lamb=1e-4)
    >>> model = model.prune(dataset["train_input"])
    >>> model.history()
    ['0.0', '0.0 => fit => 0.1', '0.1 => prune => 0.2']
    >>> model = model.rewind("0.1")
    >>> model.width, model.history()[-1]
    ([2, 2, 1], '0.1 => rewind => 1.1')
    """
    if limit is None:
        model._history = None
        return
    place = None if folder is None else Path(folder)
    if place is not None and not place.is_dir():
        raise FileNotFoundError(f"folder is {str(place)!r}; expected a folder that exists.")
    history = History(_validate.integer("limit", limit, 1), place)
    history.begin(model)
    model._history = history


def history(model: KanModel, k: int | str = "all") -> list[str]:
    """List the versions that are kept, a line each, the latest last; pykan's ``history``, which prints them.

    Parameters
    ----------
    model : KAN
    k : int or "all"
        How many of the latest.

    Returns
    -------
    list of str
        "0.0 => fit => 0.1" for a version that a fit made of another.

    Raises
    ------
    ValueError, TypeError
        If no history is kept (`keep_history`), and for another `k`.
    """
    lines = [version.line for version in _kept(model).versions]
    return lines if k == "all" else lines[-_validate.integer("k", k, 1) :]


def checkout(model: M, model_id: str) -> M:
    """Return a copy of a version, without a history; pykan's ``checkout``.

    Parameters
    ----------
    model : KAN
    model_id : str
        Its name, such as "0.1": see `history`.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError
        If no history is kept (`keep_history`), or no such version.
    """
    found: M = _kept(model).version(model_id).model.copy()
    return found


def rewind(model: M, model_id: str) -> M:
    """Return a copy of a version with the history, in which a new round begins; pykan's ``rewind``.

    Parameters
    ----------
    model : KAN
    model_id : str
        Its name, such as "0.1": see `history`. Rewinding to it in the first round makes "1.1".

    Returns
    -------
    KAN

    Raises
    ------
    ValueError
        As `checkout`.
    """
    kept = _kept(model)
    found: M = kept.version(model_id).model.copy()
    found._history = kept.back_to(model_id)
    return found


def recorded(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function of a model: what it changed, or returned, becomes a version of a kept history."""
    name = method.__name__

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        result = method(*args, **kwargs)
        model: Any = args[0] if args else kwargs["model"]
        kept = getattr(model, "_history", None)
        if kept is not None:
            changed: Any = result if type(result) is type(model) else model
            changed._history = kept.branch()
            changed._history.record(changed, name)
        return result

    return call


def _kept(model: KanModel) -> History:
    kept = model._history
    if kept is None:
        raise ValueError("the model keeps no history; expected model.keep_history() before it was changed.")
    found: History = kept
    return found


def _detached(model: Any) -> Any:
    """A copy without a history."""
    return model.copy()
