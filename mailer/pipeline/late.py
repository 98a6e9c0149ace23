"""Correct the record of a slice that was put in doubt while the worker that sent it was cut off.

In: the outcomes of a worker whose claim was taken over. Out, in the transaction of the record: parcels that count its
messages by these outcomes. `record.py` writes the events that this returns.
"""

from __future__ import annotations

from batches.models import Parcel
from batches.moving import find_waiting, keep_doubt, settle_doubt, split_off, take_out
from batches.states import ParcelState
from foundation.clock import database_now
from mailer.models import EventKind
from mailer.outcomes.providers import REST, group_of
from mailer.outcomes.reading import read_events
from mailer.outcomes.writing import NewEvent
from mailer.pipeline.cargo import load_messages
from mailer.pipeline.sorting import COUNTER_OF, FINALS, Outcomes, domains_of


def correct_late(item: Outcomes) -> list[NewEvent]:
    """Correct the record of a slice that the rescuer has put in doubt: the late worker knows the outcomes.

    Move messages with a known outcome from doubt to sent, refused or dropped. Return the events that are not stored
    yet: the rescuer has stored outcomes of the hand-over note under the same fence, and they describe the same attempt.
    Mail that waits to be sent again is not sent again, unless a worker has claimed it already.
    """
    final_events = _final_events(item)
    stored = {
        (event.message_id, event.recipient)
        for events in read_events({event.message_id for event in final_events}, kinds=FINALS).values()
        for event in events
        if event.fence == item.claim.fence
    }
    new_events = [
        event
        for event in final_events
        if not stored.intersection({(event.message_id, event.recipient), (event.message_id, None)})
    ]
    if stored:
        new_events = [part for event in new_events for part in _apart(event, item, stored)]
    # The strongest event comes last, so that it decides.
    kinds = {event.message_id: event.kind for event in sorted(new_events, key=lambda event: -event.kind)}
    for message_id, kind in sorted(kinds.items()):
        _correct_one(item, 1 << (message_id - item.claim.first_message_id), kind)
    return new_events


def _final_events(item: Outcomes) -> list[NewEvent]:
    loads = load_messages([message_id for message_id, _ in item.sent]) if item.sent else {}
    groups = {message_id: group_of(load.recipient) for message_id, load in loads.items()}
    sent = [
        NewEvent(message_id, EventKind.SENT, reply=reply, group=groups.get(message_id, REST), is_attempt=True)
        for message_id, reply in item.sent
    ]
    return sent + [event for event in item.events if event.kind in FINALS]


def _apart(event: NewEvent, item: Outcomes, stored: set[tuple[int, str | None]]) -> list[NewEvent]:
    """Return the event for each recipient who has none, if others of the message have one."""
    recipients = item.recipients.get(event.message_id, ())
    if event.recipient is not None or not any((event.message_id, recipient) in stored for recipient in recipients):
        return [event]
    return [
        event._replace(recipient=recipient, recipients=1, domains=domains_of(event.kind, recipient))
        for recipient in recipients
        if (event.message_id, recipient) not in stored
    ]


def _correct_one(item: Outcomes, bit: int, kind: EventKind) -> None:
    """Count a message by its outcome, in the parcel that holds it.

    Recipients without an outcome become a remainder. The message is not sent to anyone twice, because the events name
    those who have had it.
    """
    is_over = not bit & (item.moved | item.resendable)
    if kind is not EventKind.SENT and not is_over:
        return
    counter = COUNTER_OF[kind]
    parcel = Parcel.objects.select_for_update().get(pk=item.claim.parcel_id)
    if settle_doubt(parcel, bit, counter):
        if not is_over:
            keep_doubt(item.claim, bit, database_now())
        return
    waiting = find_waiting(item.claim.base, bit)
    if waiting is None or (waiting.is_remainder and not is_over):
        return
    state = ParcelState(waiting.state)
    take_out(waiting, bit, counter)
    if not is_over:
        split_off(
            waiting,
            bit,
            state=state,
            due_at=waiting.due_at,
            attempts=waiting.attempts,
            is_remainder=True,
            is_replay=waiting.is_replay,
        )
