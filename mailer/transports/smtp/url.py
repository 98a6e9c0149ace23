"""Read the address of the peer, and the options of the connection, from `SMTP_URL`. A mistake in it stops start-up."""

from __future__ import annotations

import enum
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
QUERY_KEYS = frozenset({"starttls", "verify", "ca", "hello"})
HELLO_NAME = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")


class StartTls(enum.Enum):
    """The condition on which a connection that began in the clear is turned into TLS (RFC 3207)."""

    NEVER = "never"
    AUTO = "auto"
    """The client encrypts if the peer offers it. It must then succeed: a certificate that does not fit ends the
    connection."""
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    is_implicit_tls: bool = False
    """True if TLS is used from the first byte (RFC 8314)."""
    starttls: StartTls = StartTls.AUTO
    is_verified: bool = True
    ca_file: str | None = None
    hello: str | None = None
    """The name given in EHLO; without one, this host's name, or its address where it has no full name."""

    @classmethod
    def parse(cls, url: str) -> SmtpAddress:
        """Parse `smtp://[user:password@]host[:port][?starttls=…&verify=no&ca=…&hello=…]`, or `smtps://…`.

        Raises ValueError, whose text never repeats the URL: there may be a password in it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("SMTP_URL is not a URL with a valid host and port") from None
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError("SMTP_URL must start with smtp:// or smtps://")
        if not parts.hostname or parts.path.strip("/"):
            raise ValueError("SMTP_URL must name a host, and no path")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := query.keys() - QUERY_KEYS:
            raise ValueError(f"SMTP_URL has an unknown option: {', '.join(sorted(unknown))}")
        return cls(
            host=parts.hostname,
            port=port or DEFAULT_PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            is_implicit_tls=parts.scheme == "smtps",
            starttls=_read_starttls(query.get("starttls", "auto")),
            is_verified=_read_verify(query.get("verify", "yes")),
            ca_file=query.get("ca"),
            hello=_read_hello(query.get("hello")),
        )

    def make_tls_context(self) -> ssl.SSLContext:
        """Return the TLS context. Raises OSError if the `ca` file is missing or holds no certificate."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _read_starttls(word: str) -> StartTls:
    try:
        return StartTls(word)
    except ValueError:
        raise ValueError("SMTP_URL: starttls must be never, auto or always") from None


def _read_verify(word: str) -> bool:
    if word not in {"yes", "no"}:
        raise ValueError("SMTP_URL: verify must be yes or no")
    return word == "yes"


def _read_hello(name: str | None) -> str | None:
    if name is not None and not HELLO_NAME.fullmatch(name):
        raise ValueError("SMTP_URL: hello must be a host name or an address literal")
    return name
