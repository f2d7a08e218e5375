"""Reads the tensors of a file that `torch.save` wrote, without torch and without executing what is in it.

Such a file is a ZIP archive: the numbers of each storage as they are, and a pickle (`data.pkl`) that says
which tensor is which part of which storage. A pickle is a program, and whoever unpickles it runs it. Here its
instructions are read one by one with `pickletools`; the few that a dictionary of tensors needs have their
meaning below, and any other is an error.

Source of the format: torch/serialization.py and caffe2/serialize/inline_container.h of PyTorch 1.6 and later.
"""

from __future__ import annotations

import math
import pickletools
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

#: Kinds of numbers by torch's names of storages; little-endian, as nearly all machines write them.
_STORAGES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "CharStorage": "<i1",
    "ShortStorage": "<i2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
#: What a dictionary of tensors calls; everything else that a pickle can call is refused.
_DICTIONARY, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
#: Most bytes of the pickle: names and shapes of a hundred thousand tensors.
_LONGEST_PICKLE = 2**24
#: Most bytes of the tensors together beyond those of the file: tensors may share a storage.
_MORE = 2**20


class _Name(NamedTuple):
    """A function or class that the pickle names; nothing is imported."""

    name: str


class _Stored(NamedTuple):
    """Where the numbers of a tensor are: the member of the archive, their kind and how many."""

    member: str
    kind: str
    size: int


def read_tensors(file: str | PathLike[str]) -> dict[str, NDArray[Any]]:
    """The tensors of a dictionary, such as a `state_dict`, that `torch.save` wrote, as arrays.

    Parameters
    ----------
    file : path

    Returns
    -------
    dict of str to ndarray
        In the order of the file, of the type of the tensors.

    Raises
    ------
    FileNotFoundError
    ValueError
        If the file is something else, is damaged, or holds other things than tensors of plain numbers.

    Examples
    --------
    >>> read_tensors("model_state")["act_fun.0.coef"].shape  # doctest: +SKIP
    (2, 5, 8)
    """
    path = Path(file)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {str(path)!r}; expected one that torch.save wrote.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _tensors(archive)
    except Exception as error:  # a damaged archive can make the readers fail in any way
        raise ValueError(
            f"{path} cannot be read as tensors of torch ({type(error).__name__}: {str(error)[:300]}); "
            "expected what torch 1.6 or later writes with torch.save(model.state_dict(), file)."
        ) from error


def _tensors(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError(f"it has {len(pickles)} members data.pkl; expected one")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}byteorder" in archive.namelist() and _bytes(archive, f"{root}byteorder", 10) != b"little":
        raise ValueError("its numbers are big-endian; expected little-endian ones")
    found = _value_of(_bytes(archive, pickles[0], _LONGEST_PICKLE), archive, root)
    if not isinstance(found, dict) or not all(
        isinstance(key, str) and isinstance(value, np.ndarray) for key, value in found.items()
    ):
        raise ValueError("it holds no dictionary of tensors")
    return found


