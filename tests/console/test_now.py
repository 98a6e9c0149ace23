"""Test the start page and the header: what they show is what the core counts, and they cost few statements."""

from __future__ import annotations

import datetime as dt

from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch, Node
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.stop.freeze import freeze_account
from campaigns.states import CampaignStatus
from console.now import tell_remaining
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from monitoring.problems import read_health
from monitoring.rates import describe_lateness, sent_rates
from tests.campaigns.building import campaign_in
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import for_each
from tests.operators import logged_in

NOW = "/admin/"
HOSTILE = "<script>alert(1)</script>"


def batch_with(account: Account, messages: int, *, label: str, send_at: dt.datetime | None = None) -> Batch:
    batch = create_batch(account)
    accept_mail(account, draft(messages, batch_id=batch.public_id, send_at=send_at))
    Batch.objects.filter(pk=batch.pk).update(label=label)
    return batch


def stop(batch: Batch, status: BatchStatus) -> None:
    stop_batch(batch.account, batch.public_id, status, actor="key x", reason=HOSTILE, allowed_from=set(BatchStatus))


def part(page: str, title: str) -> str:
    """Return a section of the page: its text from its heading on."""
    return page.split(f'id="{title}-title"', 1)[1].split("</section>", 1)[0]


def test_the_page_shows_what_runs_comes_and_was_stopped_with_its_buttons(
    operator: Client, alice: Account, deliverer: Deliverer
) -> None:
    sent = batch_with(alice, 4, label="Sent just now")
    deliverer.deliver_due(seconds=5)
    running = batch_with(alice, 1200, label=HOSTILE)
    accept_mail(alice, draft(3))
    soon = database_now() + dt.timedelta(minutes=20)
    coming = batch_with(alice, 1500, label="May sale", send_at=soon)
    stopped = batch_with(alice, 700, label="Wrong prices", send_at=soon)
    stop(stopped, BatchStatus.CANCELLED)
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    page = operator.get(NOW).text
    assert HOSTILE not in page
    shown = part(page, "running")
    words = strip_tags(shown)
    for text in ("Sent just now", "4 of 4 ended", "0 of 1,200 ended", "1,200 due", "mail without a batch", "3 due"):
        assert text in words
    for action in ("pause", "cancel"):
        assert f'id="{action}-{running.pk}"' in shown
        assert reverse(f"admin:batches_batch_{action}", args=[running.pk]) in shown
        assert f'id="{action}-{sent.pk}"' not in shown, "its mail has ended"
    assert f"/admin/accounts/account/{alice.pk}/freeze/" in shown
    assert "No node with delivering worker processes is alive." in shown
    rate = sent_rates([sent.pk])[sent.pk]
    assert rate > 0
    assert f"{rate:.1f}" in shown
    shown = part(page, "coming")
    for text in ("May sale", "1,500", "will be sent", "Wrong prices", "700", "cancelled", "News of May"):
        assert text in shown
    assert "waits for its audience" in shown
    assert "not counted yet" in shown
    shown = part(page, "stopped")
    assert "Wrong prices" in shown
    assert "key x: &lt;script&gt;" in shown
    health = read_health()
    assert f"{health.rate:.1f} recipients/s" in strip_tags(page)
    assert health.lateness.p95 is not None
    assert f"95 % sent {describe_lateness(health.lateness.p95)}" in strip_tags(page)
    assert coming.public_id in page
    assert f"/admin/campaigns/campaign/{campaign.pk}/change/" in page


def test_the_header_of_every_page_counts_the_problems_of_the_start_page(
    operator: Client, alice: Account, clock: Clock
) -> None:
    Node.objects.create(name=HOSTILE, concurrency=2)
    page = operator.get(NOW).text
    assert "No problems." in page
    assert "no problems</a>" in page
    batch_with(alice, 2, label="May sale")
    clock.advance(seconds=90)
    page = operator.get(NOW).text
    shown = part(page, "problems")
    assert shown.count("<li") == 3
    assert "is silent" in shown
    assert HOSTILE not in page
    assert "Due mail of alice waits" in shown
    assert "/admin/run-books/#due-mail-waits" in shown
    for path in ("/admin/batches/batch/", "/admin/run-books/", "/admin/health/"):
        header = operator.get(path).text
        assert "3 problems" in strip_tags(header), path
        assert "/admin/freeze-everything/" in header


def test_a_poll_has_the_header_and_the_part(operator: Client, alice: Account) -> None:
    batch_with(alice, 2, label="May sale")
    answer = operator.get(f"{NOW}?live=1")
    assert "May sale" in answer.text
    assert 'hx-swap-oob="innerHTML"' in answer.text
    assert "<html" not in answer.text
    again = operator.get(f"{NOW}?live=1", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code in (200, 304)


def test_operators_see_the_buttons_and_pages_that_they_may_use(alice: Account) -> None:
    running, paused = batch_with(alice, 2, label="May sale"), batch_with(alice, 2, label="June sale")
    stop(paused, BatchStatus.PAUSED)
    with logged_in("ivan", may=("batches.view_batch",)) as viewer:
        page = viewer.get(NOW).text
        assert "May sale" in page
        for button in ("/pause/", "/cancel/", "/resume/", "/freeze/", "freeze-everything", "/admin/batches/receipt/"):
            assert button not in page, button
    with logged_in("oleg", may=("batches.view_batch", "batches.change_batch")) as controller:
        page = controller.get(NOW).text
        assert f"/admin/batches/batch/{running.pk}/pause/" in page
        assert f"/admin/batches/batch/{paused.pk}/resume/" in page
        assert f"/admin/batches/batch/{paused.pk}/pause/" not in page
    with logged_in("nina", may=()) as nobody:
        page = nobody.get(NOW).text
        assert "May sale" not in page
        assert "You may not see batches" in page
        assert "Mail is flowing" in page
        assert "recipients/s" not in page


def test_waves_and_the_freeze_question_do_not_count_stopped_mail_as_coming(
    operator: Client, alice: Account, charlie: Account
) -> None:
    tomorrow = database_now() + dt.timedelta(days=1)
    counted = {"open": 1100, "paused": 1200, "cancelled": 1300}
    batches = {name: batch_with(alice, number, label=name, send_at=tomorrow) for name, number in counted.items()}
    batch_with(charlie, 1400, label="frozen", send_at=tomorrow)
    freeze_account(charlie, actor="a test")
    stop(batches["paused"], BatchStatus.PAUSED)
    stop(batches["cancelled"], BatchStatus.CANCELLED)
    batch_with(alice, 7, label="due")
    campaign_in(alice, CampaignStatus.SCHEDULED)
    page = operator.get("/admin/waves/").text
    assert [number for number in ("1,100", "3,900") if number not in page] == []
    shown = part(page, "coming")
    for text in ("will be sent", "paused", "cancelled", "frozen", "1,400", "News of May"):
        assert text in shown
    question = operator.get("/admin/freeze-everything/").text
    for text in (
        "1,100",
        "already stopped: 1,200 paused, 1,400 frozen with their account, 1,300 cancelled.",
    ):
        assert text in question, text


@for_each(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "done"),
        (0.2, "about 1 s"),
        (59, "about 59 s"),
        (300, "about 5 min"),
        (9000, "about 2 h"),
        (864_000, "about 10 d"),
    ],
)
def test_remaining_times_are_shown_in_suitable_units(seconds: float | None, text: str) -> None:
    assert tell_remaining(None if seconds is None else dt.timedelta(seconds=seconds)) == text
