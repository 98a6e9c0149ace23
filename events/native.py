"""Write events in the native form, which the API and webhooks share."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from events.log.reading import Happened, LateFacts
from foundation.clock import moment
from mailer.models import Classification, EventKind, LateKind, SuppressionKind

NAMES = {int(kind): kind.name.lower() for kind in (*EventKind, *LateKind)}
CLASSIFICATIONS = {int(kind): kind.event_name for kind in Classification}
LISTS = {int(kind): kind.label for kind in SuppressionKind}


def write_event(event: Happened) -> dict[str, Any]:
    """Return the JSON object of an event.

    `message` is the id by which the API shows the message, and `x_message_id` is that of the response to its request.
    `list` names a suppression list: a refusal or an unsubscribe put the recipient on it, the recipient was taken off
    it, or mail was dropped because of it.
    """
    mail = event.mail
    own_args = event.personal.get("custom_args")
    return {
        "id": event.id,
        "kind": NAMES[event.kind],
        "at": write_time(event.at),
        "message": str(event.message_id),
        "x_message_id": mail.public_id,
        "batch_id": mail.batch_id,
        "recipient": event.recipient,
        "reply": event.reply,
        "classification": CLASSIFICATIONS.get(event.classification or 0),
        "list": LISTS.get(event.suppression or 0),
        "is_encrypted": event.is_encrypted,
        "categories": mail.categories,
        "custom_args": {**mail.custom_args, **own_args} if own_args else mail.custom_args,
        **(write_late(event.late) if event.late else {}),
    }


def write_late(late: LateFacts) -> dict[str, Any]:
    """Return the fields that only an open or a click has."""
    link = {"url": late.url, "link": late.link, "is_html": late.is_html} if late.url is not None else {}
    return {"is_machine": late.is_machine, "address": late.address, "user_agent": late.user_agent, **link}


@lru_cache(maxsize=64)
def write_time(at: float) -> str:
    """Return a time in seconds since 1970 as the native API writes it. Many events have the same time."""
    return str(moment(dt.datetime.fromtimestamp(at, dt.UTC)))
