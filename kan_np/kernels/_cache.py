"""Compiled kernels on disk: the folder they are kept in, what a file holds, and when it may be used.

Numba asks a cache before it compiles a function and hands over the result afterwards. This one differs from
Numba's own in four ways.

- A file is used only while the content of all source files in the kernel's folder is unchanged. Compiled code
  contains the kernels it calls; Numba compares the kernel's own file only, so a changed callee would go
  unseen.
- There is one file for a kernel, its argument types and the processor, sealed with a hash and put in place
  in one step. Numba has an index that is read, changed and written back: processes that compile at the same
  time, perhaps on different processors, overwrite it for each other, and a damaged file stops the program.
  Here whatever is not intact counts as missing.
- Where the package's folder is read-only another is used, or none; see `_possible_folders`. A fault of the
  disk never stops a program and causes one warning at most.
- Loading does not set up the whole compiler, which would take 0.3 s, longer than the rest of a first fit.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import stat
import sys
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.codegen import ll
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

_SEAL_BYTES = hashlib.sha256().digest_size
_PROBE_BYTES = 4096
_ADVICE = "Set the environment variable NUMBA_CACHE_DIR to a lasting folder that this user can write to."

_config: Any = numba.config
_warned = False


class KernelCache(_Cache):
    """Files of one kernel: an implementation of the interface that Numba's dispatcher has for caches.

    A file holds a seal and a payload. The seal is a hash of the sources, of the file's name (which encodes
    kernel, argument types, processor and Python version) and of the payload; a file with another seal is
    treated as missing, and its payload is not read.
    """

    def __init__(self, function: Any) -> None:
        source = Path(function.__code__.co_filename)
        self._sources = source.parent
        self._state = _state_of(self._sources)
        self._stem = f"{source.stem}.{function.__name__}"
        self._line = function.__code__.co_firstlineno
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """Folder in which new files are written; None if there is none."""
        folder = _folders(self._sources).writable
        return None if folder is None else str(folder)

    def enable(self) -> None:
        """Read and write files; the default."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write files."""
        self._enabled = False

    def flush(self) -> None:
        """Remove the kernel's files."""
        folder = _folders(self._sources).writable
        if folder is not None:
            for file in folder.glob(f"{self._stem}-*.nbc"):
                file.unlink(missing_ok=True)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the kernel compiled for argument types `sig`, or None if there is no valid file."""
        if not self._enabled or self._state is None:
            return None
        name = self._name(sig, target_context.codegen())
        for folder in _folders(self._sources).readable:
            payload = self._read(folder / name)
            if payload is not None:
                return _link(payload, target_context)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write `data`, the kernel compiled for argument types `sig`, to disk if that is possible."""
        if not self._enabled or data.library.has_dynamic_globals:
            return
        if self._state is None:
            _warn(f"{self._sources} has no source files, by which a fresh kernel is told from an old one.")
            return
        folder = _folders(self._sources).writable
        if folder is None:
            _warn(f"neither the package nor the user has a cache folder that takes files. {_ADVICE}")
            return
        try:
            self._write(folder / self._name(sig, data.codegen), _payload(data))
        except OSError as error:
            _warn(f"writing to {folder} failed ({error.strerror}). {_ADVICE}")

    def _name(self, sig: Any, codegen: Any) -> str:
        """Name of the file for these argument types on this processor and this Python."""
        switches = _config.OPT, _config.BOUNDSCHECK
        python = sys.version_info[:2], getattr(sys, "abiflags", "")
        key = repr((self._line, sig, codegen.magic_tuple(), switches, python))
        return f"{self._stem}-{hashlib.sha256(key.encode()).hexdigest()[:20]}.nbc"

    def _seal(self, name: str, payload: bytes) -> bytes:
        return hashlib.sha256(b"\0".join((self._state or b"", name.encode(), payload))).digest()

    def _read(self, path: Path) -> bytes | None:
        try:
            content = path.read_bytes()
        except OSError:
            return None
        seal, payload = content[:_SEAL_BYTES], content[_SEAL_BYTES:]
        return payload if seal == self._seal(path.name, payload) else None

    def _write(self, path: Path, payload: bytes) -> None:
        """Write beside and rename, so that no process ever sees a part of a file."""
        part = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            part.write_bytes(self._seal(path.name, payload) + payload)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _payload(compiled: Any) -> bytes:
    """A compiled kernel as bytes: names of the functions it is linked with, and what Numba makes of it."""
    functions = compiled.library._final_module.functions
    linked = [f.name for f in functions if f.is_declaration and not f.name.startswith("llvm.")]
    return dumps((linked, compiled._reduce()))


