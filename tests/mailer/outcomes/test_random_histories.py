"""After any history of mail the counters and lists equal the events, and the waves equal the parcels."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batches.wave_counts import WaveCheck
from foundation.addresses import address_key
from mailer.models import Counter, EventKind, Measure, Series, Suppression, SuppressionKind
from mailer.outcomes.counters import DAY
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.cargo import load_messages
from mailer.pipeline.deliver import Deliverer
from tests.conftest import Clock
from tests.database import empty_tables
from tests.examples import examples, few_by_default
from tests.mailer.outcomes.histories import RECIPIENTS, REPLIES, STEP, History
from tests.outcomes import differences, stored_events
from tests.peer import CountingPeer

LISTS = Suppression.objects.filter(kind__in=(SuppressionKind.BOUNCE, SuppressionKind.BLOCK, SuppressionKind.INVALID))


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
