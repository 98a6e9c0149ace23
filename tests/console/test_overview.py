"""The page Overview shows what was counted and what comes, and says the same in charts and in tables."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from accounts.models import Account
from batches.handles import create_batch
from batches.states import BatchStatus, Lane
from batches.stop.control import stop_batch
from console.overview.tables import judge_bounces
from foundation.clock import database_now
from mailer.models import EventKind, Measure
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.conftest import Clock
from tests.counted import count_day
from tests.drafts import draft
from tests.operators import logged_in
from tests.outcomes import stored_events
from tests.peer import CountingPeer

OVERVIEW = "/admin/overview/"
DAY = dt.timedelta(days=1)


def read_chart(text: str, name: str) -> dict[str, list[Any]]:
    """Return the values of a chart's series by label."""
    match = re.search(rf'<script id="data-{name}" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert match is not None
    return {series["label"]: series["values"] for series in json.loads(match[1])["series"]}


def words_of(text: str) -> str:
    """Return the page as it is read: without tags, and with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


def test_the_figures_are_those_of_the_events(
    alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    clock.advance(seconds=-(database_now().timestamp() % 86_400) + 50_000)
    now = database_now()
    peer.replies.update({"to1@example.com": "550 5.1.1 <b>unknown</b>", "to2@example.com": "451 later"})
    accept_mail(alice, draft(9))
    deliverer.deliver_due(seconds=10)
    sent, refused, deferred = (
        len(stored_events(kind)) for kind in (EventKind.SENT, EventKind.REFUSED, EventKind.DEFERRED)
    )
    assert (sent, refused, deferred) == (7, 1, 1)
    yesterday = {Measure.SENT: 200, Measure.BOUNCED: 50, Measure.REFUSED: 50}
    count_day(charlie, (now - DAY).date(), yesterday, lane=Lane.BULK)
    batch = create_batch(charlie)
    accept_mail(alice, draft(3, send_at=now + 5 * dt.timedelta(hours=1), name="later"))
    accept_mail(charlie, draft(2, batch_id=batch.public_id, send_at=now + DAY, name="never"))
    stop_batch(charlie, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={BatchStatus.OPEN})
    clock.advance(seconds=200)
    list(fold_counters())
    accept_mail(alice, draft(4, name="unfolded"))
    deliverer.deliver_due(seconds=10)
    with logged_in("operator") as client:
        text = client.get(OVERVIEW).content.decode()
        assert f"{OVERVIEW}?figures" in text
        figures = client.get(OVERVIEW, {"figures": ""}).content.decode()
    outcomes, ahead, lateness = (read_chart(figures, name) for name in ("outcomes", "ahead", "lateness"))
    assert {label.split()[0]: sum(values) for label, values in outcomes.items()} == {
        "sent": 11,
        "refused": 1,
        "deferred": 1,
    }
    assert {label: sum(values) for label, values in ahead.items()} == {"alice": 3, "charlie: will not be sent": 2}
    # A busy machine may send this mail more than a second late.
    levels = {label: [each for each in values if each is not None] for label, values in lateness.items()}
    assert levels["half of it"]
    assert set(levels["99 of 100"]) <= {0, 1, 2}
    shown = words_of(figures)
    for words in (
        "3 messages will be sent. 2 more will not: their batch is paused or cancelled",
        "11 sent, 1 refused, 1 deferred (recipients).",
        "In 24 hours: half of it within",
        "Bounces today 8.33% 1 of 12 recipients",
        "alice 11 0 8.33% 8.33% , fewer than 100 recipients",
        "charlie 0 200 20.00% 20.00% , 5% or more: clean the lists",
        "The replies are those of all failures of the last 24 hours.",
        "Spam reports not known",
    ):
        assert words in shown
    assert "&lt;b&gt;unknown" in figures
    assert "<b>unknown" not in figures


def test_the_page_without_mail_has_no_figures_and_needs_a_permission(database: None) -> None:
    with logged_in("viewer", may=("batches.view_batch",)) as client:
        text = client.get(OVERVIEW).content.decode()
    shown = words_of(text)
    assert "0 messages will be sent." in shown
    assert "half of it no mail" in shown
    assert "No data" in shown
    with logged_in("nobody", may=("mailer.view_message",)) as client:
        assert client.get(OVERVIEW).status_code == 403


def test_bounces_are_judged_by_the_limits_of_providers() -> None:
    judged = {rate: judge_bounces(rate, 1000)[1] for rate in (19, 20, 49, 50)}
    assert judged == {19: "success", 20: "warning", 49: "warning", 50: "danger"}
    assert judge_bounces(50, 99)[1] == ""
