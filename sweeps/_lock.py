"""The lock of a store: one writer at a time, and the second one is told who the first one is.

The lock is the operating system's, so that it ends with the process that holds it, whatever kills it; over
NFS too, where the server keeps it. Some network file systems do not lock, or each machine for itself only.
Hence the holder also leaves a note of who it is and touches it every few seconds: a note from elsewhere that
is still being touched is a living writer. Whether it is touched is watched, not judged by a clock, since the
clocks of two machines differ, and may be set.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from sweeps._files import write_file
from sweeps._sqlite_errors import unwritable
from sweeps.errors import UserError

LOCK_NAME = ".lock"
HOLDER_NAME = ".lock-holder"
#: A reader that looks whether a sweep is running holds the lock for a moment.
_PATIENCE_S = 1.0
#: How often the note is touched, and for how long one has to be left alone to be taken for dead.
BEAT_S = 5.0
DEAD_AFTER_S = 4 * BEAT_S
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)


@dataclass(frozen=True)
class Holder:
    """Who writes to a store: process, machine, since when (UTC), and a token of this one holding."""

    pid: int
    host: str
    since: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


class WriterLock:
    """The right to write to the store in `directory`, from the making of this object until `release`.

    Raises
    ------
    UserError
        If another process holds it; the message says which. Also if nothing can be written there.
    """

    def __init__(self, directory: Path, since: str) -> None:
        self._note = directory / HOLDER_NAME
        self._holder = Holder(os.getpid(), socket.gethostname(), since, uuid.uuid4().hex)
        self._lock: FileLock | None = FileLock(directory / LOCK_NAME)
        self._released = threading.Event()
        try:
            self._lock.acquire(timeout=_PATIENCE_S, poll_interval=0.05)
        except Timeout:
            raise _held(directory, _read(self._note)) from None
        except (OSError, NotImplementedError) as error:
            if not isinstance(error, NotImplementedError) and error.errno not in _NO_LOCKS:
                raise unwritable(directory, error) from None
            self._lock = None
        try:
            self._take_note(directory)
        except BaseException:
            if self._lock is not None:
                self._lock.release()
            raise
        self._beat = threading.Thread(target=self._keep_touching, daemon=True)
        self._beat.start()

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._released.is_set():
            return
        self._released.set()
        self._beat.join()
        found = _read(self._note)
        if found is not None and found.token == self._holder.token:
            with contextlib.suppress(OSError):
                self._note.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()

    def _take_note(self, directory: Path) -> None:
        earlier = _read(self._note)
        # With the lock in hand, whoever left a note on this machine is dead.
        elsewhere = earlier is not None and (self._lock is None or earlier.host != self._holder.host)
        if earlier is not None and elsewhere and _is_touched(self._note, earlier):
            raise _held(directory, earlier)
        text = json.dumps(asdict(self._holder)).encode()
        if self._lock is not None:
            write_file(self._note, text)
            return
        # Without locks the making of the note is the lock.
        self._note.unlink(missing_ok=True)
        try:
            with self._note.open("xb") as file:
                file.write(text)
        except FileExistsError:
            raise _held(directory, _read(self._note)) from None
        except OSError as error:
            raise unwritable(directory, error) from None

    def _keep_touching(self) -> None:
        while not self._released.wait(BEAT_S):
            with contextlib.suppress(OSError):
                os.utime(self._note)


def holder(directory: Path) -> Holder | None:
    """Return who writes to the store in `directory`, None if nobody does or it cannot be told.

    A note from another machine is believed: its process may live though the lock does not show it.
    """
    found = _read(directory / HOLDER_NAME)
    if found is None:
        return None
    lock = FileLock(directory / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return found
    except (OSError, NotImplementedError):
        return None
    lock.release()
    return found if found.host != socket.gethostname() else None


def _read(note: Path) -> Holder | None:
    try:
        return Holder(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _is_touched(note: Path, found: Holder) -> bool:
    """Wait until the note is touched, replaced or gone; False if nothing happens for long enough."""
    before = _touched_at(note)
    deadline = time.monotonic() + DEAD_AFTER_S
    while time.monotonic() < deadline:
        time.sleep(BEAT_S / 50)
        if _read(note) != found:
            return _read(note) is not None
        if _touched_at(note) != before:
            return True
    return False


def _touched_at(note: Path) -> int:
    try:
        # Opening a file makes a network file system ask its server.
        with note.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return -1


def _held(directory: Path, found: Holder | None) -> UserError:
    who = f" ({found})" if found is not None else ""
    return UserError(
        f"another sweep is writing to {directory}{who}. Wait until it ends, stop it, or choose another "
        "--out; kan-sweep status and report can be used meanwhile."
    )
