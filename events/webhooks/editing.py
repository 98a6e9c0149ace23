"""Find, add, change and delete the endpoints of an account, within its limits.

Each change locks the row of the account. Otherwise two callers at the same time could exceed the limit, or use the same
URL twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Account
from events.errors import EndpointLimitReached, IncompleteOAuth, NoSecret, UnknownEndpoint, UrlTaken
from events.models import Dialect, Endpoint
from events.webhooks.endpoints import create_endpoint, disable, enable, rotate_secret, sign_with_ecdsa
from events.webhooks.secrets import decrypt, encrypt
from events.webhooks.signing import write_secret
from events.webhooks.urls import check_url
from foundation.clock import Now


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of an endpoint. None leaves a part unchanged.

    `kinds_on` and `kinds_off` are masks of kinds of events that the endpoint starts or stops to get; `kinds_on` wins.
    An empty OAuth client id together with an empty token URL ends the use of OAuth.
    """

    url: str | None = None
    friendly_name: str | None = None
    kinds_on: int = 0
    kinds_off: int = 0
    gets_own_events: bool | None = None
    is_enabled: bool | None = None
    oauth_client_id: str | None = None
    oauth_client_secret: str | None = None
    oauth_token_url: str | None = None


def list_endpoints(account: Account, dialect: Dialect | None = None) -> QuerySet[Endpoint]:
    """Return the endpoints of an account, oldest first: all, or those of a dialect."""
    endpoints = Endpoint.objects.filter(account=account).order_by("pk")
    return endpoints if dialect is None else endpoints.filter(dialect=dialect)


def find_endpoint(account: Account, public_id: UUID | None, dialect: Dialect | None = None) -> Endpoint:
    """Return an endpoint of an account by its id, or the oldest one without an id. Raises UnknownEndpoint."""
    endpoints = list_endpoints(account, dialect)
    endpoint = endpoints.first() if public_id is None else endpoints.filter(public_id=public_id).first()
    if endpoint is None:
        raise UnknownEndpoint
    return endpoint


@transaction.atomic
def add_endpoint(account: Account, dialect: Dialect, changes: Changes) -> Endpoint:
    """Create an endpoint that gets the kinds in `kinds_on`.

    Raises InvalidUrl, UrlTaken, IncompleteOAuth and EndpointLimitReached.
    """
    _lock(account)
    endpoint = Endpoint(account=account, dialect=dialect, kinds=0)
    fields = {"is_enabled": changes.is_enabled is not False, **_fields_of(endpoint, changes)}
    if list_endpoints(account).count() >= settings.ENDPOINTS_LIMIT:
        raise EndpointLimitReached
    endpoint = create_endpoint(account, dialect, **fields)
    endpoint.refresh_from_db()
    return endpoint


@transaction.atomic
def change_endpoint(endpoint: Endpoint, changes: Changes) -> Endpoint:
    """Change an endpoint. If its URL changes, its failed deliveries are tried again at once.

    Raises InvalidUrl, UrlTaken, IncompleteOAuth and UnknownEndpoint.
    """
    endpoint = lock_again(endpoint)
    is_moved = changes.url not in (None, endpoint.url)
    fields = _fields_of(endpoint, changes)
    Endpoint.objects.filter(pk=endpoint.pk).update(**fields, updated_at=Now())
    if changes.is_enabled is False:
        disable(endpoint)
    elif (changes.is_enabled and not endpoint.is_enabled) or (is_moved and endpoint.is_enabled):
        enable(endpoint)
    endpoint.refresh_from_db()
    return endpoint


@transaction.atomic
def sign_endpoint(endpoint: Endpoint, *, is_signed: bool) -> Endpoint:
    """Let an endpoint sign with ECDSA, or not. Raises UnknownEndpoint."""
    endpoint = lock_again(endpoint)
    sign_with_ecdsa(endpoint, is_signed=is_signed)
    Endpoint.objects.filter(pk=endpoint.pk).update(updated_at=Now())
    return endpoint


