"""Test the list of messages in the admin: filters, links, the file, and questions about everything that matches."""

from __future__ import annotations

import csv
import datetime as dt
import re
from html import unescape
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Receipt
from console import exporting
from foundation.clock import database_now
from mailer.admin import bulk, message_list
from mailer.admin.message_list import link_messages
from mailer.listing.filters import Filters
from mailer.models import BulkAction, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.drafts import draft, mail_to
from tests.examples import further
from tests.operators import logged_in
from tests.peer import CountingPeer

LIST = "/admin/mailer/message/"
DAY = dt.timedelta(days=1)
LINK = re.compile(r'<a [^>]*href="([^"]+)"[^>]*rel="(prev|next)"')


def links_of(page: str) -> dict[str, str]:
    """Return the links to the newer ("prev") and older ("next") messages of a page."""
    return {name: unescape(address) for address, name in LINK.findall(page)}


@further
def test_the_pages_of_a_filter_are_linked_in_both_directions(
    operator: Client, alice: Account, charlie: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_list, "SHOWN", 2)
    accept_mail(alice, draft(5, name="hers"))
    accept_mail(charlie, draft(5, name="his"))
    pages = [operator.get(link_messages(Filters(account=alice))).text]
    while "next" in (links := links_of(pages[-1])):
        pages.append(operator.get(links["next"]).text)
    shown = [re.findall(r">(hers\d|his\d)@", page) for page in pages]
    assert shown == [["hers4", "hers3"], ["hers2", "hers1"], ["hers0"]]
    assert "prev" not in links_of(pages[0])
    back = operator.get(links_of(pages[2])["prev"]).text
    assert re.findall(r">(hers\d|his\d)@", back) == shown[1]
    assert operator.get(links_of(back)["next"]).text.count("hers0@") == 1


@further
def test_filters_that_name_nothing_are_refused_beside_their_field(operator: Client, charlie: Account) -> None:
    batch = create_batch(charlie)
    for query, sentence in (
        ("account=nobody", "No account has this username."),
        ("batch=nothing", "No batch has this id."),
        ("day=2026-13-01", "Enter a valid date."),
        ("day=1026-01-01", "The year must be from"),
        ("state=gone", "Select a valid choice"),
        ("reply=nonsense", "Select a valid choice"),
        (f"batch={batch.public_id}&account=alice", "No account has this username."),
    ):
        answer = operator.get(f"{LIST}?{query}")
        assert answer.status_code == 400, query
        assert sentence in answer.text, query
    for odd in ("before=x", "after=-1", "before=" + "9" * 40, "domain=%25_%5C", "q=%00", "domain=%F0%9F"):
        assert operator.get(f"{LIST}?{odd}").status_code in (200, 400), odd


