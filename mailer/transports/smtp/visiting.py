"""Visit the peer without sending mail: find out its name, its offers, its speed, and whether it takes mail.

The session is opened as for mail (opening.py). Then a sender and a recipient are named, and reset.
"""

from __future__ import annotations

import select
from collections.abc import Generator
from dataclasses import dataclass, field
from time import monotonic

from mailer.transports.smtp.connection import Connection, ConnectionLost, Script, Stage, describe
from mailer.transports.smtp.opening import open_session
from mailer.transports.smtp.pool import Endpoint, HostUnknown, Resolver
from mailer.transports.smtp.replies import SUCCESS, text_of
from mailer.transports.smtp.url import SmtpAddress

VISIT_SECONDS = 20.0
"""The longest time for the whole visit, without the look-up of the name, whatever the peer does."""
POSTMASTER = "postmaster"
"""RFC 5321 section 4.5.1: every server takes mail for it, without a domain."""


@dataclass(slots=True)
class Visit:
    """The result of a visit. Each text of the peer is one printable line, and none holds a password."""

    place: str = ""
    """The address and port that were connected to."""
    stage: Stage = Stage.CONNECTING
    """The stage that the visit reached."""
    failure: str = ""
    """The reason why the visit stopped early; empty if it was complete."""
    greeting: str = ""
    offers: dict[str, str] = field(default_factory=dict)
    tls_version: str = ""
    connect_ms: float = 0.0
    greeting_ms: float = 0.0
    """The time from the connection to the greeting, including a TLS handshake before it."""
    reply_ms: float = 0.0
    """The slowest answer to MAIL, RCPT and RSET."""
    refusal: str = ""
    """The peer's answer, when it takes neither mail from `sender` to `sender` nor mail to its postmaster."""


def visit(address: SmtpAddress, *, sender: str, timeout_seconds: float) -> Visit:
    """Visit the peer, at the first of its addresses that greets.

    Each answer is waited for `timeout_seconds`. Raises OSError when the CA file of the address cannot be used.
    """
    if address.ca_file:
        address.make_tls_context()
    result, until = Visit(), monotonic() + VISIT_SECONDS
    try:
        endpoints = Resolver(address.host, address.port).find_endpoints(may_wait=lambda: True)
    except HostUnknown as unknown:
        result.failure = str(unknown)
        return result
    for endpoint in endpoints:
        result = _visit_endpoint(endpoint, address, sender, until=until, timeout_seconds=timeout_seconds)
        if result.greeting.startswith("220") or monotonic() >= until:
            break
    return result


def _visit_endpoint(
    endpoint: Endpoint, address: SmtpAddress, sender: str, *, until: float, timeout_seconds: float
) -> Visit:
    result = Visit(place=_place_of(endpoint))
    try:
        connection = Connection(family=endpoint.family, timeout_seconds=timeout_seconds)
    except OSError as error:
        result.failure = f"no socket: {describe(error)}"
        return result
    try:
        connection.run(_look_around(connection, address, sender, result))
        connection.connect(endpoint.sockaddr)
        _drive(connection, result, until=until, timeout_seconds=timeout_seconds)
        connection.close()
    except ConnectionLost as lost:
        result.failure = lost.reason
        connection.abort()
    result.stage = Stage.CONNECTING if connection.is_connecting else connection.stage
    result.greeting = connection.greeting
    result.offers = {keyword: text_of(parameters.encode()) for keyword, parameters in connection.offers.items()}
    result.tls_version = connection.tls_version
    return result


def _place_of(endpoint: Endpoint) -> str:
    """Return an endpoint as `host:port`."""
    host, port, *_ = endpoint.sockaddr
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def _drive(connection: Connection, result: Visit, *, until: float, timeout_seconds: float) -> None:
    """Read and write as the socket allows until the script has ended. Raises ConnectionLost."""
    started = monotonic()
    while not connection.is_idle:
        if connection.is_overdue(monotonic()):
            raise ConnectionLost(f"no answer within {timeout_seconds:g} s")
        if monotonic() > until:
            raise ConnectionLost(f"the peer was not done within {VISIT_SECONDS:g} s")
        writers = [connection.socket] if connection.wants_room else []
        readable, writable, _ = select.select([connection.socket], writers, [], 0.1)
        if writable:
            connection.on_room()
            result.connect_ms = result.connect_ms or (monotonic() - started) * 1000
        if readable:
            connection.on_bytes()
        if connection.greeting and not result.greeting_ms:
            result.greeting_ms = (monotonic() - started) * 1000 - result.connect_ms


def _look_around(connection: Connection, address: SmtpAddress, sender: str, result: Visit) -> Script:
    """Open a session, name a sender and a recipient, reset them, and quit."""
    yield from open_session(connection, address, address.make_tls_context)
    result.refusal = yield from _ask_for_mail(connection, sender, result)
    yield from _ask(connection, "RSET", result)
    connection.write(b"QUIT\r\n")


def _ask_for_mail(connection: Connection, sender: str, result: Visit) -> Generator[int, list[bytes], str]:
    """Return why the peer takes no mail, or an empty string. Some peers take only mail for domains of theirs."""
    refusal = yield from _ask(connection, f"MAIL FROM:<{sender}>", result)
    for recipient in (sender, POSTMASTER) if not refusal else ():
        refusal = yield from _ask(connection, f"RCPT TO:<{recipient}>", result)
        if not refusal:
            break
    return refusal


def _ask(connection: Connection, command: str, result: Visit) -> Generator[int, list[bytes], str]:
    """Return the peer's answer if it is negative, else an empty string."""
    asked_at = monotonic()
    connection.write(command.encode() + b"\r\n")
    (reply,) = yield 1
    result.reply_ms = max(result.reply_ms, (monotonic() - asked_at) * 1000)
    return "" if reply[0] == SUCCESS else text_of(reply)
