"""What is no Dask scheduler: it is told within the time there is, in one line, whatever listens."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from loopback import by_fault, dask_cluster
from misbehaving import made_up, misbehave

from sweeps import backends
from sweeps.backends import Resources, cluster_client
from sweeps.backends.handshake import await_scheduler
from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.run_one import RunOptions

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

ENDED = threading.Event()


def silent(connection: socket.socket) -> None:
    ENDED.wait(60.0)


def closing(connection: socket.socket) -> None:
    connection.close()


def talking(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    ENDED.wait(60.0)


def dripping(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while not ENDED.wait(0.05):
            connection.sendall(b"\0")


def promising(connection: socket.socket) -> None:
    # a frame of 2**40 bytes
    connection.sendall((2**40).to_bytes(8, "little") * 4)
    ENDED.wait(60.0)


def pretending(connection: socket.socket) -> None:
    """The greeting of a scheduler, and then nothing."""
    body = b"\x83\xabcompression\xc0\xa6python\x93\x03\x0b\x00\xafpickle-protocol\x05"
    frames = (1).to_bytes(8, "little") + len(body).to_bytes(8, "little") + body
    connection.sendall(len(frames).to_bytes(8, "little") + frames)
    ENDED.wait(60.0)


@contextlib.contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    ENDED.clear()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(connection: socket.socket) -> None:
            with connection:
                answer(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        ENDED.set()
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("answer", [silent, closing, talking, dripping, promising, pretending])
def test_a_server_that_is_no_scheduler_is_told_in_time(
    answer: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_client, "_CONNECT_S", 1.0)
    with server(answer) as address:
        started = time.monotonic()
        with pytest.raises(UserError, match="scheduler") as told:
            next(backends.dask(made_up(""), RunOptions(), Resources(scheduler=address), misbehave))
        # with the import of Dask; without an end to the patience it is minutes
        assert time.monotonic() - started < 20.0
    assert address in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_an_http_server_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_client, "_CONNECT_S", 1.0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        address = f"tcp://127.0.0.1:{web.server_port}"
        with pytest.raises(UserError, match="something listens there and says nothing"):
            next(backends.dask(made_up(""), RunOptions(), Resources(scheduler=address), misbehave))
        web.shutdown()


def test_a_closed_port_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_client, "_CONNECT_S", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UserError, match=rf"no scheduler answers at {address}: waited for 0\.5 s"):
        next(backends.dask(made_up(""), RunOptions(), Resources(scheduler=address), misbehave))


NO_ADDRESSES = """tcp:// foo tcp://host:99999 tcp://host:0 tcp://:8786 tcp://host tcp://host:-5 tcp://[::1 ://
http://127.0.0.1:80 udp://a:1 tcp://host:port tcp://a:1:2 tcp://h:1e3"""


@pytest.mark.parametrize("address", ["", *NO_ADDRESSES.split()])
def test_an_address_that_is_none_is_told_at_once(address: str) -> None:
    with pytest.raises(UserError, match="expected the address that `dask scheduler` prints") as told:
        await_scheduler(address, 60.0)
    assert repr(address) in str(told.value)


def test_the_command_says_it_in_one_line(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x"
    arguments = ["run", "toy", "--backend", "dask", "--scheduler", "tcp://host:99999", "--out", str(out)]
    assert main([*arguments, "--limit", "1", "--no-report"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("error: scheduler is 'tcp://host:99999', which has no host or no port")


@pytest.mark.slow
def test_a_scheduler_is_found(tmp_path) -> None:
    with dask_cluster(1) as (address, _):
        await_scheduler(address, 60.0)
        runs = made_up("", "")
        found = by_fault(runs, backends.dask(runs, RunOptions(), Resources(scheduler=address), misbehave))
    assert found == {"": ("ok", "")}
