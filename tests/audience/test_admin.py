"""Test the audience in the admin: contacts are found, lists and segments changed, files imported."""

from __future__ import annotations

import datetime as dt
import gzip
import uuid
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.models import Account
from audience.admin.contacts import SHOWN
from audience.fields import create_field
from audience.jobs.run import run_job
from audience.models import Contact, ContactList, FieldType, Job, LastTimes, Segment
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import create_segment
from campaigns.models import Campaign, Sender
from mailer.models import UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.building import add_contacts, add_list, add_sender, ready_campaign
from tests.examples import few_by_default, further
from tests.operators import logged_in
from tests.peer import CountingPeer

CONTACTS = "/admin/audience/contact/"
LISTS = "/admin/audience/contactlist/"
SEGMENTS = "/admin/audience/segment/"
SENDERS = "/admin/campaigns/sender/"
GROUPS = "/admin/mailer/unsubscribegroup/"
JOBS = "/admin/audience/job/"
IMPORT = f"{JOBS}import/"
TERMS = "/admin/campaigns/accountterms/"
HOSTILE = "<script>alert(1)</script>"


def addresses_shown(client: Client, query: str, contacts: list[Contact]) -> set[str | None]:
    page = client.get(f"{CONTACTS}?{query}").text
    return {contact.email for contact in contacts if f"{CONTACTS}{contact.pk}/change/" in page}


def read(page: Any) -> str:
    return unescape(page.text)


def upload(client: Client, account: Account, content: bytes, name: str = "c.csv", **fields: Any) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(f"{IMPORT}?account={account.pk}", {"file": file, **fields}, follow=True)


PAGES = (CONTACTS, LISTS, SEGMENTS, SENDERS, GROUPS, JOBS, IMPORT, TERMS)


def test_every_page_opens_for_operators_only(operator: Client, client: Client) -> None:
    for path in PAGES:
        assert operator.get(path).status_code == 200, path
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/admin/login/"), path
    with logged_in("nora", may=("batches.view_batch",)) as stranger:
        for path in PAGES:
            assert stranger.get(path).status_code == 403, path


@further
def test_contacts_are_found_by_the_identifiers_that_a_person_knows(
    operator: Client, alice: Account, charlie: Account
) -> None:
    ann, bob = add_contacts(alice, ["ann@example.com", "bob@example.com"])
    (other,) = add_contacts(charlie, ["ann@example.com"])
    Contact.objects.filter(pk=bob.pk).update(external_id="customer-7")
    everybody = [ann, bob, other]

    assert addresses_shown(operator, "", everybody) == {"ann@example.com", "bob@example.com"}
    assert (
        addresses_shown(operator, "q=Ann@Example.com", [ann])
        == addresses_shown(operator, "q=Ann@Example.com", [other])
        != set()
    )
    assert addresses_shown(operator, f"q=ann@example.com&account={charlie.pk}", [ann, bob]) == set()
    assert addresses_shown(operator, "q=customer-7", everybody) == {"bob@example.com"}
    assert addresses_shown(operator, f"q={bob.pk}", everybody) == {"bob@example.com"}
    assert addresses_shown(operator, f"q={Contact.objects.get(pk=bob.pk).uuid}", everybody) == {"bob@example.com"}
    assert addresses_shown(operator, f"q={uuid.uuid4()}", everybody) == set()
    assert addresses_shown(operator, "q=nobody", everybody) == set()


@further
def test_contacts_of_one_account_are_found_by_a_query(operator: Client, alice: Account) -> None:
    contacts = add_contacts(alice, ["ann@example.com", "bob@example.org"])
    query = f"account={alice.pk}&q="
    assert addresses_shown(operator, f"{query}email+like+'%25.org'", contacts) == {"bob@example.org"}
    for wrong in ("email = ", "'; drop table campaigns_contact --=", "no_such_field = 1"):
        answer = operator.get(CONTACTS, {"account": alice.pk, "q": wrong})
        assert answer.status_code == 200
        assert "position" in answer.text or "nothing" in answer.text, wrong
    assert Contact.objects.count() == 2


@further
def test_contacts_of_a_list_and_of_a_segment_are_shown(operator: Client, alice: Account) -> None:
    contacts = add_contacts(alice, ["ann@example.com", "bob@example.com", "cid@example.com"])
    made = add_list(alice, contacts[:2])
    query = "email like 'c%'"
    segment = create_segment(alice, "C", read_query(query, vocabulary_of(alice)), dialect="sgql", written=query)
    assert f"{CONTACTS}?account={alice.pk}&amp;list={made.pk}" in operator.get(LISTS).text
    assert addresses_shown(operator, f"account={alice.pk}&list={made.pk}", contacts) == {
        "ann@example.com",
        "bob@example.com",
    }
    assert addresses_shown(operator, f"account={alice.pk}&segment={segment.pk}", contacts) == {"cid@example.com"}


