"""Test failures in the admin: by class and reply, for an account, a batch and a day, and the messages of a reason."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import console.batches.admin
from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch
from console.batches.admin import list_reasons
from foundation.clock import database_now
from mailer.draft import Address, Personalization
from mailer.models import Classification, Event, EventKind, Message, SuppressionKind
from mailer.outcomes import failures
from mailer.outcomes.failures import Scope, count_failures, group_by_reason, has_failures, look_for_failures
from mailer.outcomes.writing import Entry, NewEvent, SharedEvent, write_events
from mailer.partitions import ensure_partitions
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.operators import logged_in
from tests.peer import CountingPeer

FAILURES = "/admin/mailer/failures/"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def failed_batch(alice: Account, deliverer: Deliverer, peer: CountingPeer) -> Batch:
    """Create a batch of Alice with twelve messages: three refused for one reason, two deferred, and seven sent."""
    for n in range(3):
        peer.replies[f"to{n}@example.com"] = f"550 5.1.1 <to{n}@example.com>: no such user {SCRIPT} (id {n}4F{n})"
    for n in (3, 4):
        peer.replies[f"to{n}@example.com"] = f"451 4.7.1 greylisted, try again in {n}00 s"
    batch = create_batch(alice)
    accept_mail(alice, draft(12, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    return batch


def test_reasons_are_only_looked_for_if_counters_know_failures(
    failed_batch: Batch, others_failure: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = create_batch(failed_batch.account)
    batches = Batch.objects.annotate(has_failures=has_failures())
    assert [reason.total for reason, *_ in list_reasons(batches.get(pk=failed_batch.pk))] == [3, 2]
    monkeypatch.setattr(console.batches.admin, "look_for_failures", pytest.fail)
    assert list_reasons(batches.get(pk=without.pk)) == []


def test_reasons_of_a_part_of_the_failures_are_the_least(failed_batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "LOOKED_AT", 11)
    batch = Batch.objects.annotate(has_failures=has_failures()).get(pk=failed_batch.pk)
    assert [number for _, number, _ in list_reasons(batch)] == ["2 or more", "2 or more"]


@pytest.fixture
def others_failure(charlie: Account, deliverer: Deliverer, peer: CountingPeer) -> Account:
    """Let one message of Charlie be refused."""
    peer.replies["secret0@example.com"] = "550 5.7.1 rejected by the policy of secret0"
    accept_mail(charlie, draft(1, name="secret"))
    deliverer.deliver_due(seconds=5)
    return charlie


def window(now: dt.datetime) -> dict[str, dt.datetime]:
    return {"since": now - dt.timedelta(hours=2), "until": now + dt.timedelta(hours=1)}


def rows_of(page: str, title: str) -> list[list[str]]:
    """Return the cells of one of the page's tables, without markup."""
    table = page.split(title, 1)[1].split("</table>")[0]
    rows = re.findall(r"<tr role=\"row\">(?!<th).*?</tr>", table, re.DOTALL)
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
        for row in rows
    ]


def link_in(page: str, text: str) -> str:
    """Return the address of the link whose text begins like this."""
    match = re.search(rf'href="([^"]+)">{re.escape(text)}', page)
    assert match, text
    return unquote(match[1].replace("&amp;", "&"))


def test_failures_are_grouped_by_class_and_by_reply_with_counts(
    operator: Client, failed_batch: Batch, others_failure: Account
) -> None:
    for query in (f"?batch={failed_batch.public_id}", "?account=alice"):
        page = operator.get(FAILURES + query).text
        classes, replies = rows_of(page, "By class"), rows_of(page, "By reply")
        assert sorted(row[2:4] for row in classes) == [["0", "2"], ["3", "0"]], query
        assert [row[:2] for row in replies] == [["3", "0"], ["0", "2"]], query
        assert replies[0][2] == "Invalid Address", query
        assert replies[0][3] == "5.1.1", query
        assert "no such user" in replies[0][4], query
        assert "secret0" not in page, query
        assert "charlie" not in page, query
        assert SCRIPT not in page, query


@further
def test_without_a_filter_the_failures_of_all_accounts_are_shown(
    operator: Client, failed_batch: Batch, others_failure: Account
) -> None:
    page = operator.get(FAILURES).text
    assert sorted(rows_of(page, "By account")) == [["alice", "3", "2"], ["charlie", "1", "0"]]
    assert "secret0" in operator.get(link_in(page, "charlie")).text


@further
def test_a_day_has_only_its_failures(operator: Client, failed_batch: Batch) -> None:
    today = database_now().date()
    for filters in ({"account": "alice"}, {"batch": failed_batch.public_id}, {}):
        page = operator.get(FAILURES, {**filters, "day": f"{today}"}).text
        assert len(rows_of(page, "By reply")) == 2, filters
        yesterday = f"{today - dt.timedelta(days=1)}"
        earlier = operator.get(link_in(page, yesterday)).text
        assert rows_of(earlier, "By reply") == rows_of(earlier, "By class") == [], filters
        assert len(rows_of(operator.get(link_in(earlier, f"{today}")).text, "By reply")) == 2, filters


