"""Describe the calls of `event_webhooks/views.py` in the OpenAPI document."""

from __future__ import annotations

from functools import partial
from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, TIME, Describe, Piece, Reply, component, list_of, nullable, record
from api.sendgrid import words
from api.sendgrid.event_webhooks.inputs import ACCOUNT_STATUS_CHANGE, CREDENTIAL_LENGTH, FLAGS, NAME_LENGTH
from api.sendgrid.words import REPEATABLE
from api.without_effect import WithoutEffect
from events.webhooks.urls import URL_LENGTH

WEBHOOKS = "SendGrid: event webhooks"
URL: Piece = {**TEXT, "maxLength": URL_LENGTH, "example": "https://example.com/events"}
CREDENTIAL: Piece = {**TEXT, "maxLength": CREDENTIAL_LENGTH}
OWN_EVENTS: Piece = {
    **FLAG,
    "description": "Whether the webhook also gets events that SendGrid does not have: retained, held and stopped mail.",
}
OAUTH: dict[str, Piece] = {
    "oauth_client_id": CREDENTIAL,
    "oauth_client_secret": {**CREDENTIAL, "writeOnly": True},
    "oauth_token_url": URL,
}
SETTINGS: dict[str, Piece] = {
    "enabled": {**FLAG, "default": True},
    "url": URL,
    **dict.fromkeys(FLAGS, FLAG),
    "sluice_events": OWN_EVENTS,
    "friendly_name": {**TEXT, "maxLength": NAME_LENGTH},
    **OAUTH,
}
SHOWN: dict[str, Piece] = {
    "enabled": FLAG,
    "url": TEXT,
    **{name: FLAG for name in FLAGS if name != ACCOUNT_STATUS_CHANGE},
    "sluice_events": OWN_EVENTS,
    "friendly_name": TEXT,
    "id": words.UUID,
    "created_date": TIME,
    "updated_date": TIME,
}
SHOWN_AT_TIMES: dict[str, Piece] = {
    ACCOUNT_STATUS_CHANGE: FLAG,
    "oauth_client_id": TEXT,
    "oauth_token_url": TEXT,
    "public_key": TEXT,
}
PROBLEM: Piece = {
    **record(message=TEXT),
    "properties": {"message": TEXT, "field": nullable(TEXT), "id": words.UUID, "url": TEXT},
}

COMPONENTS: dict[str, Piece] = {
    "EventWebhook": {**record(**SHOWN), "properties": SHOWN | SHOWN_AT_TIMES},
    "EventWebhookSignature": record(id=words.UUID, public_key=TEXT),
    "EventWebhookErrors": record(errors=list_of(PROBLEM)),
}

CHANGING: Final = ("create_event_webhook", "change_event_webhook", "change_oldest_event_webhook")
WITHOUT_EFFECT: Final = (
    WithoutEffect(CHANGING, (ACCOUNT_STATUS_CHANGE,), "An account has no such events.", is_kept=True),
    WithoutEffect(CHANGING, ("spam_report",), "Reports of spam do not reach Sluice.", is_kept=True),
)

INCLUDE = OpenApiParameter(
    "include", TEXT, description=f"With `{ACCOUNT_STATUS_CHANGE}`, the response also has this flag."
)

call = partial(words.call, tag=WEBHOOKS, errors="EventWebhookErrors")


def show(name: str, summary: str) -> Describe:
    """Describe a call that returns a webhook."""
    replies = {200: Reply("The webhook.", component("EventWebhook"))}
    return call(name, summary, replies=replies, refusals=[404], query=[INCLUDE])


def change(name: str, summary: str) -> Describe:
    """Describe a call that changes a webhook. Parts that are missing or null stay unchanged."""
    return call(
        name,
        summary,
        body={"type": "object", "properties": {field: nullable(piece) for field, piece in SETTINGS.items()}},
        replies={200: Reply("The changed webhook.", component("EventWebhook"))},
        refusals=[404],
        query=[INCLUDE],
    )


def show_signature(name: str, summary: str) -> Describe:
    """Describe a call that returns the public key of a webhook."""
    replies = {200: Reply("The public key; empty if the webhook does not sign.", component("EventWebhookSignature"))}
    return call(name, summary, replies=replies, refusals=[404])


def change_signature(name: str, summary: str) -> Describe:
    """Describe a call that lets a webhook sign or not."""
    replies = {200: Reply("The public key; empty if the webhook does not sign.", component("EventWebhookSignature"))}
    return call(name, summary, body=record(enabled=FLAG), replies=replies, refusals=[404])


webhooks = extend_schema_view(
    post=call(
        "create_event_webhook",
        "Create an event webhook; kinds of events that are not named are not sent",
        body={
            "type": "object",
            "properties": {field: piece if field == "url" else nullable(piece) for field, piece in SETTINGS.items()},
            "required": ["url"],
        },
        replies={201: Reply("The new webhook.", component("EventWebhook"))},
        refusals=REPEATABLE,
        query=[INCLUDE],
    ),
    get=show("get_oldest_event_webhook", "Get the oldest event webhook of the account"),
    patch=change("change_oldest_event_webhook", "Change the oldest event webhook of the account"),
)
all_webhooks = extend_schema_view(
    get=call(
        "list_event_webhooks",
        "List the event webhooks of the account, oldest first",
        replies={
            200: Reply(
                "The webhooks, and how many endpoints an account may have.",
                record(max_allowed=NUMBER, webhooks=list_of(component("EventWebhook"))),
            )
        },
        query=[INCLUDE],
    ),
)
one_webhook = extend_schema_view(
    get=show("get_event_webhook", "Get an event webhook"),
    patch=change("change_event_webhook", "Change an event webhook"),
    delete=call(
        "delete_event_webhook",
        "Delete an event webhook with its deliveries",
        replies={204: Reply("The webhook is deleted.")},
        refusals=[404],
    ),
)
oldest_signature = extend_schema_view(
    get=show_signature("get_oldest_event_webhook_key", "Get the public key of the oldest event webhook"),
    patch=change_signature("sign_oldest_event_webhook", "Enable or disable the signature of the oldest event webhook"),
)
one_signature = extend_schema_view(
    get=show_signature("get_event_webhook_key", "Get the public key of an event webhook"),
    patch=change_signature("sign_event_webhook", "Enable or disable the signature of an event webhook"),
)
trial = extend_schema_view(
    post=call(
        "test_event_webhook",
        "Post a test event of each kind to a URL",
        body={
            "type": "object",
            "properties": {
                "id": nullable({**TEXT, "description": "The webhook with whose key the request is signed."}),
                # Without an example, which tools that try calls would post to.
                "url": {**TEXT, "maxLength": URL_LENGTH},
                **{field: nullable(piece) for field, piece in OAUTH.items()},
            },
            "required": ["url"],
        },
        replies={204: Reply("The receiver has accepted the test events.")},
        refusals=(*REPEATABLE, 404),
    ),
)
