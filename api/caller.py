"""The gate for callers of every API: who a caller is, how often it may ask, what it may do, and for which account.

A view takes four steps: find the key, count the request, check the key's scopes, find the account that the request acts
for. A step that does not let the caller in raises `CallerRefused`, or UnknownSubuser for the last one. Each API has its
own words for these errors.
"""

from __future__ import annotations

import time
from typing import ClassVar

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from accounts import guessing, keys
from accounts.keys import allows
from accounts.models import Account, ApiKey
from accounts.rates import Allowance, count_request
from accounts.subusers import find_subuser

Needed = dict[str, str | tuple[str, ...] | None]
"""The scope that each method needs, by method; several scopes of which one is enough; or None, if any key will do."""

RETRY_SECONDS = 10
"""The Retry-After of a 429 that has no better value: a full queue does not empty within a second."""


class CallerRefused(Exception):
    """The caller is not let in. `status` is the HTTP status in which most APIs say so."""

    status: ClassVar[int]


class NoCredentials(CallerRefused):
    """The request carries no credentials in the form that the API expects."""

    status = 401


class UnknownCredentials(CallerRefused):
    """The credentials of the request belong to no living key."""

    status = 401


class RateExceeded(CallerRefused):
    """The key has made too many requests in this minute."""

    status = 429

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(allowance)
        self.allowance = allowance


class ScopeMissing(CallerRefused):
    """The key has none of the scopes of which the call needs one."""

    status = 403

    def __init__(self, *scopes: str) -> None:
        super().__init__(*scopes)
        self.scopes = scopes


def bearer_text(request: HttpRequest | Request) -> str | None:
    """Return the token of a Bearer authorization (RFC 6750, section 2.1), or None if the request has none."""
    # From META: the mapping `headers` is built of all headers, which costs as much as to read a small body.
    kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    return text.strip() or None if kind.lower() == "bearer" else None


def find_by_bearer(request: HttpRequest | Request) -> ApiKey:
    """Return the key of a Bearer authorization. Raises NoCredentials and UnknownCredentials."""
    text = bearer_text(request)
    if text is None:
        raise NoCredentials
    return find_by_text(text)


def find_by_text(text: str) -> ApiKey:
    """Return the living key with this text. Raises UnknownCredentials."""
    return known(keys.find_key(text))


def find_by_id(key_id: str) -> ApiKey:
    """Return the living key with this id, for a caller with a signed token or link that names it.

    Raises UnknownCredentials.
    """
    return known(keys.find_living(key_id))


def find_by_name(request: HttpRequest, name: str, secret: str) -> ApiKey:
    """Return the living key with this secret if `name` is the key's id or its account's username.

    The secret is the whole text of the key, or its secret part alone. Raises UnknownCredentials, also for a caller that
    has given too many wrong secrets in this minute.
    """
    caller = guessing.identify_caller(request, name)
    if guessing.is_locked(caller):
        raise UnknownCredentials
    is_whole = keys.KEY_SHAPE.fullmatch(secret) is not None
    key = keys.find_key(secret if is_whole else keys.key_text(name, secret))
    if key is None and not is_whole:
        key = keys.find_key_of(name, secret)
    if key is None or name not in {key.key_id, key.account.username}:
        guessing.note_wrong(caller)
        raise UnknownCredentials
    return key


def find_sender(text: str) -> ApiKey:
    """Return the key with this text if it may send mail now. A request without the scope is not counted.

    Raises UnknownCredentials, ScopeMissing, RateExceeded.
    """
    key = find_by_text(text)
    check_scopes(key, "mail.send")
    check_rate(count_request(key, kind="send", limit=settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE))
    return key


def recall_sender(text: str) -> keys.RecalledKey | None:
    """Return the key with this text as this process found it within the last second, without a statement.

    The statement that stores the mail has to check that the key still lives and still has the scope. None where
    requests are counted, because then each of them has to be let in by `find_sender`.
    """
    return None if settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE else keys.recall_key(text)


def known(key: ApiKey | None) -> ApiKey:
    """Return the key. Raises UnknownCredentials if there is none."""
    if key is None:
        raise UnknownCredentials
    return key


def count_call(key: ApiKey) -> Allowance | None:
    """Count a request of the key and return how many it may still make, or None if the installation sets no limit."""
    return count_request(key, kind="api", limit=settings.RATE_LIMIT_PER_MINUTE)


def check_rate(allowance: Allowance | None) -> None:
    """Raise RateExceeded if the request is one too many."""
    if allowance is not None and allowance.is_exceeded:
        raise RateExceeded(allowance)


def check_scopes(key: ApiKey, *scopes: str) -> None:
    """Raise ScopeMissing unless the key has one of these scopes, or the call needs none."""
    if scopes and not any(allows(key.scopes, scope) for scope in scopes):
        raise ScopeMissing(*scopes)


def acting_account(key: ApiKey, request: HttpRequest | Request) -> Account:
    """Return the account that a request acts for: the key's, or the subuser that `On-Behalf-Of` names.

    Raises UnknownSubuser.
    """
    subuser = request.META.get("HTTP_ON_BEHALF_OF", "").strip()
    return find_subuser(key.account, subuser) if subuser else key.account


def actor_of(key: ApiKey) -> str:
    """Return how receipts name a caller with this key."""
    return f"key {key.key_id} ({key.name})"


def seconds_to_wait(allowance: Allowance | None) -> int:
    """Return the Retry-After of a 429: the rest of the minute if the rate is exceeded, else `RETRY_SECONDS`."""
    is_rate = allowance is not None and allowance.is_exceeded
    return max(1, allowance.reset_at - int(time.time())) if allowance and is_rate else RETRY_SECONDS


def campaign_scopes(verb: str) -> tuple[str, str]:
    """Return the two names that SendGrid has for the scope of a call about campaigns. One of them is enough."""
    return f"marketing_campaigns.{verb}", f"marketing.{verb}"


def needing(**verbs: str) -> Needed:
    """Return the scopes that the methods of an endpoint of campaigns need, from a verb for each method."""
    return {method: campaign_scopes(verb) for method, verb in verbs.items()}
