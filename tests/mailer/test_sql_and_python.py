"""Test rules that exist in SQL and in Python: for each pair the two give the same answer for every value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import fields
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.keys import FULL_ACCESS, allows
from accounts.models import Account, ApiKey
from batches import queries
from batches.admit import read_locked_gate
from batches.claims import Claim, Claimer
from batches.counts import PENDING
from batches.errors import UnknownBatch
from batches.handles import create_batch, find_batch, is_usable
from batches.models import Batch, Installation, Parcel
from batches.states import BatchStatus, Lane, ParcelState
from batches.verdict import Gate, Verdict, verdict
from campaigns.queries import IS_SUPPRESSED
from content.models import MailSettings
from foundation.clock import database_now
from mailer.models import Mail, Suppression, SuppressionKind, UnsubscribeGroup
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.queries import MAY_SEND, NAMED_BATCH
from mailer.suppressions.check import find_suppressions, reason_to_drop
from tests.drafts import draft

DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch of a subuser, with one due parcel."""
    subuser = Account.objects.create(username="alice-eu", parent=alice)
    batch = create_batch(subuser)
    accept_mail(subuser, draft(3, batch_id=batch.public_id))
    return batch


def fetch(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def set_status(batch: Batch, status: BatchStatus) -> None:
    Batch.objects.filter(pk=batch.pk).update(
        status=status, stopped_at=None if status is BatchStatus.OPEN else timezone.now()
    )


def gates() -> Iterator[Gate]:
    """Yield every status, and each other thing that closes the gate by itself."""
    yield from (Gate(status) for status in BatchStatus)
    for field in fields(Gate)[1:]:
        yield Gate(BatchStatus.OPEN, **{field.name: True})


def set_gate(batch: Batch, gate: Gate) -> None:
    """Let the rows say what `gate` says of the batch's parcels."""
    frozen_at = {True: timezone.now(), False: None}
    account = batch.account
    set_status(batch, gate.batch_status)
    Account.objects.filter(pk=account.pk).update(
        frozen_at=frozen_at[gate.is_account_frozen],
        purged_through=2**40 if gate.is_purged else 0,
        lateness_limit=0 if gate.is_late else None,
    )
    Account.objects.filter(pk=account.parent_id).update(frozen_at=frozen_at[gate.is_parent_frozen])
    Installation.objects.update(frozen_at=frozen_at[gate.is_installation_frozen])


def test_the_look_reads_each_field_of_the_gate(batch: Batch) -> None:
    claimer = Claimer()
    (claim,) = claimer.claim_next(*Lane)
    for gate in gates():
        set_gate(batch, gate)
        (row,) = fetch(queries.GLANCE, {"worker": claimer.worker_id, "parcels": [claim.parcel_id]})
        assert Gate(**{field.name: row[field.name] for field in fields(Gate)}) == gate
        assert claimer.glance([claim.parcel_id]) == {claim.parcel_id: gate.status}, "the columns are in another order"


def test_a_parcel_is_late_in_sql_when_it_is_in_python(batch: Batch) -> None:
    claimer = Claimer()
    (claim,) = claimer.claim_next(*Lane)
    now = database_now()
    ages = (1, 3)
    for limit, due, resumed, thawed in product((None, 120), ages, (None, *ages), (None, *ages)):
        Parcel.objects.filter(pk=claim.parcel_id).update(due_at=now - due * MINUTE)
        Batch.objects.filter(pk=batch.pk).update(resumed_at=None if resumed is None else now - resumed * MINUTE)
        Account.objects.filter(pk=batch.account_id).update(
            lateness_limit=limit, thawed_at=None if thawed is None else now - thawed * MINUTE
        )
        (row,) = fetch(queries.GLANCE, {"worker": claimer.worker_id, "parcels": [claim.parcel_id]})
        reading = read_locked_gate(batch.pk)
        assert reading is not None
        late_until = reading.limits.late_until(reading.now)
        assert row["is_late"] == (late_until is not None and now - due * MINUTE <= late_until), (limit, due, resumed)


def test_a_retained_parcel_is_looked_at_again_when_its_verdict_is_another(batch: Batch) -> None:
    now = database_now()
    for gate, age in product(gates(), (dt.timedelta(), 30 * DAY)):
        if gate.is_purged or gate.is_late:
            continue  # a purge has a sweep of its own, and what is retained is not late
        set_gate(batch, gate)
        send_at = now - age - MINUTE
        Parcel.objects.update(state=ParcelState.RETAINED, send_at=send_at, due_at=send_at)
        reading = read_locked_gate(batch.pk)
        assert reading is not None
        fate = verdict(gate, now, send_at=send_at, due_at=send_at, limits=reading.limits)
        rows = fetch(queries.BATCHES_TO_READMIT, {"retention": settings.RETENTION_SECONDS})
        assert bool(rows) == (fate is not Verdict.RETAIN), (gate, age)


def test_a_batch_with_due_parcels_is_looked_at_again_when_its_status_stops_them(batch: Batch) -> None:
    for status, state in product(BatchStatus, (ParcelState.DUE, ParcelState.HELD, ParcelState.DONE)):
        set_status(batch, status)
        is_done = state is ParcelState.DONE
        Parcel.objects.update(state=state, sent=3 if is_done else 0, finalized_at=timezone.now() if is_done else None)
        stops_due = state is ParcelState.DUE and status is not BatchStatus.OPEN
        ends_held = state is ParcelState.HELD and status is BatchStatus.CANCELLED
        assert bool(fetch(queries.STOPPED_BATCHES_WITH_DUE, {})) == (stops_due or ends_held), (status, state)


def test_a_batch_is_usable_in_sql_when_it_is_in_python(batch: Batch) -> None:
    statement = f"""select b.id from batches_batch b, (select sluice_now() as now) moment where {NAMED_BATCH}"""
    account, now = batch.account, timezone.now()
    names = {"account": account.pk, "batch": batch.public_id, "days": settings.BATCH_ID_DAYS}
    final = {"state": ParcelState.DISCARDED, "finalized_at": now}
    for age, parcel, flags in product(
        (dt.timedelta(), DAY * (settings.BATCH_ID_DAYS + 1)),
        ({}, {"state": ParcelState.SCHEDULED}, final, {**final, "is_folded": True}),
        ({}, {"is_default": True}, {"is_campaign": True}),
    ):
        Batch.objects.filter(pk=batch.pk).update(
            created_at=now - age, **{"is_default": False, "is_campaign": False, **flags}
        )
        Parcel.objects.update(**{"state": ParcelState.DUE, "finalized_at": None, "is_folded": False, **parcel})
        try:
            usable = is_usable(find_batch(account, batch.public_id))
        except UnknownBatch:
            usable = False
        assert bool(fetch(statement, names)) == usable, (age, parcel, flags)


def test_a_key_may_send_in_sql_when_it_may_in_python(alice: Account) -> None:
    key = ApiKey.objects.create(account=alice, name="test", key_id="k" * 22, secret_digest=b"d" * 32, scopes=[])
    for scopes, revoked_at in product(
        ([], ["mail.send"], [FULL_ACCESS], ["mail.batch.create"], ["mail.batch.create", "mail.send"]),
        (None, timezone.now()),
    ):
        ApiKey.objects.filter(pk=key.pk).update(scopes=scopes, revoked_at=revoked_at)
        (row,) = fetch(f"select {MAY_SEND} as may_send", {"key": key.pk, "is_recalled": True})
        assert row["may_send"] == (revoked_at is None and allows(scopes, "mail.send")), (scopes, revoked_at)


def test_a_contact_is_left_out_in_sql_when_a_worker_would_drop_it_in_python(alice: Account, charlie: Account) -> None:
    statement = f"select {IS_SUPPRESSED} as is_suppressed from (select %(email)s::text as email) c"
    own, other = (UnsubscribeGroup.objects.create(account=alice, name=name) for name in ("own", "other"))
    email = "someone@example.com"
    for kind, (group, of_group), owner, exempt in product(
        SuppressionKind,
        product((None, own), (own, other)),
        (alice, charlie),
        ([], [email], ["example.com"], ["example.org"]),
    ):
        Suppression.objects.all().delete()
        of = of_group if kind is SuppressionKind.GROUP and owner == alice else None
        if kind is SuppressionKind.GROUP and of is None:
            continue  # a suppression of a group belongs to the account of the group
        Suppression.objects.create(account=owner, email=email, kind=kind, group=of)
        MailSettings.objects.update_or_create(account=alice, defaults={"never_suppressed": exempt})
        (row,) = fetch(statement, {"account": alice.pk, "email": email, "group": None if group is None else group.pk})
        found = find_suppressions([(alice.pk, email)]).get((alice.pk, email), [])
        reason = reason_to_drop(found, Mail(unsubscribe_group=group))
        assert row["is_suppressed"] == (reason is not None), (kind, group, of, owner, exempt)


def test_the_messages_that_wait_are_counted_alike_in_sql_and_in_python(batch: Batch) -> None:
    parcel = Parcel.objects.get()
    for name in (None, *queries.COUNTERS):
        Parcel.objects.update(**dict.fromkeys(queries.COUNTERS, 0))
        if name is not None:
            Parcel.objects.update(**{name: 2})
        parcel.refresh_from_db()
        (row,) = fetch(f"select {queries.PENDING} as pending from batches_parcel p", {})
        by_query_set = Parcel.objects.annotate(waiting=PENDING).get().waiting
        assert row["pending"] == parcel.pending == by_query_set == (3 if name is None else 1)


def test_a_claim_has_a_column_for_each_field_in_the_same_order() -> None:
    assert list(queries.CLAIMED_COLUMNS) == [field.name for field in fields(Claim) if field.init]


def test_the_gate_has_a_column_for_each_field() -> None:
    assert set(queries.GATE_COLUMNS) == {field.name for field in fields(Gate)}


def test_a_new_parcel_gets_every_column_that_has_no_default() -> None:
    columns = queries.new_parcel(batch="1", account="1", lane="0")
    required = {field.column for field in Parcel._meta.concrete_fields if not field.null and not field.has_db_default()}
    assert required <= set(columns) <= {field.column for field in Parcel._meta.concrete_fields}