def _bytes(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member that is stored as it is, so that it cannot be larger than the file."""
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > most:
        raise ValueError(f"{name} is compressed or larger than {most} bytes")
    return archive.read(member)


class _Machine:
    """What a pickle has said so far: a stack of values, marks in it, and values kept under numbers."""

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.kept: dict[int, Any] = {}
        self._archive, self._root = archive, root
        self._read: dict[str, bytes] = {}  # storages: tensors may share one
        self._left = _MORE + sum(member.file_size for member in archive.infolist())

    def since_mark(self) -> list[Any]:
        """Take the values since the last mark."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def last(self, n: int) -> list[Any]:
        """Take the last n values."""
        values = self.stack[len(self.stack) - n :]
        if len(values) < n:
            raise ValueError("its pickle takes more values than it has")
        del self.stack[len(self.stack) - n :]
        return values

    def set_items(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or not all(isinstance(key, str) for key in pairs[::2]):
            raise ValueError("its pickle sets items of what is no dictionary of names")
        target.update(zip(pairs[::2], pairs[1::2], strict=True))

    def tuple_of(self, values: list[Any]) -> None:
        """Put a tuple; those that are deeper than a tensor needs could grow without end."""
        if any(isinstance(one, tuple) and any(isinstance(own, tuple) for own in one) for one in values):
            raise ValueError(
                "its pickle has tuples in tuples in tuples, which no dictionary of tensors needs"
            )
        self.stack.append(tuple(values))

    def storage(self, identity: Any) -> _Stored:
        """The storage that ("storage", kind, key, device, size) names."""
        _, kind, key, _, size = identity
        if not (isinstance(kind, _Name) and isinstance(key, str) and isinstance(size, int)):
            raise ValueError("its pickle names a storage by other things than kind, key and size")
        module, _, name = kind.name.partition(" ")
        if module != "torch" or name not in _STORAGES:
            raise ValueError(f"it has numbers of kind {name[:40]!r}; expected one of {', '.join(_STORAGES)}")
        return _Stored(f"{self._root}data/{key}", _STORAGES[name], size)

    def called(self, function: Any, arguments: Any) -> Any:
        """What one of the three functions gives that a dictionary of tensors needs."""
        name = function.name if isinstance(function, _Name) else f"a {type(function).__name__}"
        if not isinstance(arguments, tuple):
            raise ValueError("its pickle calls with arguments that are no tuple")
        if name == _DICTIONARY and not arguments:
            return {}
        if name == _TENSOR:
            return self._tensor(*arguments[:4])
        if name == _PARAMETER and isinstance(arguments[0], np.ndarray):
            return arguments[0]
        raise ValueError(f"it calls {name[:80]!r}, which no dictionary of tensors needs")

    def _tensor(self, stored: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        """A copy of the part of a storage that a tensor is."""
        if not isinstance(stored, _Stored) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
            raise ValueError("a tensor of it has no storage, no shape or no strides")
        if len(shape) != len(strides) or not all(isinstance(n, int) for n in (offset, *shape, *strides)):
            raise ValueError("a tensor of it has strides that do not fit its shape")
        kind = np.dtype(stored.kind)
        if stored.member not in self._read:
            self._read[stored.member] = _bytes(self._archive, stored.member, 2**48)
        raw = self._read[stored.member]
        if len(raw) != stored.size * kind.itemsize or min((offset, *shape, *strides)) < 0:
            raise ValueError(f"{stored.member} has {len(raw)} bytes for {stored.size} numbers")
        size = math.prod(shape)
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if size > stored.size or (size and last >= stored.size):
            raise ValueError(f"a tensor of shape {shape} is larger than its storage of {stored.size} numbers")
        self._left -= size * kind.itemsize
        if self._left < 0:
            raise ValueError("its tensors are larger together than the file")
        if size == 0:
            return np.zeros(shape, dtype=kind)
        numbers = np.frombuffer(raw, dtype=kind)[offset:]
        steps = tuple(step * kind.itemsize for step in strides)
        return np.lib.stride_tricks.as_strided(numbers, shape, steps, writeable=False).copy()


def _value_of(pickle: bytes, archive: zipfile.ZipFile, root: str) -> Any:
    """The value that a pickle describes, if it needs no more than a dictionary of tensors does."""
    machine = _Machine(archive, root)
    for opcode, given, _ in pickletools.genops(pickle):
        name, argument = opcode.name, cast(Any, given)
        if name in ("PROTO", "FRAME"):
            continue
        if name == "STOP":
            return machine.last(1)[0]
        if name == "MARK":
            machine.marks.append(len(machine.stack))
        elif name in ("BINPUT", "LONG_BINPUT"):
            machine.kept[argument] = machine.stack[-1]
        elif name == "MEMOIZE":
            machine.kept[len(machine.kept)] = machine.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            machine.stack.append(machine.kept[argument])
        elif name in _CHANGES:
            _CHANGES[name](machine)
        elif name == "GLOBAL":
            machine.stack.append(_Name(argument))
        elif name in _CONSTANTS:
            machine.stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            machine.stack.append(argument)
        else:
            raise ValueError(f"its pickle has the instruction {name}, which no dictionary of tensors needs")
    raise ValueError("its pickle has no end")


def _reduce(machine: _Machine) -> None:
    function, arguments = machine.last(2)
    machine.stack.append(machine.called(function, arguments))


def _build(machine: _Machine) -> None:
    machine.last(1)  # attributes, such as the versions of modules


_LITERALS = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
_CONSTANTS = {"NEWTRUE": True, "NEWFALSE": False, "NONE": None, "EMPTY_TUPLE": ()}
_CHANGES = {
    "EMPTY_DICT": lambda machine: machine.stack.append({}),
    "TUPLE": lambda machine: machine.tuple_of(machine.since_mark()),
    "TUPLE1": lambda machine: machine.tuple_of(machine.last(1)),
    "TUPLE2": lambda machine: machine.tuple_of(machine.last(2)),
    "TUPLE3": lambda machine: machine.tuple_of(machine.last(3)),
    "BINPERSID": lambda machine: machine.stack.append(machine.storage(machine.last(1)[0])),
    "SETITEM": lambda machine: machine.set_items(machine.last(2)),
    "SETITEMS": lambda machine: machine.set_items(machine.since_mark()),
    "REDUCE": _reduce,
    "BUILD": _build,
}
