"""Recovery of rows from a damaged SQLite file, page by page and without its B-trees.

The format is that of https://www.sqlite.org/fileformat2.html: a page whose first byte is 13 is a leaf of a
table and holds cells, each a row id and a record; what does not fit into the page follows in a chain of
overflow pages. In the write-ahead log pages lie behind a header of 24 bytes each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

Value = str | bytes | int | float | None

_LEAF = 0x0D
_PAGE_SIZES = frozenset(1 << bits for bits in range(9, 17))
_DEFAULT_PAGE_SIZE = 4096
_WAL_HEADER, _FRAME_HEADER = 32, 24
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Row(NamedTuple):
    """A row as it was found: its row id and its values as they are stored."""

    rowid: int
    values: tuple[Value, ...]


def rows_in(path: Path) -> Iterator[Row]:
    """Yield everything in a database file, and in the log beside it, that can be read as a row of a table.

    Rows may come twice, or be ones that were replaced or removed since, or nothing of the kind: whoever asks
    has to tell by their values. Of two versions of a row that is still there the newer one comes later.
    Damage never raises.

    Parameters
    ----------
    path : Path
        The database; its log is `path` with "-wal" behind.
    """
    log = path.with_name(path.name + "-wal")
    pages = _PageReader(path.read_bytes(), log.read_bytes() if log.is_file() else b"")
    for page, start in pages.leaves():
        yield from _rows_of(pages, page, start)


class _PageReader:
    """The pages of a database and of its log."""

    def __init__(self, data: bytes, log: bytes) -> None:
        size = struct.unpack(">H", data[16:18])[0] if len(data) >= 18 else 0
        size = 65536 if size == 1 else size
        self.size = size if size in _PAGE_SIZES else _DEFAULT_PAGE_SIZE
        self._data, self._log = memoryview(data), memoryview(log)
        self._left_over, self._frames = _frames_of(log, self.size)
        # A page that stands in the log several times was written last where it stands last.
        self._logged = {
            struct.unpack_from(">I", log, start)[0]: start + _FRAME_HEADER for start in self._frames
        }

    def leaves(self) -> Iterator[tuple[memoryview, int]]:
        """Yield every page that may be a leaf, and where its header starts; what holds now comes last."""
        # What was left over in the log had come into the database, or was never committed.
        yield from self._leaves_in_log(self._left_over)
        for start in range(0, len(self._data), self.size):
            page = self._data[start : start + self.size]
            header = 100 if start == 0 else 0
            if len(page) > header and page[header] == _LEAF:
                yield page, header
        yield from self._leaves_in_log(self._frames)

    def _leaves_in_log(self, frames: list[int]) -> Iterator[tuple[memoryview, int]]:
        for start in frames:
            page = self._log[start + _FRAME_HEADER : start + _FRAME_HEADER + self.size]
            if page[0] == _LEAF:
                yield page, 0

    def page(self, number: int) -> memoryview:
        """Return a page by its number, as it was written last; it is empty beyond the end."""
        if number in self._logged:
            start = self._logged[number]
            return self._log[start : start + self.size]
        start = (number - 1) * self.size
        return self._data[start : start + self.size] if number > 0 else self._data[:0]


def _frames_of(log: bytes, page_size: int) -> tuple[list[int], list[int]]:
    """Return where the frames of a log start: those left over from before, and those that hold now.

    The log is written again from its beginning once all of it is in the database; what is new has the salts
    of the header. Behind the last frame that ends a transaction, which says how large the database is then,
    lies what was not committed.
    """
    frame = _FRAME_HEADER + page_size
    starts = list(range(_WAL_HEADER, len(log) - frame + 1, frame))
    salts = log[16:24]
    if not any(log[start + 8 : start + 16] == salts for start in starts):
        # The header is damaged; the first frame was written with it.
        salts = log[_WAL_HEADER + 8 : _WAL_HEADER + 16]
    new = [start for start in starts if log[start + 8 : start + 16] == salts]
    ends = [start for start in new if any(log[start + 4 : start + 8])]
    held = {start for start in new if ends and start <= ends[-1]}
    return [start for start in starts if start not in held], [start for start in starts if start in held]


def _rows_of(pages: _PageReader, page: memoryview, header: int) -> Iterator[Row]:
    n_cells = int.from_bytes(page[header + 3 : header + 5], "big")
    for number in range(n_cells):
        place = header + 8 + 2 * number
        start = int.from_bytes(page[place : place + 2], "big")
        try:
            length, at = _varint(page, start)
            rowid, at = _varint(page, at)
            row = Row(rowid, _record(_payload(pages, page, at, length)))
        except (IndexError, ValueError, OverflowError, struct.error):
            continue
        yield row


def _payload(pages: _PageReader, page: memoryview, at: int, length: int) -> bytes:
    """Return the bytes of a record, the first of which lie in the cell at `at`."""
    most = pages.size - 35
    if length <= most:
        return bytes(page[at : at + length])
    least = (pages.size - 12) * 32 // 255 - 23
    local = least + (length - least) % (pages.size - 4)
    local = local if local <= most else least
    parts, left = [bytes(page[at : at + local])], length - local
    number = int.from_bytes(page[at + local : at + local + 4], "big")
    while left > 0:
        overflow = pages.page(number)
        part = bytes(overflow[4 : 4 + left])
        if not part:
            raise ValueError("a chain of overflow pages ends early")
        parts.append(part)
        left -= len(part)
        number = int.from_bytes(overflow[:4], "big")
    return b"".join(parts)


def _record(payload: bytes) -> tuple[Value, ...]:
    end, at = _varint(payload, 0)
    body = end
    values = []
    while at < end:
        kind, at = (payload[at], at + 1) if payload[at] < 0x80 else _varint(payload, at)
        value, body = _value(payload, body, kind)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    """Return the value of a serial type and where the next one starts."""
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind in (10, 11):
        raise ValueError("a serial type that no file has")
    size = 8 if kind == 7 else _INTEGER_BYTES[kind] if kind < 7 else (kind - 12) // 2
    content = payload[at : at + size]
    if len(content) != size:
        raise ValueError("a record that ends early")
    if kind == 7:
        return struct.unpack(">d", content)[0], at + size
    if kind < 7:
        return int.from_bytes(content, "big", signed=True), at + size
    return (content.decode() if kind % 2 else content), at + size


def _varint(data: memoryview | bytes, at: int) -> tuple[int, int]:
    """Return an integer of one to nine bytes and where the next one starts."""
    value = 0
    for number in range(8):
        byte = data[at + number]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + number + 1
    return value << 8 | data[at + 8], at + 9
