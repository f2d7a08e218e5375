"""The connection to a Dask cluster: to a running one by its address, or to one that is started here."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sweeps.backends.failure_records import ATTEMPTS, WorkerLostError
from sweeps.backends.handshake import await_scheduler, no_answer, no_scheduler
from sweeps.backends.resources import Resources
from sweeps.backends.worker import ONE_THREAD
from sweeps.errors import UserError
from sweeps.interrupts import children_ignore_terminal

#: Gets the number of threads of a cluster, and restarts workers if there are too few.
Revive = Callable[[int], None]

#: Seconds to wait for the scheduler's answer to the first call, and for answers of workers, which may be
#: suspended.
_CONNECT_S = 30.0
_ANSWER_S = 10.0
#: What has to be equal on both sides of a connection for them to understand each other.
_ALIKE = ("python", "dask", "distributed")


@contextlib.contextmanager
def connect(resources: Resources) -> Iterator[tuple[Any, Revive]]:
    """Connect to the cluster that is meant, and close the connection, or the cluster, at the end."""
    _keep_quiet()
    with _own(resources.jobs) if resources.scheduler is None else _foreign(resources.scheduler) as cluster:
        yield cluster


@contextlib.contextmanager
def _foreign(address: str) -> Iterator[tuple[Any, Revive]]:
    from distributed import Client
    from distributed.versions import get_versions

    deadline = time.monotonic() + _CONNECT_S

    def start() -> Any:
        await_scheduler(address, _CONNECT_S)
        client: Any = Client(address, timeout=max(deadline - time.monotonic(), 1.0), set_as_default=False)
        return client, in_time(client, client.scheduler.versions)

    try:
        client, versions = _by(deadline, start)
    except UserError:
        raise
    except (OSError, TimeoutError) as error:
        raise no_answer(address, _CONNECT_S, error) from None
    except Exception as error:  # whatever Dask makes of an answer that is none
        raise no_scheduler(address, f"which cannot be connected to ({error})") from None
    with client:
        other = difference(versions, get_versions())
        if other:
            raise UserError(
                f"the scheduler at {address} has {other}; install the same versions on both sides."
            )
        yield client, lambda n_threads: None


def _by(deadline: float, start: Callable[[], Any]) -> Any:
    """Return what a function returns, or raise TimeoutError: Dask waits for ever on some sockets."""
    results: list[Any] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(start())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    # a little longer than the work takes that watches the time itself, and has better words
    thread.join(max(deadline - time.monotonic(), 0.5) + 0.5)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError("it listens and does not go on")
    return results[0]


@contextlib.contextmanager
def _own(jobs: int) -> Iterator[tuple[Any, Revive]]:
    """Start a cluster of so many processes on this machine."""
    from distributed import Client

    with _start(jobs) as cluster, Client(cluster, set_as_default=False) as client:

        def revive(n_threads: int) -> None:
            # Dask restarts a worker that was killed, but gives up one that does not come back in time.
            if n_threads < jobs:
                cluster.scale(jobs)

        yield client, revive


def _start(jobs: int) -> Any:
    from distributed import LocalCluster

    for attempt in range(1, ATTEMPTS + 1):
        try:
            with children_ignore_terminal():
                return LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                    env=dict(ONE_THREAD),
                )
        except (RuntimeError, OSError, TimeoutError) as error:
            # One worker that does not start, or is killed meanwhile, takes the whole cluster with it.
            if attempt == ATTEMPTS:
                raise WorkerLostError(f"a Dask cluster cannot be started here: {error}") from None
    raise AssertionError("the last attempt returns or raises")


def in_time(client: Any, ask: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what a method of the client returns, or raise an error if that takes too long."""
    return client.sync(ask, *arguments, callback_timeout=_ANSWER_S, **options)


def mismatches(client: Any, workers: Sequence[str]) -> dict[str, str]:
    """Return by the address of a Dask worker what it has and what is here, where they cannot go together.

    One that does not answer now, as it may be stopped or gone, is not among them.
    """
    from distributed.versions import get_versions

    message = {"op": "versions", "packages": []}
    try:
        found = in_time(client, client.scheduler.broadcast, msg=message, workers=workers, on_error="ignore")
    except TimeoutError:
        return {}
    here = get_versions()
    differ = {address: difference(there, here) for address, there in found.items()}
    return {address: text for address, text in differ.items() if text}


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Say which versions of both sides, as Dask tells them, cannot go together; empty if all can.

    Examples
    --------
    >>> difference({"packages": {"python": "3.12.1"}}, {"packages": {"python": "3.11.7"}})
    'python 3.12 (here: 3.11)'
    """
    versions = [{name: str(side.get("packages", {}).get(name)) for name in _ALIKE} for side in (there, here)]
    for side in versions:
        side["python"] = ".".join(side["python"].split(".")[:2])
    return ", ".join(
        f"{name} {versions[0][name]} (here: {versions[1][name]})"
        for name in _ALIKE
        if versions[0][name] != versions[1][name]
    )


def _keep_quiet() -> None:
    """Keep Dask's log of lost workers and connections off the screen: a sweep tells in its own words.

    For good, since the threads of a client that was closed may log until the process ends.
    """
    import distributed  # noqa: F401 - it sets the levels of its loggers as it is imported

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
