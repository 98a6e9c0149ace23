"""Run the receiver of webhooks, which keeps every body that reaches it, and misbehaves on request.

A body counts as arrived when it was read completely and its answer is a 2xx, even if the answer is lost: a receiver
stores events before it answers.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from chaos.serving import SessionServer

NATIVE, SENDGRID = "native", "sendgrid"
ENDPOINTS = (NATIVE, SENDGRID)
"""The endpoints by their dialects, which are also the paths of their URLs."""
END_OF_HEAD = b"\r\n\r\n"
REDIRECTED = "/redirected"
"""The path to which the receiver redirects, and which nobody may ask for."""
RESET = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with which the end of a connection is a reset."""
STORED = ("webhook-id", "webhook-timestamp", "webhook-signature")
STORED_OF_SENDGRID = ("x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys with which the receiver verifies signatures."""

    secret: str
    """The secret of the native endpoint, which begins with `whsec_`."""
    public_key: str
    """The public key of the endpoint in SendGrid's dialect, in Base64."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it reached the receiver."""

    endpoint: str
    headers: Mapping[str, str]
    """The headers that a receiver verifies, by names in lower case."""
    packed: bytes
    is_accepted: bool
    """Whether the receiver has stored it, and answers with a 2xx."""

    @property
    def data(self) -> bytes:
        return zlib.decompress(self.packed)


@dataclass(frozen=True, slots=True)
class Manner:
    """The way in which the receiver answers. An endpoint that is not among `endpoints` is answered well."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """The time before an answer."""
    hangs: bool = False
    """Whether no answer comes before the sender has closed the connection."""
    cuts: bool = False
    """Whether the connection is reset in the middle of the answer."""
    endpoints: tuple[str, ...] = ENDPOINTS


WELL = Manner()


class Receiver(SessionServer):
    """The receiver of both endpoints, on a fixed loopback port, in a thread."""

    def __init__(self) -> None:
        super().__init__()
        self.manner = WELL
        self.bodies: list[Body] = []
        self.strays: list[str] = []
        """The requests that no endpoint makes: with another method, or for another path."""
        self.ill_treated = 0
        """The number of requests that were answered late, badly or not at all."""
        self.given_up = 0
        """The number of connections that the sender closed before it had an answer."""
        self.waiting = 0
        """The number of requests that wait for their answers."""

    def url_of(self, endpoint: str) -> str:
        """Return the URL of an endpoint."""
        return f"http://127.0.0.1:{self.port}/{endpoint}"

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(END_OF_HEAD)).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            data = await reader.readexactly(int(headers.get("content-length", 0)))
            endpoint = path.removeprefix("/")
            if method != "POST" or endpoint not in ENDPOINTS:
                self.strays.append(f"{method} {path}")
            manner = self.manner if endpoint in self.manner.endpoints else WELL
            self._keep(endpoint, headers, data, manner)
            if not await self._answer(reader, writer, manner):
                return

    def _keep(self, endpoint: str, headers: Mapping[str, str], data: bytes, manner: Manner) -> None:
        verified = {name: headers[name] for name in (*STORED, *STORED_OF_SENDGRID) if name in headers}
        is_accepted = 200 <= manner.status < 300 and not manner.hangs
        self.bodies.append(Body(endpoint, verified, zlib.compress(data, 1), is_accepted))
        self.ill_treated += manner is not WELL

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, manner: Manner) -> bool:
        """Answer a request; return False when the connection is over."""
        if (manner.hangs or manner.seconds) and await self._is_left(reader, None if manner.hangs else manner.seconds):
            return False
        lines = [f"HTTP/1.1 {manner.status} Chaos", *(f"{name}: {value}" for name, value in manner.headers.items())]
        answer = "\r\n".join([*lines, "Content-Length: 6", "", "thanks"]).encode()
        if manner.cuts:
            writer.write(answer[: -len("thanks") // 2])
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            return False
        writer.write(answer)
        return True

    async def _is_left(self, reader: asyncio.StreamReader, seconds: float | None) -> bool:
        """Wait, and return whether the sender has closed the connection meanwhile. It sends nothing before an answer.

        Without a limit, only the sender or the end of the receiver ends the wait.
        """
        self.waiting += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await reader.read(1)
                self.given_up += 1
                return True
            return False
        finally:
            self.waiting -= 1
