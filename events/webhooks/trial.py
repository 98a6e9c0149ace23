"""Post events that never happened to a URL, so that a caller can try a receiver before mail is sent.

They are posted like deliveries: to an address that was checked, signed with the key of an endpoint, with an access
token. There is one attempt, and nothing is stored.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from accounts.models import Account
from events.errors import IncompleteOAuth
from events.models import Dialect, Endpoint
from events.webhooks.client import Answer, Client
from events.webhooks.dialects import form_of
from events.webhooks.editing import find_endpoint, list_endpoints
from events.webhooks.forms import encode
from events.webhooks.oauth import forget_token
from events.webhooks.posting import post_signed
from events.webhooks.secrets import encrypt
from events.webhooks.urls import check_url
from foundation.ids import url_safe

TRIAL_SECONDS: Final = 5.0
"""The time for a request, and before it for that of an access token: a caller waits for both."""
READER: Final = {"ip": "192.0.2.1", "useragent": "Mozilla/5.0"}
LINK: Final = "https://www.example.com/"
SAMPLES: Final[tuple[dict[str, Any], ...]] = (
    {"event": "processed"},
    {
        "event": "deferred",
        "response": "451 4.7.1 try again later",
        "attempt": "2",
        "domain": "example.com",
        "from": "news@example.org",
        "tls": 1,
    },
    {"event": "delivered", "response": "250 OK", "tls": 1},
    {
        "event": "bounce",
        "reason": "550 5.1.1 unknown user",
        "status": "5.1.1",
        "type": "bounce",
        "bounce_classification": "Invalid Address",
        "tls": 1,
    },
    {"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"},
    {"event": "open", **READER, "sg_machine_open": False, "sg_content_type": "html"},
    {"event": "click", **READER, "url": LINK, "url_offset": {"index": 0, "type": "html"}},
    {"event": "spamreport"},
    {"event": "unsubscribe"},
    {"event": "group_unsubscribe", **READER, "url": LINK, "asm_group_id": 1},
    {"event": "group_resubscribe", **READER, "url": LINK, "asm_group_id": 1},
)
"""An event of each kind, without the fields that all have."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A URL to try. If the id of an endpoint is given, the key of this endpoint signs.

    An empty client secret stands for that of the endpoint of the account with the same client id and token URL.
    """

    url: str
    public_id: UUID | None = None
    oauth_client_id: str = ""
    oauth_client_secret: str = ""
    oauth_token_url: str = ""


def post_samples(account: Account, trial: Trial) -> Answer:
    """Post an event of each kind in SendGrid's form, and return the end of the attempt.

    Raises UnknownEndpoint, InvalidUrl and IncompleteOAuth.
    """
    endpoint = _endpoint_for(account, trial)
    form = form_of(Dialect.SENDGRID, gets_own_events=False)
    now = int(time.time())
    body = form.join([encode(event).encode() for event in sample_events(now)], now)
    with Client(timeout_seconds=TRIAL_SECONDS) as client:
        # A cached token would not show whether the server of tokens accepts the secret.
        forget_token(endpoint)
        return post_signed(client, endpoint, form, url_safe(16), body)


def sample_events(at: int) -> list[dict[str, Any]]:
    """Return an event of each kind. Their ids are new each time, since receivers drop repetitions."""
    mail_id = url_safe(16)
    common = {
        "email": "example@example.com",
        "timestamp": at,
        "smtp-id": f"<{mail_id}@{settings.MESSAGE_ID_DOMAIN}>",
        "category": ["test"],
        "sg_message_id": f"{mail_id}.sluice.0.0",
    }
    return [{**common, "sg_event_id": f"{mail_id}-{sample['event']}", **sample} for sample in SAMPLES]


def _endpoint_for(account: Account, trial: Trial) -> Endpoint:
    """Return an endpoint that is not stored, for one attempt."""
    check_url(trial.url)
    signer = find_endpoint(account, trial.public_id, Dialect.SENDGRID) if trial.public_id else None
    endpoint = Endpoint(account=account, dialect=Dialect.SENDGRID, url=trial.url)
    endpoint.private_key = signer.private_key if signer else None
    if trial.oauth_client_id or trial.oauth_client_secret or trial.oauth_token_url:
        endpoint.oauth_client_id, endpoint.oauth_token_url = trial.oauth_client_id, trial.oauth_token_url
        endpoint.oauth_client_secret = _secret_for(account, trial)
    return endpoint


def _secret_for(account: Account, trial: Trial) -> bytes | memoryview:
    """Return the client secret of a trial as it is stored. A stored secret is only sent to the same token URL."""
    for field in ("oauth_client_id", "oauth_token_url"):
        if not getattr(trial, field):
            raise IncompleteOAuth(field)
    check_url(trial.oauth_token_url, field="oauth_token_url", may_have_login=False)
    if trial.oauth_client_secret:
        return encrypt(trial.oauth_client_secret.encode())
    endpoints = list_endpoints(account, Dialect.SENDGRID).filter(
        oauth_client_id=trial.oauth_client_id, oauth_token_url=trial.oauth_token_url
    )
    secret = endpoints.values_list("oauth_client_secret", flat=True).first()
    if secret is None:
        raise IncompleteOAuth("oauth_client_secret")
    return secret
