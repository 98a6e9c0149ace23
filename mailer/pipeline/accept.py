"""Accept: a validated request becomes rows. It is answered 2xx only after this has returned, which is after commit.

In: an account and a `MailDraft`. Out: one mail, its parcels, and its messages by COPY, all in one transaction, which
may be part of the caller's. After a crash before the commit there is nothing; after it everything is there and will be
sent, hint or no hint.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction

from accounts.models import Account
from batches import hints, queries
from batches.control import default_batch, find_batch, is_usable
from batches.errors import UnknownBatch
from batches.models import PARCEL_SIZE, PARCEL_SPAN, Batch
from batches.planner import plan_wave
from batches.states import Lane, ParcelState
from foundation.clock import database_now
from foundation.ids import url_safe
from mailer.copying import MESSAGES, copy_rows
from mailer.draft import Address, MailDraft, Personalization
from mailer.models import Mail
from mailer.partitions import ensure_partitions
from mailer.waiting import refuse_when_full

BULK_FROM = 50
"""Requests with this many messages or more leave by the bulk lane, so that they never delay a single mail."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the caller is told: the X-Message-Id (22 characters) and how many messages there are."""

    public_id: str
    messages: int


@dataclass(frozen=True, slots=True)
class Lot:
    """The messages of one parcel to be."""

    send_at: dt.datetime
    personalizations: tuple[Personalization, ...]


def accept_mail(account: Account, draft: MailDraft) -> Accepted:
    """Store a mail and schedule its messages.

    Raises UnknownBatch if `draft.batch_id` is not a batch of the account, and QueueFull if too many messages of the
    account are waiting already.

    A paused or cancelled batch takes mail too: its verdict comes at `send_at`. A `send_at` that has passed means now.
    """
    refuse_when_full(account)
    batch = _batch_of(account, draft.batch_id)
    try:
        mail, lots, now = _store(account, batch, draft)
    except IntegrityError as error:
        # No partition for ids this high: the sweeper that makes them ahead has not run. Anything else is a real error.
        if getattr(error.__cause__, "sqlstate", "") != "23514" or not ensure_partitions():
            raise
        mail, lots, now = _store(account, batch, draft)
    # Not before the outermost commit, or a worker would look too early; a hint that fails must not spoil the answer.
    transaction.on_commit(partial(_give_hints, batch, lots, now), robust=True)
    return Accepted(public_id=mail.public_id, messages=len(draft.personalizations))


def _batch_of(account: Account, public_id: str | None) -> Batch:
    if public_id is None:
        return default_batch(account)
    batch = find_batch(account, public_id)
    if not is_usable(batch):
        raise UnknownBatch(field="batch_id")
    return batch


def _store(account: Account, batch: Batch, draft: MailDraft) -> tuple[Mail, list[Lot], dt.datetime]:
    with transaction.atomic():
        now = database_now()
        lots = list(make_lots(draft, now))
        mail = Mail.objects.create(account=account, batch=batch, **_mail_fields(draft))
        parcel_ids = _insert_parcels(batch, lots, now, lane_of(draft))
        _copy_messages(mail, zip(parcel_ids, lots, strict=True))
    return mail, lots, now


def make_lots(draft: MailDraft, now: dt.datetime) -> Iterator[Lot]:
    """The draft's personalizations by their time, in parcels of at most `PARCEL_SIZE`."""
    waves: dict[dt.datetime, list[Personalization]] = {}
    for personalization in draft.personalizations:
        send_at = personalization.send_at or draft.send_at or now
        waves.setdefault(max(send_at, now), []).append(personalization)
    for send_at, wave in waves.items():
        members = iter(wave)
        while lot := tuple(islice(members, PARCEL_SIZE)):
            yield Lot(send_at, lot)


def lane_of(draft: MailDraft) -> Lane:
    """Big requests are bulk."""
    return Lane.BULK if len(draft.personalizations) >= BULK_FROM else Lane.TRANSACTIONAL


def _mail_fields(draft: MailDraft) -> dict[str, Any]:
    return {
        "public_id": url_safe(16),
        "sender": draft.sender.email,
        "sender_name": draft.sender.name,
        "subject": draft.subject,
        "reply_to": _pairs(draft.reply_to),
        "content": [asdict(part) for part in draft.content],
        "attachments": [asdict(attachment) for attachment in draft.attachments],
        "headers": dict(draft.headers),
        "categories": list(draft.categories),
        "custom_args": dict(draft.custom_args),
    }


def _insert_parcels(batch: Batch, lots: list[Lot], now: dt.datetime, lane: Lane) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(queries.DRAW_PARCEL_IDS, {"account": batch.account_id, "parcels": len(lots)})
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            queries.INSERT_PARCELS,
            {
                "batch": batch.pk,
                "account": batch.account_id,
                "lane": int(lane),
                "ids": ids,
                # Mail for now is due at once: the gate is asked by the worker that claims it.
                "states": [int(ParcelState.DUE if lot.send_at <= now else ParcelState.SCHEDULED) for lot in lots],
                "send_ats": [lot.send_at for lot in lots],
                "sizes": [len(lot.personalizations) for lot in lots],
            },
        )
    return ids


def _copy_messages(mail: Mail, lots: Iterable[tuple[int, Lot]]) -> None:
    copy_rows(
        MESSAGES,
        (
            (parcel_id * PARCEL_SPAN + n, mail.pk, personalization.to[0].email, personal_json(personalization))
            for parcel_id, lot in lots
            for n, personalization in enumerate(lot.personalizations)
        ),
    )


def personal_json(personalization: Personalization) -> str | None:
    """What differs for this message, as the composer reads it; None when that is only its one recipient."""
    to = personalization.to
    said: dict[str, Any] = {
        "to": _pairs(to) if len(to) > 1 or to[0].name else None,
        "cc": _pairs(personalization.cc),
        "bcc": _pairs(personalization.bcc),
        "from": _pairs([personalization.sender])[0] if personalization.sender else None,
        "subject": personalization.subject,
        "headers": dict(personalization.headers),
        "substitutions": dict(personalization.substitutions),
        "custom_args": dict(personalization.custom_args),
    }
    said = {key: value for key, value in said.items() if value}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) if said else None


def _pairs(addresses: Iterable[Address]) -> list[list[str]]:
    return [[address.email, address.name] for address in addresses]


def _give_hints(batch: Batch, lots: list[Lot], now: dt.datetime) -> None:
    """After the commit: plan the waves that are inside the horizon, and wake the fleet for mail that is due."""
    due = sum(1 for lot in lots if lot.send_at <= now)
    if due:
        bulk = sum(len(lot.personalizations) for lot in lots) >= BULK_FROM
        hints.hint_due(Lane.BULK if bulk else Lane.TRANSACTIONAL, due)
    for send_at in {lot.send_at for lot in lots if lot.send_at > now}:
        plan_wave(batch.pk, send_at, now=now)
