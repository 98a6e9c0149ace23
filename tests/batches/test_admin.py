"""Test batches, waves and receipts in the admin: read-only, with buttons that ask first and show the receipt."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import count_batch, count_batches
from batches.handles import create_batch, default_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, Lane
from batches.stop.control import stop_batch
from batches.sweep import fold_final
from batches.waves import recent_waves, waves_of
from foundation.admin import tell_time
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import for_each, further
from tests.operators import logged_in

BATCHES = "/admin/batches/batch/"
RECEIPTS = "/admin/batches/receipt/"
HOUR = dt.timedelta(hours=1)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch of Alice with 600 messages due in an hour."""
    batch = create_batch(alice)
    accept_mail(alice, draft(600, batch_id=batch.public_id, send_at=database_now() + HOUR))
    return batch


@pytest.fixture
def paused_batch(batch: Batch) -> Batch:
    """Pause the batch with a key."""
    stop(batch, BatchStatus.PAUSED)
    return batch


def stop(batch: Batch, status: BatchStatus, reason: str = "") -> Receipt:
    everywhere = set(BatchStatus)
    return stop_batch(
        batch.account, batch.public_id, status, actor="key Website", reason=reason, allowed_from=everywhere
    )


def status_of(batch: Batch) -> BatchStatus:
    return BatchStatus(Batch.objects.get(pk=batch.pk).status)


def press(operator: Client, batch: Batch, action: str, reason: str = "") -> Any:
    return operator.post(f"{BATCHES}{batch.pk}/{action}/", {"reason": reason}, follow=True)


def buttons(operator: Client, batch: Batch) -> set[str]:
    page = operator.get(f"{BATCHES}{batch.pk}/change/").text
    return {action for action in ("pause", "cancel", "resume") if f"{BATCHES}{batch.pk}/{action}/" in page}


PAGES = ("/admin/", BATCHES, f"{BATCHES}{{pk}}/change/", RECEIPTS, "/admin/waves/", f"{BATCHES}{{pk}}/pause/")


def test_every_page_opens_for_operators_only(operator: Client, client: Client, batch: Batch) -> None:
    for path in PAGES:
        assert operator.get(path.format(pk=batch.pk)).status_code == 200, path
        answer = client.get(path.format(pk=batch.pk))
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/admin/login/"), path


def test_a_page_of_a_batch_has_its_status_counts_waves_and_receipts(operator: Client, paused_batch: Batch) -> None:
    page = strip_tags(operator.get(f"{BATCHES}{paused_batch.pk}/change/").text)
    for text in ("paused", "600 scheduled", "2 scheduled", "in 59 min", "key Website", paused_batch.public_id):
        assert text in page


@further
def test_the_list_is_searched_and_filtered(operator: Client, paused_batch: Batch, charlie: Account) -> None:
    other = create_batch(charlie)

    def listed(query: str) -> set[Batch]:
        page = operator.get(f"{BATCHES}?{query}").text
        return {batch for batch in (paused_batch, other) if f"/{batch.pk}/change/" in page}

    assert listed("") == {paused_batch, other}
    assert listed(f"q={other.public_id}") == {other}
    assert listed("status__exact=1") == {paused_batch}
    assert listed(f"account={charlie.pk}") == {other}
    assert listed("account=x") == set()


@further
def test_the_list_costs_the_same_for_one_and_for_many(operator: Client, batch: Batch, charlie: Account) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            operator.get(BATCHES)
        return len(queries)

    operator.get(BATCHES)
    cost_of_one = cost()
    for _ in range(8):
        more = create_batch(charlie)
        accept_mail(charlie, draft(1, batch_id=more.public_id))
    assert cost() == cost_of_one


ALREADY = {"pause": BatchStatus.PAUSED, "cancel": BatchStatus.CANCELLED, "resume": BatchStatus.OPEN}
"""The status in which an action has nothing to do, so that its page leads back to the batch."""


@further
def test_viewing_a_page_changes_nothing(operator: Client, batch: Batch) -> None:
    for status in BatchStatus:
        if status != BatchStatus.OPEN:
            stop(batch, status)
        receipts = Receipt.objects.count()
        for action, already in ALREADY.items():
            answer = operator.get(f"{BATCHES}{batch.pk}/{action}/")
            assert answer.status_code == (302 if status == already else 200), (status, action)
            assert status_of(batch) == status, action
            assert Receipt.objects.count() == receipts, (status, action)