@further
def test_a_page_of_contacts_costs_the_same_for_few_and_for_many(operator: Client, alice: Account) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            operator.get(CONTACTS)
        return len(queries)

    add_contacts(alice, ["ann@example.com"])
    operator.get(CONTACTS)
    cost_of_few = cost()
    add_contacts(alice, [f"c{n}@example.com" for n in range(2 * SHOWN)])
    assert cost() == cost_of_few


@further
def test_a_contacts_page_shows_every_field(operator: Client, alice: Account) -> None:
    field = create_field(alice, "points", FieldType.NUMBER)
    (ann,) = add_contacts(alice, ["ann@example.com"], first_name=HOSTILE, custom={str(field.pk): 17})
    made = add_list(alice, [ann], name="friends")
    LastTimes.objects.create(contact=ann, last_emailed_at=dt.datetime(2026, 5, 1, 12, 30, tzinfo=dt.UTC))
    assert "2026-05-01 12:30:00" in operator.get(CONTACTS).text
    page = operator.get(f"{CONTACTS}{ann.pk}/change/").text
    for text in ("ann@example.com", "points", ">17<", "2026-05-01 12:30:00", f"{LISTS}{made.pk}/change/", "friends"):
        assert text in page
    assert HOSTILE not in page
    assert operator.post(f"{CONTACTS}{ann.pk}/change/", {"first_name": "x"}).status_code == 403


@further
def test_a_list_is_created_renamed_and_deleted(operator: Client, alice: Account) -> None:
    operator.post(f"{LISTS}add/", {"account": alice.pk, "name": "customers"})
    made = ContactList.objects.get()
    refused = operator.post(f"{LISTS}add/", {"account": alice.pk, "name": "Customers"})
    assert "The account already has a list or a segment with this name." in refused.text
    operator.post(f"{LISTS}{made.pk}/change/", {"name": "friends"})
    made.refresh_from_db()
    assert made.name == "friends"
    operator.get(LISTS)
    operator.post(f"{LISTS}{made.pk}/delete/", {"post": "yes"}, follow=True)
    made.refresh_from_db()
    assert made.deleted_at is not None
    assert "friends" not in operator.get(LISTS).text


@further
def test_a_segment_is_written_as_a_query_and_counted_on_request(operator: Client, alice: Account) -> None:
    add_contacts(alice, ["ann@example.com", "bob@example.org"])
    form = {"account": alice.pk, "name": "Org", "query": "email like '%.org'"}
    wrong = operator.post(f"{SEGMENTS}add/", form | {"query": "email like"})
    assert "at position" in wrong.text
    assert Segment.objects.count() == 0
    operator.post(f"{SEGMENTS}add/", form)
    segment = Segment.objects.get()
    page = f"{SEGMENTS}{segment.pk}/change/"
    assert "not counted yet" in operator.get(page).text

    counted = operator.post(f"{SEGMENTS}{segment.pk}/count/", follow=True)

    assert "The segment has 1 contacts now." in counted.text
    assert operator.get(f"{SEGMENTS}{segment.pk}/count/").status_code == 405
    operator.post(page, {"name": "All", "query": "email like '%'"})
    segment.refresh_from_db()
    assert (segment.name, segment.written, segment.contact_count) == ("All", "email like '%'", None)
    operator.post(f"{SEGMENTS}{segment.pk}/delete/", {"post": "yes"})
    assert Segment.objects.count() == 0


@further
def test_a_segment_keeps_the_conditions_that_define_it(operator: Client, alice: Account) -> None:
    query = "email like 'c%'"
    conditions = [{"field": "email", "operator": "contains", "value": "c", "and_or": ""}]
    segment = create_segment(alice, "C", read_query(query, vocabulary_of(alice)), dialect="legacy", written=conditions)
    page = f"{SEGMENTS}{segment.pk}/change/"
    assert 'name="query"' not in operator.get(page).text
    operator.post(page, {"name": "D", "query": "email like 'd%'"})
    segment.refresh_from_db()
    assert (segment.name, segment.written) == ("D", conditions)


SENDER = {
    "nickname": "news",
    "from_name": "News",
    "from_email": "news@example.com",
    "reply_to": "answers@example.com",
    "address": "1 Street",
    "city": "Town",
    "country": "Land",
}


