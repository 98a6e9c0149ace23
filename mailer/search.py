"""Finding messages for an operator, at a cost that does not grow with the tables.

Messages are in two indexes only, by id and by recipient. Whatever else is known is turned into ids first: a batch
through its parcels, a mail through the order in which ids were drawn.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice

from django.db.models import F

from batches.counts import LOOKED_AT
from batches.models import PARCEL_SPAN, Batch, Parcel
from foundation.addresses import spellings
from mailer.models import Mail, Message
from mailer.partitions import newest_parcel_id

SHOWN = 100
DISORDER = 500
"""The distance, in parcels, that the ids of two requests accepted at the same moment may have."""
MESSAGE_ID_HEADER = re.compile(r"<?[A-Za-z0-9_-]{22}\.([0-9]{1,18})@[^@>]+>?")


def find_messages(text: str) -> list[int]:
    """Return the ids of the newest messages that `text` names, at most `SHOWN`.

    The text is an address, an X-Message-Id, a Message-ID, the public id of a batch, or a message's id. Without a text,
    return the newest of all.
    """
    text = text.strip()
    if not text:
        return list(Message.objects.order_by("-pk").values_list("pk", flat=True)[:SHOWN])
    if header := MESSAGE_ID_HEADER.fullmatch(text):
        return [int(header[1])]
    if "@" in text:
        messages = Message.objects.filter(recipient__in=spellings(text)).order_by("-pk")
        return list(messages.values_list("pk", flat=True)[:SHOWN])
    if re.fullmatch("[0-9]{1,18}", text):
        return [int(text)]
    return _messages_in(find_parcels_of_mail(text) or _parcels_of_batch(text))


def _messages_in(parcels: Iterable[tuple[int, int]]) -> list[int]:
    """Return the message ids of parcels given as (id, size)."""
    ids = (parcel * PARCEL_SPAN + n for parcel, size in parcels for n in range(size))
    return list(islice(ids, SHOWN))


def _parcels_of_batch(public_id: str) -> list[tuple[int, int]]:
    """Return the newest parcels of a batch as (id, size): those that are not final, and the last final ones."""
    batch_id = Batch.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if batch_id is None:
        return []
    # A retry holds messages of another parcel, which `base` names.
    own = Parcel.objects.filter(batch_id=batch_id, base=F("pk")).values_list("pk", "size")
    unfolded = own.filter(is_folded=False).order_by("-due_at", "-pk")[:SHOWN]
    newest = own.filter(pk__gt=newest_parcel_id() - LOOKED_AT).order_by("-pk")[:SHOWN]
    return sorted({*unfolded, *newest}, reverse=True)


def find_parcels_of_mail(public_id: str) -> list[tuple[int, int]]:
    """Return the parcels that were made with a mail as (id, size), by id.

    The messages of a parcel belong to one mail, so the first one names it.
    """
    mail_id = Mail.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if mail_id is None:
        return []
    near = bisect_left(range(newest_parcel_id() + 1), mail_id, key=lambda parcel: _message_from(parcel)[1])
    # Below it nothing may be left of the history: go on to the first parcel that has messages.
    near = _message_from(near)[0] // PARCEL_SPAN
    first_ids = [parcel * PARCEL_SPAN for parcel in range(max(near - DISORDER, 0), near + 2 * DISORDER)]
    of_mail = Message.objects.filter(pk__in=first_ids, mail_id=mail_id).values_list("pk", flat=True)
    parcels = Parcel.objects.filter(pk__in=[message_id // PARCEL_SPAN for message_id in of_mail])
    return list(parcels.order_by("pk").values_list("pk", "size"))


def _message_from(parcel: int) -> tuple[int, int]:
    """Return the first message from this parcel on, and its mail.

    Mail ids rise with parcel ids, but for a little disorder.
    """
    later = Message.objects.filter(pk__gte=parcel * PARCEL_SPAN).order_by("pk")
    return later.values_list("pk", "mail_id").first() or (0, sys.maxsize)
