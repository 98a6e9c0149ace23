"""Decide which texts can be the URL of an endpoint. Where its host may be is decided with each connection."""

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


def check_url(url: str, *, field: str = "url") -> None:
    """Accept a URL of http or https in visible ASCII characters, without a user name or password.

    A URL is shown to everyone who may read the settings, so secrets belong elsewhere. Raises InvalidUrl.
    """
    if len(url) > URL_LENGTH or not _SHAPE.fullmatch(url) or not _has_only_a_host(url):
        raise InvalidUrl(url, field=field)


def _has_only_a_host(url: str) -> bool:
    """Return whether the authority of a URL is a host, and perhaps a port."""
    try:
        parts = urlsplit(url)
        is_port = parts.port != 0
    except ValueError:
        return False
    return is_port and "@" not in parts.netloc and _is_host(parts.hostname or "")


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= LONGEST_DOMAIN and _DOMAIN.fullmatch(host) is not None
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True