def test_a_sender_is_verified_by_mail_or_by_an_operator_with_the_permission(
    operator: Client, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    operator.post(f"{SENDERS}add/", {"account": alice.pk, **SENDER})
    sender = Sender.objects.get()
    assert sender.verified_at is None
    deliverer.deliver_due(seconds=5)
    assert peer.recipients == ["news@example.com"]
    with logged_in("carl", may=("campaigns.view_sender", "campaigns.change_sender")) as helper:
        page = helper.get(f"{SENDERS}{sender.pk}/change/").text
        assert f"{SENDERS}{sender.pk}/resend/" in page
        assert f"{SENDERS}{sender.pk}/verify/" not in page
        assert helper.post(f"{SENDERS}{sender.pk}/verify/").status_code == 403
        helper.post(f"{SENDERS}{sender.pk}/resend/")
    deliverer.deliver_due(seconds=5)
    assert len(peer.recipients) == 2
    with logged_in("vic", may=("campaigns.view_sender", "campaigns.verify_sender")) as verifier:
        page = verifier.get(f"{SENDERS}{sender.pk}/change/").text
        assert f"{SENDERS}{sender.pk}/verify/" in page
        assert f"{SENDERS}{sender.pk}/resend/" not in page

        done = verifier.post(f"{SENDERS}{sender.pk}/verify/", follow=True)

        assert "The sender is verified." in done.text
        sender.refresh_from_db()
        assert sender.verified_at is not None
        again = verifier.post(f"{SENDERS}{sender.pk}/verify/", follow=True)
        assert "the sender is verified already" in again.text


@further
def test_errors_of_a_sender_are_shown_beside_its_fields(operator: Client, alice: Account) -> None:
    add_sender(alice)
    wrong = {"account": alice.pk, **SENDER, "reply_to": "nobody", "nickname": "NEWS 0"}
    assert "This value is not valid." in operator.post(f"{SENDERS}add/", wrong).text
    taken = operator.post(f"{SENDERS}add/", wrong | {"reply_to": "answers@example.com"})
    assert "Another sender of the account has this nickname." in taken.text
    assert Sender.objects.count() == 1


@further
def test_a_sender_that_a_campaign_uses_stays(operator: Client, alice: Account) -> None:
    sender = ready_campaign(alice).sender
    assert sender is not None
    page = f"{SENDERS}{sender.pk}/change/"
    answer = operator.post(page, {**SENDER, "nickname": sender.nickname, "from_email": "other@example.com"})
    assert "A campaign that is a draft, scheduled or being sent uses this sender." in answer.text
    assert operator.post(f"{SENDERS}{sender.pk}/delete/", {"post": "yes"}).status_code == 403
    Campaign.objects.all().update(sender=None)
    operator.post(f"{SENDERS}{sender.pk}/delete/", {"post": "yes"})
    assert not Sender.objects.exists()


@further
def test_unsubscribe_groups_are_created_changed_and_deleted(operator: Client, alice: Account) -> None:
    form = {"account": alice.pk, "name": "News", "description": "Once a week"}
    operator.post(f"{GROUPS}add/", form)
    group = UnsubscribeGroup.objects.get()
    assert "The account already has an unsubscribe group with this name." in operator.post(f"{GROUPS}add/", form).text
    operator.post(f"{GROUPS}add/", form | {"name": "Offers", "is_default": "on"})
    operator.post(f"{GROUPS}{group.pk}/change/", {"name": "Letters", "description": "Now and then", "is_default": "on"})
    assert list(UnsubscribeGroup.objects.order_by("pk").values_list("name", "is_default")) == [
        ("Letters", True),
        ("Offers", False),
    ]
    operator.get(GROUPS)
    operator.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}, follow=True)
    group.refresh_from_db()
    assert group.deleted_at is not None
    assert "Letters" not in operator.get(GROUPS).text


def as_spreadsheets_do(data: bytes) -> bytes:
    """Return the same rows with tabs, in UTF-16."""
    return data.decode().replace(",", "\t").encode("utf-16")