@further
def test_a_page_that_looked_at_little_says_so_and_goes_on(
    operator: Client, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.listing.finding.MESSAGES_LOOKED_AT", 3)
    accept_mail(alice, mail_to("rare@example.org"))
    for n in range(5):
        accept_mail(alice, draft(1, name=f"other{n}-"))
    page = operator.get(f"{LIST}?domain=example.org").text
    assert "No message was found yet." in page
    assert "has not looked at older messages yet" in page
    assert "rare@example.org" in operator.get(links_of(page)["next"]).text


def test_a_page_takes_at_most_12_statements(
    operator: Client, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    peer.replies["bad@example.com"] = "550 5.1.1 no such user"
    batch = create_batch(alice)
    accepted = accept_mail(alice, mail_to("bad@example.com", "good@example.com", batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    today = database_now().date()
    full = "state=refused&domain=example.com&reply=class_recipient&account=alice"
    for query in (
        "",
        f"{full}&day={today}",
        f"{full}&batch={batch.public_id}&day={today}",
        f"q={accepted.public_id}&account=alice&state=refused",
        "state=waiting&account=alice",
        "state=in_doubt",
    ):
        with CaptureQueriesContext(connection) as queries:
            page = operator.get(f"{LIST}?{query}")
        assert page.status_code == 200
        assert ("bad@example.com" in page.text) == ("refused" in query or not query), query
        assert len(queries) <= 12, [query, *(each["sql"][:100] for each in queries)]


def test_the_file_has_what_matches_and_no_formulas(
    operator: Client, alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    peer.replies["=cmd@example.com"] = "550 5.1.1 =no such user"
    accept_mail(alice, mail_to("=cmd@example.com", "good@example.com"))
    accept_mail(charlie, mail_to("his@example.com"))
    deliverer.deliver_due(seconds=5)
    answer = operator.get(f"{LIST}export/?account=alice")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    good, bad = csv.DictReader(StringIO(b"".join(answer).decode()))
    assert (good["recipient"], good["state"], good["last_outcome"]) == ("good@example.com", "sent", "sent")
    assert (bad["recipient"], bad["state"]) == ("'=cmd@example.com", "refused")
    assert (bad["class"], bad["classification"]) == ("recipient", "Invalid Address")
    assert bad["account"] == "alice"
    assert b"".join(operator.get(f"{LIST}export/?domain=nowhere.example")).decode().count("\r\n") == 1


def test_a_long_file_says_where_it_goes_on(operator: Client, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_ROWS", 3)
    accept_mail(alice, draft(5))
    *rows, last = list(csv.reader(StringIO(b"".join(operator.get(f"{LIST}export/?account=alice")).decode())))
    assert len(rows) == 4
    assert last[0] == "incomplete"
    address = last[1].rpartition(" ")[2]
    next_rows = list(csv.reader(StringIO(b"".join(operator.get(address)).decode())))
    assert [row[2] for row in [*rows[1:], *next_rows[1:]]] == [f"to{n}@example.com" for n in reversed(range(5))]


def test_everything_that_matches_is_stopped_after_a_question(operator: Client, alice: Account) -> None:
    accept_mail(alice, draft(3, send_at=database_now() + DAY))
    page = operator.get(f"{LIST}?account=alice").text
    address = f"{LIST}all/stop/?account=alice"
    assert address in unescape(page)
    question = operator.get(address).text
    assert "Stop 3 messages?" in question
    assert "typed" not in question, "a small number is not typed"
    assert not BulkAction.objects.exists(), "a question changes nothing"
    answer = operator.post(address, {"reason": "a mistake"}, follow=True)
    assert "It ended at" in answer.text
    receipt = Receipt.objects.get()
    assert (receipt.stopped, receipt.reason) == (3, "a mistake")
    assert f"/admin/batches/receipt/{receipt.pk}/change/" in answer.text
    shown = operator.get(f"/admin/batches/receipt/{receipt.pk}/change/").text
    assert "messages of account alice" in shown
    assert "everything" not in shown.partition("<main")[2]
    assert "There is nothing to stop" in operator.get(address, follow=True).text


@further
def test_a_large_number_has_to_be_typed(operator: Client, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "LARGE", 20)
    accept_mail(alice, draft(30, send_at=database_now() + DAY))
    address = f"{LIST}all/stop/?account=alice"
    assert "Type 30 to confirm" in operator.get(address).text
    for typed in ("", "3", "300", "stop"):
        assert "Nothing was changed" in operator.post(address, {"typed": typed}).text
    assert not BulkAction.objects.exists()
    operator.post(address, {"typed": "30"})
    assert BulkAction.objects.get().affected == 30


def test_each_action_is_offered_for_the_states_that_it_is_for(operator: Client, alice: Account) -> None:
    accept_mail(alice, draft(1, send_at=database_now() + DAY))
    for query, offered in (
        ("", set()),
        ("account=alice", {"stop", "reschedule", "replay", "drop"}),
        ("account=alice&state=scheduled", {"stop", "reschedule"}),
        ("account=alice&state=in_doubt", {"replay", "drop"}),
        ("account=alice&state=sent", set()),
    ):
        page = operator.get(f"{LIST}?{query}").text
        assert set(re.findall(r"/all/(\w+)/", page)) == offered, query
    for address in (f"{LIST}all/stop/", f"{LIST}all/drop/?account=nobody"):
        assert "choose valid filters" in operator.post(address, follow=True).text
    later = (database_now() + 2 * DAY).strftime("%Y-%m-%dT%H:%M")
    operator.post(f"{LIST}all/reschedule/?account=alice", {"send_at": later})
    assert BulkAction.objects.get().affected == 1


def test_actions_and_files_need_their_permissions(alice: Account, client: Client) -> None:
    accept_mail(alice, draft(1, send_at=database_now() + DAY))
    stop, export = f"{LIST}all/stop/?account=alice", f"{LIST}export/?account=alice"
    with logged_in("victor", may=("mailer.view_message",)) as viewer:
        assert viewer.get(export).status_code == 200
        assert "/all/stop/" not in viewer.get(f"{LIST}?account=alice").text
        assert viewer.post(stop).status_code == 403
    with logged_in("ivan", may=("batches.change_batch",)) as other:
        for address in (stop, export, f"{LIST}actions/1/", f"{LIST}actions/1/end/"):
            assert other.get(address).status_code == 403, address
    for address in (stop, export, f"{LIST}actions/1/"):
        assert client.get(address).headers["Location"].startswith("/admin/login/"), address
    assert not BulkAction.objects.exists()
    assert Message.objects.count() == 1


@further
def test_a_running_action_shows_its_progress_and_can_be_ended(
    operator: Client, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE_SECONDS", 0.0)
    monkeypatch.setattr("mailer.bulk.actions.STEP", 2)
    accept_mail(alice, draft(5, send_at=database_now() + DAY))
    answer = operator.post(f"{LIST}all/stop/?account=alice", {"reason": ""}, follow=True)
    action = BulkAction.objects.get()
    assert "It is running" in answer.text
    assert 'value="40"' in answer.text
    poll: Any = operator.get(f"{LIST}actions/{action.pk}/?live=1")
    assert "It is running" in poll.text
    assert "Its changes so far stay" in operator.get(f"{LIST}actions/{action.pk}/end/").text
    ended = operator.post(f"{LIST}actions/{action.pk}/end/", follow=True).text
    assert "operator operator ended it" in ended or "ended it at" in ended
    assert operator.get(f"{LIST}actions/999999/").status_code == 404
