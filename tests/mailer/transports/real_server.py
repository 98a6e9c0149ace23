"""Run aiosmtpd, an independent server, on a free port in a thread."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import Any

from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as ReceivedEnvelope

from chaos.serving import end_tasks, stop_accepting


class RealServer:
    """A server of aiosmtpd: `tls` encrypts from the first byte, and all other options are aiosmtpd's."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        self.received: list[ReceivedEnvelope] = []
        self.were_encrypted: list[bool] = []
        self.port = 0
        self._tls = tls
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: ReceivedEnvelope) -> str:  # noqa: N802
        self.received.append(envelope)
        self.were_encrypted.append(session.ssl is not None or self._tls is not None)
        return "250 2.0.0 kept"

    def __enter__(self) -> RealServer:
        self._thread.start()
        assert self._is_ready.wait(5.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    def _run(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(self._make, "127.0.0.1", 0, ssl=self._tls))
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(stop_accepting(server))
        self._loop.run_until_complete(end_tasks())
        self._loop.close()

    def _make(self) -> SMTP:
        return SMTP(self, hostname="127.0.0.1", loop=self._loop, enable_SMTPUTF8=True, **self._options)
