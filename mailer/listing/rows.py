"""Read what a list shows of its messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mailer.listing.standings import Standing, read_standings
from mailer.models import Mail, Message
from mailer.preview import subject_of

HEAVY = ("content", "attachments", "template__html", "template__plain")
"""The columns of a mail that no list needs, and that can be large."""


@dataclass(frozen=True, slots=True)
class Row:
    """A message of a list. `mail` is without its content, and None when its history is being removed.

    The state and `send_at` are those of its `Standing`.
    """

    message: Message
    mail: Mail | None
    state: str
    send_at: dt.datetime | None
    subject: str


def read_rows(message_ids: Sequence[int], known_standings: Mapping[int, Standing] = MappingProxyType({})) -> list[Row]:
    """Return these messages in this order, without those whose history is over, in four statements.

    `known` are the standings of messages that were read before.
    """
    standings = {**read_standings([each for each in message_ids if each not in known_standings]), **known_standings}
    messages: Mapping[int, Message] = Message.objects.in_bulk(message_ids)
    light = Mail.objects.select_related("batch", "account", "template").defer(*HEAVY)
    mails = light.in_bulk({message.mail_id for message in messages.values()})
    return [
        Row(message, mail, *standings[message_id], subject_of(message, mail) if mail else "")
        for message_id in message_ids
        if (message := messages.get(message_id))
        for mail in (mails.get(message.mail_id),)
    ]
