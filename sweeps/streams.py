"""Standard output and error that may be closed, full or broken pipes: computations continue in any case.

A reader such as `head` leaves, a disk fills up, a terminal hangs up, a job starts without open streams: a
line that cannot be written is lost, and nothing else. A stream that was full is tried again with the next
line; one whose reader has left is not.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

from sweeps._safe_text import printable

_N_STANDARD = 3


class ForgivingStream:
    """A text stream whose `write` and `flush` do not raise where the stream is at fault.

    `left` says that its reader has left, as the reader of a pipe may, or that it is closed; `error` is the
    first other fault, as a full disk: something may be missing in what was written. Characters that its
    encoding lacks are written as escapes. Everything else is that of `stream`.

    Parameters
    ----------
    stream : text stream
        What is written to.

    Examples
    --------
    >>> import io
    >>> closed = io.StringIO()
    >>> closed.close()
    >>> stream = ForgivingStream(closed)
    >>> stream.write("nobody reads this")
    17
    >>> stream.left
    True
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.left = False
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write as much as can be written, and return the length of `text`."""
        self._try(self._write, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write one text after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Send off what waits to be written, if that can be done."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """Say whether it is a terminal that is still there."""
        try:
            return not self.left and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def give_up_rest(self) -> None:
        """Throw away what cannot be written, which the interpreter would try, and fail in, at its end."""
        if self._try(self._stream.flush):
            return
        with contextlib.suppress(OSError, ValueError):
            number = self._stream.fileno()
            if number < _N_STANDARD:
                _to_nowhere(number)
                self._stream.flush()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            code = self._stream.encoding or "ascii"
            self._stream.write(text.encode(code, "backslashreplace").decode(code))

    def _try(self, action: Callable[..., object], *arguments: object) -> bool:
        """Do something with the stream, unless there is nobody to do it for; return whether it was done."""
        if self.left:
            return False
        try:
            action(*arguments)
        except OSError as error:
            self.left = error.errno in (errno.EPIPE, errno.EBADF)
            if not self.left:
                self.error = self.error or error
            return False
        except ValueError:  # what a closed stream raises
            self.left = True
            return False
        return True


@contextlib.contextmanager
def forgiving() -> Iterator[None]:
    """Make the standard streams forgiving in the block, and open what was closed when the process started.

    A file that is opened later would take the number of a standard stream that is closed, and what is meant
    for that stream would be written into it, by this process or by one that it starts.
    """
    _open_missing()
    before = sys.stdout, sys.stderr
    streams = [ForgivingStream(stream or _stream_of(number)) for number, stream in enumerate(before, 1)]
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in streams)
    try:
        yield
    finally:
        for stream in streams:
            stream.give_up_rest()
        sys.stdout, sys.stderr = before


def output_error() -> str:
    """Return why not all of standard output could be written; empty if it was, or its reader has left.

    Who closes it, or reads the first lines only, wants no more; a full disk takes away what was asked for.
    """
    stream = sys.stdout
    stream.flush()
    error = getattr(stream, "error", None)
    return "" if error is None else error.strerror or str(error)


def reader_left(stream: object) -> bool:
    """Say whether the reader of a stream has closed it."""
    return bool(getattr(stream, "left", False))


def _open_missing() -> None:
    """Open the null device in place of standard streams that are closed."""
    for number in range(_N_STANDARD):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                _to_nowhere(number)


def _to_nowhere(number: int) -> None:
    """Let a file descriptor refer to the null device, for child processes too."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == number:
        os.set_inheritable(number, True)
        return
    os.dup2(nowhere, number, inheritable=True)
    os.close(nowhere)


def _stream_of(number: int) -> TextIO:
    """Return a text stream on a file number that is left open at its end."""
    return io.TextIOWrapper(io.FileIO(number, "w", closefd=False), encoding="utf-8", write_through=True)


def show(line: str) -> None:
    """Write a line to standard output at once, without what steers a terminal."""
    _write_line(sys.stdout, line)


def say(line: str) -> None:
    """Write a line to standard error at once, without what steers a terminal."""
    _write_line(sys.stderr, line)


def _write_line(stream: TextIO, line: str) -> None:
    stream.write(printable(line) + "\n")
    stream.flush()
