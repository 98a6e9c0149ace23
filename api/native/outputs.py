"""What the native API says back. Ids are strings, times ISO 8601 in UTC with milliseconds and a Z."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.http import HttpResponse

from accounts.models import Account
from api.native.errors import Refusal
from batches.counts import Counts
from batches.dry_run import Rehearsal
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.waves import Overview, Wave
from mailer.models import Event, EventKind
from mailer.queries import Trace

Body = dict[str, Any]


def one(value: Body) -> Body:
    """The envelope of one thing."""
    return {"data": value}


def page(values: Iterable[Body], *, limit: int, next_after: str | int | None) -> Body:
    """The envelope of a list. `next` is the `after` of the next page, null when there is none."""
    return {
        "data": list(values),
        "pagination": {"limit": limit, "next": None if next_after is None else str(next_after)},
    }


def envelope(refusal: Refusal) -> Body:
    """The envelope of what is not done; `details` only where there is something to say."""
    error: Body = {"code": refusal.code, "message": refusal.message}
    return {"error": error if refusal.details is None else {**error, "details": refusal.details}}


def refused(refusal: Refusal) -> HttpResponse:
    """A refusal from outside the framework's views."""
    text = json.dumps(envelope(refusal), separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(text, status=refusal.status, content_type="application/json")


def moment(at: dt.datetime | None) -> str | None:
    """`2026-11-20T10:53:00.000Z`; null for none."""
    if at is None:
        return None
    return f"{at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def batch_line(batch: Batch) -> Body:
    """A batch in the list."""
    return {
        "id": batch.public_id,
        "status": BatchStatus(batch.status).label,
        "since": moment(batch.stopped_at or batch.resumed_at or batch.created_at),
        "version": batch.version,
        "created_at": moment(batch.created_at),
    }


def batch_details(seen: Overview) -> Body:
    """`gate` is what holds its mail now: a batch that is open may be frozen with its account."""
    return {
        **batch_line(seen.batch),
        "gate": seen.gate.value,
        **messages_by_state(seen.counts),
        "expires_at": moment(seen.expires_at),
        "waves": [wave_line(wave, seen.retention) for wave in seen.waves],
    }


def wave_line(wave: Wave, retention: dt.timedelta | None) -> Body:
    """A wave; `expires_at` is when what is retained of it expires, null when nothing is or it does not."""
    does_expire = retention is not None and wave.counts.retained
    return {
        "send_at": moment(wave.send_at),
        **messages_by_state(wave.counts),
        "expires_at": moment(wave.send_at + retention) if retention and does_expire else None,
    }


def messages_by_state(counts: Counts) -> Body:
    """How many there are, and how many of them in each state: these add up."""
    by_state = asdict(counts)
    return {"messages": by_state.pop("accepted"), "counts": by_state}


def message(trace: Trace) -> Body:
    return {
        "id": str(trace.message_id),
        "message_id": trace.header,
        "batch_id": trace.batch_id,
        "recipient": trace.recipient,
        "state": trace.state,
        "send_at": moment(trace.send_at),
        "events": [event(each) for each in trace.events],
    }


def event(happened: Event) -> Body:
    """`recipient` is null when it happened to all of the message's recipients."""
    return {
        "kind": EventKind(happened.kind).name.lower(),
        "at": moment(happened.at),
        "recipient": happened.recipient,
        "reply": happened.reply,
    }


def rehearsal(rehearsed: Rehearsal, action: str) -> Body:
    """What a dry run answers: `affected` are the messages that would be stopped, or let go."""
    return {
        "dry_run": True,
        "action": action,
        "batch_id": rehearsed.batch.public_id,
        "status": BatchStatus(rehearsed.batch.status).label,
        "affected": rehearsed.counts.waiting,
        **messages_by_state(rehearsed.counts),
    }


def receipt_line(receipt: Receipt) -> Body:
    """A receipt in the list. `batch_id` is null for what was done to the whole account."""
    return {
        "id": receipt.public_id,
        "batch_id": receipt.batch.public_id if receipt.batch else None,
        "action": receipt.action,
        "actor": receipt.actor,
        "reason": receipt.reason,
        "created_at": moment(receipt.created_at),
        "settled": receipt.is_settled,
        "settled_at": moment(receipt.settled_at),
        "sent": receipt.sent,
        "stopped": receipt.stopped,
        "in_flight": receipt.in_flight,
        "in_doubt": receipt.in_doubt,
        "ended": receipt.ended,
    }


def receipt_details(receipt: Receipt) -> Body:
    """A receipt with the ids of its messages in doubt."""
    return {**receipt_line(receipt), "doubtful_messages": [str(each) for each in receipt.doubtful_messages]}


def account_details(account: Account) -> Body:
    return {
        "username": account.username,
        "parent": account.parent.username if account.parent else None,
        "frozen_at": moment(account.frozen_at),
    }
