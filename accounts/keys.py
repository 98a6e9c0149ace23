"""API keys: made, found, renamed, revoked.

The secret is seen once, by whoever makes the key; the database holds its SHA-256 digest. A plain digest will do, since
the secret is 256 random bits: there is nothing to guess. A revoked key is dead at the very next request, on every node:
a key that is recalled instead of found must be asked for again by the statement that does the work.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.errors import KeyLimitReached, UnknownKey
from accounts.models import Account, ApiKey
from accounts.queries import FIND_KEY, FIND_KEY_ID
from accounts.scopes import FULL_ACCESS, choose_scopes
from foundation.clock import Now
from foundation.ids import url_safe
from foundation.prepared import fetch_first

KEY_SHAPE = re.compile(r"SG\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")
NAME_LENGTH = 100
RECALL_SECONDS = 1.0
REMEMBERED_KEYS = 10_000
KEY_FIELDS = [field.attname for field in ApiKey._meta.concrete_fields]
ACCOUNT_FIELDS = [field.attname for field in Account._meta.concrete_fields]
_found: dict[bytes, tuple[float, ApiKey]] = {}
"""Keys lately found, and when (monotonic), by the digest of their whole text."""


class RecalledKey(NamedTuple):
    """A key that may have been revoked since it was found, or may have lost scopes, and the time it is now."""

    key: ApiKey
    now: dt.datetime


def create_key(
    account: Account, name: str, scopes: Iterable[str] | None = None, *, giver: Collection[str] = (FULL_ACCESS,)
) -> tuple[ApiKey, str]:
    """A new key of `account` and its full text, which cannot be read again.

    Without `scopes` it holds all that `giver` (the scopes of the key that asks) holds. Raises ScopesNotGrantable and
    KeyLimitReached.
    """
    chosen = choose_scopes(scopes, giver=giver)
    secret = url_safe(32)
    with transaction.atomic():
        # Two callers at the limit must not both find one place left.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if living_keys(account).count() >= settings.API_KEYS_LIMIT:
            raise KeyLimitReached
        key = ApiKey.objects.create(
            account=account, key_id=url_safe(16), secret_digest=digest(secret), name=name, scopes=chosen
        )
    return key, key_text(key.key_id, secret)


def key_text(key_id: str, secret: str) -> str:
    """Return the whole text of a key, in the form of `KEY_SHAPE` if both parts have the right form."""
    return f"SG.{key_id}.{secret}"


def find_key_of(username: str, secret: str) -> ApiKey | None:
    """Return the living key of the account with this secret part; None if there is none."""
    for (key_id,) in fetch_first(FIND_KEY_ID, [username, digest(secret)]):
        return find_key(key_text(key_id, secret))
    return None


def find_key(bearer_text: str) -> ApiKey | None:
    """The living key of that text, with its account and that account's parent, and when it was found: one indexed read,
    which must be the first of a request."""
    shape = KEY_SHAPE.fullmatch(bearer_text)
    if shape is None:
        return None
    key_id, secret = shape.groups()
    key = find_living(key_id)
    if key is None or not hmac.compare_digest(bytes(key.secret_digest), digest(secret)):
        return None
    _remember(bearer_text, key)
    return key


def find_living(key_id: str) -> ApiKey | None:
    """The same by its id, for who has seen in another way that the caller may use it."""
    for found_at, *row in fetch_first(FIND_KEY, [key_id]):
        key = load_key(row)
        key.found_at = found_at
        return key
    return None


def recall_key(bearer_text: str) -> RecalledKey | None:
    """The key of that text as this process found it within the last second, without a statement."""
    found = _found.get(digest(bearer_text))
    if found is None:
        return None
    at, key = found
    age = time.monotonic() - at
    return RecalledKey(key, key.found_at + dt.timedelta(seconds=age)) if age < RECALL_SECONDS else None


def _remember(bearer_text: str, key: ApiKey) -> None:
    if len(_found) >= REMEMBERED_KEYS:
        _found.clear()
    _found[digest(bearer_text)] = (time.monotonic(), key)


def load_key(row: Sequence[Any]) -> ApiKey:
    """The objects of a row of `FIND_KEY`, without the time."""
    key = ApiKey.from_db(connection.alias, KEY_FIELDS, row[: len(KEY_FIELDS)])
    rest = row[len(KEY_FIELDS) :]
    account = Account.from_db(connection.alias, ACCOUNT_FIELDS, rest[: len(ACCOUNT_FIELDS)])
    parent = rest[len(ACCOUNT_FIELDS) :]
    account.parent = Account.from_db(connection.alias, ACCOUNT_FIELDS, parent) if account.parent_id else None
    key.account = account
    return key


def living_keys(account: Account) -> QuerySet[ApiKey]:
    """The keys of the account that are not revoked, oldest first."""
    return ApiKey.objects.filter(account=account, revoked_at=None).order_by("created_at", "pk")


def get_key(account: Account, key_id: str) -> ApiKey:
    """One living key of the account. Raises UnknownKey."""
    key = living_keys(account).filter(key_id=key_id).first()
    if key is None:
        raise UnknownKey
    return key


def rename_key(account: Account, key_id: str, name: str) -> ApiKey:
    """Give a living key another name. Raises UnknownKey."""
    return change_key(account, key_id, name=name)


def replace_scopes(
    account: Account, key_id: str, name: str, scopes: Iterable[str], *, giver: Collection[str] = (FULL_ACCESS,)
) -> ApiKey:
    """Give a living key another name and exactly these scopes. Raises UnknownKey and ScopesNotGrantable."""
    return change_key(account, key_id, name=name, scopes=choose_scopes(scopes, giver=giver))


def revoke_key(account: Account, key_id: str) -> None:
    """End a key, from the next request on. Raises UnknownKey, also when it was revoked before."""
    if not living_keys(account).filter(key_id=key_id).update(revoked_at=Now()):
        raise UnknownKey


def change_key(account: Account, key_id: str, **changes: object) -> ApiKey:
    """Guarded by being alive: a change that meets a revocation finds nothing to do. Raises UnknownKey."""
    if not living_keys(account).filter(key_id=key_id).update(**changes):
        raise UnknownKey
    return get_key(account, key_id)


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
