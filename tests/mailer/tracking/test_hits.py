"""Test hits: they wait in memory, and are stored and counted as late events."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test import Client

from accounts.models import Account
from foundation.redis_client import client_for
from mailer.models import LateEvent, LateKind, Mail, Measure, Message, Series
from mailer.outcomes.counters import DAY, read_counters
from mailer.pipeline.accept import accept_mail
from mailer.tracking import hits, partitions, sightings, writing
from mailer.tracking.hits import MOST, Collector
from mailer.tracking.machines import is_machine
from mailer.tracking.sightings import read_clicks
from mailer.tracking.tokens import SEVERAL, TrackedLink, TrackedMessage, sealer
from mailer.tracking.writing import Hit, clicks_of, write_hits
from tests.drafts import draft
from tests.examples import for_each
from tests.waiting import someone_waits_for_us, wait_until

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
URL = "https://shop.example/?a=1"


@pytest.fixture
def message(alice: Account) -> TrackedMessage:
    """Accept a mail to one recipient."""
    accept_mail(alice, replace(draft(1), categories=("news", "may", "news")))
    mail, stored = Mail.objects.get(), Message.objects.get()
    return TrackedMessage(alice.pk, mail.pk, stored.pk, 0)


def hit(message: TrackedMessage, link: int | None = None, **fields: Any) -> Hit:
    target = None if link is None else TrackedLink(URL, link, is_html=True)
    own = {"at": dt.datetime.now(dt.UTC), "address": "192.0.2.1", "user_agent": BROWSER, "is_machine": False}
    return Hit(message=message, link=target, **{**own, **fields})


def counted(account: Account, series: Series, key: str | None = None) -> dict[Measure, int]:
    now = dt.datetime.now(dt.UTC)
    counts = read_counters(
        series, account.pk, span=DAY, since=now - dt.timedelta(days=2), until=now, keys=None if key is None else [key]
    )
    return {count.measure: count.n for count in counts if count.measure != Measure.ACCEPTED}


def path_of(message: TrackedMessage, link: int | None = None) -> str:
    token = sealer().seal_message(*message)
    if link is None:
        return f"/o/{token}.gif"
    return f"/c/{sealer().seal_link(message.mail_id, *TrackedLink(URL, link, is_html=True))}.{token}"


def test_opens_and_clicks_are_stored_and_counted(message: TrackedMessage, alice: Account, client: Client) -> None:
    for path in (path_of(message), path_of(message), path_of(message, 3)):
        client.get(path, headers={"user-agent": BROWSER}, REMOTE_ADDR="2001:db8::7")
    client.head(path_of(message, 3), headers={"user-agent": BROWSER})
    opened, again, clicked, by_machine = LateEvent.objects.order_by("id")
    assert (opened.kind, opened.is_first, again.is_first) == (LateKind.OPENED, True, False)
    assert (clicked.kind, clicked.url, clicked.link, clicked.is_html) == (LateKind.CLICKED, URL, 3, True)
    assert (clicked.message_id, clicked.recipient, clicked.account_id) == (message.message_id, 0, alice.pk)
    assert (clicked.address, clicked.user_agent) == ("2001:db8::7", BROWSER)
    assert (clicked.is_first, clicked.is_machine) == (True, False)
    assert (by_machine.is_first, by_machine.is_machine) == (False, True)
    expected = {
        Measure.OPENED: 2,
        Measure.UNIQUE_OPENED: 1,
        Measure.CLICKED: 1,
        Measure.UNIQUE_CLICKED: 1,
        Measure.MACHINE_CLICKED: 1,
    }
    assert counted(alice, Series.ACCOUNT) == expected
    assert counted(alice, Series.CATEGORY, "news") == expected


def test_an_account_can_store_no_addresses(message: TrackedMessage, alice: Account) -> None:
    Account.objects.filter(pk=alice.pk).update(keeps_reader_addresses=False)
    write_hits([hit(message)])
    assert LateEvent.objects.get().address is None


def test_what_a_machine_opened_first_is_still_the_first_for_a_person(message: TrackedMessage) -> None:
    write_hits([hit(message, is_machine=True), hit(message)])
    assert list(LateEvent.objects.order_by("id").values_list("is_machine", "is_first")) == [
        (True, False),
        (False, True),
    ]


def test_a_hit_on_a_message_that_is_not_kept_is_left_out(message: TrackedMessage) -> None:
    unknown_message = message._replace(message_id=message.message_id + 1)
    other = message._replace(mail_id=message.mail_id + 1)
    several = message._replace(recipient=SEVERAL)
    assert write_hits([hit(unknown_message), hit(several), hit(other)]) == 2
    assert LateEvent.objects.get().recipient is None


def test_a_message_has_a_bounded_number_of_late_events(
    message: TrackedMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_OF_MESSAGE", 3)
    assert write_hits([hit(message)] * 2) == 0
    assert write_hits([hit(message), hit(message), hit(message, 1)]) == 1
    assert LateEvent.objects.filter(kind=LateKind.OPENED).count() == 3
    assert write_hits([hit(message)]) == 1


def test_three_links_within_two_seconds_are_a_scanner(message: TrackedMessage) -> None:
    now = dt.datetime.now(dt.UTC)
    early = [hit(message, 0, at=now - dt.timedelta(seconds=30)), hit(message, 0, at=now)]
    write_hits(early, near=list(clicks_of([hit(message, 1, at=now + dt.timedelta(seconds=1))])))
    assert not LateEvent.objects.filter(is_machine=True).exists(), "two links"
    later = [hit(message, number, at=now + dt.timedelta(seconds=1)) for number in (1, 2)]
    person = hit(message, 3, at=now + dt.timedelta(seconds=9))
    write_hits([*later, person])
    assert list(LateEvent.objects.order_by("at").values_list("link", "is_machine")) == [
        (0, False),
        (0, False),
        (1, True),
        (2, True),
        (3, False),
    ]


@for_each(
    ("agent", "address", "expected"),
    [
        (BROWSER, "192.0.2.1", False),
        ("Mozilla/4.0 (compatible; ms-office; MSOffice rmj)", "192.0.2.1", False),
        ("Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) Chrome/120.0", "192.0.2.1", False),
        ("Mozilla/5.0", "192.0.2.1", True),
        ("", "192.0.2.1", True),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "66.1.1.1", True),
        ("Slackbot-LinkExpanding 1.0", "192.0.2.1", True),
        ("python-requests/2.31", "192.0.2.1", True),
        (BROWSER, "17.58.0.1", True),
        (BROWSER, "not an address", False),
    ],
)
def test_machines_are_distinguished_from_people(agent: str, address: str, expected: bool) -> None:
    assert is_machine({"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": agent}, address) is expected


def test_a_prefetch_is_a_machine() -> None:
    meta = {"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": BROWSER, "HTTP_SEC_PURPOSE": "prefetch;prerender"}
    assert is_machine(meta, "192.0.2.1")


def test_a_missing_day_is_made_and_old_days_are_dropped(message: TrackedMessage) -> None:
    day = dt.datetime(2001, 2, 3, 23, 59, 59, 999999, dt.UTC)
    write_hits([hit(message, at=day)])
    assert LateEvent.objects.get().at == day
    assert sum(partitions.drop_late_partitions(dt.date(2001, 2, 3))) == 0
    assert sum(partitions.drop_late_partitions(dt.date(2001, 2, 4))) == 1
    assert not LateEvent.objects.exists()
    assert partitions.ensure_late_partitions() == 0 or partitions.ensure_late_partitions() == 0


# --- the thread -------------------------------------------------------------------------------------------------------


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[list[Hit]]:
    """Collect the pages that a thread stores, without the database."""
    stored: list[list[Hit]] = []
    monkeypatch.setattr(hits, "write_hits", lambda page, near, **_: stored.append(list(page)) or 0)
    return stored


def test_a_view_uses_no_database_and_its_hit_is_stored_by_a_thread(
    client: Client, pages: list[list[Hit]], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Collector()
    monkeypatch.setattr(hits, "_recorder", recorder)
    message = TrackedMessage(3, 4, 5, 0)
    assert client.get(path_of(message), headers={"user-agent": BROWSER}).status_code == 200
    assert client.get(path_of(message, 1), headers={"user-agent": BROWSER + "\0\udcff"}).status_code == 302
    until(lambda: len(pages) == 1)
    assert [each.link for each in pages[0]] == [None], "a click waits for the end of a burst"
    recorder.finish()
    assert [each.message for page in pages for each in page] == [message, message]


def test_a_scanner_is_recognized_although_its_clicks_reach_several_processes(message: TrackedMessage) -> None:
    partitions.ensure_late_partitions()
    processes = Collector(), Collector()
    for number in range(4):
        processes[number % 2].note(hit(message, number))
    until(lambda: len(read_clicks([message.message_id])) == 4)
    for process in processes:
        process.finish()
    assert list(LateEvent.objects.order_by("link").values_list("link", "is_machine")) == [(n, True) for n in range(4)]


def test_hits_are_stored_while_redis_is_away(message: TrackedMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    partitions.ensure_late_partitions()
    nobody = client_for("redis://127.0.0.1:1", timeout_seconds=0.1)
    monkeypatch.setattr(sightings, "_client", lambda: nobody)
    monkeypatch.setattr(sightings, "_away_until", 0.0)
    process = Collector()
    for number in range(3):
        process.note(hit(message, number))
    process.finish()
    assert LateEvent.objects.filter(is_machine=True).count() == 3


def test_hits_wait_while_the_database_is_away_and_too_many_are_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hits, "PAUSE_SECONDS", 0.01)
    is_away, stored = threading.Event(), []
    is_away.set()

    def store(page: list[Hit], near: object, **_: object) -> int:
        if is_away.is_set():
            raise OperationalError("away")
        stored.extend(page)
        return 0

    monkeypatch.setattr(hits, "write_hits", store)
    recorder = Collector()
    message = TrackedMessage(3, 4, 5, 0)
    for number in range(MOST + 5):
        recorder.note(hit(message._replace(message_id=number)))
    time.sleep(0.1)
    assert not stored
    is_away.clear()
    recorder.finish()
    until(lambda: len(stored) == MOST)
    assert [each.message.message_id for each in stored] == list(range(MOST))
    assert "hits dropped" in caplog.text


def test_a_page_that_cannot_be_stored_does_not_block_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored: list[int] = []

    def store(page: list[Hit], near: object, **_: object) -> int:
        if page[0].message.message_id == 1:
            raise ValueError
        stored.append(page[0].message.message_id)
        return 0

    monkeypatch.setattr(hits, "write_hits", store)
    monkeypatch.setattr(hits, "PAGE", 1)
    recorder = Collector()
    for number in (1, 2):
        recorder.note(hit(TrackedMessage(3, 4, number, 0)))
    recorder.finish()
    assert stored == [2]
    assert "hits not stored" in caplog.text


@pytest.mark.parametrize("is_committed", [True, False])
def test_hits_are_stored_once_if_the_connection_is_lost_at_the_commit(
    message: TrackedMessage, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    monkeypatch.setattr(hits, "PAUSE_SECONDS", 0.01)
    partitions.ensure_late_partitions()
    commit, losses = DatabaseWrapper._commit, iter([True])

    def lose(wrapper: DatabaseWrapper) -> None:
        if threading.current_thread().name != "hits" or not next(losses, False):
            commit(wrapper)
            return
        if is_committed:
            commit(wrapper)
        wrapper.connection.close()
        raise OperationalError("the connection was lost")

    monkeypatch.setattr(DatabaseWrapper, "_commit", lose)
    recorder = Collector()
    recorder.note(hit(message))
    until(LateEvent.objects.exists)
    recorder.note(hit(message))
    recorder.finish()
    assert next(losses, None) is None
    assert LateEvent.objects.count() == 2


def test_a_hit_without_an_answer_at_the_end_is_reported_as_perhaps_lost(
    message: TrackedMessage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hits, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(hits, "FINISH_SECONDS", 0.2)
    partitions.ensure_late_partitions()
    recorder, commit = Collector(), DatabaseWrapper._commit

    def lose(wrapper: DatabaseWrapper) -> None:
        commit(wrapper)
        if threading.current_thread().name == "hits":
            wrapper.connection.close()
            raise OperationalError("the connection was lost")

    def stay_away(_: str) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as failing:
        failing.setattr(DatabaseWrapper, "_commit", lose)
        failing.setattr(hits, "read_transaction_status", stay_away)
        recorder.note(hit(message))
        until(LateEvent.objects.exists)
        recorder.finish()
    assert "hits may be lost" in caplog.text
    until(lambda: not recorder._hits)
    assert LateEvent.objects.count() == 1


def test_of_two_opens_at_once_one_is_the_first(message: TrackedMessage) -> None:
    def write() -> None:
        try:
            write_hits([hit(message)])
        finally:
            connection.close()

    partitions.ensure_late_partitions()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            write_hits([hit(message)])
            second = pool.submit(write)
            wait_until(someone_waits_for_us)
        second.result(10)
    assert sorted(LateEvent.objects.values_list("is_first", flat=True)) == [False, True]
