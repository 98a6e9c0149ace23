"""Test the end of a server that runs in a thread of a test or a chaos run."""

from __future__ import annotations

import gc
import random
import socket
import warnings
from collections.abc import Callable

import pytest

from chaos.ledger import Ledger
from chaos.receiver import Receiver
from chaos.serving import LoopbackServer
from tests.peer import CountingPeer

TIMES = 5
"""How often the server ends, since a connection may be at any stage of being accepted."""


@pytest.mark.parametrize("make", [lambda: Ledger(random.Random(1)), Receiver, CountingPeer])
def test_a_server_that_ends_while_it_accepts_leaves_no_connection_open(
    make: Callable[[], LoopbackServer | CountingPeer],
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(TIMES):
            with make() as server:
                clients = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(3)]
            for client in clients:
                client.close()
        gc.collect()
    assert [str(each.message) for each in warned if each.category is ResourceWarning] == []
