from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mailer.transports.smtp import SmtpAddress, SmtpTransport
from tests.mailer.transports.scripted import Act, ScriptedServer


@pytest.fixture
def start_server() -> Iterator[Callable[..., ScriptedServer]]:
    with ExitStack() as stack:

        def start(script: dict[str, Act | list[Act]] | None = None, **options: Any) -> ScriptedServer:
            return stack.enter_context(ScriptedServer(script or {}, **options))

        yield start


@pytest.fixture
def open_smtp() -> Iterator[Callable[..., SmtpTransport]]:
    with ExitStack() as stack:

        def open_transport(url: str, *, connections: int = 1, timeout_seconds: float = 4.0) -> SmtpTransport:
            address = SmtpAddress.parse(url)
            transport = SmtpTransport(address, connections=connections, timeout_seconds=timeout_seconds)
            stack.callback(transport.close)
            return transport

        yield open_transport
