"""Reads arrays from untrusted .npz files: types and sizes are checked before anything is allocated.

``numpy.load`` allocates arrays as large as their headers say, and reads everything in the archive. Here the
type and shape of every member are read first, and a file is refused if its headers claim more than its bytes
can hold.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The list of members of a file with 40 arrays is 3 kB long; zipfile looks for it in the last 64 kB.
_LONGEST_DIRECTORY = 2**17
#: NumPy's headers of arrays of numbers are 128 bytes long.
_LONGEST_HEADER = 2**12
#: Arrays may be compressed, as by ``numpy.savez_compressed``, but those above 64 MiB at most to a 16th:
#: parameters hardly become smaller, zeros would to a thousandth.
_ALWAYS_ALLOWED, _COMPRESSION = 2**26, 16
_CHUNK = 2**18
_HEADER = re.compile(
    rb"\{'descr': '([<>|=][bifuU]\d{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18},? ?)*)\), ?\} *\n?"
)


class Declared(NamedTuple):
    """The header of an array in the archive.

    Attributes
    ----------
    dtype : numpy.dtype
    shape : tuple of int
    fortran : bool
        Whether it is stored in Fortran order.
    start : int
        Number of bytes before the data.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    start: int


class Archive:
    """An open .npz file.

    Attributes
    ----------
    declared : dict of str to Declared
        Type and shape of every array, by name.

    Raises
    ------
    ValueError
        For other files, members that are no plain arrays, and arrays that are larger than the file can hold.
    """

    def __init__(self, handle: BinaryIO) -> None:
        size = handle.seek(0, os.SEEK_END)
        reads = _BoundedReads(handle, _LONGEST_DIRECTORY)
        self._zip = zipfile.ZipFile(reads)
        reads.limit = None
        members = self._zip.infolist()
        if sum(member.file_size for member in members) > max(_ALWAYS_ALLOWED, _COMPRESSION * size):
            raise ValueError(f"its arrays would be more than {_COMPRESSION} times as large as the file")
        self._members = {member.filename.removesuffix(".npy"): member for member in members}
        if len(self._members) < len(members):
            raise ValueError("two of its arrays have one name")
        self.declared = {name: self._declaration(member) for name, member in self._members.items()}

    def _declaration(self, member: zipfile.ZipInfo) -> Declared:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{_shown(member.filename)} is compressed in a way that no model is")
        with self._zip.open(member) as stream:
            start = stream.read(_LONGEST_HEADER)
        wide = start[6:7] in (b"\2", b"\3")  # versions of the format with four bytes for the length
        at, length = (12, start[8:12]) if wide else (10, start[8:10])
        end = at + int.from_bytes(length, "little")
        found = _HEADER.fullmatch(start[at:end])
        if not start.startswith(b"\x93NUMPY") or found is None:
            raise ValueError(f"{_shown(member.filename)} is no plain array of numbers or text")
        dtype = np.dtype(found[1].decode())
        shape = tuple(int(part) for part in found[3].replace(b" ", b"").split(b",") if part)
        if not dtype.itemsize or end + math.prod(shape) * dtype.itemsize != member.file_size:
            raise ValueError(f"{_shown(member.filename)} is not as long as its shape says")
        return Declared(dtype, shape, found[2] == b"True", end)

    def read(self, name: str) -> NDArray[Any]:
        """The array of this name; its check sum is verified.

        Raises
        ------
        ValueError
            If its bytes do not have the stored check sum.
        """
        member, kind = self._members[name], self.declared[name]
        array = np.empty(kind.shape[::-1] if kind.fortran else kind.shape, dtype=kind.dtype)
        view = array.reshape(-1).view(np.uint8)
        with self._zip.open(member) as stream:
            stream.read(kind.start)
            at = 0
            while at < view.size:
                part = stream.read(min(_CHUNK, view.size - at))
                if not part:
                    raise ValueError(f"{name} ends too early")
                view[at : at + len(part)] = np.frombuffer(part, dtype=np.uint8)
                at += len(part)
            stream.read(1)  # zipfile compares the check sum at the end of the data
        return array.T if kind.fortran else array


@contextlib.contextmanager
def opened(file: str | PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """Yield an open binary file: that of a path, which is closed at the end, or an open file itself.

    Raises
    ------
    OSError
        FileNotFoundError and the like, with a message that says what to do.
    ValueError
        For a device or a pipe, from which reading might not return.
    """
    if not isinstance(file, str | PathLike):
        if not all(hasattr(file, name) for name in ("read", "seek", "tell")):
            raise TypeError(f"file is a {type(file).__name__}; expected a path or an open binary file.")
        yield file
        return
    path = Path(file)
    try:
        handle = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    except OSError as error:
        raise plain_words(error, f"cannot read {path}") from None
    with handle:
        if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            raise ValueError(f"{path} is a pipe or a device; expected a file that a model was saved to.")
        yield handle


def plain_words(error: OSError, what: str) -> OSError:
    """An error of the same type with a message for users: what failed, why, what to do."""
    reasons = {
        FileNotFoundError: "there is no such file or folder; check the path",
        IsADirectoryError: "it is a folder; expected a file, such as model.npz",
        NotADirectoryError: "a part of the path is a file, not a folder; check the path",
        PermissionError: "this user has no right to; check whose file and folder it is",
    }
    reason = reasons.get(type(error), error.strerror or str(error))
    return type(error)(f"{what}: {reason}.")


def _without_waiting(path: str, flags: int) -> int:
    # opening a pipe must not wait for a writer; it is refused afterwards
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _shown(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:37] + "...")


class _BoundedReads:
    """An open file that refuses to read more than `limit` bytes at once."""

    def __init__(self, handle: BinaryIO, limit: int | None) -> None:
        self._handle = handle
        self.limit = limit
        self.seek, self.tell = handle.seek, handle.tell

    def read(self, size: int = -1) -> bytes:
        if self.limit is not None and not 0 <= size <= self.limit:
            here = self._handle.tell()
            left = self._handle.seek(0, os.SEEK_END) - here
            self._handle.seek(here)
            if left > self.limit:
                raise ValueError("its list of members is longer than that of any model")
        return self._handle.read(size)

    def seekable(self) -> bool:
        return True
