"""Make and read tokens, which represent a key for some minutes, for clients that log in once.

A token names its key and when it ends, under a signature with `SECRET_KEY`. Nothing is stored; a revoked key ends its
tokens at once, since the key is read with each request.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.core import signing

from accounts.models import ApiKey
from api.caller import UnknownCredentials, find_by_id, find_by_text

TOKEN_SECONDS: Final = 1200
"""The lifetime of a token. Clients renew a token some minutes before its end, at most thirteen."""
SALT: Final = "api.soap.token"
LONGEST: Final = 500


class ExpiredToken(UnknownCredentials):
    """Raised for a token that has ended."""


def make_token(key: ApiKey) -> str:
    """Return a new token of a key that was just found."""
    until = key.found_at + dt.timedelta(seconds=TOKEN_SECONDS)
    return signing.dumps([key.key_id, int(until.timestamp())], salt=SALT)


def find_by_token(token: str) -> ApiKey:
    """Return the valid key that a token names, or the key with this text. Raises UnknownCredentials or ExpiredToken."""
    if token.startswith("SG."):
        return find_by_text(token)
    if len(token) > LONGEST:
        raise UnknownCredentials
    try:
        key_id, until = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise UnknownCredentials from None
    key = find_by_id(key_id)
    if until <= key.found_at.timestamp():
        raise ExpiredToken
    return key
