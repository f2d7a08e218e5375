"""Whether a Dask scheduler listens at an address, found out through a plain socket with a time limit.

Dask's own client trusts whoever answers: it waits for ever for one that is silent, and takes the first bytes
of another protocol for a length of up to 2**64.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from sweeps.errors import UserError

#: A scheduler says at once how it compresses and pickles, in some 100 bytes after lengths of 8 bytes.
_GREETING, _LONGEST = b"pickle-protocol", 4096
_PAUSE_S = 0.2


def await_scheduler(address: str, seconds: float) -> None:
    """Return when a scheduler greets at an address.

    Of addresses that are not tcp:// only the form is looked at.

    Raises
    ------
    UserError
        If the address is none, something else answers there, or nothing does within so many seconds.
    """
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    try:
        scheme, place = parse_address(address)
        get_backend(scheme)
        if scheme not in ("tcp", "tls"):
            return
        host, port = parse_host_port(place)
    except (ValueError, TypeError) as error:
        raise no_scheduler(address, f"which cannot be connected to ({error})") from None
    if not host or not 0 < port < 65536:
        raise no_scheduler(address, "which has no host or no port from 1 to 65535")
    if scheme == "tcp":
        _await_greeting(address, (host, port), seconds)


def _await_greeting(address: str, place: tuple[str, int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    reason: Exception = TimeoutError("no connection")
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection(place, timeout=left) as connection:
                heard = _heard(connection, deadline)
        except (OSError, UnicodeError) as error:
            # It may be about to start.
            reason = error
            time.sleep(max(0.0, min(_PAUSE_S, deadline - time.monotonic())))
            continue
        if _GREETING in heard:
            return
        if heard:
            raise no_scheduler(address, "where something else than a Dask scheduler answers")
        reason = TimeoutError("something listens there and says nothing")
        time.sleep(max(0.0, min(_PAUSE_S, deadline - time.monotonic())))
    raise no_answer(address, seconds, reason)


def _heard(connection: socket.socket, deadline: float) -> bytes:
    """Return the first bytes that arrive, as long as they may be the beginning of a greeting."""
    heard = b""
    with suppress(TimeoutError):
        while _GREETING not in heard and len(heard) < _LONGEST:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            connection.settimeout(left)
            part = connection.recv(_LONGEST)
            if not part:
                break
            heard += part
            # the length of all that follows, of which a greeting has little
            if len(heard) >= 8 and int.from_bytes(heard[:8], "little") > _LONGEST:
                break
    return heard


def no_answer(address: str, seconds: float, error: Exception) -> UserError:
    """Return the error for a place where no scheduler is heard."""
    return UserError(
        f"no scheduler answers at {address}: waited for {seconds:g} s ({error}). Check that `dask "
        "scheduler` is running, that this is the address it prints, and that this machine reaches that "
        "port (networks, firewall)."
    )


def no_scheduler(address: str, why: str) -> UserError:
    """Return the error for an address that is not that of a scheduler."""
    return UserError(
        f"scheduler is {address!r}, {why}; expected the address that `dask scheduler` prints, such as "
        "tcp://10.0.0.1:8786."
    )
