"""Write the bodies of the native API's answers. Ids are strings, times ISO 8601 in UTC with milliseconds and a Z."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from accounts.models import Account, ApiKey, DoubtPolicy
from api.native.errors import Refusal
from batches.counts import Counts
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.dry_run import Rehearsal
from batches.waves import Overview, Wave
from campaigns.models import Campaign, Revocation
from campaigns.revoking import Scheduled
from events.log.reading import Position
from events.models import Delivery, DeliveryState, Endpoint
from events.webhooks.kinds import names_in
from foundation.clock import moment
from mailer.in_hand import Place
from mailer.models import Event, EventKind
from mailer.queries import Trace
from monitoring.coming import Coming
from monitoring.now import NowView
from monitoring.problems import Problem
from monitoring.running import Running
from monitoring.waiting import Reason

Body = dict[str, Any]


def envelope(value: Body) -> Body:
    """Return the envelope of a single resource."""
    return {"data": value}


def page(values: Iterable[Body], *, limit: int, next_after: str | int | UUID | None) -> Body:
    """Return the envelope of a list. `next` is the `after` of the next page, or null on the last page."""
    return {
        "data": list(values),
        "pagination": {"limit": limit, "next": None if next_after is None else str(next_after)},
    }


def refused(refusal: Refusal) -> HttpResponse:
    """Return the answer for a refusal outside of the framework's views."""
    text = json.dumps(refusal.envelope(), separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(text, status=refusal.status, content_type="application/json")


def batch_line(batch: Batch) -> Body:
    """Return a batch of a list. `retention_seconds` is the one of its pause, or null for the installation's.

    `label` is the first subject of its mail, or empty while it has had none.
    """
    return {
        "id": batch.public_id,
        "label": batch.label,
        "status": BatchStatus(batch.status).label,
        "since": moment(batch.stopped_at or batch.resumed_at or batch.created_at),
        "paused_until": moment(batch.paused_until),
        "retention_seconds": batch.retention_seconds,
        "version": batch.version,
        "created_at": moment(batch.created_at),
    }


def batch_details(overview: Overview, reason: Reason | None) -> Body:
    """Return a batch.

    `gate` is what holds its mail now: an open batch may be frozen with its account. `waits` is the reason for which
    mail is due and unsent.
    """
    return {
        **batch_line(overview.batch),
        "gate": overview.gate.value,
        "waits": None if reason is None else {"reason": reason.kind.value, "text": reason.text},
        **messages_by_state(overview.counts),
        "expires_at": moment(overview.expires_at),
        "waves": [wave_line(wave, overview.retention) for wave in overview.waves],
    }


def wave_line(wave: Wave, retention: dt.timedelta | None) -> Body:
    """Return a wave. `expires_at` is null if nothing of it is retained, or if it never expires.

    `exact` is false if its batch has more parcels than were read. Then the wave may have more of each number.
    """
    expires_at = wave.send_at + retention if retention is not None and wave.counts.retained else None
    return {
        "send_at": moment(wave.send_at),
        **messages_by_state(wave.counts),
        "exact": wave.is_exact,
        "expires_at": moment(expires_at),
    }


def messages_by_state(counts: Counts) -> Body:
    """Return the number of messages, and the number in each state. The numbers of the states add up."""
    by_state = asdict(counts)
    return {"messages": by_state.pop("accepted"), "counts": by_state}


def batch_id(batch: Batch | None) -> str | None:
    """Return the id of a batch; null for no batch, and for the hidden one of mail that was sent without a batch."""
    return None if batch is None or batch.is_default else batch.public_id


def place(after: Place | None) -> str | None:
    """Return the `after` of the next page of messages in hand. Its form means nothing to callers."""
    return None if after is None else f"{after[0]}.{after[1]}"


def position(at: Position) -> str:
    """Return the `after` of the next page of events. Its form means nothing to callers."""
    return str(at.place) if at.offset is None else f"{at.place}.{at.offset}"


def endpoint(row: Endpoint) -> Body:
    """Return an endpoint of webhooks without its secrets. `kinds` is null if it gets events of all kinds."""
    expires_at = row.previous_expires_at if row.previous_secret else None
    return {
        "id": str(row.public_id),
        "dialect": row.dialect,
        "url": row.url,
        "name": row.friendly_name,
        "kinds": names_in(row.dialect, row.kinds),
        "enabled": row.is_enabled,
        "disabled_at": moment(row.disabled_at),
        "disabled_reason": row.disabled_reason,
        "failing_since": moment(row.failing_since),
        "failures": row.failures,
        "retry_at": moment(row.retry_at),
        "previous_secret_expires_at": moment(expires_at),
        "public_key": row.public_key,
        "oauth_client_id": row.oauth_client_id,
        "oauth_token_url": row.oauth_token_url,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def endpoint_with_secret(row: Endpoint, secret: str) -> Body:
    """Return an endpoint with its new secret. No other answer shows it."""
    return {**endpoint(row), "secret": secret}


def delivery(row: Delivery, next_attempts: Mapping[int, dt.datetime]) -> Body:
    """Return a delivery without its body. `next_attempt_at` is null if it is over, due, or its endpoint disabled."""
    is_pending = row.state == DeliveryState.PENDING
    return {
        "id": str(row.public_id),
        "state": DeliveryState(row.state).label,
        "events": row.events,
        "attempts": row.attempts,
        "status_code": row.status_code,
        "error": row.error,
        "reply": row.reply,
        "seconds": row.seconds,
        "created_at": moment(row.created_at),
        "attempted_at": moment(row.attempted_at),
        "next_attempt_at": moment(next_attempts.get(row.lane_number)) if is_pending else None,
    }


def delivery_with_body(row: Delivery, next_attempts: Mapping[int, dt.datetime], body: bytes) -> Body:
    """Return a delivery with the text of its body."""
    return {**delivery(row, next_attempts), "body": body.decode()}


def message(trace: Trace) -> Body:
    """Return a message with its events."""
    return {
        "id": str(trace.message_id),
        "message_id": trace.header,
        "batch_id": trace.batch_id,
        "recipient": trace.recipient,
        "state": trace.state,
        "send_at": moment(trace.send_at),
        "events": [event(each) for each in trace.events],
    }


def event(row: Event) -> Body:
    """Return an event. `recipient` is null if it concerns all recipients of the message."""
    return {
        "kind": EventKind(row.kind).name.lower(),
        "at": moment(row.at),
        "recipient": row.recipient,
        "reply": row.reply,
    }


def rehearsal(rehearsed: Rehearsal, action: str) -> Body:
    """Return the answer to a dry run.

    `affected` counts the messages that would be stopped, released, moved or discarded. The dry run of a whole account
    has neither `batch_id` nor `status`.
    """
    return {
        "dry_run": True,
        "action": action,
        "batch_id": batch_id(rehearsed.batch),
        "status": BatchStatus(rehearsed.batch.status).label if rehearsed.batch else None,
        "affected": rehearsed.affected,
        **messages_by_state(rehearsed.counts),
    }


def receipt_line(receipt: Receipt) -> Body:
    """Return a receipt of a list.

    The `batch_id` is null for a stop of the whole account, and for mail without a batch. The `label` is that of the
    batch, or null for a stop of the whole account. The `message_id` names the one message of the receipt. `affected`
    counts the messages of a purge, reschedule, replay or drop.
    """
    return {
        "id": receipt.public_id,
        "batch_id": batch_id(receipt.batch),
        "label": receipt.batch and receipt.batch.label,
        "message_id": None if receipt.message_id is None else str(receipt.message_id),
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
        "ended_before": receipt.ended_before,
        "affected": receipt.affected,
    }


def receipt_details(receipt: Receipt) -> Body:
    """Return a receipt with the ids of its messages in doubt."""
    return {**receipt_line(receipt), "doubtful_messages": [str(each) for each in receipt.doubtful_messages]}


def account_details(account: Account) -> Body:
    """Return an account. `lateness_limit_seconds` is null if mail is sent however late it is."""
    return {
        "username": account.username,
        "parent": account.parent.username if account.parent else None,
        "frozen_at": moment(account.frozen_at),
        "email": account.email,
        "doubt_policy": DoubtPolicy(account.doubt_policy).label,
        "lateness_limit_seconds": account.lateness_limit,
    }


def now(view: NowView) -> Body:
    """Return what happens at this moment. `has_more_…` is true for a list that was cut."""
    return {
        "at": moment(view.at),
        "running": [running_line(each) for each in view.running],
        "has_more_running": view.has_more_running,
        "next": [coming_line(each) for each in view.coming],
        "has_more_next": view.has_more_coming,
        "problems": [problem_line(each) for each in view.problems],
        "stopped": [
            {**receipt_line(each), "account": each.account.username if each.account else None} for each in view.stopped
        ],
    }


def running_line(running: Running) -> Body:
    """Return a batch that is being sent. `batch_id` is null for mail without a batch.

    `rate` is in recipients a second over the last minute, or null if it is not counted; `remaining_seconds` is null if
    it is not known. `expanding` is true while not all contacts of a campaign's audience have become messages.
    """
    return {
        "batch_id": None if running.is_default else running.public_id,
        "label": running.label,
        "account": running.account,
        "campaign_id": _text(running.campaign_id),
        "campaign_uuid": _text(running.campaign_uuid),
        "gate": running.status.value,
        **messages_by_state(running.counts),
        "exact": running.is_exact,
        "expanding": running.is_expanding,
        "rate": None if running.rate is None else round(running.rate, 2),
        "remaining_seconds": None if running.remaining is None else round(running.remaining.total_seconds()),
        "waits": running.why or None,
    }


def coming_line(coming: Coming) -> Body:
    """Return mail that comes. `messages` is null while no contact of a campaign's audience has become a message."""
    return {
        "at": moment(coming.at),
        "batch_id": None if coming.is_default else coming.public_id,
        "label": coming.label,
        "account": coming.account,
        "campaign_id": _text(coming.campaign_id),
        "campaign_uuid": _text(coming.campaign_uuid),
        "messages": coming.messages,
        "complete": coming.is_complete,
        "fate": coming.fate.value,
    }


def problem_line(problem: Problem) -> Body:
    """Return a problem. `kind` is the anchor of its run book in the documentation of operations."""
    return {
        "kind": problem.kind.value,
        "severity": problem.severity.value,
        "text": problem.text,
        "since": moment(problem.since),
    }


def _text(id: object) -> str | None:
    return None if id is None else str(id)


def campaign_line(campaign: Campaign) -> Body:
    """Return a campaign of a list. `batch_id` is null until its audience begins to become messages."""
    return {
        "id": str(campaign.pk),
        "uuid": str(campaign.uuid),
        "title": campaign.title,
        "status": campaign.status_now.label,
        "send_at": moment(campaign.send_at),
        "finished_at": moment(campaign.finished_at),
        "created_at": moment(campaign.created_at),
        "batch_id": batch_id(campaign.launch.batch) if campaign.launch else None,
    }


def campaign_details(campaign: Campaign, counts: Counts) -> Body:
    """Return a campaign with its messages by state. `expanding` is true while contacts still become messages."""
    return {
        **campaign_line(campaign),
        "expanding": campaign.is_expanding,
        **messages_by_state(counts),
    }


def moved_campaign(campaign: Campaign, receipt: Receipt | None) -> Body:
    """Return the answer to a move of a campaign. The receipt is null if it had no batch yet."""
    return {**campaign_line(campaign), "receipt": receipt_details(receipt) if receipt else None}


def key_line(key: ApiKey) -> Body:
    """Return a key without its secret, which nobody can read again."""
    return {
        "id": key.key_id,
        "name": key.name,
        "account": key.account.username,
        "created_at": moment(key.created_at),
        "revoked_at": moment(key.revoked_at),
    }


def revocation_rehearsal(key: ApiKey, scheduled: Scheduled) -> Body:
    """Return the answer to a dry run of a revocation. `exact` is false if there are more messages than were counted."""
    return {
        "dry_run": True,
        **key_line(key),
        "campaigns": scheduled.campaigns,
        "batches": scheduled.batches,
        "messages": scheduled.messages.messages,
        "exact": scheduled.messages.is_exact,
    }


def revocation(revocation: Revocation, receipts: list[Receipt]) -> Body:
    """Return a revoked key, and counts of the scheduled mail that was stopped with it.

    It is settled when everything is stopped, and all its receipts are settled. `messages` counts those that were
    stopped in batches of others; each receipt counts the others.
    """
    is_settled = revocation.settled_at is not None and all(receipt.is_settled for receipt in receipts)
    return {
        **key_line(revocation.key),
        "stopped": {
            "settled": is_settled,
            "campaigns": revocation.campaigns,
            "batches": revocation.batches,
            "messages": revocation.messages,
            "receipts": [receipt_line(receipt) for receipt in receipts],
        },
    }