@transaction.atomic
def renew_secret(endpoint: Endpoint) -> tuple[Endpoint, str]:
    """Give an endpoint another secret. Return both; nobody can read the secret again.

    Raises NoSecret and UnknownEndpoint.
    """
    endpoint = lock_again(endpoint)
    if endpoint.dialect != Dialect.NATIVE:
        raise NoSecret
    text = rotate_secret(endpoint)
    endpoint.refresh_from_db()
    return endpoint, text


@transaction.atomic
def enable_again(endpoint: Endpoint) -> Endpoint:
    """Enable an endpoint, and try its failed deliveries again at once. Raises UnknownEndpoint."""
    endpoint = lock_again(endpoint)
    enable(endpoint)
    endpoint.refresh_from_db()
    return endpoint


def read_new_secret(endpoint: Endpoint) -> str:
    """Return the secret of an endpoint that was just created, as its receiver needs it."""
    assert endpoint.secret is not None
    return write_secret(decrypt(endpoint.secret))


@transaction.atomic
def delete_endpoint(endpoint: Endpoint) -> None:
    """Delete an endpoint with its lanes and its deliveries."""
    endpoint.delete()


def _lock(account: Account) -> None:
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def lock_again(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that only this transaction can change, and no run of its lanes. Raises UnknownEndpoint."""
    _lock(endpoint.account)
    endpoint = find_endpoint(endpoint.account, endpoint.public_id)
    # A run locks its lane before the row of the endpoint. In the other order both could wait for each other.
    list(endpoint.lanes.select_for_update().order_by("number"))
    return endpoint


def _fields_of(endpoint: Endpoint, changes: Changes) -> dict[str, Any]:
    """Return the fields of an endpoint after the changes. It needs a URL."""
    url = endpoint.url if changes.url is None else changes.url
    if url != endpoint.url or not url:
        _check_new_url(endpoint, url)
    name, gets_own_events = changes.friendly_name, changes.gets_own_events
    return {
        "url": url,
        "friendly_name": endpoint.friendly_name if name is None else name,
        "gets_own_events": endpoint.gets_own_events if gets_own_events is None else gets_own_events,
        "kinds": (endpoint.kinds & ~changes.kinds_off) | changes.kinds_on,
        **_oauth_of(endpoint, changes),
    }


def _check_new_url(endpoint: Endpoint, url: str) -> None:
    check_url(url)
    others = list_endpoints(endpoint.account, Dialect(endpoint.dialect)).filter(url=url).exclude(pk=endpoint.pk)
    if other := others.first():
        raise UrlTaken(url, other.public_id)


def _oauth_of(endpoint: Endpoint, changes: Changes) -> dict[str, Any]:
    """Return the fields of OAuth. A stored secret is kept unless the token URL changes: no other server may get it."""
    client_id, token_url = (
        current if change is None else change
        for current, change in (
            (endpoint.oauth_client_id, changes.oauth_client_id),
            (endpoint.oauth_token_url, changes.oauth_token_url),
        )
    )
    secret = changes.oauth_client_secret
    if not (client_id or token_url or secret):
        return {"oauth_client_id": "", "oauth_client_secret": None, "oauth_token_url": ""}
    has_stored = endpoint.oauth_client_secret is not None and token_url == endpoint.oauth_token_url
    has_secret = bool(secret) or (secret is None and has_stored)
    _check_oauth(client_id, has_secret, token_url)
    encrypted = encrypt(secret.encode()) if secret else endpoint.oauth_client_secret
    return {"oauth_client_id": client_id, "oauth_client_secret": encrypted, "oauth_token_url": token_url}


def _check_oauth(client_id: str, has_secret: bool, token_url: str) -> None:
    parts = {"oauth_client_id": client_id, "oauth_token_url": token_url, "oauth_client_secret": has_secret}
    for field, part in parts.items():
        if not part:
            raise IncompleteOAuth(field)
    check_url(token_url, field="oauth_token_url", may_have_login=False)
