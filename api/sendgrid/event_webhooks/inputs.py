"""Read the requests of event webhooks. Only the text for a URL that is not valid is SendGrid's."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from rest_framework.request import Request

from api.bodies import ANY, Body, condition, find_uuid
from api.sendgrid.reading import read_fields, read_object
from api.sendgrid.values import Texts, is_short
from events.errors import UnknownEndpoint
from events.models import Dialect
from events.webhooks.editing import Changes
from events.webhooks.kinds import BITS
from events.webhooks.trial import Trial
from foundation.texts import is_line

NAME_LENGTH, CREDENTIAL_LENGTH = 255, 1000
ACCOUNT_STATUS_CHANGE: Final = "account_status_change"
FLAGS: Final = BITS[Dialect.SENDGRID]
"""The bits of the kinds of events by the names of their flags."""

Credential = Annotated[str, condition("line", is_line), is_short(CREDENTIAL_LENGTH)]


class OAuthFields(Body):
    """The parts of OAuth for the receiver."""

    oauth_client_id: Credential | None = None
    oauth_client_secret: Credential | None = None
    oauth_token_url: str | None = None


class WebhookFields(OAuthFields):
    """The settings of a webhook, or changes of them. A part that is missing or null stays unchanged."""

    url: str | None = None
    enabled: bool | None = None
    friendly_name: Annotated[str, condition("line", is_line), is_short(NAME_LENGTH)] | None = None
    sluice_events: bool | None = None
    processed: bool | None = None
    delivered: bool | None = None
    deferred: bool | None = None
    bounce: bool | None = None
    dropped: bool | None = None
    open: bool | None = None
    click: bool | None = None
    spam_report: bool | None = None
    unsubscribe: bool | None = None
    group_unsubscribe: bool | None = None
    group_resubscribe: bool | None = None
    account_status_change: bool | None = None


class TrialFields(OAuthFields):
    """A URL that test events are posted to. `id` names the webhook with whose key they are signed."""

    id: str | None = None
    url: str = ""


class Signature(Body):
    """Whether a webhook signs."""

    enabled: bool


TEXTS: Final[Texts] = {(ANY, "missing"): "{name} is required"}


def read_webhook(request: Request) -> Changes:
    """Return the settings in the body of POST settings, or the changes in that of PATCH."""
    fields = read_fields(WebhookFields, read_object(request))
    return Changes(
        url=fields.url,
        friendly_name=fields.friendly_name,
        kinds_on=mask_of(fields, is_on=True),
        kinds_off=mask_of(fields, is_on=False),
        gets_own_events=fields.sluice_events,
        is_enabled=fields.enabled,
        oauth_client_id=fields.oauth_client_id,
        oauth_client_secret=fields.oauth_client_secret,
        oauth_token_url=fields.oauth_token_url,
    )


def mask_of(fields: WebhookFields, *, is_on: bool) -> int:
    """Return the mask of the kinds of events whose flags have this value."""
    return sum(kind for name, kind in FLAGS.items() if getattr(fields, name) is is_on)


def read_signature(request: Request) -> bool:
    """Return whether the body of PATCH settings/signed enables signatures."""
    return read_fields(Signature, read_object(request), TEXTS).enabled


def read_id(text: str | None) -> UUID | None:
    """Return the id in a path; None for a path without one, which means the oldest webhook. Raises UnknownEndpoint."""
    if text is None:
        return None
    if (public_id := find_uuid(text)) is None:
        raise UnknownEndpoint
    return public_id


def includes_account_status(request: Request) -> bool:
    """Return whether the answer is to have the flag that SendGrid shows only on request."""
    return ACCOUNT_STATUS_CHANGE in request.query_params.get("include", "").split(",")


def read_trial(request: Request) -> Trial:
    """Return the body of POST test. Raises UnknownEndpoint."""
    fields = read_fields(TrialFields, read_object(request))
    return Trial(
        url=fields.url,
        public_id=read_id(fields.id or None),
        oauth_client_id=fields.oauth_client_id or "",
        oauth_client_secret=fields.oauth_client_secret or "",
        oauth_token_url=fields.oauth_token_url or "",
    )
