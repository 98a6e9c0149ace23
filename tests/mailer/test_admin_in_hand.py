"""Mail that waits for a person, held or in doubt, is listed, replayed and dropped in the admin."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import Counts, Tally, count_account, count_batch
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import ParcelState
from foundation.clock import database_now
from mailer.admin.in_hand import SHOWN
from mailer.in_hand import Why, accounts_in_hand, tally_in_hand
from mailer.models import Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.rescue import rescue_parcel
from tests.drafts import draft
from tests.examples import few_by_default, further
from tests.mailer.claimed import claim_and_look
from tests.operators import logged_in

IN_HAND = "/admin/in-hand/"
RECEIPTS = "/admin/batches/receipt/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def held_batch(alice: Account) -> Batch:
    """Create a batch of Alice with three held messages; two more are held without a batch."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    accept_mail(alice, draft(2, name="single-"))
    Parcel.objects.update(state=ParcelState.HELD, due_at=database_now() - dt.timedelta(hours=3))
    return batch


@pytest.fixture
def doubtful_batch(charlie: Account) -> Batch:
    """Create a batch of Charlie with 60 messages, ten of which are in doubt because their worker died."""
    batch = create_batch(charlie)
    accept_mail(charlie, draft(60, batch_id=batch.public_id, name="doubt-"))
    claim = claim_and_look(Claimer())
    rescue_parcel(claim.parcel_id, claim.fence)
    return batch


def ids_of(batch: Batch) -> list[int]:
    bases = Parcel.objects.filter(batch=batch).values_list("base", flat=True)
    return list(
        Message.objects.filter(pk__gte=min(bases) * 512, pk__lt=max(bases) * 512 + 512).values_list("pk", flat=True)
    )


def address(action: str, account: Account, **more: Any) -> str:
    pairs = {"account": account.pk, "why": "held", **more}
    return f"{IN_HAND}{action}" + "?" + "&".join(f"{name}={value}" for name, value in pairs.items())


def counts_of(account: Account) -> Counts:
    return count_account(account.pk)


@further
def test_without_an_account_the_page_lists_accounts_with_mail_in_hand(
    operator: Client, held_batch: Batch, doubtful_batch: Batch, alice: Account, charlie: Account
) -> None:
    Account.objects.create(username="nobody")
    assert accounts_in_hand(Why.HELD) == {alice.pk: 5}
    assert accounts_in_hand(Why.IN_DOUBT) == {charlie.pk: 10}
    page = operator.get(IN_HAND).text
    for text in (">alice<", ">charlie<", ">5<", ">10<", f"?account={alice.pk}&amp;why=held"):
        assert text in page
    assert ">nobody<" not in page


@further
def test_a_page_without_mail_in_hand_says_so(operator: Client, alice: Account) -> None:
    assert "No mail is in hand." in operator.get(IN_HAND).text
    assert operator.get(address("", alice)).status_code == 200


def test_an_accounts_mail_is_listed_by_kind_and_batch(
    operator: Client, held_batch: Batch, doubtful_batch: Batch, alice: Account, charlie: Account
) -> None:
    Account.objects.filter(pk=alice.pk).update(lateness_limit=600)
    page = operator.get(address("", alice)).text
    for text in ("to0@example.com", "to2@example.com", "single-1@example.com", "later than 600 s", "Held: 5"):
        assert text in strip_tags(page)
    assert "doubt-" not in page
    of_batch = operator.get(address("", alice, batch=held_batch.public_id)).text
    assert "to0@example.com" in of_batch
    assert "single-" not in of_batch
    doubt = operator.get(address("", charlie, why="in_doubt")).text
    assert "doubt-0@example.com" in doubt
    assert "In doubt: 10" in strip_tags(doubt)
    assert "doubt-0@example.com" not in operator.get(address("", charlie)).text


