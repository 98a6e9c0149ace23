"""Get access tokens for endpoints that need OAuth 2 (RFC 6749 section 4.4, the client credentials grant).

Tokens are kept in the memory of a process until shortly before they expire. If a receiver does not accept a token, the
next attempt gets another one.
"""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b64encode
from typing import Final, NamedTuple
from urllib.parse import quote_plus, urlencode

from events.models import Endpoint
from events.webhooks.client import Client
from events.webhooks.secrets import decrypt
from foundation.caches import Cache

DEFAULT_SECONDS: Final = 300.0
"""The time for which a token without `expires_in` is kept."""
SPARE_SECONDS: Final = 30.0
"""A token is not used in the last seconds before it expires."""
TOKENS_KEPT: Final = 1000
VISIBLE: Final = re.compile(r"[!-~]+")
"""The values that a header can hold behind `Bearer` (RFC 6750 section 2.1 allows fewer characters)."""


class BadToken(Exception):
    """Raised if the server of tokens gives no token."""


class Token(NamedTuple):
    """An access token with the time of the monotonic clock until which it is used."""

    value: str
    until: float


_tokens: Cache[tuple[str, str, bytes], Token] = Cache(TOKENS_KEPT)
_lock = threading.Lock()


def token_for(endpoint: Endpoint, client: Client) -> dict[str, str]:
    """Return the header with the access token of an endpoint; no header if the endpoint does not use OAuth.

    Raises BadToken and LostSecret.
    """
    if not endpoint.oauth_token_url:
        return {}
    stored = bytes(endpoint.oauth_client_secret or b"")
    key = endpoint.oauth_token_url, endpoint.oauth_client_id, stored
    with _lock:
        token = _tokens.get(key)
    if token is None or token.until <= time.monotonic():
        secret = decrypt(stored).decode() if stored else ""
        token = _fetch(endpoint.oauth_token_url, endpoint.oauth_client_id, secret, client)
        with _lock:
            _tokens[key] = token
    return {"Authorization": f"Bearer {token.value}"}


def forget_token(endpoint: Endpoint) -> None:
    """Forget the access token of an endpoint, because its receiver did not accept it."""
    key = endpoint.oauth_token_url, endpoint.oauth_client_id, bytes(endpoint.oauth_client_secret or b"")
    with _lock:
        _tokens.pop(key, None)


def _fetch(url: str, client_id: str, secret: str, client: Client) -> Token:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    headers = {
        "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    answer = client.post(url, urlencode({"grant_type": "client_credentials"}).encode(), headers)
    if not answer.is_success:
        raise BadToken(answer.error)
    value, seconds = _read(answer.body)
    return Token(value, time.monotonic() + max(0.0, seconds - SPARE_SECONDS))


def _read(body: bytes) -> tuple[str, float]:
    """Return the access token in a response, and the seconds for which it is valid. Raises BadToken."""
    try:
        fields = json.loads(body)
        value, lifetime = fields["access_token"], fields.get("expires_in")
        seconds = DEFAULT_SECONDS if lifetime is None else float(lifetime)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        # The server may answer anything: a number beyond all floats, or arrays that are nested thousands of times.
        raise BadToken("the response has no access token") from error
    if not (isinstance(value, str) and VISIBLE.fullmatch(value)):
        raise BadToken("the response has no access token")
    return value, seconds
