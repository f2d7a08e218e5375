"""The lock of a store, so that only one process writes; a second one gets an error that names the first.

The lock is the operating system's, so that it ends with the process that holds it, whatever kills it; over
NFS too, where the server keeps it. Some network file systems do not lock, or each machine for itself only.
Hence the holder also leaves a note of who it is and touches it every few seconds: a note from elsewhere that
is still being touched is a living writer. Whether it is touched is watched, not judged by a clock, since the
clocks of two machines differ, and may be set. A holder that finds another one's note, as after having been
suspended for so long that it was taken for dead, writes no more.
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

from sweeps.errors import UserError
from sweeps.storage.sqlite_errors import unwritable

LOCK_NAME = ".lock"
HOLDER_NAME = ".lock-holder"
#: Seconds to wait for the lock: a reader that checks whether a sweep is running holds it for a short time.
_PATIENCE_S = 1.0
#: Seconds between two updates of the holder's note, and seconds without an update after which the holder
#: counts as dead.
BEAT_S = 5.0
DEAD_AFTER_S = 4 * BEAT_S
#: Checks of the note during `BEAT_S`. On file systems without locks the note alone is the lock: it is watched
#: for that long before the first write, and a missing note is searched for that long.
_LOOKS = 50
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
        self._directory = directory
        self._note = directory / HOLDER_NAME
        self._holder = Holder(os.getpid(), socket.gethostname(), since, uuid.uuid4().hex)
        self._lock: FileLock | None = FileLock(directory / LOCK_NAME)
        self._released = threading.Event()
        self._taken_by = ""
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

    def check(self) -> None:
        """Raise UserError if another process has taken the store over; every write asks first."""
        # Not left to the thread that looks now and then: until then two would write.
        self._look()
        if self._taken_by:
            raise UserError(
                f"{self._directory} was taken over by {self._taken_by}, for this process was taken for "
                "dead: it was suspended, or cut off from the disk. Nothing more is written here; what was "
                "added before is kept. When the other one has ended, run the same command again."
            )

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._released.is_set():
            return
        self._released.set()
        self._beat.join()
        self._remove_own_note()
        if self._lock is not None:
            self._lock.release()

    def _remove_own_note(self) -> None:
        if _read(self._note) == self._holder:
            with contextlib.suppress(OSError):
                self._note.unlink(missing_ok=True)

    def _take_note(self, directory: Path) -> None:
        content = _content(self._note)
        earlier = _holder(content)
        # With the lock in hand, whoever left a note on this machine is dead.
        elsewhere = earlier is not None and earlier.host != self._holder.host
        watched = content is not None and (self._lock is None or elsewhere)
        if content is not None and watched and _is_touched(self._note, content):
            raise _held(directory, _read(self._note) or earlier)
        # The lock may be one that only this machine sees: the making of the note, which only one succeeds in,
        # tells machines apart, and is the lock where there are none.
        if content is not None:
            self._bury(directory, content)
        try:
            self._make_note()
        except FileExistsError:
            raise _held(directory, _read(self._note)) from None
        except OSError as error:
            raise unwritable(directory, error) from None
        looks = _LOOKS if self._lock is None else 1
        if (self._lock is None or elsewhere) and not self._stays_own(looks):
            self._remove_own_note()
            raise _held(directory, _read(self._note))

    def _text(self) -> bytes:
        return json.dumps(asdict(self._holder)).encode()

    def _make_note(self) -> None:
        with self._note.open("xb") as file:
            file.write(self._text())

    def _bury(self, directory: Path, dead: bytes) -> None:
        """Remove the lock file of a process that has ended, unless another one has replaced it."""
        grave = self._note.with_name(f"{HOLDER_NAME}-{self._holder.token}")
        try:
            # Only one process can take it away, and only then is it certain what it was.
            self._note.rename(grave)
        except FileNotFoundError:
            return
        except OSError as error:
            raise unwritable(directory, error) from None
        content = _content(grave)
        if content != dead:
            with contextlib.suppress(OSError):
                grave.rename(self._note)
            raise _held(directory, _holder(content))
        with contextlib.suppress(OSError):
            grave.unlink(missing_ok=True)

    def _stays_own(self, looks: int) -> bool:
        """Check several times that the lock file is this process's: others may write it just now.

        A note that is gone may be in the hands of another one, which looks what it is and puts it back.
        """
        own, unseen = 0, 0
        while own < looks and unseen < _LOOKS:
            time.sleep(BEAT_S / _LOOKS)
            content = _content(self._note)
            if content is not None and _holder(content) != self._holder:
                return False
            own, unseen = own + (content is not None), unseen + (content is None)
        return own >= looks

    def _keep_touching(self) -> None:
        while not self._released.wait(BEAT_S):
            self._look()

    def _look(self) -> None:
        """Touch the note; remember who has taken it over.

        One that is gone is made again beside a lock. Where it is the lock, whoever took this process for dead
        has removed it, and may have written and ended since.
        """
        with contextlib.suppress(OSError):
            try:
                found = _holder(self._note.read_bytes())
                if found == self._holder:
                    os.utime(self._note)
                elif found is not None:
                    self._taken_by = str(found)
            except FileNotFoundError:
                if self._lock is not None:
                    self._make_note()
                elif not self._stays_own(1):
                    self._taken_by = "another process"


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
    return _holder(_content(note))


def _content(note: Path) -> bytes | None:
    try:
        return note.read_bytes()
    except OSError:
        return None


def _holder(content: bytes | None) -> Holder | None:
    try:
        return Holder(**json.loads(content)) if content is not None else None
    except (ValueError, TypeError):
        return None


def _is_touched(note: Path, found: bytes) -> bool:
    """Wait until the note is touched, replaced or gone; False if nothing happens for long enough."""
    before = _touched_at(note)
    pause = BEAT_S / _LOOKS
    # Looks are counted, not time: who is suspended for a while has not watched meanwhile.
    for _ in range(round(DEAD_AFTER_S / pause)):
        time.sleep(pause)
        now = _content(note)
        if now != found:
            return now is not None
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
