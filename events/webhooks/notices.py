"""Mail the owner of an endpoint that Sluice has disabled it.

The mail is accepted in the transaction that disables the endpoint, so a crash neither loses nor doubles it. It is mail
of the account without a batch. No pause of a batch or a campaign keeps it back, but a freeze does: a person who freezes
an account relies on it that none of its mail is sent. It ignores unsubscribes and reports of spam, because these are
about the mail of the account and not about notices to its owner. An address that has bounced gets nothing.

If the mail cannot be accepted, the endpoint is still disabled, and only the console and the API tell the reason.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q

from campaigns.contact import notice_address
from events.models import Endpoint
from events.webhooks.urls import host_of, without_secrets
from foundation.clock import Now
from foundation.errors import SluiceError
from mailer.compose.headers import one_line
from mailer.draft import Bypass
from mailer.own_mail import accept_own_mail

log = structlog.get_logger(__name__)

PAUSE: Final = dt.timedelta(hours=1)
"""An endpoint has at most one notice in this time, even if it is enabled again and again. This protects the address."""
ENDPOINT_PATH: Final = "/admin/events/endpoint/{}/change/"
"""The page of an endpoint below `PUBLIC_URL`. The workers that mail a notice have no routes."""
API_PATH: Final = "/sluice/v1/endpoints/{}/enable"


def tell_owner(endpoint: Endpoint, since: dt.datetime) -> bool:
    """Mail the owner that the endpoint was disabled after it had failed since a time. Return whether this was done.

    `endpoint` has its state after that. This never raises an error because of the mail.
    """
    email = notice_address(endpoint.account)
    if not email:
        return False
    try:
        with transaction.atomic():
            return _mail_once(endpoint, email, since)
    except (SluiceError, DatabaseError) as error:
        log.warning(
            "the notice of a disabled endpoint cannot be mailed", endpoint=endpoint.pk, error=type(error).__name__
        )
        return False


def _mail_once(endpoint: Endpoint, email: str, since: dt.datetime) -> bool:
    """Mail a notice, unless the endpoint had one a short time ago."""
    is_due = Q(notified_at=None) | Q(notified_at__lt=Now() - PAUSE)
    if not Endpoint.objects.filter(is_due, pk=endpoint.pk).update(notified_at=Now()):
        return False
    accept_own_mail(
        endpoint.account,
        email,
        subject=f"The webhook to {host_of(endpoint.url)} was disabled",
        text=write_notice(endpoint, since),
        bypass=Bypass.UNSUBSCRIBES | Bypass.SPAM_REPORTS,
    )
    return True


def write_notice(endpoint: Endpoint, since: dt.datetime) -> str:
    """Return the text of a notice. It has no login and no query of the URL, which are often secret."""
    account = one_line(endpoint.account.username)
    name = f" ({one_line(endpoint.friendly_name)})" if endpoint.friendly_name else ""
    until = since + dt.timedelta(days=settings.HISTORY_DAYS)
    return (
        f"Sluice no longer posts the events of the account {account} to this endpoint{name}:\n\n"
        f"{without_secrets(endpoint.url)}\n\n"
        f"The reason: {endpoint.disabled_reason}\n"
        f"It has failed since {since.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC.\n\n"
        f"No event is lost so far. Events are kept for {settings.HISTORY_DAYS} days. If the endpoint is enabled again "
        f"before {until.astimezone(dt.UTC):%Y-%m-%d}, it continues where it stopped and gets all of them.\n\n"
        "When the receiver works again, enable the endpoint in the console:\n\n"
        f"{settings.PUBLIC_URL}{ENDPOINT_PATH.format(endpoint.pk)}\n\n"
        "or with this call of the API:\n\n"
        f"POST {settings.PUBLIC_URL}{API_PATH.format(endpoint.public_id)}\n"
    )
