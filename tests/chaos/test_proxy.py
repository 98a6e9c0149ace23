"""The proxy that chaos makes slow, or a black hole, does this as a fault describes it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from chaos.proxy import FAST, Door, Link
from tests.waiting import wait_until


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return the server behind the proxy."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture
def door(listener: socket.socket) -> Iterator[Door]:
    with Door(listener.getsockname()[1]) as door:
        yield door


def connect(door: Door) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), timeout=10)


def test_bytes_pass_both_ways_and_so_does_the_end_of_a_connection(door: Door, listener: socket.socket) -> None:
    with connect(door) as client, listener.accept()[0] as server:
        client.sendall(b"hello")
        assert server.recv(100) == b"hello"
        server.sendall(b"goodbye")
        server.close()
        assert client.recv(100) == b"goodbye"
        assert client.recv(100) == b""


def test_a_slow_link_delays_data_and_counts_it(door: Door, listener: socket.socket) -> None:
    with connect(door) as client, listener.accept()[0] as server:
        door.link = Link(seconds=0.1, bytes_per_second=10_000)
        began = time.monotonic()
        client.sendall(b"x" * 1000)
        assert len(server.recv(2000)) == 1000
        assert time.monotonic() - began >= 0.2
        assert door.delayed == 1
        door.link = FAST
        client.sendall(b"again")
        assert server.recv(100) == b"again"
        assert door.delayed == 1


def test_a_black_hole_keeps_all_bytes_until_it_is_healed(door: Door, listener: socket.socket) -> None:
    with connect(door) as client, listener.accept()[0] as server:
        door.swallow()
        client.sendall(b"hello")
        wait_until(lambda: door.held == 1)
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.recv(100)
        door.pass_on()
        server.settimeout(10)
        assert server.recv(100) == b"hello"


def test_a_closed_door_refuses_connections_and_breaks_open_ones(door: Door, listener: socket.socket) -> None:
    with connect(door) as client, listener.accept()[0]:
        client.sendall(b"x")
        door.close()
        assert client.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(door)
        door.open()
        connect(door).close()