@pytest.mark.parametrize("pack", few_by_default([bytes, gzip.compress, as_spreadsheets_do], as_spreadsheets_do))
def test_a_file_is_imported_and_its_broken_rows_can_be_downloaded(
    operator: Client, alice: Account, charlie: Account, pack: Any
) -> None:
    made, foreign = add_list(alice, []), add_list(charlie, [])
    points = create_field(alice, "points", FieldType.NUMBER)
    rows = (
        'E-Mail, "First Name" ,points,shoe size,\r\nann@example.com,Ann,17,38\r\nnobody,Bob,1,40\r\n'
        "cid@example.com,,x,\r\n"
    )
    page = operator.get(f"{IMPORT}?account={alice.pk}").text
    assert f'value="{made.pk}"' in page
    assert f'value="{foreign.pk}"' not in page

    begun = upload(operator, alice, pack(rows.encode()), lists=[made.pk])

    job = Job.objects.get()
    assert begun.redirect_chain[-1][0] == f"{JOBS}{job.pk}/change/"
    assert "Contacts have no such fields, so these columns are not imported: shoe size." in begun.text
    assert 'http-equiv="refresh"' in begun.text
    run_job(job.pk)
    ann = Contact.objects.get()
    assert (ann.email, ann.first_name, ann.custom) == ("ann@example.com", "Ann", {str(points.pk): 17})
    made.refresh_from_db()
    assert made.contact_count == 1
    shown = operator.get(f"{JOBS}{job.pk}/change/").text
    assert "errored" in shown
    assert ("nobody\tBob" if pack is as_spreadsheets_do else "nobody,Bob") in shown
    assert 'http-equiv="refresh"' not in shown
    assert "2 rejected" in strip_tags(operator.get(JOBS).text)

    answer = operator.get(f"{JOBS}{job.pk}/rejected.csv")

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert [line.split(",")[0] for line in lines] == ["row", "3", "4"]
    assert "attachment" in answer.headers["Content-Disposition"]


OTHER_FORMATS = {
    "no identifier": (b"first_name,last_name\r\nAnn,A\r\n", "No column is one of email"),
    "one field twice": (b"email,E-Mail\r\na@example.com,b@example.com\r\n", "Two columns are the same field"),
    "open quote": (b'"email\r\na@example.com\r\n', "not closed"),
    "empty lines": (b"\r\n\r\n", "The file is empty"),
    "nothing": (b"", "empty"),
    "damaged": (b"\x1f\x8b damaged", "The gzip file"),
}


@further
def test_a_file_of_another_format_is_refused_with_the_reason(operator: Client, alice: Account) -> None:
    for name, (content, message) in OTHER_FORMATS.items():
        answer = upload(operator, alice, content)
        assert answer.status_code == 200, name
        assert message in read(answer), name


@further
def test_a_user_without_the_permission_to_import_gets_no_import_button(alice: Account) -> None:
    with logged_in("vera", may=("audience.view_job",)) as viewer:
        assert IMPORT not in viewer.get(JOBS).text
        assert upload(viewer, alice, b"email\r\na@example.com\r\n").status_code == 403
    with logged_in("ida", may=("audience.view_job", "audience.add_contact")) as importer:
        assert IMPORT in importer.get(JOBS).text
        assert upload(importer, alice, b"email\r\na@example.com\r\n").status_code == 200
    with logged_in("nora", may=("audience.view_contact",)) as stranger:
        assert stranger.get(f"{JOBS}{Job.objects.get().pk}/rejected.csv").status_code == 403


def test_a_user_with_view_permission_changes_nothing(alice: Account) -> None:
    assert ready_campaign(alice).sender
    models = {LISTS: ContactList, SENDERS: Sender, GROUPS: UnsubscribeGroup}
    for path, model in models.items():
        row: Any = model._default_manager.get()
        with logged_in("vera", may=(f"{model._meta.app_label}.view_{model._meta.model_name}",)) as viewer:
            assert viewer.get(path).status_code == 200, path
            assert viewer.get(f"{path}{row.pk}/change/").status_code == 200, path
            assert viewer.post(f"{path}{row.pk}/change/", {"name": "x"}).status_code == 403, path
            assert viewer.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403, path
            assert viewer.get(f"{path}add/").status_code == 403, path


@further
def test_the_terms_of_an_account_are_changed(operator: Client, alice: Account) -> None:
    operator.post(f"{TERMS}add/", {"account": alice.pk, "rate_per_minute": 60, "undo_seconds": 10})
    page = f"{TERMS}{alice.pk}/change/"
    assert operator.get(page).status_code == 200
    operator.post(page, {"rate_per_minute": "", "undo_seconds": 0})
    terms = alice.campaign_terms
    assert (terms.rate_per_minute, terms.undo_seconds) == (None, 0)
    again = operator.post(f"{TERMS}add/", {"account": alice.pk, "undo_seconds": 10})
    assert "already exists" in again.text
