"""Writes files completely or not at all."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

from sweeps.errors import UserError


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` at once: a reader sees the old file or the new one, never half of it."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise UserError(
            f"cannot write {path}: {error.strerror or error}. Choose another place with -o."
        ) from None


@cache
def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
