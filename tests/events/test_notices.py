"""The owner of an endpoint is mailed that Sluice has disabled it: once, without secrets, and never at its expense."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.urls import resolve, reverse

from accounts.editing import change_account
from accounts.models import Account
from api.native.views import EnableEndpoint
from batches.stop.freeze import freeze_account, thaw_account
from events.log.publishing import publish_events
from events.models import Dialect, Endpoint
from events.webhooks import lanes, notices
from events.webhooks.editing import Changes, change_endpoint, enable_again
from events.webhooks.endpoints import create_endpoint
from events.webhooks.hints import due_lanes
from mailer.models import Mail, Message, SuppressionKind
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import New, suppress
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.events.elsewhere import in_another_session
from tests.events.receiver import Behaviour, Receiver
from tests.peer import CountingPeer

EMAIL = "ops@example.com"
GONE = Behaviour(410)


@pytest.fixture
def alice(alice: Account) -> Account:
    """Create Alice with a contact address."""
    return change_account(alice, email=EMAIL)


@pytest.fixture
def gone(receiver: Receiver) -> Receiver:
    """Run a receiver that is gone."""
    receiver.decide = lambda number, arrival: GONE
    return receiver


def send(account: Account, deliverer: Deliverer, *, mails: int = 1) -> None:
    """Send some mails, and publish their events."""
    for number in range(mails):
        accept_mail(account, draft(1, name=f"to{number}x"))
    deliverer.deliver_due(seconds=10)
    publish_events()


def run_due() -> None:
    for lane_id in due_lanes():
        lanes.run_lane(lane_id)


def list_notices() -> list[tuple[str, str]]:
    """Return the account and the recipient of each notice, oldest first."""
    mails = dict(Mail.objects.filter(sender=settings.SYSTEM_FROM).values_list("pk", "account__username"))
    messages = Message.objects.filter(mail_id__in=mails).order_by("pk").values_list("mail_id", "recipient")
    return [(mails[mail_id], recipient) for mail_id, recipient in messages]


def test_a_notice_says_what_happened_and_what_to_do_without_secrets(
    alice: Account, gone: Receiver, deliverer: Deliverer
) -> None:
    address = gone.url.removeprefix("http://").partition("?")[0]
    url = f"http://shop:s3cret@{address}?token=t0ken"
    endpoint = create_endpoint(alice, Dialect.NATIVE, url, friendly_name="Orders")
    send(alice, deliverer)
    run_due()
    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
    assert list_notices() == [("alice", EMAIL)]
    mail = Mail.objects.get(sender=settings.SYSTEM_FROM)
    assert mail.subject == f"The webhook to {address.partition('/')[0]} was disabled"
    text = mail.content[0]["value"]
    page, api = reverse("admin:events_endpoint_change", args=[endpoint.pk]), notices.API_PATH.format(endpoint.public_id)
    assert endpoint.failing_since is not None
    for words in (
        *(f"\nhttp://{address}\n", "(Orders)", "the account alice", "that it is gone (410)"),
        *(f"since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC", f"kept for {settings.HISTORY_DAYS} days"),
        *(f"\n{settings.PUBLIC_URL}{page}\n", f"POST {settings.PUBLIC_URL}{api}\n"),
    ):
        assert words in text, words
    assert resolve(api).func.view_class is EnableEndpoint
    assert not [secret for secret in ("s3cret", "t0ken") if secret in text + mail.subject]


def test_four_lanes_that_see_the_end_at_one_moment_mail_one_notice(
    alice: Account, receiver: Receiver, endpoint: Endpoint, deliverer: Deliverer
) -> None:
    send(alice, deliverer, mails=12)
    due = due_lanes()
    assert len(due) == 4
    together = threading.Barrier(len(due), timeout=10)

    def decide(number: int, arrival: Any) -> Behaviour:
        together.wait()
        return GONE

    receiver.decide = decide

    def run(lane_id: int) -> None:
        try:
            lanes.run_lane(lane_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(due)) as threads:
        list(threads.map(run, due))
    assert len(receiver.arrivals) == 4
    assert list_notices() == [("alice", EMAIL)]


def test_an_endpoint_that_failed_for_three_days_and_its_notice_come_together_or_not_at_all(
    alice: Account,
    receiver: Receiver,
    endpoint: Endpoint,
    deliverer: Deliverer,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver.decide = lambda number, arrival: Behaviour(500)
    send(alice, deliverer)
    run_due()
    clock.advance(hours=73)

    class Killed(BaseException):
        """The end of a process, wherever it is."""

    def die_after_mailing(*arguments: Any) -> None:
        assert notices.tell_owner(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(lanes, "tell_owner", die_after_mailing)
        with pytest.raises(Killed):
            run_due()
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, list_notices()) == (True, [])
    clock.advance(hours=11)
    run_due()
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, list_notices()) == (False, [("alice", EMAIL)])
    text = Mail.objects.get(sender=settings.SYSTEM_FROM).content[0]["value"]
    assert "It has failed for 3 days. Last: the response was 500." in text
    assert endpoint.notified_at is not None


def test_nobody_is_mailed_about_what_a_person_does(alice: Account, endpoint: Endpoint) -> None:
    change_endpoint(endpoint, Changes(is_enabled=False))
    assert not Endpoint.objects.get().is_enabled
    assert list_notices() == []


def test_without_an_address_the_endpoint_is_disabled_and_nobody_is_mailed(
    charlie: Account, gone: Receiver, deliverer: Deliverer
) -> None:
    endpoint = create_endpoint(charlie, Dialect.NATIVE, gone.url)
    send(charlie, deliverer)
    run_due()
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.notified_at, list_notices()) == (False, None, [])


def test_an_endpoint_is_disabled_although_its_notice_cannot_be_accepted(
    alice: Account, gone: Receiver, endpoint: Endpoint, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_in_the_database(*_: Any, **__: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select 1 / 0")

    send(alice, deliverer)
    for name, value in (("SYSTEM_FROM", "sluice\r\n@example.com"), ("accept_own_mail", fail_in_the_database)):
        with monkeypatch.context() as patched:
            patched.setattr(settings if name == "SYSTEM_FROM" else notices, name, value)
            run_due()
        endpoint.refresh_from_db()
        assert (endpoint.is_enabled, endpoint.notified_at, Mail.objects.count()) == (False, None, 1), name
        enable_again(endpoint)
    run_due()
    assert list_notices() == [("alice", EMAIL)]


def test_an_endpoint_that_is_enabled_again_and_again_has_one_notice_an_hour(
    alice: Account, gone: Receiver, endpoint: Endpoint, deliverer: Deliverer, clock: Clock
) -> None:
    send(alice, deliverer)
    for minutes, number in ((0, 1), (5, 1), (50, 1), (10, 2)):
        clock.advance(seconds=60 * minutes)
        enable_again(endpoint)
        run_due()
        assert not Endpoint.objects.get().is_enabled
        assert len(list_notices()) == number, minutes


def test_the_answer_of_a_former_receiver_does_not_disable_an_endpoint(
    alice: Account, receiver: Receiver, endpoint: Endpoint, deliverer: Deliverer
) -> None:
    send(alice, deliverer)

    def decide(number: int, arrival: Any) -> Behaviour:
        with in_another_session() as elsewhere:
            elsewhere(change_endpoint, endpoint, Changes(url=f"{receiver.url}&new"))
        return GONE

    receiver.decide = decide
    run_due()
    assert len(receiver.arrivals) == 1
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, list_notices()) == (True, [])


def test_a_freeze_holds_a_notice_back_and_an_unsubscribe_does_not(
    alice: Account, gone: Receiver, endpoint: Endpoint, deliverer: Deliverer, peer: CountingPeer
) -> None:
    suppress([New(account_id=alice.pk, email=EMAIL, kind=SuppressionKind.GLOBAL)])
    send(alice, deliverer)
    freeze_account(alice, actor="a test")
    run_due()
    assert list_notices() == [("alice", EMAIL)]
    deliverer.deliver_due(seconds=1)
    assert EMAIL not in peer.recipients
    thaw_account(alice, actor="a test")
    sweep()
    deliverer.deliver_due(seconds=10)
    assert peer.recipients.count(EMAIL) == 1
