"""Accept mail: store a validated request as rows. It is answered 2xx only after this has returned, after the commit.

In: an account and a `MailDraft`. Out: one mail, its parcels, and its messages, all in one transaction, which may be
part of the caller's transaction: one statement, and a COPY if there are several messages. After a crash before the
commit nothing is stored. After the commit everything is stored and will be sent, with or without a hint.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from pydantic_core import to_json

from accounts.models import Account, ApiKey
from batches.errors import UnknownBatch
from batches.handles import default_batch
from batches.hints import leave_hints
from batches.labels import make_label
from batches.models import PARCEL_SIZE, PARCEL_SPAN
from batches.states import Lane
from foundation.ids import url_safe
from foundation.statements import copy_rows, fetch_prepared
from mailer.checking import check_characters, check_groups, check_headers, refuse_when_full
from mailer.compose.system_tags import brings_tags
from mailer.draft import MailDraft, Personalization, Rendering
from mailer.expressing import check_expressible, check_size
from mailer.partitions import has_made_partitions_for
from mailer.pipeline.queries import COPY_MESSAGES, STORE, STORE_ONE, Kind

BULK_FROM = 50
BULK_BYTES = 1024 * 1024
"""Requests with this many messages or more, or with more bytes for all recipients together, are sent in the bulk lane,
so that they never delay a single mail."""

NO_ITEMS = "{}"
"""An empty array. psycopg takes 15 microseconds to write an empty list, because it looks for the type of its items."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to the caller: the X-Message-Id (22 characters), the number of messages, the id of the first."""

    public_id: str
    messages: int
    first_message: int


class Lot(NamedTuple):
    """The messages of a future parcel. A `send_at` that is None or past means now."""

    send_at: dt.datetime | None
    personalizations: tuple[Personalization, ...]


class StoredParcel(NamedTuple):
    """A row that the statement `STORE` returns."""

    id: int
    send_at: dt.datetime
    mail_id: int
    batch_id: int
    stored_at: dt.datetime

    @property
    def is_due(self) -> bool:
        return self.send_at <= self.stored_at


def accept_mail(
    account: Account, draft: MailDraft, *, key: ApiKey | None = None, is_recalled: bool = False
) -> Accepted:
    """Store a mail and schedule its messages. The key of the caller is stored with it; Sluice's own mail has none.

    Raises the exceptions of `check_draft`, UnknownBatch if `draft.batch_id` is not a batch of the account, and
    QueueFull if too many messages of the account are waiting already. If the key `is_recalled`, UnknownBatch is also
    raised if the key may no longer send, or if the account has had no mail without a batch yet. Then nothing is stored,
    and a caller that finds the key valid may try again.

    Mail of a paused or cancelled batch is accepted, too: its verdict comes at `send_at`. A time in the past means now.
    """
    refuse_when_full(account)
    check_draft(account, draft)
    mail = _mail_values(account, draft) | {"key": key.pk if key else None, "is_recalled": is_recalled}
    parcels = _store(draft, mail)
    if not parcels and draft.batch_id is None and not is_recalled:
        # The account's first mail without a batch.
        default_batch(account)
        parcels = _store(draft, mail)
    if not parcels:
        raise UnknownBatch(field="batch_id")
    # Before the outermost commit a worker would look too early. A hint that fails must not spoil the answer.
    transaction.on_commit(partial(_give_hints, parcels, Lane(mail["lane"])), robust=True)
    return Accepted(
        public_id=mail["public_id"], messages=len(draft.personalizations), first_message=parcels[0].id * PARCEL_SPAN
    )


def check_draft(account: Account, draft: MailDraft) -> None:
    """Accept a draft that can be sent.

    Raises UnfitCharacter, ReservedHeader, InvalidMessageId, InvalidReplyTo, MessageTooLarge, Inexpressible, and
    UnknownGroup or UnknownGroupsToDisplay if its groups are not the account's.
    """
    check_characters(draft)
    check_headers(draft)
    check_size(draft)
    check_expressible(draft)
    check_groups(account, draft)


def _store(draft: MailDraft, mail: dict[str, Any]) -> list[StoredParcel]:
    """Return the parcels as stored, or none if the account does not have the batch."""
    try:
        return _try_to_store(draft, mail)
    except IntegrityError as error:
        if not has_made_partitions_for(error):
            raise
        return _try_to_store(draft, mail)


def _try_to_store(draft: MailDraft, mail: dict[str, Any]) -> list[StoredParcel]:
    store = _store_one if len(draft.personalizations) == 1 else _store_many
    # One statement is a transaction by itself. Within another transaction it needs a savepoint, to be tried again.
    is_alone = store is _store_one and not connection.in_atomic_block
    with nullcontext() if is_alone else transaction.atomic():
        return store(draft, mail)


def _store_one(draft: MailDraft, mail: dict[str, Any]) -> list[StoredParcel]:
    (personalization,) = draft.personalizations
    message = {
        "send_at": personalization.send_at or draft.send_at,
        "recipient": personalization.to[0].email,
        "personal": personal_json(personalization),
    }
    return [StoredParcel(*row) for row in fetch_prepared(STORE_ONE[_kind_of(draft)], mail | message)]


