"""Every figure on every page equals the number of stored messages, parcels and events, after any history of mail."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as sampling
from hypothesis import strategies as st

from accounts.models import Account
from api.native import outputs
from batches.handles import create_batch
from campaigns.lifecycle import cancel_campaign, schedule_campaign, send_now
from chaos.counting import count_in
from chaos.fleet import Watch
from chaos.numbers import Numbers
from chaos.pages import Compared, compare_now, compare_pages
from events.models import Dialect
from events.webhooks.endpoints import create_endpoint, disable
from foundation.clock import database_now
from foundation.redis_client import client_for
from mailer.models import SuppressionKind
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import New, suppress
from monitoring.now import read_now
from monitoring.scope import scope_of
from tests.campaigns.building import expand_all, ready_campaign
from tests.conftest import Clock
from tests.database import empty_tables
from tests.drafts import draft
from tests.events.deliveries import store_deliveries
from tests.examples import examples
from tests.mailer.outcomes.histories import RECIPIENTS, REPLIES, STEP, History
from tests.operators import logged_in
from tests.peer import CountingPeer

ALL = [[each] for each in RECIPIENTS]
TOGETHER = [
    ["taken0@gmail.com", "refused0@gmail.com", "dropped0@gmail.com"],
    ["blocked1@x.example", "taken1@x.example"],
]
STEPS: list[tuple[str, Any]] = [
    ("send", (ALL, ["news"], True, 0)),
    ("deliver", None),
    ("wait", 26),
    ("send", (ALL + TOGETHER, [], True, 0)),
    ("send", (TOGETHER, [], False, 0)),
    ("deliver", None),
    ("send", (ALL, [], True, 2)),
    ("send", (TOGETHER, [], False, 50)),
    ("pause", True),
    ("stop one", 30),
    ("wait", 3),
    ("sweep", None),
    ("send", ([["taken0@gmail.com"]] * 12, [], False, 0)),
    ("deliver", None),
    ("send", (TOGETHER, [], True, 2)),
    ("send", (TOGETHER, [], False, 0)),
]
CLOSE = [
    *(dt.timedelta(microseconds=n) for n in (0, 1, 400_000)),
    *(dt.timedelta(days=n) for n in (1, 2, 366)),
]
"""Offsets of waves that a page could take for one another: fractions of a second, and whole days."""
FAMILIES = {
    *("batch:accepted", "batch:waiting", "batch:sent", "batch:refused", "batch:dropped", "batch:retained"),
    *("batch:scheduled", "batch:stopped", "batch:ended", "batch:ended_unsent", "batch:to_be_sent", "batch:claimed"),
    *("account:accepted", "account:waiting", "account:today", "account:yesterday", "all:due", "all:scheduled_open"),
    *("receipt:sent", "receipt:stopped", "receipt:in_doubt", "receipt:in_flight", "wave:messages", "wave:sent"),
    *("ahead:sent", "ahead:kept_back", "hours:sent", "hour:sent", "day:yesterday", "day:average"),
    *("bounces:bounced", "bounces:tried", "fleet:connections_used", "fleet:processes_with_mail"),
    *("all:rate", "five:sent", "late:late", "late:all", "day:change", "bounces:rate", "account:bounced_rate"),
    *("campaign:recipients", "campaign:sent", "campaign:left_out", "campaign:stopped", "reach:recipients"),
    *("planned:campaigns", "planned:recipients", "wave:done_parcels", "batch:come", "batches:to_be_sent"),
    *("failures:refused", "failures:deferred", "failures:google", "match:state=scheduled", "activity:rows"),
    *(
        "queue:bulk",
        "redis:memory",
        "database:sessions",
        "listed:accounts_account",
        "group:unsubscribes",
        "list:contacts",
        "list:sent",
    ),
    *("all:problems", "receipt:stopped"),
    *("endpoint:failures", "delivery:events", "delivery:attempts"),
    *("problem:an-endpoint-fails", "problem:an-endpoint-was-disabled"),
}
"""The figures that have to be shown after these steps: a page that loses its marks is not compared."""


def compare(client: Client, account: Account) -> Compared:
    """Compare the pages that an operator sees, and what the native API answers, with what is stored."""
    numbers = count_numbers()
    compared = compare_pages(lambda path: client.get(path).getvalue().decode(), numbers)
    compare_now(json.dumps(outputs.envelope(outputs.now(read_now(scope_of(account))))), numbers, compared)
    return compared


def count_numbers() -> Numbers:
    """Return the numbers that are stored."""
    connection.ensure_connection()
    return count_in(
        connection.connection, Watch(connection.connection, client_for(settings.REDIS_URL, timeout_seconds=5))
    )


def begin_campaigns(account: Account) -> None:
    """Send a campaign, cancel another one, and schedule a third. One of their contacts has unsubscribed."""
    sent, cancelled, scheduled = (ready_campaign(account, recipients=n, title=f"News {n}") for n in (3, 2, 4))
    suppress([New(account_id=account.pk, email="r0@example.com", kind=SuppressionKind.GLOBAL)])
    for campaign in (sent, cancelled):
        send_now(account, campaign.pk)
    expand_all()
    cancel_campaign(account, cancelled.pk, actor="test")
    schedule_campaign(account, scheduled.pk, database_now() + dt.timedelta(hours=50))


def deliver_to_webhooks(account: Account) -> None:
    """Store a delivery that was attempted twice, and endpoints that fail or were disabled."""
    since = database_now() - dt.timedelta(hours=1)
    for number in range(2):
        url = f"https://127.0.0.1:{8443 + number}/hook"
        endpoint = create_endpoint(account, Dialect.NATIVE, url, failures=2, failing_since=since)
        body = zlib.compress(b'{"data":[1]}')
        store_deliveries(endpoint, events=3, reply="come back in 7 minutes", seconds=0.25, body=body)
        failing_endpoint = create_endpoint(account, Dialect.SENDGRID, url)
        disable(failing_endpoint, reason="It has failed for 3 days. Last: the response was 500.")


def answer_as_the_recipients_say(peer: CountingPeer) -> None:
    """Let the peer refuse and defer mail to the recipients whose names say so."""
    peer.replies.update({each: REPLIES[kind] for each in RECIPIENTS if (kind := each.split("@")[0][:-1]) in REPLIES})


def test_figures_of_all_pages_equal_what_is_stored(database: None, deliverer: Deliverer, peer: CountingPeer) -> None:
    answer_as_the_recipients_say(peer)
    history = History(deliverer)
    begin_campaigns(history.account)
    for step, value in STEPS:
        history.take(step, value)
    deliver_to_webhooks(history.account)
    list(fold_counters())
    with logged_in("olga") as client:
        compared = compare(client, history.account)
    assert "\n".join(compared.wrong) == ""
    assert FAMILIES - compared.families.keys() == set()


def test_waves_that_differ_by_little_or_by_days_have_separate_rows(alice: Account, clock: Clock) -> None:
    batch = create_batch(alice)
    soon = database_now().replace(microsecond=0) + dt.timedelta(minutes=1)
    for messages, ahead in enumerate(CLOSE, start=1):
        accept_mail(alice, draft(messages, batch_id=batch.public_id, send_at=soon + ahead))
    for campaign in (ready_campaign(alice), ready_campaign(alice)):
        schedule_campaign(alice, campaign.pk, soon)
    with logged_in("olga") as client:
        assert compare(client, alice).wrong == []
        clock.advance(seconds=120)
        assert compare(client, alice).wrong == []


@pytest.mark.large
def test_figures_of_all_pages_equal_what_is_stored_after_any_history(
    database: None, deliverer: Deliverer, peer: CountingPeer
) -> None:
    answer_as_the_recipients_say(peer)

    # Failing examples are not shrunk, because the pages of each example take seconds.
    @sampling(
        max_examples=examples(20), deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(STEP, min_size=6, max_size=14))
    def check(steps: list[tuple[str, Any]]) -> None:
        empty_tables()
        history = History(deliverer)
        for step, value in steps:
            history.take(step, value)
        list(fold_counters())
        with logged_in("olga") as client:
            assert compare(client, history.account).wrong == []

    check()