def test_objects_of_another_account_are_not_found(
    operator: Client, held_batch: Batch, doubtful_batch: Batch, alice: Account
) -> None:
    for path in (f"{IN_HAND}?account=0", f"{IN_HAND}?account=x", address("", alice, batch=doubtful_batch.public_id)):
        assert operator.get(path).status_code == 404
    for path in (f"{IN_HAND}replay/", address("drop/", alice, batch=doubtful_batch.public_id, of="all")):
        assert operator.get(path).status_code == operator.post(path, {"reason": ""}).status_code == 404
    assert not Receipt.objects.exists()


@further
def test_pages_follow_each_other_and_none_is_missing(operator: Client, alice: Account) -> None:
    batch = create_batch(alice)
    accept_mail(alice, draft(2 * SHOWN + 1, batch_id=batch.public_id))
    Parcel.objects.update(state=ParcelState.HELD)
    path, ids = address("", alice), []
    while path:
        page = operator.get(path).text
        ids += [part.split('"')[0] for part in page.split('name="message" value="')[1:]]
        _, _, link_end = page.partition(f"{IN_HAND}?account={alice.pk}&amp;why=held&amp;after=")
        path = address("", alice, after=link_end.split('"')[0]) if link_end else ""
    assert [int(each) for each in ids] == ids_of(batch)


@further
def test_a_page_costs_the_same_for_few_and_for_many(operator: Client, held_batch: Batch, alice: Account) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            operator.get(address("", alice))
        return len(queries)

    operator.get(IN_HAND)
    few = cost()
    for _ in range(5):
        accept_mail(alice, draft(2, batch_id=create_batch(alice).public_id))
    Parcel.objects.update(state=ParcelState.HELD)
    assert cost() == few


def test_chosen_messages_are_replayed_with_a_receipt(operator: Client, held_batch: Batch, alice: Account) -> None:
    first, _, third = ids_of(held_batch)
    path = address("replay/", alice, of="chosen", message=f"{first}&message={third}")
    question = operator.get(path).text
    assert "Replay 2 messages of alice, held?" in question
    assert "however late they are" in question
    assert counts_of(alice).held == 5
    answer = operator.post(path, {"reason": "still useful"}, follow=True)
    assert (counts_of(alice).held, counts_of(alice).due) == (3, 2)
    receipt = Receipt.objects.get()
    fields = (receipt.action, receipt.actor, receipt.reason, receipt.affected)
    assert fields == ("replay", "operator olga", "still useful", 2)
    assert answer.redirect_chain == [(f"{RECEIPTS}{receipt.pk}/change/", 302)]
    assert "The messages are due now" in answer.text
    again = operator.post(path, {"reason": ""}, follow=True)
    assert "Nothing was changed: the messages were not in hand any more" in again.text


@further
def test_all_of_a_batch_is_dropped_and_the_rest_stays(operator: Client, held_batch: Batch, alice: Account) -> None:
    path = address("drop/", alice, of="all", batch=held_batch.public_id)
    question = operator.get(path).text
    assert "Drop 3 messages of alice, held?" in question
    assert "cannot be undone" in question
    assert counts_of(alice).dropped == 0
    assert "The messages are not sent" in operator.post(path, {"reason": ""}, follow=True).text
    assert (counts_of(alice).dropped, counts_of(alice).held) == (3, 2)
    assert count_batch(held_batch.pk).dropped == 3


@further
def test_all_of_an_account_is_replayed_whatever_is_ticked(
    operator: Client, doubtful_batch: Batch, charlie: Account, held_batch: Batch, alice: Account
) -> None:
    path = address("replay/", charlie, of="all", why="in_doubt", message=ids_of(doubtful_batch)[0])
    question = operator.get(path).text
    assert "Replay 10 messages of charlie, in doubt?" in question
    assert "Those that were sent before arrive twice" in question
    operator.post(path, {"reason": ""})
    assert counts_of(charlie).in_doubt == 0
    assert counts_of(alice).held == 5