def test_pause_is_confirmed_carried_out_and_receipted(operator: Client, batch: Batch) -> None:
    question = operator.get(f"{BATCHES}{batch.pk}/pause/").text
    assert "no more mail from this batch is sent" in question
    assert "600" in question
    answer = press(operator, batch, "pause", "wrong price")
    assert status_of(batch) == BatchStatus.PAUSED
    receipt = Receipt.objects.get()
    assert (receipt.action, receipt.actor, receipt.reason) == ("pause", "operator olga", "wrong price")
    assert answer.redirect_chain == [(f"{RECEIPTS}{receipt.pk}/change/", 302)]
    for text in ("The counts are exact", "wrong price", "operator olga", "600", receipt.public_id):
        assert text in answer.text


def test_cancel_shows_the_lost_mail_and_the_end_of_the_undo_window(operator: Client, batch: Batch) -> None:
    question = operator.get(f"{BATCHES}{batch.pk}/cancel/").text
    assert "discarded permanently at its send_at" in question
    assert "For 600 messages that time has not come" in question
    press(operator, batch, "cancel")
    assert status_of(batch) == BatchStatus.CANCELLED
    press(operator, batch, "resume")
    assert status_of(batch) == BatchStatus.OPEN
    assert count_batch(batch.pk).scheduled == 600


@further
def test_resume_shows_a_receipt_too(operator: Client, paused_batch: Batch) -> None:
    answer = press(operator, paused_batch, "resume", "price corrected")
    assert status_of(paused_batch) == BatchStatus.OPEN
    assert "is sent again" in answer.text


@further
def test_only_the_buttons_that_make_sense_are_there(operator: Client, batch: Batch) -> None:
    assert buttons(operator, batch) == {"pause", "cancel"}
    stop(batch, BatchStatus.PAUSED)
    assert buttons(operator, batch) == {"resume", "cancel"}
    stop(batch, BatchStatus.CANCELLED)
    assert buttons(operator, batch) == {"resume", "pause"}


@further
def test_a_second_stop_changes_nothing_and_is_reported(operator: Client, paused_batch: Batch) -> None:
    answer = press(operator, paused_batch, "pause")
    assert "Nothing was changed: the batch is paused." in answer.text
    assert Receipt.objects.count() == 1
    assert "nothing to pause" in operator.get(f"{BATCHES}{paused_batch.pk}/pause/", follow=True).text


def test_the_hidden_batch_cannot_be_stopped(operator: Client, alice: Account) -> None:
    hidden = default_batch(alice)
    assert buttons(operator, hidden) == set()
    assert "Nothing was changed" in press(operator, hidden, "cancel").text
    assert status_of(hidden) == BatchStatus.OPEN


def test_a_form_from_elsewhere_is_refused(operator: Client, batch: Batch) -> None:
    operator.handler.enforce_csrf_checks = True
    assert operator.post(f"{BATCHES}{batch.pk}/cancel/").status_code == 403
    assert status_of(batch) == BatchStatus.OPEN


@further
def test_the_page_of_a_receipt_is_live(operator: Client, batch: Batch, clock: Clock) -> None:
    clock.advance(hours=1)
    sweep()
    claimer = Claimer()
    (claim, *_) = claimer.claim_next(Lane.BULK)
    Parcel.objects.filter(pk=claim.parcel_id).update(slice_no=1, slice_from=0, slice_to=20)
    receipt = Receipt.objects.create(
        public_id="x" * 22,
        account=batch.account,
        batch=batch,
        action="pause",
        actor="operator olga",
        claims=[[claim.parcel_id, claim.fence]],
        in_flight=500,
    )
    page = operator.get(f"{RECEIPTS}{receipt.pk}/change/").text
    assert f'hx-get="{RECEIPTS}{receipt.pk}/change/?live=1"' in page
    assert "500" in page
    Receipt.objects.filter(pk=receipt.pk).update(settled_at=database_now(), in_flight=0, in_doubt=1)
    Receipt.objects.filter(pk=receipt.pk).update(doubtful_messages=[claim.first_message_id])
    settled = operator.get(f"{RECEIPTS}{receipt.pk}/change/?live=1").text
    assert "settled" in settled
    assert f"/admin/mailer/message/{claim.first_message_id}/change/" in settled