def _store_many(draft: MailDraft, mail: dict[str, Any]) -> list[StoredParcel]:
    lots = list(make_lots(draft))
    columns = {
        "numbers": list(range(len(lots))),
        "send_ats": [lot.send_at for lot in lots],
        "sizes": [len(lot.personalizations) for lot in lots],
    }
    parcels = [StoredParcel(*row) for row in fetch_prepared(STORE[_kind_of(draft)], mail | columns)]
    if parcels:
        _copy_messages(zip(parcels, lots, strict=True))
    return parcels


def _kind_of(draft: MailDraft) -> Kind:
    return Kind(is_in_batch=draft.batch_id is not None, has_categories=bool(draft.categories))


def make_lots(draft: MailDraft) -> Iterator[Lot]:
    """Yield the draft's personalizations by their time, in parcels of at most `PARCEL_SIZE`."""
    waves: dict[dt.datetime | None, list[Personalization]] = {}
    for personalization in draft.personalizations:
        waves.setdefault(personalization.send_at or draft.send_at, []).append(personalization)
    for send_at, wave in waves.items():
        members = iter(wave)
        while lot := tuple(islice(members, PARCEL_SIZE)):
            yield Lot(send_at, lot)


def lane_of(*, messages: int, recipients: int, common_bytes: int) -> Lane:
    """Return the lane for a mail whose stored content and attachments have `common_bytes`: large requests are bulk.

    The personal part of a message has a limit, so it is not counted.
    """
    is_bulk = messages >= BULK_FROM or recipients * common_bytes > BULK_BYTES
    return Lane.BULK if is_bulk else Lane.TRANSACTIONAL


def _mail_values(account: Account, draft: MailDraft) -> dict[str, Any]:
    """Return the parameters of `STORE` that describe the mail."""
    content, attachments, rendering = _json(draft.content), _json(draft.attachments), rendering_json(draft)
    common_bytes = len(content) + len(attachments) + len(rendering or "")
    messages = len(draft.personalizations)
    recipients = sum(len(person.to) + len(person.cc) + len(person.bcc) for person in draft.personalizations)
    return {
        "account": account.pk,
        "batch": draft.batch_id,
        "label": make_label(draft.personalizations[0].subject or draft.subject) if draft.batch_id else "",
        "days": settings.BATCH_ID_DAYS,
        "lane": int(lane_of(messages=messages, recipients=recipients, common_bytes=common_bytes)),
        "recipients": recipients,
        "public_id": url_safe(16),
        "sender": draft.sender.email,
        "sender_name": draft.sender.name,
        "subject": draft.subject,
        "reply_to": _json(draft.reply_to),
        "content": content,
        "attachments": attachments,
        "headers": _json(draft.headers),
        "categories": list(draft.categories) or NO_ITEMS,
        "custom_args": _json(draft.custom_args),
        "unsubscribe_group": draft.unsubscribe_group,
        "groups_to_display": list(draft.groups_to_display) or NO_ITEMS,
        "unsubscribe_url": draft.unsubscribe_url,
        "bypass": int(draft.bypass),
        "template": draft.template,
        "rendering": rendering,
        "mail_send_at": draft.send_at,
    }


def rendering_json(draft: MailDraft) -> str | None:
    """Return the rendering of a mail as it is stored, or None for a plain mail."""
    rendering: Rendering = draft.rendering or {}
    if brings_tags(draft.personalizations):
        rendering = {**rendering, "brings_tags": True}
    return _json(rendering) if rendering else None


def _copy_messages(lots: Iterable[tuple[StoredParcel, Lot]]) -> None:
    copy_rows(
        COPY_MESSAGES,
        (
            (parcel.id * PARCEL_SPAN + n, parcel.mail_id, personalization.to[0].email, personal_json(personalization))
            for parcel, lot in lots
            for n, personalization in enumerate(lot.personalizations)
        ),
    )


def personal_json(person: Personalization) -> str | None:
    """Return the fields in which this message differs from others, as the composer and events read them.

    Return None if it differs only in its single recipient.
    """
    personal: dict[str, Any] = {}
    if len(person.to) > 1 or person.to[0].name:
        personal["to"] = person.to
    if person.cc:
        personal["cc"] = person.cc
    if person.bcc:
        personal["bcc"] = person.bcc
    if person.sender:
        personal["from"] = person.sender
    if person.subject:
        personal["subject"] = person.subject
    if person.headers:
        personal["headers"] = person.headers
    if person.substitutions:
        personal["substitutions"] = person.substitutions
    if person.custom_args:
        personal["custom_args"] = person.custom_args
    if person.merge:
        personal["merge"] = person.merge
    if person.data:
        personal["data"] = person.data
    if person.send_at:
        personal["send_at"] = int(person.send_at.timestamp())
    return _json(personal) if personal else None


def _json(value: Any) -> str:
    """Return the value as JSON: an address becomes `["address", "name"]`, a part or an attachment an object."""
    return to_json(value).decode()


def _give_hints(parcels: list[StoredParcel], lane: Lane) -> None:
    """Wake the fleet for mail that is due, and plan the waves of later mail. This comes after the commit."""
    due_parcels = Counter(lane for parcel in parcels if parcel.is_due)
    waves = {(parcel.batch_id, parcel.send_at) for parcel in parcels if not parcel.is_due}
    leave_hints(due_parcels, waves, now=parcels[0].stored_at)
