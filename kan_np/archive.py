"""Arrays of an .npz file from anywhere: what they claim to be is known, and bounded, before they are read.

``numpy.load`` trusts a file: it makes arrays as large as their headers say, and reads whatever the archive
holds. Here every member is first looked at for its type and shape alone, and a file that claims more than
its own bytes can hold is refused.
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
#: Arrays may be compressed, as ``numpy.savez_compressed`` does, but not above 64 MiB to less than a 16th;
#: parameters hardly shrink at all, and zeros would to a thousandth.
_ALWAYS_ALLOWED, _COMPRESSION = 2**26, 16
_CHUNK = 2**18
_HEADER = re.compile(
    rb"\{'descr': '([<>|=][bifuU]\d{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18},? ?)*)\), ?\} *\n?"
)


class Declared(NamedTuple):
    """What a member of the archive says of itself.

    Attributes
    ----------
    dtype : numpy.dtype
    shape : tuple of int
    fortran : bool
        Whether its first index runs fastest.
    start : int
        Bytes before the numbers.
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
        For what is no such file, members that are no plain arrays, and claims that its bytes cannot hold.
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
        """The array of this name, its check sum compared.

        Raises
        ------
        ValueError
            If its bytes are not what was written.
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
            stream.read(1)  # it is at the end that the check sum is compared
        return array.T if kind.fortran else array


@contextlib.contextmanager
def opened(file: str | PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """A file of a path, closed at the end, or an open file as it is.

    Raises
    ------
    OSError
        FileNotFoundError and the like, in plain words.
    ValueError
        For what is no regular file: a device, or a pipe, which might never answer.
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
    """The same kind of error with a message for a reader: what failed, why, what to do."""
    reasons = {
        FileNotFoundError: "there is no such file or folder; check the path",
        IsADirectoryError: "it is a folder; expected a file, such as model.npz",
        NotADirectoryError: "a part of the path is a file, not a folder; check the path",
        PermissionError: "this user has no right to; check whose file and folder it is",
    }
    reason = reasons.get(type(error), error.strerror or str(error))
    return type(error)(f"{what}: {reason}.")


def _without_waiting(path: str, flags: int) -> int:
    # a pipe that nobody writes to is opened at once, to be refused
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
