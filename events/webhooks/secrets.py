"""Encrypt the secrets of endpoints. They have to be read again, and the database alone must not reveal them.

The keys are derived from SECRET_KEY and SECRET_KEY_FALLBACKS. What was encrypted with a key that is in neither of them
is lost: its endpoint needs new secrets.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class LostSecret(Exception):
    """Raised for a secret that was encrypted with an unknown SECRET_KEY."""


def encrypt(secret: bytes) -> bytes:
    """Return a secret as it is stored."""
    return _cipher(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).encrypt(secret)


def decrypt(stored: bytes | memoryview) -> bytes:
    """Return a stored secret. Raises LostSecret."""
    try:
        return _cipher(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).decrypt(bytes(stored))
    except InvalidToken as error:
        raise LostSecret from error


@lru_cache(maxsize=4)
def _cipher(*secret_keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_key_of(secret_key)) for secret_key in secret_keys])


def _key_of(secret_key: str) -> bytes:
    return urlsafe_b64encode(blake2b(secret_key.encode(), digest_size=32, person=b"webhook secrets").digest())
