"""An operator stops one message or moves it to another time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import stop_batch
from foundation.clock import database_now
from mailer.models import Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.queries import states_of
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.operators import logged_in

MESSAGES = "/admin/mailer/message/"
HOUR = dt.timedelta(hours=1)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch with three messages due in an hour."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=database_now() + HOUR))
    return batch


@pytest.fixture
def message(batch: Batch) -> Message:
    """Return one message of the batch."""
    first = Message.objects.order_by("pk").first()
    assert first is not None
    return first


def press(operator: Client, message: Message, action: str, **fields: str) -> Any:
    return operator.post(f"{MESSAGES}{message.pk}/{action}/", {"reason": "", **fields}, follow=True)


def buttons(operator: Client, message: Message) -> set[str]:
    page = operator.get(f"{MESSAGES}{message.pk}/change/").text
    links = (f"{message.pk}/stop/", f"{message.pk}/reschedule/", "/in-hand/replay/", "/in-hand/drop/")
    return {link.removeprefix(str(message.pk)) for link in links if link in page}


def test_a_message_is_stopped_and_the_others_are_not(operator: Client, message: Message, batch: Batch) -> None:
    assert buttons(operator, message) == {"/stop/", "/reschedule/"}
    question = operator.get(f"{MESSAGES}{message.pk}/stop/").text
    for text in ("Stop this message to to0@example.com?", "the rest of its batch is not affected"):
        assert text in question
    assert count_batch(batch.pk).stopped == 0
    answer = press(operator, message, "stop", reason="wrong address")
    receipt = Receipt.objects.get()
    assert (receipt.action, receipt.message_id, receipt.actor) == ("cancel", message.pk, "operator olga")
    for text in ("The message is stopped and will not be sent", "wrong address", f"message {message.pk}"):
        assert text in answer.text
    assert (count_batch(batch.pk).stopped, count_batch(batch.pk).scheduled) == (1, 2)
    assert buttons(operator, message) == set()
    assert "the message is stopped" in operator.get(f"{MESSAGES}{message.pk}/stop/", follow=True).text


def test_a_message_is_rescheduled(operator: Client, message: Message, batch: Batch) -> None:
    later = (database_now() + 5 * HOUR).replace(second=0, microsecond=0)
    assert "Only this message gets a new time" in operator.get(f"{MESSAGES}{message.pk}/reschedule/").text
    answer = press(operator, message, "reschedule", send_at=f"{later:%Y-%m-%dT%H:%M}")
    assert "The message has a new send_at" in answer.text
    assert Parcel.objects.get(send_at=later).size == 1
    assert Receipt.objects.get().action == "reschedule"


@further
def test_a_malformed_time_changes_nothing(operator: Client, message: Message) -> None:
    for send_at in ("", "soon", "2199-01-01T00:00"):
        assert press(operator, message, "reschedule", send_at=send_at).redirect_chain == []
    assert Parcel.objects.count() == 1
    assert not Receipt.objects.exists()


@further
def test_a_sent_message_is_reported_as_sent(
    operator: Client, message: Message, clock: Clock, deliverer: Deliverer
) -> None:
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert buttons(operator, message) == set()
    assert "the message is sent" in operator.get(f"{MESSAGES}{message.pk}/reschedule/", follow=True).text
    assert "It was too late: the message had already been sent." in press(operator, message, "stop").text
    moved = press(operator, message, "reschedule", send_at="2020-01-01T00:00")
    assert "Nothing was changed: the message is sent." in moved.text


@further
def test_a_conflict_is_explained_in_words(operator: Client, message: Message, alice: Account, batch: Batch) -> None:
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={0})
    moved = press(operator, message, "reschedule", send_at="2020-01-01T00:00")
    assert "Nothing was changed: the batch is cancelled." in moved.text


@further
def test_a_worker_that_does_not_answer_is_reported(
    operator: Client, message: Message, clock: Clock, settings: Any
) -> None:
    settings.STOP_WAIT_SECONDS = 0.0
    clock.advance(hours=1)
    sweep()
    assert Claimer().claim_next(Lane.TRANSACTIONAL)
    assert "Nothing was changed: a worker is sending the message" in press(operator, message, "stop").text
    assert states_of([message.pk]) == {message.pk: "claimed"}
    assert not Receipt.objects.exists()


@further
def test_a_held_message_can_be_replayed_and_dropped_from_its_page(operator: Client, message: Message) -> None:
    Parcel.objects.update(state=ParcelState.HELD)
    assert buttons(operator, message) == {"/stop/", "/reschedule/", "/in-hand/replay/", "/in-hand/drop/"}
    page = operator.get(f"{MESSAGES}{message.pk}/change/").text
    path = page.split('href="/admin/in-hand/drop/')[1].split('"')[0].replace("&amp;", "&")
    operator.post(f"/admin/in-hand/drop/{path}", {"reason": ""})
    assert states_of([message.pk]) == {message.pk: "dropped"}
    assert Receipt.objects.get().affected == 1


def test_only_users_who_may_stop_have_the_buttons(message: Message, client: Client) -> None:
    later = "2020-01-01T00:00"
    for may in (("mailer.view_message",), ("batches.change_batch",)):
        with logged_in("ivan", may=may) as viewer:
            for action in ("stop", "reschedule"):
                assert viewer.get(f"{MESSAGES}{message.pk}/{action}/").status_code == 403
                assert press(viewer, message, action, send_at=later).status_code == 403
    with logged_in("ivan", may=("mailer.view_message",)) as viewer:
        assert buttons(viewer, message) == set()
    assert client.post(f"{MESSAGES}{message.pk}/stop/").headers["Location"].startswith("/admin/login/")
    assert not Receipt.objects.exists()


def test_a_forged_form_and_an_unknown_message_are_refused(operator: Client, message: Message) -> None:
    assert operator.get(f"{MESSAGES}999999999/stop/").status_code == 404
    operator.handler.enforce_csrf_checks = True
    assert operator.post(f"{MESSAGES}{message.pk}/stop/", {"reason": ""}).status_code == 403
    assert not Receipt.objects.exists()


@further
def test_hostile_recipients_and_reasons_are_only_text(operator: Client, message: Message) -> None:
    Message.objects.update(recipient=HOSTILE)
    question = operator.get(f"{MESSAGES}{message.pk}/stop/").text
    for page in (question, press(operator, message, "stop", reason=HOSTILE).text):
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(1)" in page