def test_pages_of_batches_and_receipts_are_read_only(operator: Client, paused_batch: Batch) -> None:
    receipt = Receipt.objects.get()
    for page in (f"{BATCHES}{paused_batch.pk}", f"{RECEIPTS}{receipt.pk}"):
        assert operator.post(f"{page}/change/", {"status": 0, "sent": 5}).status_code == 403
        assert operator.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert operator.get(f"{BATCHES}add/").status_code == operator.get(f"{RECEIPTS}add/").status_code == 403
    assert status_of(paused_batch) == BatchStatus.PAUSED


def test_staff_members_see_and_stop_only_what_they_have_permission_for(batch: Batch) -> None:
    with logged_in("ivan", may=("batches.view_batch",)) as viewer:
        assert buttons(viewer, batch) == set()
        assert viewer.get(f"{BATCHES}{batch.pk}/pause/").status_code == 403
        assert viewer.post(f"{BATCHES}{batch.pk}/pause/").status_code == 403
        assert viewer.get(RECEIPTS).status_code == 403
        assert viewer.get("/admin/waves/").status_code == 200
    with logged_in("nobody", may=()) as nobody:
        for path in (BATCHES, f"{BATCHES}{batch.pk}/change/", f"{BATCHES}{batch.pk}/cancel/", "/admin/waves/"):
            assert nobody.get(path).status_code == 403
        assert "Retained" not in nobody.get("/admin/").text
    assert status_of(batch) == BatchStatus.OPEN


@further
def test_a_user_without_access_to_receipts_sees_the_outcome_of_a_stop(batch: Batch) -> None:
    with logged_in("ivan", may=("batches.change_batch",)) as client:
        assert "Done: 0 messages had been sent" in press(client, batch, "pause").text
    assert status_of(batch) == BatchStatus.PAUSED


@further
def test_hostile_reasons_and_actors_are_only_text(operator: Client, batch: Batch) -> None:
    press(operator, batch, "pause", HOSTILE)
    receipt = Receipt.objects.get()
    for path in (RECEIPTS, f"{RECEIPTS}{receipt.pk}/change/", f"{BATCHES}{batch.pk}/change/"):
        page = operator.get(path).text
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(1)" in page


def test_a_reason_that_is_too_long_stops_nothing(operator: Client, batch: Batch) -> None:
    assert "at most 500" in press(operator, batch, "pause", "x" * 501).text
    assert status_of(batch) == BatchStatus.OPEN


def test_recent_waves_are_those_of_batches(batch: Batch, alice: Account, deliverer: Deliverer) -> None:
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=database_now() + 2 * HOUR))
    now = create_batch(alice)
    accept_mail(alice, draft(4, batch_id=now.public_id))
    accept_mail(alice, draft(1))
    deliverer.deliver_due(seconds=5)
    fold_final()
    (recent,) = recent_waves()
    assert (recent.public_id, recent.messages, recent.sent) == (now.public_id, 4, 4)
    assert [wave.messages for wave in waves_of(batch.pk)] == [3, 600]
    assert [wave.sent for wave in waves_of(now.pk)] == [4]


def test_counts_of_several_batches_are_those_of_each(
    batch: Batch, alice: Account, charlie: Account, deliverer: Deliverer
) -> None:
    other = create_batch(charlie)
    accept_mail(charlie, draft(5, batch_id=other.public_id))
    deliverer.deliver_due(seconds=5)
    fold_final()
    accept_mail(charlie, draft(2, batch_id=other.public_id))
    empty = create_batch(alice)
    assert count_batches([batch.pk, other.pk, empty.pk]) == {
        each.pk: count_batch(each.pk) for each in (batch, other, empty)
    }
    assert count_batches([]) == {}


@for_each(
    ("seconds", "text"),
    [
        (0, "now"),
        (-0.4, "now"),
        (59.9, "in 59 s"),
        (300, "in 5 min"),
        (-7200, "2 h ago"),
        (7800, "in 2 h 10 min"),
        (-90000, "1 d 1 h ago"),
        (86400, "in 1 d"),
    ],
)
def test_times_are_shown_in_suitable_units(seconds: float, text: str) -> None:
    now = dt.datetime(2026, 11, 20, 10, 53, tzinfo=dt.UTC)
    assert tell_time(now + dt.timedelta(seconds=seconds), now) == text