@further
def test_the_messages_of_a_reason_lead_to_their_pages(operator: Client, failed_batch: Batch) -> None:
    page = operator.get(FAILURES, {"batch": failed_batch.public_id}).text
    page = operator.get(link_in(page, "451 4.7.1")).text
    rows = rows_of(page, "The newest messages")
    assert {row[2] for row in rows} == {"to3@example.com", "to4@example.com"}
    assert {row[1] for row in rows} == {"deferred"}
    message = Message.objects.get(recipient="to3@example.com")
    assert link_in(page, "to3@example.com") == f"/admin/mailer/message/{message.pk}/change/"
    page_without_messages = operator.get(FAILURES, {"batch": failed_batch.public_id, "reason": "0" * 16}).text
    assert "No reply of this kind" in page_without_messages


@further
def test_deferrals_that_later_succeeded_are_no_refusals(
    alice: Account, failed_batch: Batch, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    peer.replies.clear()
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert {"to3@example.com", "to4@example.com"} <= set(peer.recipients)
    groups = group_by_reason(look_for_failures(Scope(batch_id=failed_batch.pk)).failures)
    assert [(group.refused, group.deferred) for group in groups] == [(3, 0), (0, 2)]


def test_counters_and_groups_agree(alice: Account, failed_batch: Batch, others_failure: Account) -> None:
    scope = Scope(alice.pk, **window(database_now()))
    groups = group_by_reason(look_for_failures(scope).failures)
    counted = count_failures(scope)
    for classification in Classification:
        of_groups = [group for group in groups if group.classification == classification]
        tally = counted.get(classification)
        assert (tally.refused if tally else 0) == sum(group.refused for group in of_groups), classification
        assert (tally.deferred if tally else 0) == sum(group.deferred for group in of_groups), classification


@further
def test_an_event_about_several_recipients_counts_them(
    operator: Client, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    addresses = tuple(Address(f"many{n}@example.com") for n in range(3))
    peer.replies |= {address.email: "550 5.1.1 unknown" for address in addresses}
    accept_mail(alice, replace(draft(1), personalizations=(Personalization(to=addresses),)))
    deliverer.deliver_due(seconds=5)
    page = operator.get(FAILURES, {"account": "alice"}).text
    assert rows_of(page, "By class")[0][2:4] == rows_of(page, "By reply")[0][:2] == ["3", "0"]
    page = operator.get(f"/admin/mailer/message/{Message.objects.get().pk}/change/").text
    assert rows_of(page, "Events")[0][2] == "all 3 recipients"


def test_a_decision_to_send_again_is_no_failure(alice: Account, failed_batch: Batch) -> None:
    parcel = failed_batch.parcels.earliest("pk")
    again = NewEvent(parcel.pk * 512, EventKind.DEFERRED, reply="in doubt; sent again", recipients=0)
    scopes = (Scope(batch_id=failed_batch.pk), Scope(alice.pk, **window(database_now())))
    before = [len(look_for_failures(scope).failures) for scope in scopes]
    write_events([Entry(parcel, 0, events=[again])], database_now())
    assert Event.objects.filter(fence=0).count() == 1
    assert [len(look_for_failures(scope).failures) for scope in scopes] == before == [5, 5]


@further
def test_a_look_is_bounded_and_tells_how_far_it_went(
    operator: Client, alice: Account, failed_batch: Batch, others_failure: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = f"?batch={failed_batch.public_id}"
    for query in (batch, "?account=alice", ""):
        assert "those of all failures" in operator.get(FAILURES + query).text, query
    monkeypatch.setattr(failures, "LOOKED_AT", 3)
    for query in (batch, "?account=alice", ""):
        assert "Older failures are not counted" in operator.get(FAILURES + query).text, query
    look = look_for_failures(Scope(alice.pk, **window(database_now())))
    assert [failure.account_id for failure in look.failures] == [alice.pk] * 3, "those of others do not count"
    assert look.oldest == look.failures[-1].at
    monkeypatch.setattr(failures, "LOOKED_AT", 1000)
    monkeypatch.setattr(failures, "PARCELS_LOOKED_AT", 1)
    assert not look_for_failures(Scope(batch_id=failed_batch.pk)).is_complete


@further
def test_the_page_costs_the_same_for_few_and_for_many(
    operator: Client, failed_batch: Batch, others_failure: Account
) -> None:
    def statements(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            operator.get(FAILURES + query)
        return len(queries)

    queries = (f"?batch={failed_batch.public_id}", "?account=alice", "")
    few = [statements(query) for query in queries]
    parcel = failed_batch.parcels.earliest("pk")
    words = ("red", "green", "blue", "grey", "pink")
    events = [
        NewEvent(parcel.pk * 512 + n, EventKind.REFUSED, reply=f"550 {word}", classification=Classification.CONTENT)
        for n, word in enumerate(words)
    ]
    write_events([Entry(parcel, 7, events=events)], database_now())
    assert [statements(query) for query in queries] == few
    assert max(few) <= 12


def test_the_index_of_failures_is_made_for_every_partition(database: None) -> None:
    ensure_partitions(2**17 * 10)
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname, exists (select from pg_index i where i.indrelid = c.oid and i.indpred is not null) "
            "from pg_inherits p join pg_class c on c.oid = p.inhrelid where p.inhparent = 'mailer_event'::regclass"
        )
        partitions = cursor.fetchall()
    assert len(partitions) >= 4
    assert all(has_index for _, has_index in partitions), partitions


@further
def test_wrong_filters_are_explained(operator: Client, failed_batch: Batch, charlie: Account) -> None:
    cases = {
        "?account=nobody": "No account has this username.",
        "?batch=nothing": "No batch has this id.",
        f"?account=charlie&batch={failed_batch.public_id}": "The account has no such batch.",
        "?day=tomorrow": "Enter a valid date.",
        "?day=0001-01-01": "The year must be from",
        "?day=9999-12-31": "The year must be from",
        "?account=%00": "Null characters are not allowed.",
    }
    for query, message in cases.items():
        answer = operator.get(FAILURES + query)
        assert answer.status_code == 400, query
        assert message in answer.text, query


def test_only_operators_who_may_see_mail_see_failures_and_nobody_changes_any(
    operator: Client, client: Client, failed_batch: Batch
) -> None:
    before = Event.objects.count()
    assert operator.post(FAILURES, {"account": "alice"}).status_code == 405
    assert Event.objects.count() == before
    assert client.get(FAILURES).headers["Location"].startswith("/admin/login/")
    with logged_in("ivan", may=("batches.view_batch", "accounts.view_account")) as without:
        assert without.get(FAILURES).status_code == 403
        for path in ("/admin/", f"/admin/batches/batch/{failed_batch.pk}/change/"):
            assert FAILURES not in without.get(path).text, path
    with logged_in("vera", may=("mailer.view_message",)) as viewer:
        assert viewer.get(FAILURES).status_code == 200


@further
def test_pages_of_accounts_and_batches_lead_to_their_failures(operator: Client, failed_batch: Batch) -> None:
    for path in (
        f"/admin/batches/batch/{failed_batch.pk}/change/",
        f"/admin/accounts/account/{failed_batch.account_id}/change/",
    ):
        link = link_in(operator.get(path).text, "Failures of this")
        assert len(rows_of(operator.get(link).text, "By reply")) == 2, path
    assert f'href="{FAILURES}"' in operator.get("/admin/").text


@further
def test_a_message_shows_the_class_and_the_list_of_each_event(operator: Client, failed_batch: Batch) -> None:
    message = Message.objects.get(recipient="to0@example.com")
    page = operator.get(f"/admin/mailer/message/{message.pk}/change/").text
    (row,) = rows_of(page, "Events")
    assert row[1:5] == ["refused", "to0@example.com", "recipient: Invalid Address", "put on the list of bounces"]
    assert row[5] == "no", "the peer has no TLS"
    sent = Message.objects.get(recipient="to9@example.com")
    (row,) = rows_of(operator.get(f"/admin/mailer/message/{sent.pk}/change/").text, "Events")
    assert row[1:6] == ["sent", "to9@example.com", "", "", "no"], "its event is stored with those of others"


def test_every_kind_of_event_is_shown(operator: Client, failed_batch: Batch) -> None:
    parcel = failed_batch.parcels.earliest("pk")
    message_id = parcel.pk * 512 + 11
    about_all = [NewEvent(message_id, kind, reply=f"reason {int(kind)}") for kind in EventKind]
    dropped: list[Any] = [
        NewEvent(message_id, EventKind.DROPPED, recipient="x@example.com", suppression=kind) for kind in SuppressionKind
    ]
    write_events([Entry(parcel, 7, events=[*about_all, *dropped])], database_now())
    verdict = Entry(parcel, 7, verdict=SharedEvent(EventKind.DISCARDED, 1 << 11, "the purge"))
    write_events([verdict], database_now())
    page = operator.get(f"/admin/mailer/message/{message_id}/change/").text
    rows = rows_of(page, "Events")
    assert {kind.label for kind in EventKind} <= {row[1] for row in rows}
    assert ["discarded", "all recipients", "", "", "", "the purge"] in [row[1:] for row in rows]
    for name in ("unsubscribes from a group", "global unsubscribes", "bounces", "blocks", "invalid", "spam reports"):
        assert f"on the list of {name}" in page, name
