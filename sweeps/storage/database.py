"""Opening the SQLite file of a store, for writing or for reading only."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

import numpy as np

from sweeps.storage.sqlite_errors import damaged, sqlite_errors, unwritable

DATABASE_NAME = "results.db"

#: One array a column.
Columns = dict[str, np.ndarray]

# The tables that every store has; `_schema` says more. Models are not among those that are looked through:
# they are most of the bytes of a long sweep, and damage in them is found by whoever adds or reads one.
_ALWAYS = frozenset({"meta", "environments", "tasks", "plan", "runs", "stages", "models"})
_LOOKED_THROUGH = (_ALWAYS | {"formulas", "quantities"}) - {"models"}
#: Tables whose rows are counted and found through an index, which must agree with the table.
_INDEXED = frozenset({"plan", "runs"})
#: How long SQLite waits for another process: a reader keeps a writer waiting only on a network file system.
_PATIENCE_S, _NETWORK_PATIENCE_S = 30.0, 300.0
#: File systems that several machines can have mounted.
_NETWORK_TYPES = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "fuse.ceph", "fuse.sshfs"}
    | {"glusterfs", "fuse.glusterfs", "9p", "afs", "panfs", "pvfs2", "orangefs", "wekafs", "fuse.juicefs"}
)


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the file for writing, made if missing, and check that it is whole."""
    shared = on_network(path.parent)
    patience = _NETWORK_PATIENCE_S if shared else _PATIENCE_S
    with sqlite_errors(path):
        connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
        try:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            # Somebody else's database is not touched.
            if not names or names >= _ALWAYS:
                # WAL lets readers in while a run is committed, but only those of the same machine: its index
                # is shared memory.
                connection.execute(f"PRAGMA journal_mode={'TRUNCATE' if shared else 'WAL'}")
            # Every commit is kept when a process is killed, and a consistent file when the power fails.
            connection.execute("PRAGMA synchronous=NORMAL")
            check_structure(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def check_structure(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UserError if the B-trees of the tables, that of the models excepted, are damaged."""
    with sqlite_errors(path):
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        for table in sorted(_LOOKED_THROUGH & names) if names >= _ALWAYS else ("1",):
            check = "integrity_check" if table in _INDEXED else "quick_check"
            finding = connection.execute(f"PRAGMA {check}({table})").fetchone()[0]
            if finding != "ok":
                raise damaged(path, finding)


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading, also while it is being written and on a disk that cannot be written."""
    uri = f"file:{quote(str(path.resolve()))}"
    with sqlite_errors(path):
        connection = sqlite3.connect(f"{uri}?mode=rw", uri=True, timeout=_PATIENCE_S, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            # Even to be read, a WAL file wants a writable directory. Where there is none there is no writer,
            # and the file may be read as immutable, unless its last runs are still in the WAL.
            if "readonly" not in str(error) and "unable to open" not in str(error):
                raise
            wal = path.with_name(path.name + "-wal")
            if wal.is_file() and wal.stat().st_size:
                raise unwritable(path.parent, error) from None
            connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
        except BaseException:
            connection.close()
            raise
    return connection


def on_network(directory: Path) -> bool:
    """Say whether a directory lies on a file system that other machines may have mounted, where known."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    found, kind = "", ""
    where = os.path.realpath(directory)
    for fields in map(str.split, mounts):
        # Blanks in a path stand as \040 there.
        point = fields[1].encode().decode("unicode_escape") if len(fields) > 2 else ""
        inside = point == "/" or where == point or where.startswith(point + "/")
        if point and inside and len(point) >= len(found):
            found, kind = point, fields[2]
    return kind in _NETWORK_TYPES