@pytest.mark.parametrize("action", few_by_default(["replay", "drop"], "replay"))
def test_a_choice_that_got_lost_is_not_everything(
    operator: Client, held_batch: Batch, alice: Account, action: str
) -> None:
    for more in ({}, {"of": "chosen"}, {"of": "chosen", "message": ""}, {"of": "chosen", "message": "x"}):
        path = address(f"{action}/", alice, **more)
        operator.get(path)
        operator.post(path, {"reason": ""})
        assert counts_of(alice).held == 5, more
    assert "choose the messages" in operator.get(address(f"{action}/", alice, of="chosen"), follow=True).text


@further
def test_mail_without_a_batch_is_chosen_one_by_one(operator: Client, held_batch: Batch, alice: Account) -> None:
    hidden = Batch.objects.get(is_default=True)
    here = operator.get(address("", alice, batch=hidden.public_id)).text
    assert "single-0@example.com" in here
    assert "of this batch" not in here
    refused = operator.post(address("drop/", alice, of="all", batch=hidden.public_id), {"reason": ""}, follow=True)
    assert "is the hidden batch" in refused.text
    assert counts_of(alice).held == 5
    message_id = ids_of(hidden)[0]
    operator.post(address("drop/", alice, of="chosen", batch=hidden.public_id, message=message_id), {"reason": ""})
    assert (counts_of(alice).held, counts_of(alice).dropped) == (4, 1)


def test_a_user_with_view_permission_decides_nothing(held_batch: Batch, alice: Account) -> None:
    everything = address("drop/", alice, of="all")
    with logged_in("ivan", may=("mailer.view_message",)) as viewer:
        page = viewer.get(address("", alice)).text
        assert "to0@example.com" in page
        assert "Drop" not in page
        assert viewer.get(everything).status_code == viewer.post(everything, {"reason": ""}).status_code == 403
    with logged_in("anna", may=("batches.change_batch", "batches.view_batch")) as blind:
        assert blind.get(IN_HAND).status_code == blind.post(everything, {"reason": ""}).status_code == 403
        assert "Mail in hand" not in blind.get("/admin/").text
    assert counts_of(alice).held == 5


def test_forms_from_elsewhere_and_from_strangers_are_refused(
    operator: Client, client: Client, held_batch: Batch, alice: Account
) -> None:
    operator.handler.enforce_csrf_checks = True
    everything = address("drop/", alice, of="all")
    assert operator.post(everything, {"reason": ""}).status_code == 403
    for path in (IN_HAND, everything):
        assert client.get(path).headers["Location"].startswith("/admin/login/")
    assert counts_of(alice).held == 5


@further
def test_hostile_recipients_and_reasons_are_only_text(operator: Client, held_batch: Batch, alice: Account) -> None:
    Message.objects.update(recipient=HOSTILE)
    answer = operator.post(address("drop/", alice, of="all"), {"reason": HOSTILE}, follow=True)
    Parcel.objects.update(state=ParcelState.HELD, finalized_at=None, dropped=0, members=None)
    for page in (answer.text, operator.get(address("", alice)).text):
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(1)" in page


@further
def test_the_sidebar_counts_mail_in_hand(
    operator: Client, held_batch: Batch, doubtful_batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidebar = operator.get("/admin/waves/").text.split("Mail in hand")[1].split("</a>")[0]
    assert "15" in sidebar
    monkeypatch.setattr("console.header.BADGE_LOOKS_AT", 1)
    monkeypatch.setattr("monitoring.problems.LOOKED_AT_PARCELS", 1)
    with logged_in("ivan", may=("mailer.view_message",)) as viewer:
        for client, page in ((operator, "/admin/waves/"), (viewer, "/admin/mailer/message/")):
            assert "13+" in client.get(page).text.split("Mail in hand")[1].split("</a>")[0]
        assert tally_in_hand(Why.HELD, looked_at=2) == Tally(5, is_exact=False)
        Parcel.objects.all().delete()
        assert "badge" not in operator.get("/admin/waves/").text.split("Mail in hand")[1].split("</a>")[0]
