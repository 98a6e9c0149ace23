"""Tokens: a key's stand-in for some minutes, for clients that log in once.

A token names its key and when it ends, under a signature with `SECRET_KEY`. Nothing is stored; a revoked key ends its
tokens at once, since the key is read with each request.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.core import signing

from accounts.keys import find_key, find_living
from accounts.models import ApiKey

TOKEN_SECONDS: Final = 1200
"""Clients renew a token some minutes before its end, the most careful ones thirteen."""
SALT: Final = "api.soap.token"
LONGEST: Final = 500


class ExpiredToken(Exception):
    """A token that was right once."""


def make_token(key: ApiKey) -> str:
    """For a key that was just found."""
    until = key.found_at + dt.timedelta(seconds=TOKEN_SECONDS)
    return signing.dumps([key.key_id, int(until.timestamp())], salt=SALT)


def find_by_token(token: str) -> ApiKey | None:
    """The living key that a token stands for, or of which it is the text. Raises ExpiredToken."""
    if token.startswith("SG."):
        return find_key(token)
    if len(token) > LONGEST:
        return None
    try:
        key_id, until = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    key = find_living(key_id)
    if key is not None and until <= key.found_at.timestamp():
        raise ExpiredToken
    return key
