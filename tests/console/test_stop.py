"""Test the page Stop: mailings are found, chosen and stopped with one confirmation, and each gets a receipt."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from batches.handles import create_batch, default_batch
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from campaigns.lifecycle import schedule_campaign, send_now, unschedule_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.campaigns.building import expand_all, ready_campaign, sweep_campaigns
from tests.drafts import draft
from tests.operators import logged_in

STOP, QUESTION = "/admin/stop/", "/admin/stop/question/"
HOUR = dt.timedelta(hours=1)


def mailing(account: Account, subject: str, messages: int = 3) -> Batch:
    batch = create_batch(account)
    mail = draft(messages, batch_id=batch.public_id, send_at=database_now() + HOUR)
    accept_mail(account, replace(mail, subject=subject))
    return Batch.objects.get(pk=batch.pk)


def ask(client: Client, *handles: str, action: str = "cancel") -> str:
    query = "&".join(f"mailing={handle}" for handle in handles)
    return f"{QUESTION}?{query}&action={action}"


def stop(client: Client, *handles: str, action: str = "cancel", reason: str = "") -> Any:
    return client.post(ask(client, *handles, action=action), {"reason": reason}, follow=True)


def statuses(*batches: Batch) -> list[str]:
    return [BatchStatus(Batch.objects.get(pk=batch.pk).status).label for batch in batches]


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.text).split())


def test_a_mailing_is_found_by_its_subject_and_cancelled(operator: Client, alice: Account) -> None:
    batch, other = mailing(alice, "Your <invoice>"), mailing(alice, "Your order")
    page = operator.get(STOP, {"q": "invoice"})
    assert "Your &lt;invoice&gt;" in page.text
    assert "Your order" not in page.text
    link = f"{QUESTION}?mailing=b{batch.pk}&amp;action=cancel"
    assert link in page.text
    assert re.search(r"data-first[^>]*>Cancel<", page.text)
    question = operator.get(link.replace("&amp;", "&"))
    assert "Cancel “Your &lt;invoice&gt;” of alice?" in question.text
    assert "0 sent, 3 waiting" in question.text
    assert re.search(r"<input[^>]*name=\"reason\"[^>]*autofocus", question.text)
    assert statuses(batch) == ["open"]
    answer = stop(operator, f"b{batch.pk}", reason="a wrong price")
    receipt = Receipt.objects.get()
    assert answer.redirect_chain == [(f"/admin/batches/receipt/{receipt.pk}/change/", 302)]
    assert (receipt.batch, receipt.reason, receipt.actor, receipt.stopped) == (
        batch,
        "a wrong price",
        "operator olga",
        3,
    )
    assert statuses(batch, other) == ["cancelled", "open"]


def test_several_mailings_get_a_receipt_each_on_one_page(operator: Client, alice: Account, charlie: Account) -> None:
    chosen = [mailing(alice, "Offer 1"), mailing(charlie, "Offer 2", 4)]
    other = mailing(alice, "Offer 3")
    handles = [f"b{batch.pk}" for batch in chosen]
    assert "Pause 2 mailings?" in operator.get(ask(operator, *handles, action="pause")).text
    answer = stop(operator, *handles, *handles, action="pause")
    assert statuses(*chosen, other) == ["paused", "paused", "open"]
    receipts = list(Receipt.objects.order_by("pk"))
    assert [(receipt.batch, receipt.action) for receipt in receipts] == [(batch, "pause") for batch in chosen]
    text = text_of(answer)
    assert "All stops are settled: 0 messages had been sent before, 7 were stopped." in text
    assert text.index("Offer 1") < text.index("Offer 2")
    url = answer.redirect_chain[0][0]
    Receipt.objects.filter(pk=receipts[1].pk).update(settled_at=None, in_flight=2)
    poll = operator.get(url + "&live=1")
    assert "The counts are not final yet" in poll.text
    assert operator.get(url + "&live=1", headers={"If-None-Match": poll["ETag"]}).status_code == 304
    assert operator.get("/admin/stop/receipts/?receipts=1;2").status_code == 404


def test_a_campaign_is_stopped_as_a_campaign(operator: Client, alice: Account) -> None:
    running, scheduled = ready_campaign(alice, title="Running news"), ready_campaign(alice, title="Coming news")
    send_now(alice, running.pk)
    expand_all()
    sweep_campaigns()
    schedule_campaign(alice, scheduled.pk, database_now() + HOUR)
    page = text_of(operator.get(STOP, {"q": "news"}))
    assert "Running news campaign of alice" in page
    assert "Coming news campaign of alice" in page
    assert "its audience is not prepared yet" in page
    batch = Batch.objects.get()
    answer = stop(operator, f"b{batch.pk}", f"c{scheduled.pk}")
    assert {campaign.status for campaign in Campaign.objects.all()} == {CampaignStatus.CANCELLED}
    assert Receipt.objects.get().batch == batch
    assert "“Coming news” is cancelled. No mail of it had been prepared, so it has no receipt." in text_of(answer)


def test_what_has_changed_meanwhile_keeps_nothing_else_from_being_stopped(operator: Client, alice: Account) -> None:
    first, again, last = (mailing(alice, f"Offer {number}") for number in range(3))
    campaign = ready_campaign(alice, title="Offer news")
    schedule_campaign(alice, campaign.pk, database_now() + HOUR)
    handles = [f"b{first.pk}", f"b{again.pk}", f"c{campaign.pk}", f"b{last.pk}"]
    operator.get(ask(operator, *handles))
    earlier = stop_batch(alice, again.public_id, BatchStatus.CANCELLED, actor="x", allowed_from=set(BatchStatus))
    unschedule_campaign(alice, campaign.pk)
    answer = stop(operator, *handles)
    text = text_of(answer)
    assert statuses(first, again, last) == ["cancelled"] * 3
    assert Receipt.objects.count() == 3
    assert "“Offer 1” was already cancelled. The receipt is from the first time." in text
    assert "“Offer news” was not cancelled" in text
    assert f"receipt-{earlier.pk}" in answer.text


def test_a_pause_never_takes_a_cancel_back(operator: Client, alice: Account) -> None:
    cancelled, ready = mailing(alice, "Offer 1"), mailing(alice, "Offer 2")
    stop_batch(alice, cancelled.public_id, BatchStatus.CANCELLED, actor="x", allowed_from=set(BatchStatus))
    answer = stop(operator, f"b{cancelled.pk}", f"b{ready.pk}", action="pause")
    assert statuses(cancelled, ready) == ["cancelled", "paused"]
    assert "“Offer 1” was not paused: the batch is cancelled" in text_of(answer)


def test_nothing_is_asked_when_nothing_can_be_stopped(operator: Client, alice: Account) -> None:
    accept_mail(alice, draft(send_at=database_now() + HOUR))
    batch = mailing(alice, "Offer")
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="x", allowed_from=set(BatchStatus))
    default = default_batch(alice)
    cases = {
        (): "Nothing is selected.",
        ("b999999", "nonsense"): "Nothing is selected.",
        (f"b{batch.pk}",): "There is nothing to cancel: “Offer” is cancelled.",
        (f"b{default.pk}",): "There is nothing to cancel: “mail without a batch” is open.",
    }
    for handles, expected in cases.items():
        assert expected in text_of(operator.get(ask(operator, *handles), follow=True)), handles
    answer = stop(operator, f"b{default.pk}")
    assert "“mail without a batch” was not cancelled" in text_of(answer)
    assert statuses(default) == ["open"]


def test_permissions_limit_what_is_seen_and_stopped(alice: Account) -> None:
    batch = mailing(alice, "Offer")
    campaign = ready_campaign(alice, title="Offer news")
    schedule_campaign(alice, campaign.pk, database_now() + HOUR)
    handles = {"batch": f"b{batch.pk}", "campaign": f"c{campaign.pk}"}
    with logged_in("nobody", may=("mailer.view_message",)) as client:
        for path in (STOP, f"{STOP}?q=offer&rows=b1&live=1", ask(client, "b1"), "/admin/stop/receipts/?receipts=1"):
            assert client.get(path).status_code == 403, path
    with logged_in("viewer", may=("batches.view_batch",)) as client:
        page = client.get(STOP, {"q": "offer"}).text
        assert "Offer news" in page
        assert "data-move" not in page
        assert 'name="mailing"' not in page
        for handle in handles.values():
            assert client.post(ask(client, handle), {"reason": ""}).status_code == 403
    with logged_in("of-batches", may=("batches.view_batch", "batches.change_batch")) as client:
        assert client.post(ask(client, *handles.values()), {"reason": ""}).status_code == 403
        assert statuses(batch) == ["open"]
        answer = client.post(ask(client, handles["batch"]), {"reason": ""}, follow=True)
        assert "“Offer” is cancelled: 0 messages had been sent." in text_of(answer)
        assert client.get("/admin/stop/receipts/?receipts=1").status_code == 403
    assert Campaign.objects.get().status == CampaignStatus.SCHEDULED


def test_only_the_figures_of_the_hits_refresh_themselves(operator: Client, alice: Account) -> None:
    batch = mailing(alice, "Offer")
    page = operator.get(STOP, {"q": "offer"})
    (url,) = re.findall(r'hx-get="([^"]*rows[^"]*)"', page.text)
    mailing(alice, "Offer 2")
    accept_mail(alice, draft(4, batch_id=batch.public_id, send_at=database_now() + HOUR))
    poll = operator.get(url.replace("&amp;", "&"))
    assert "Offer 2" not in poll.text
    assert "7" in text_of(poll).split()


def test_the_palette_shows_mailings_as_they_are(operator: Client, alice: Account) -> None:
    """Unfold's search would keep its results for five minutes."""

    def find() -> str:
        return operator.get("/admin/search/", {"extended": 1, "s": "offer"}).text

    mailing(alice, "Offer 1")
    assert "Offer 1" in find()
    second = mailing(alice, "Offer 2")
    assert "Offer 2" in find()
    assert "cancelled" not in find().lower()
    stop(operator, f"b{second.pk}")
    assert "cancelled" in find().lower()


@pytest.mark.parametrize(
    "query", ["s=%00", "s=news&page=x", "s=news&page=0", "s=news&page=99", f"s=n&page={'9' * 5000}"]
)
def test_odd_searches_find_nothing(operator: Client, alice: Account, query: str) -> None:
    for path in (f"search/?extended=1&{query}", f"stop/?{query.replace('s=', 'q=')}"):
        assert operator.get(f"/admin/{path}").status_code in {200, 404}, path
    chosen = "app_label=accounts&model_name=account&field_name=parent&term=%00"
    assert operator.get(f"/admin/autocomplete/?{chosen}").status_code == 400


def test_the_palette_finds_mailings(operator: Client, alice: Account) -> None:
    batch = mailing(alice, "Your invoice")
    page = operator.get("/admin/search/", {"extended": 1, "s": "invoice"}).text
    assert 'href="/admin/stop/?q=invoice"' in page
    assert f'href="/admin/batches/batch/{batch.pk}/change/"' in page
    with logged_in("nobody", may=("mailer.view_message",)) as client:
        assert "invoice" not in client.get("/admin/search/", {"extended": 1, "s": "invoice"}).text.replace(
            "s=invoice", ""
        )