def _link(payload: bytes, target_context: Any) -> CompileResult:
    """The kernel, linked into this process, whose bytes `_payload` returned."""
    rtsys.initialize(target_context)  # memory management, for every kernel that takes an array
    linked, reduced = pickle.loads(payload)
    if not all(ll.address_of_symbol(name) for name in linked):
        target_context.refresh()  # sets up the whole compiler, which takes 0.3 s
    return CompileResult._rebuild(target_context, *reduced)


@cache
def _state_of(sources: Path) -> bytes | None:
    """Hash of all source files of a folder and of the compiler's version; None if there are no files."""
    try:
        files = [(path.name, path.read_bytes()) for path in sorted(sources.glob("*.py"))]
    except OSError:
        return None
    state = numba.__version__, np.__version__, files
    return hashlib.sha256(repr(state).encode()).digest() if files else None


class _Folders(NamedTuple):
    readable: tuple[Path, ...]
    writable: Path | None


@cache
def _folders(sources: Path) -> _Folders:
    """Folders in which compiled kernels are looked for, and the one to which new ones are written.

    Read-only folders are read, too: a cache that was filled when a container image or a shared installation
    was made serves all its users.
    """
    readable: tuple[Path, ...] = ()
    for folder in _possible_folders(sources):
        readable += (folder,)
        if _takes_files(folder):
            return _Folders(readable, folder)
    return _Folders(readable, None)


def _possible_folders(sources: Path) -> Iterator[Path]:
    """Folders in the order of Numba's own cache, and at last one in the system's temporary folder."""
    place = hashlib.sha256(os.fsencode(sources)).hexdigest()[:20]
    name = f"{sources.parent.name}.{sources.name}-{place}"
    if _config.CACHE_DIR:
        yield Path(_config.CACHE_DIR, name)
    yield sources / "__pycache__"
    user = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
    if user.is_absolute():  # for a user without a home directory it stays "~/.cache", which is relative
        yield user / name
    private = _private_temporary_folder()
    if private is not None:
        yield private / name


def _takes_files(folder: Path) -> bool:
    """Whether a file can be made and filled there; on a full disk it can often be made, but not filled."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            return probe.write(bytes(_PROBE_BYTES)) == _PROBE_BYTES
    except OSError:
        return False


def _private_temporary_folder() -> Path | None:
    """This user's folder in the temporary folder, made if missing; None if others may write to it.

    The temporary folder is open to all users, and what is loaded from a cache is executed.
    """
    user = "cache" if sys.platform == "win32" else os.getuid()
    made = False
    try:
        folder = Path(tempfile.gettempdir(), f"kan_np-{user}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            made = True
        status = folder.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    if sys.platform != "win32" and (status.st_uid != user or status.st_mode & 0o077):
        return None
    if made and _takes_files(folder):  # of many processes only the one that made the folder warns
        _warn(f"the package and the user have no folder that takes files, so {folder} is used. {_ADVICE}")
    return folder


def _warn(trouble: str) -> None:
    """Warn, once a process, that kernels may have to be compiled again."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"Compiled kernels may not last, and compiling them takes up to 20 s: {trouble}",
            RuntimeWarning,
            stacklevel=2,
        )
