"""Every figure on every page equals the number of stored messages, parcels and events, after any history of mail."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos.pages import Compared, compare_pages
from chaos.stored import Numbers, count_in
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.deliver import Deliverer
from tests.database import empty_tables
from tests.examples import examples, few_by_default
from tests.mailer.outcomes.test_random_histories import RECIPIENTS, REPLIES, STEP, History
from tests.operators import logged_in
from tests.peer import CountingPeer

FAMILIES = {
    *("batch:accepted", "batch:waiting", "batch:sent", "batch:refused", "batch:ended_unsent", "batch:to_be_sent"),
    *("account:accepted", "account:waiting", "all:due", "all:held", "all:scheduled_open", "ahead:sent"),
    *("hours:sent", "hour:sent", "day:yesterday", "day:average", "bounces:tried", "fleet:connections_used"),
}
"""Some of the figures that are shown after every history."""


def count_numbers() -> Numbers:
    connection.ensure_connection()
    return count_in(connection.connection)


def compare(client: Client) -> Compared:
    return compare_pages(lambda path: client.get(path).text, count_numbers())


@pytest.mark.parametrize("runs", few_by_default([2, 20], 20))
def test_figures_of_all_pages_equal_what_is_stored_after_any_history(
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
        list(fold_counters())
        with logged_in("olga") as client:
            compared = compare(client)
        assert compared.wrong == []

    check()
