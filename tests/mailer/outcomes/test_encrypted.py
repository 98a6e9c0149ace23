"""Whether an attempt to deliver was encrypted is stored with the event of its end, and with no other event."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from accounts.models import Account
from batches.claims import Claim, Claimer
from batches.handles import create_batch
from foundation.clock import database_now
from mailer.models import Event, EventKind
from mailer.outcomes.packing import pack_members
from mailer.outcomes.writing import PACKED_FROM, Entry, SharedEvent, write_events
from mailer.partitions import create_partition, span
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.record import record_slice
from mailer.pipeline.rescue import rescue_parcel
from mailer.pipeline.sorting import add_result
from mailer.transports.base import Dropped, InDoubt, Refused, Result, RetryAt, Sent
from tests.drafts import draft
from tests.mailer.claimed import claim_and_look, outcomes_of
from tests.outcomes import stored_events

BEFORE, MIGRATION = ("mailer", "0006_late_events"), ("mailer", "0007_encrypted")
OLD_EVENT = "insert into mailer_event (message_id, kind, at, fence, members) values (%s, %s, now(), 1, %s)"
OUTCOMES = (
    *(Sent("ok"), Refused("550 no"), RetryAt("451 later")),
    *(Refused("554 malformed", is_ours=True), Dropped("left"), InDoubt("gone")),
)


@pytest.fixture
def claim(alice: Account) -> Claim:
    """Return the claim of a parcel of 60 messages, of which the first 20 are in its slice."""
    accept_mail(alice, draft(60, batch_id=create_batch(alice).public_id))
    return claim_and_look(Claimer(), 0, 20)


@pytest.mark.parametrize("is_encrypted", [True, False, None])
def test_attempts_have_the_fact_of_their_slice_and_other_events_have_none(
    claim: Claim, is_encrypted: bool | None
) -> None:
    outcomes = outcomes_of(claim, *OUTCOMES)
    outcomes.is_encrypted = is_encrypted
    record_slice([outcomes])
    stored = [(event.kind, event.is_encrypted) for event in stored_events()]
    assert stored == [
        *((EventKind.SENT, is_encrypted), (EventKind.REFUSED, is_encrypted), (EventKind.DEFERRED, is_encrypted)),
        *((EventKind.REFUSED, None), (EventKind.DROPPED, None), (EventKind.IN_DOUBT, None)),
    ]


def test_packed_events_have_it_too_and_verdicts_do_not(claim: Claim) -> None:
    outcomes = outcomes_of(claim, *[Sent("ok")] * PACKED_FROM)
    outcomes.is_encrypted = True
    record_slice([outcomes])
    verdict = SharedEvent(EventKind.DISCARDED, 1 << PACKED_FROM, "the purge")
    write_events([Entry(claim, claim.fence, verdict=verdict, is_encrypted=True)], database_now())
    assert Event.objects.exclude(members=None).count() == 2
    stored = [(event.kind, event.is_encrypted) for event in stored_events()]
    assert stored == [(EventKind.SENT, True)] * PACKED_FROM + [(EventKind.DISCARDED, None)]


def test_a_late_record_has_it(claim: Claim) -> None:
    rescue_parcel(claim.parcel_id, claim.fence)
    late = outcomes_of(claim, Sent("ok"), Refused("550 no"), Dropped("left"))
    late.is_encrypted = True
    record_slice([late])
    events = stored_events(EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED)
    assert [event.is_encrypted for event in events] == [True, True, None]


def test_recipients_whom_the_peer_never_judged_have_separate_events(claim: Claim) -> None:
    outcomes, message_id = outcomes_of(claim), claim.first_message_id
    refusals = Refused("553 5.1.3 bad"), Refused("553 5.1.3 bad", is_ours=True)
    add_result(outcomes, Result(message_id, refusals), ("a@example.com", "b@example.com"))
    outcomes.is_encrypted = True
    record_slice([outcomes])
    stored = {(event.recipient, event.is_encrypted) for event in stored_events()}
    assert stored == {("a@example.com", True), ("b@example.com", None)}


def test_the_migration_adds_the_column_to_existing_partitions_and_keeps_their_events(claim: Claim) -> None:
    """Run the migration in a transaction that is rolled back, so that other tests keep their tables."""
    loader = MigrationLoader(connection)
    before, migration = loader.project_state(BEFORE), loader.get_migration(*MIGRATION)
    first, next_partition = claim.first_message_id, claim.first_message_id // span() + 50
    with transaction.atomic():
        with connection.schema_editor(atomic=False) as editor:
            migration.unapply(before.clone(), editor)
            for key, members in (first, None), (first, pack_members(0b110)):
                editor.execute(OLD_EVENT, [key, int(EventKind.SENT), members])
            migration.apply(before.clone(), editor)
        write_events([Entry(claim, 2, sent=[(first + 3, "250 ok")], is_encrypted=True)], database_now())
        create_partition(next_partition)
        Event.objects.create(
            message_id=next_partition * span(), id=1, kind=1, at=database_now(), fence=1, is_encrypted=False
        )
        stored = {(event.message_id - first, event.is_encrypted) for event in stored_events()}
        assert stored == {(0, None), (1, None), (2, None), (3, True)}
        assert Event.objects.filter(is_encrypted=False).count() == 1
        transaction.set_rollback(True)
