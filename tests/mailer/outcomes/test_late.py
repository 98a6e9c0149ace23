"""A late worker adds only what the rescuer did not write, whether either of the two wrote packed rows or not."""

from __future__ import annotations

from collections import Counter

import pytest
from django.conf import settings

from accounts.models import Account
from batches.claims import Claim, Claimer
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Parcel
from mailer.models import CounterDelta, Event, EventKind, Measure, Series
from mailer.outcomes.writing import PACKED_FROM
from mailer.partitions import drop_partition, ensure_partitions
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.cargo import find_earlier, load_messages
from mailer.pipeline.note import ReadNote
from mailer.pipeline.record import record_slice
from mailer.pipeline.rescue import rescue_parcel
from mailer.queries import states_of
from mailer.transports.base import Sent
from tests.drafts import draft
from tests.examples import few_by_default
from tests.mailer.claimed import claim_and_look, outcomes_of
from tests.outcomes import stored_events

MANY, FEW = PACKED_FROM, PACKED_FROM - 1


@pytest.fixture
def claim(alice: Account) -> Claim:
    """Claim a parcel of 60 messages, all of them in its first slice."""
    accept_mail(alice, draft(60, batch_id=create_batch(alice).public_id))
    return claim_and_look(Claimer(), 0, 60)


def counted(measure: Measure) -> int:
    return sum(CounterDelta.objects.filter(series=Series.ACCOUNT, measure=measure).values_list("n", flat=True))


@pytest.mark.parametrize("known", few_by_default([0, FEW, MANY], FEW))
@pytest.mark.parametrize("late", few_by_default([FEW, MANY, 60], FEW, MANY))
def test_each_message_has_one_event_after_a_late_record(
    claim: Claim, known: int, late: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = claim.first_message_id
    sent = dict.fromkeys(range(first, first + known), int(EventKind.SENT))
    doubtful = dict.fromkeys(range(first + known, first + 60), int(EventKind.IN_DOUBT))
    note = ReadNote({claim.parcel_id: (claim.fence, 1)}, whole=sent | doubtful)
    monkeypatch.setattr("mailer.pipeline.rescue.read_note", lambda url, worker: note)
    assert rescue_parcel(claim.parcel_id, claim.fence)
    assert Event.objects.filter(kind=EventKind.SENT, members__isnull=False).exists() == (known >= PACKED_FROM)
    outcomes = outcomes_of(claim, *[Sent(f"250 {n}") for n in range(late)])
    for _ in range(2):
        assert record_slice([outcomes]) == [claim]
    number = max(known, late)
    events = Counter(event.message_id for event in stored_events(EventKind.SENT))
    assert events == dict.fromkeys(range(first, first + number), 1)
    assert counted(Measure.SENT) == count_batch(claim.batch_id).sent == number
    assert Counter(states_of(range(first, first + 60)).values()) == Counter({"sent": number, "in_doubt": 60 - number})


def test_a_slice_that_is_recorded_twice_has_its_events_once(claim: Claim) -> None:
    outcomes = outcomes_of(claim, *[Sent(f"250 {n}") for n in range(60)])
    for _ in range(2):
        record_slice([outcomes])
    assert Event.objects.count() == 1
    assert counted(Measure.SENT) == len(stored_events(EventKind.SENT)) == 60


def test_nobody_is_sent_a_message_again_after_a_packed_row(claim: Claim) -> None:
    record_slice([outcomes_of(claim, *[Sent("ok")] * MANY)])
    ids = range(claim.first_message_id, claim.first_message_id + 60)
    loads = load_messages(ids)
    earlier = find_earlier(ids, loads)
    assert {message_id: set(each.finished) for message_id, each in earlier.items()} == {
        message_id: {loads[message_id].recipient} for message_id in list(ids)[:MANY]
    }


def test_a_partition_is_dropped_with_its_packed_rows(claim: Claim) -> None:
    record_slice([outcomes_of(claim, *[Sent("ok")] * 60)])
    assert Event.objects.count() == 1
    number = claim.base // settings.PARTITION_PARCELS
    drop_partition(number)
    try:
        assert Event.objects.count() == 0
    finally:
        Parcel.objects.all().delete()
        ensure_partitions()
