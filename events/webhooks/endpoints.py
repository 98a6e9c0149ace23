"""Create endpoints, and enable, disable and delete them.

None of this changes an event or an entry of the log. A new endpoint begins with the events that are published after it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce

from accounts.models import Account
from events.models import Dialect, Endpoint, Lane, LogEntry
from events.webhooks.secrets import encrypt
from events.webhooks.signing import new_key_pair, new_secret, write_secret
from foundation.clock import Now

LANES: Final = 4
"""The lanes of an endpoint. Positions of lanes count the events of one lane, so the number never changes."""
ROTATION: Final = dt.timedelta(hours=24)
"""The time for which the previous secret also signs, so that a receiver can change to the new one."""


@transaction.atomic
def create_endpoint(account: Account, dialect: Dialect, url: str, **fields: Any) -> Endpoint:
    """Create an endpoint that gets all later events of an account.

    An endpoint of the native dialect has a secret. `fields` are other fields of the model; the caller has checked the
    URL.
    """
    endpoint = Endpoint.objects.create(account=account, dialect=dialect, url=url, **fields)
    newest = LogEntry.objects.aggregate(place=Coalesce(Max("place"), 0))["place"]
    Lane.objects.bulk_create(Lane(endpoint=endpoint, number=number, place=newest) for number in range(LANES))
    if dialect == Dialect.NATIVE:
        rotate_secret(endpoint)
    return endpoint


def rotate_secret(endpoint: Endpoint) -> str:
    """Give an endpoint another secret for HMAC, and return it as its receiver needs it; nobody can read it again.

    The one before it also signs for a day.
    """
    secret = new_secret()
    endpoint.previous_secret, endpoint.secret = endpoint.secret, encrypt(secret)
    Endpoint.objects.filter(pk=endpoint.pk).update(
        previous_secret=F("secret"), secret=endpoint.secret, previous_expires_at=Now() + ROTATION, updated_at=Now()
    )
    return write_secret(secret)


def sign_with_ecdsa(endpoint: Endpoint, *, is_signed: bool) -> None:
    """Let an endpoint sign with ECDSA, or not. Its public key is created and deleted together with the private one."""
    if is_signed and endpoint.private_key is None:
        private_key, endpoint.public_key = new_key_pair()
        endpoint.private_key = encrypt(private_key)
    elif not is_signed:
        endpoint.private_key, endpoint.public_key = None, ""
    endpoint.save(update_fields=["private_key", "public_key"])


def enable(endpoint: Endpoint) -> None:
    """Let an endpoint continue where it was. Its failed deliveries are tried again at once."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        is_enabled=True,
        disabled_at=None,
        disabled_reason="",
        failing_since=None,
        failures=0,
        retry_at=None,
        updated_at=Now(),
    )
    Lane.objects.filter(endpoint=endpoint).update(failing_since=None, next_at=None)


def disable(endpoint: Endpoint, *, reason: str = "") -> bool:
    """Make no further attempt. Return False if the endpoint is disabled already.

    The lanes keep their positions. A `reason` says why Sluice has disabled it.
    """
    enabled = Endpoint.objects.filter(pk=endpoint.pk, is_enabled=True)
    return bool(enabled.update(is_enabled=False, disabled_at=Now(), disabled_reason=reason, updated_at=Now()))
