"""After any history of mail the counters and lists equal the events, and the waves equal the parcels."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.wave_counts import WaveCheck
from foundation.addresses import address_key
from foundation.clock import database_now
from mailer.draft import Address, Personalization
from mailer.models import Counter, EventKind, Measure, Message, Series, Suppression, SuppressionKind
from mailer.one_message import stop_message
from mailer.outcomes.counters import DAY
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.cargo import load_messages
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import New, suppress
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.database import empty_tables
from tests.drafts import draft
from tests.examples import examples, few_by_default
from tests.outcomes import differences, stored_events
from tests.peer import CountingPeer

REPLIES = {"refused": "550 5.1.1 unknown", "blocked": "550 5.7.1 policy", "deferred": "451 4.3.0 later"}
LISTS = Suppression.objects.filter(kind__in=(SuppressionKind.BOUNCE, SuppressionKind.BLOCK, SuppressionKind.INVALID))
RECIPIENTS = [
    f"{kind}{n}@{domain}"
    for kind in (*REPLIES, "dropped", "taken")
    for n, domain in enumerate(("gmail.com", "x.example"))
]
MAIL = st.tuples(
    st.lists(st.lists(st.sampled_from(RECIPIENTS), min_size=1, max_size=3, unique=True), min_size=1, max_size=12),
    st.lists(st.sampled_from(["news", "offers"]), max_size=3),
    st.booleans(),
    st.sampled_from([0, 2, 50]),
)
STEP = st.one_of(
    st.tuples(st.just("send"), MAIL),
    st.tuples(st.just("deliver"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 3, 26])),
    st.tuples(st.just("sweep"), st.none()),
    st.tuples(st.just("fold"), st.none()),
    st.tuples(st.just("stop one"), st.integers(0, 100)),
    st.tuples(st.just("pause"), st.booleans()),
)


class History:
    """Carries out the steps of a history on one account with one batch."""

    def __init__(self, deliverer: Deliverer) -> None:
        self.deliverer = deliverer
        self.account = Account.objects.create(username="random")
        self.batch = create_batch(self.account)
        dropped = [each for each in RECIPIENTS if each.startswith("dropped")]
        suppress([New(account_id=self.account.pk, email=each, kind=SuppressionKind.GLOBAL) for each in dropped])

    def take(self, step: str, value: Any) -> None:
        match step:
            case "send":
                self.send(*value)
            case "deliver":
                self.deliverer.deliver_due(seconds=10)
            case "wait":
                Clock().advance(hours=value)
            case "sweep":
                sweep()
            case "fold":
                list(fold_counters())
            case "stop one":
                ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))
                if ids:
                    stop_message(self.account, ids[value % len(ids)], actor="test")
            case "pause":
                self.pause(is_paused=value)

    def send(self, messages: list[list[str]], categories: list[str], is_in_batch: bool, hours: int) -> None:
        mail = replace(
            draft(1, batch_id=self.batch.public_id if is_in_batch else None),
            personalizations=tuple(
                Personalization(to=(Address(first),), cc=tuple(map(Address, others))) for first, *others in messages
            ),
            categories=tuple(categories),
            send_at=database_now() + dt.timedelta(hours=hours) if hours else None,
        )
        accept_mail(self.account, mail)

    def pause(self, *, is_paused: bool) -> None:
        allowed = {BatchStatus.OPEN, BatchStatus.PAUSED}
        if is_paused:
            stop_batch(self.account, self.batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from=allowed)
        elif Batch.objects.get(pk=self.batch.pk).status == BatchStatus.PAUSED:
            resume_batch(self.account, self.batch.public_id, actor="test", allowed_from=allowed)


def listed_in_events() -> set[tuple[str, int | None]]:
    """Return the recipients whom refusals have put on a list, each with the list."""
    refused = [event for event in stored_events(EventKind.REFUSED) if event.suppression is not None]
    loads = load_messages([event.message_id for event in refused])
    return {
        (address_key(each), event.suppression)
        for event in refused
        for each in (loads[event.message_id].everyone if event.recipient is None else (event.recipient,))
    }


def sums_of_days(series: Series) -> dict[int, int]:
    """Return how many recipients a series counts in all, by the measures that provider groups have."""
    counters = Counter.objects.filter(
        series=series, span=DAY, measure__in=(Measure.SENT, Measure.REFUSED, Measure.DEFERRED)
    )
    return {row["measure"]: row["sum"] for row in counters.values("measure").annotate(sum=Sum("n"))}


@pytest.mark.parametrize("runs", few_by_default([2, 40], 2))
def test_counters_and_lists_equal_events_after_any_history(
    database: None, deliverer: Deliverer, peer: CountingPeer, runs: int
) -> None:
    for each in RECIPIENTS:
        kind = each.split("@")[0][:-1]
        if kind in REPLIES:
            peer.replies[each] = REPLIES[kind]

    @settings(max_examples=examples(runs), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEP, min_size=3, max_size=14))
    def check(steps: list[tuple[str, Any]]) -> None:
        empty_tables()
        history = History(deliverer)
        for step, value in steps:
            history.take(step, value)
        assert differences() == []
        assert listed_in_events() == set(LISTS.values_list("email", "kind"))
        assert WaveCheck().check_waves(seconds=10) == 0
        Clock().advance(seconds=180)
        list(fold_counters())
        assert sums_of_days(Series.GROUP) == sums_of_days(Series.ACCOUNT)

    check()
