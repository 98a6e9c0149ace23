"""Record outcomes: commit those of a slice before the next look at the gate.

In: the outcomes of one slice. Out, in one transaction: the mask and counts on the parcels, retry parcels, suppressions,
events and their counters. Everything is guarded by the claims' fences. After a crash before the commit the slice's
bounds, which the look had written, show which messages are in doubt. Recording the same slice twice does nothing the
second time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Account, DoubtPolicy
from batches import queries
from batches.claims import Claim, to_doubtful, to_members
from batches.models import Parcel
from batches.moving import keep_doubt, split_off
from batches.states import ParcelState
from foundation.clock import database_now
from foundation.statements import fetch_prepared
from mailer.models import SuppressionKind
from mailer.outcomes.writing import Entry, NewEvent, write_events
from mailer.pipeline.late import correct_late
from mailer.pipeline.sorting import Outcomes
from mailer.suppressions.lists import New, suppress

LONGEST_LISTED = 400
"""The most characters of an address that is put on a list: it must fit in an index."""
ASSUMED_STATUS: Mapping[SuppressionKind | None, str] = {
    SuppressionKind.BOUNCE: "5.1.1",
    SuppressionKind.INVALID: "5.1.3",
}
"""The enhanced status code of a refusal without one (RFC 3463), by the list that it puts the recipient on."""


def record_slice(slices: Sequence[Outcomes]) -> list[Claim]:
    """Commit a slice. Return the claims that this worker has lost. Their sent messages are stored all the same."""
    with transaction.atomic():
        for item in slices:
            if item.resendable and is_resent(item.claim):
                item.resend_doubt()
        current_ids, now = _update_parcels(slices)
        recorded_ids = current_ids | _recorded_before(
            [item for item in slices if item.claim.parcel_id not in current_ids]
        )
        late_slices = [item for item in slices if item.claim.parcel_id not in recorded_ids]
        current_slices = [item for item in slices if item.claim.parcel_id in current_ids]
        entries = [entry for item in current_slices for entry in item.entries_at(now)]
        entries += [
            Entry(item.claim, item.claim.fence, events=correct_late(item), is_encrypted=item.is_encrypted)
            for item in late_slices
        ]
        if any(item.listed for item in slices):
            suppress(suppression for item in slices for suppression in _suppressions(item))
        for item in current_slices:
            insert_moves(item, now, pause=backoff(item.claim.attempts))
        write_events(entries, now)
    for item in slices:
        item.claim.members = item.members_left
    return [item.claim for item in late_slices]


def _update_parcels(slices: Sequence[Outcomes]) -> tuple[set[int], dt.datetime]:
    rows = fetch_prepared(
        queries.RECORD,
        {
            **_names_of(slices),
            "members": [to_members(item.members_left) for item in slices],
            "doubtful": [to_doubtful(item.doubtful_afterwards) for item in slices],
            "is_last": [not item.members_left for item in slices],
            **{name: [item.counters[name] for item in slices] for name in queries.COUNTERS},
        },
    )
    for item in slices:
        item.claim.doubtful = item.doubtful_afterwards
    return {row[0] for row in rows}, rows[0][1] if rows else database_now()


def _names_of(slices: Sequence[Outcomes]) -> dict[str, list[int]]:
    """Return the columns that name the slices: the parcel, the fence of the claim, and the number of the slice."""
    return {
        "parcels": [item.claim.parcel_id for item in slices],
        "fences": [item.claim.fence for item in slices],
        "numbers": [item.claim.slice_no for item in slices],
    }


def _recorded_before(slices: Sequence[Outcomes]) -> set[int]:
    if not slices:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(queries.WAS_RECORDED, _names_of(slices))
        return {row[0] for row in cursor.fetchall()}


def _suppressions(item: Outcomes) -> Iterator[New]:
    """Return the suppressions of recipients whom a refusal puts on a list."""
    claim = item.claim
    for recipient, event in item.listed:
        if len(recipient) <= LONGEST_LISTED and event.suppression is not None:
            yield New(
                account_id=claim.account_id,
                email=recipient,
                kind=event.suppression,
                reason=event.reply,
                status=_status_of(event),
                batch_id=claim.batch_id,
                message_id=event.message_id,
            )


def _status_of(event: NewEvent) -> str:
    """Return the enhanced status code that a list shows, even if the peer gave only the code of a reply."""
    if "." in event.status:
        return event.status
    return ASSUMED_STATUS.get(event.suppression, f"{event.status[:1] or 5}.0.0")


def insert_moves(item: Outcomes, now: dt.datetime, *, pause: dt.timedelta) -> None:
    """Insert the parcels for messages that are still to be sent, at once or after a pause.

    Also insert parcels for messages that are in doubt for some recipients only: the parcel that counts such a message
    as sent cannot hold the doubt.
    """
    claim = item.claim
    for move, mask in item.moves.items():
        wait = dt.timedelta() if move.is_at_once else pause
        split_off(
            claim,
            mask,
            state=ParcelState.SCHEDULED if wait else ParcelState.DUE,
            due_at=now + wait,
            attempts=claim.attempts + (not move.is_at_once),
            is_remainder=move.is_remainder,
            is_replay=move.is_replay,
        )
    if item.half_doubtful:
        keep_doubt(claim, item.half_doubtful, now)


def is_resent(holder: Claim | Parcel) -> bool:
    """Return whether the account wants its mail in doubt sent again, and there is still time for it."""
    policy = Account.objects.values_list("doubt_policy", flat=True).get(pk=holder.account_id)
    limit = dt.timedelta(seconds=settings.RETRY_LIMIT_SECONDS)
    return policy == DoubtPolicy.RESEND and database_now() < holder.send_at + limit


def backoff(attempts: int) -> dt.timedelta:
    """Return the pause after failed tries: it doubles with each try, up to a limit (RFC 5321 section 4.5.4.1)."""
    seconds = settings.RETRY_FIRST_SECONDS * 2 ** min(attempts, 20)
    return dt.timedelta(seconds=min(seconds, settings.RETRY_LONGEST_SECONDS))
