"""Open a session: greeting, EHLO, STARTTLS, AUTH.

Every failure is a ConnectionLost with a reason for the operator. No message has been begun yet. No reason contains
a password, or the peer's reply to one, because some peers repeat the password.
"""

from __future__ import annotations

import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Generator
from ipaddress import ip_address

from mailer.transports.smtp.connection import Connection, ConnectionLost, Script, Stage
from mailer.transports.smtp.replies import code_of, text_of
from mailer.transports.smtp.transaction import Peer
from mailer.transports.smtp.url import SmtpAddress, StartTls

GetContext = Callable[[], ssl.SSLContext]
Offers = dict[str, str]
"""EHLO keywords in upper case, and their parameters."""

LOGIN_STATUS = re.compile(rb"\d{3}(?: \d\.\d{1,3}\.\d{1,3}(?= |$))?")


def open_session(connection: Connection, address: SmtpAddress, get_context: GetContext) -> Script:
    """Open the session, and set `connection.peer`."""
    is_encrypted = address.is_implicit_tls
    if is_encrypted:
        connection.stage = Stage.ENCRYPTION
        connection.start_tls(get_context(), address.host)
    else:
        connection.stage = Stage.GREETING
    (greeting,) = yield 1
    connection.greeting, connection.stage = text_of(greeting), Stage.GREETING
    if code_of(greeting) != 220:
        raise ConnectionLost(f"the peer takes no mail: {text_of(greeting)}")
    connection.is_greeted = True
    connection.offers = offers = yield from _say_hello(connection, address)
    if not is_encrypted and address.starttls is not StartTls.NEVER:
        connection.stage = Stage.ENCRYPTION
        is_encrypted = yield from _turn_into_tls(connection, address, get_context, offers=offers)
        if is_encrypted:
            connection.offers = offers = yield from _say_hello(connection, address)
    if address.user:
        if not is_encrypted and not _is_loopback(connection.socket):
            connection.stage = Stage.ENCRYPTION
            raise ConnectionLost("the password is not sent: the connection is not encrypted")
        connection.stage = Stage.LOGIN
        yield from _log_in(connection, address, offers)
    connection.peer, connection.stage = read_offers(offers), Stage.READY


def read_offers(offers: Offers) -> Peer:
    size = offers.get("SIZE", "")
    return Peer(
        is_pipelining="PIPELINING" in offers,
        is_8bit="8BITMIME" in offers,
        is_utf8="SMTPUTF8" in offers,
        takes_size="SIZE" in offers,
        size_limit=int(size) if size.isascii() and size.isdigit() else 0,
    )


def _say_hello(connection: Connection, address: SmtpAddress) -> Generator[int, list[bytes], Offers]:
    name = (address.hello or _name_of_this_host(connection.socket)).encode()
    connection.write(b"EHLO %b\r\n" % name)
    (reply,) = yield 1
    if code_of(reply) == 250:
        lines = reply.decode(errors="replace").split("\n")[1:]
        return {keyword.upper(): parameters for keyword, _, parameters in (line.partition(" ") for line in lines)}
    if code_of(reply) >= 500:  # RFC 5321 section 3.2: an old peer
        connection.write(b"HELO %b\r\n" % name)
        (reply,) = yield 1
    if code_of(reply) != 250:
        raise ConnectionLost(f"the peer refused our greeting: {text_of(reply)}")
    return {}


def _turn_into_tls(
    connection: Connection, address: SmtpAddress, get_context: GetContext, *, offers: Offers
) -> Generator[int, list[bytes], bool]:
    answer = "it does not offer STARTTLS"
    if "STARTTLS" in offers:
        connection.write(b"STARTTLS\r\n")
        (reply,) = yield 1
        if code_of(reply) == 220:
            connection.start_tls(get_context(), address.host)
            return True
        answer = f"it answered STARTTLS with {text_of(reply)}"
    if address.starttls is StartTls.ALWAYS:
        raise ConnectionLost(f"the peer must encrypt, but {answer}")
    return False


def _log_in(connection: Connection, address: SmtpAddress, offers: Offers) -> Script:
    """Log in (RFC 4954). LOGIN, which has no RFC, is used with peers that offer nothing better."""
    mechanisms = offers.get("AUTH", "").upper().split()
    if "PLAIN" in mechanisms:
        words = [b"AUTH PLAIN " + b64encode(f"\0{address.user}\0{address.password}".encode())]
    elif "LOGIN" in mechanisms:
        words = [b"AUTH LOGIN", b64encode(address.user.encode()), b64encode(address.password.encode())]
    else:
        raise ConnectionLost("the peer offers neither AUTH PLAIN nor AUTH LOGIN")
    for position, word in enumerate(words, start=1):
        connection.write(word + b"\r\n")
        (reply,) = yield 1
        if code_of(reply) != (235 if position == len(words) else 334):
            status = LOGIN_STATUS.match(reply)
            assert status is not None
            raise ConnectionLost(f"the peer refused the user name or password: {status[0].decode()}")


def _name_of_this_host(sock: socket.socket) -> str:
    """Return the name for EHLO: a full name, or else the address (RFC 5321 section 4.1.4).

    DNS is not queried, since that may take long.
    """
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    host = sock.getsockname()[0].partition("%")[0]
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"


def _is_loopback(sock: socket.socket) -> bool:
    return ip_address(sock.getpeername()[0].partition("%")[0]).is_loopback
