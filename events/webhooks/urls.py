"""Decide which texts can be the URL of an endpoint. The addresses of its host are checked with each connection."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import urlsplit

from events.errors import InvalidUrl
from foundation.addresses import ASCII_DOMAIN, LONGEST_DOMAIN

URL_LENGTH: Final = 2000
_SHAPE: Final = re.compile(r"(?i:https?)://[!-~]+")
_DOMAIN: Final = re.compile(rf"{ASCII_DOMAIN}\.?")
_LOGIN: Final = re.compile(r"[\w.~!$&'()*+,;=:%-]+@", re.ASCII)
"""A user name, perhaps with a password, as a URL has them (RFC 3986 section 3.2.1)."""


def check_url(url: str, *, field: str = "url", may_have_login: bool = True) -> None:
    """Accept a URL of http or https in visible ASCII characters.

    Receivers written for SendGrid often rely on a user name and a password in it. Raises InvalidUrl.
    """
    if len(url) > URL_LENGTH or not _SHAPE.fullmatch(url) or not _has_a_host(url, may_have_login=may_have_login):
        raise InvalidUrl(url, field=field)


def hide_login(url: str) -> str:
    """Return a URL as people may see it: without its user name and password."""
    scheme, mark, location = url.partition("://")
    authority, slash, path = location.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def without_secrets(url: str) -> str:
    """Return a URL as it may be mailed: without user name, password, query and fragment."""
    return hide_login(url.partition("?")[0].partition("#")[0])


def host_of(url: str) -> str:
    """Return the host of a URL of an endpoint, with its port if that is named."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _has_a_host(url: str, *, may_have_login: bool) -> bool:
    """Return whether the authority of a URL is a host, perhaps with a port, and a login before it."""
    try:
        parts = urlsplit(url)
        is_port = parts.port != 0
    except ValueError:
        return False
    login = parts.netloc[: parts.netloc.rfind("@") + 1]
    is_login = may_have_login and _LOGIN.fullmatch(login) is not None
    return is_port and (is_login or not login) and _is_host(parts.hostname or "")


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= LONGEST_DOMAIN and _DOMAIN.fullmatch(host) is not None
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True
