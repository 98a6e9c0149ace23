"""Addresses in every API: invisible characters are refused, and all spellings of a domain are one address."""

# ruff: noqa: RUF001 (the tests are about characters that look like others)

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import pytest

from accounts.models import Account
from audience.contacts import find_by_identifier
from audience.models import Contact, Job, RejectedRow
from campaigns.editing import create_campaign
from campaigns.errors import InvalidSender
from campaigns.lifecycle import send_now
from campaigns.models import Campaign, Sender
from campaigns.senders import create_sender, find_verified
from foundation.errors import UnfitCharacter
from mailer.admin.addresses import AddressesForm
from mailer.models import Mail, Suppression, UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import leave_everything
from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs
from tests.api.sendgrid.contact_calls import CONTACTS, EMAIL, begin, upload
from tests.api.soap.envelopes import PARTNER, envelope, post, user
from tests.campaigns.building import add_contacts, add_sender, ready_campaign, run_fleet
from tests.examples import few_by_default, further
from tests.foundation.characters import INVISIBLE
from tests.peer import CountingPeer

PLACES = [*(f"a{char}n@x.org" for char in INVISIBLE), *(f"an@x{char}y.org" for char in INVISIBLE)]
BAD = [*PLACES, "an@\U0001f4a9.example", "an@bücher_x.example", f"an@{'ü' * 63}.example"]
SOME = [
    each for each in BAD if any(char in each for char in "\u00ad\u200b\u200d\u2060\ufeff\u3164\ufe0f\u0378\U0001f4a9")
]
"""A selection, for calls that take one address at a time."""
UNSEEN = [each for each in SOME if "\U0001f4a9" not in each and "x\u200d" not in each]
"""Texts for which no lookup is made. Other malformed addresses are looked up, and are on no list."""


def mail_with(**parts: Any) -> dict[str, Any]:
    mail: dict[str, Any] = {
        "personalizations": [{"to": [{"email": "r@example.com"}]}],
        "from": {"email": "s@example.com"},
        "subject": "News",
        "content": [{"type": "text/plain", "value": "Hello"}],
    }
    mail["personalizations"][0] |= {name: parts.pop(name) for name in ("to", "cc", "bcc") if name in parts}
    if "own_from" in parts:
        mail["personalizations"][0]["from"] = parts.pop("own_from")
    return mail | parts


MAIL_FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    **{name: lambda email, name=name: {name: [{"email": email}]} for name in ("to", "cc", "bcc", "reply_to_list")},
    "from": lambda email: {"from": {"email": email}},
    "own_from": lambda email: {"own_from": {"email": email}},
    "reply_to": lambda email: {"reply_to": {"email": email}},
}


def test_mail_with_an_unfit_address_is_refused(
    client_of_alice: ApiClient, subtests: pytest.Subtests, step: int
) -> None:
    for field in MAIL_FIELDS:
        with subtests.test(field=field):
            for email in (BAD if field == "to" else SOME)[::step]:
                answer = client_of_alice.post("/v3/mail/send", mail_with(**MAIL_FIELDS[field](email)))
                assert answer.status_code == 400, ascii(email)
                assert field.removeprefix("own_") in answer.json()["errors"][0]["field"]
            assert not Mail.objects.exists()


def test_an_unfit_address_is_not_put_on_a_suppression_list(client_of_alice: ApiClient, alice: Account) -> None:
    group = UnsubscribeGroup.objects.create(account=alice, name="news")
    for path in ("/v3/asm/suppressions/global", f"/v3/asm/groups/{group.pk}/suppressions"):
        for email in SOME:
            assert client_of_alice.post(path, {"recipient_emails": ["b@x.org", email]}).status_code == 400, ascii(email)
    assert not Suppression.objects.exists()


@further
def test_an_invisible_character_is_refused_where_a_suppression_is_looked_for(
    client_of_alice: ApiClient, alice: Account
) -> None:
    group = UnsubscribeGroup.objects.create(account=alice, name="news")
    leave_everything(alice, ["an@x.org"])
    of_group = f"/v3/asm/groups/{group.pk}/suppressions"
    for email in UNSEEN[::4]:
        calls: Iterable[tuple[str, str, Any]] = [
            *((verb, f"/v3/asm/suppressions/global/{quote(email)}", None) for verb in ("GET", "DELETE")),
            ("GET", f"/v3/asm/suppressions/{quote(email)}", None),
            ("DELETE", f"{of_group}/{quote(email)}", None),
            *((verb, f"/v3/suppression/bounces/{quote(email)}", None) for verb in ("GET", "DELETE")),
            ("DELETE", "/v3/suppression/blocks", {"emails": [email]}),
            ("GET", f"/v3/suppression/unsubscribes?email={quote(email)}", None),
            ("POST", f"{of_group}/search", {"recipient_emails": [email]}),
        ]
        for verb, path, body in calls:
            answer = client_of_alice.ask(verb, path, body)
            assert answer.status_code == 400, (verb, path)
            assert "invisible" in answer.json()["errors"][0]["message"]
    assert Suppression.objects.count() == 1


def by_contactdb(client: ApiClient, emails: list[str]) -> None:
    answer = client.post("/v3/contactdb/recipients", [{"email": email} for email in emails])
    assert answer.json()["error_count"] == len(emails)


def by_marketing(client: ApiClient, emails: list[str]) -> None:
    assert client.put(CONTACTS, {"contacts": [{"email": email} for email in emails]}).status_code == 202
    do_jobs()
    assert RejectedRow.objects.count() == len(emails)


def by_alternates(client: ApiClient, emails: list[str]) -> None:
    contacts = [{"email": f"r{n}@x.org", "alternate_emails": [email]} for n, email in enumerate(emails)]
    assert client.put(CONTACTS, {"contacts": contacts}).status_code == 202
    do_jobs()
    assert RejectedRow.objects.count() == len(emails)


def by_csv(client: ApiClient, emails: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["email"], *([email] for email in emails)])
    assert upload(begin(client, field_mappings=[EMAIL]), text.getvalue().encode()).status_code == 200
    do_jobs()
    assert Job.objects.get().errored_count == len(emails)


def by_easymail(client: ApiClient, emails: list[str]) -> None:
    for email in emails[::4]:
        assert client.post("/api/v1/contacts", {"email": email}).status_code == 422, ascii(email)


def by_soap(client: ApiClient, emails: list[str]) -> None:
    add_sender(client.account)
    for email in emails[::4]:
        assert not soap_send(client, email), ascii(email)


def soap_send(client: ApiClient, email: str, key: str = "") -> bool:
    """Return whether a send to the address is accepted; a character that XML does not allow causes a fault."""
    subscriber = f"<EmailAddress>{email}</EmailAddress>{key and f'<SubscriberKey>{key}</SubscriberKey>'}"
    send = (
        "<Email><Subject>News</Subject><TextBody>Hello [unsubscribe]</TextBody></Email>"
        f"<List><Subscribers>{subscriber}</Subscribers></List><FromAddress>news@example.com</FromAddress>"
    )
    body = f'<CreateRequest xmlns="{PARTNER}"><Objects xsi:type="Send">{send}</Objects></CreateRequest>'
    reply = post(envelope(body, user(client.account.username, client.key_text)))
    return reply.status == 200 and reply.overall == "OK"


@pytest.mark.parametrize(
    "store",
    few_by_default([by_contactdb, by_marketing, by_alternates, by_csv, by_easymail, by_soap], by_marketing, by_csv),
)
def test_a_contact_with_an_unfit_address_is_not_stored(
    store: Callable[[ApiClient, list[str]], None], client_of_alice: ApiClient
) -> None:
    # White space around a value is removed, and no CSV reader ends a row at a line separator.
    store(client_of_alice, BAD)
    assert not Contact.objects.exists()


def test_a_sender_with_an_unfit_address_is_refused(client_of_alice: ApiClient, alice: Account) -> None:
    good = {"nickname": "n", "from_name": "N", "from_email": "n@x.org", "reply_to": "n@x.org"}
    place = {"address": "1 Street", "city": "Town", "country": "Land"}
    for email in SOME:
        for part in ("from_email", "reply_to"):
            with pytest.raises(InvalidSender):
                create_sender(alice, **{**good, **place, part: email})  # type: ignore[arg-type]
    body = {
        **place,
        "nickname": "n",
        "from": {"email": "a\u200bn@x.org", "name": "N"},
        "reply_to": {"email": "n@x.org"},
    }
    for path in ("/v3/senders", "/v3/marketing/senders"):
        assert client_of_alice.post(path, body).status_code == 400
    assert not Sender.objects.exists()


def test_a_campaign_with_an_unfit_address_is_refused(client_of_alice: ApiClient, alice: Account) -> None:
    for email in SOME:
        with pytest.raises(UnfitCharacter):
            create_campaign(alice, {"title": "May", "reply_to": email})
        assert not AddressesForm({"to": email}).is_valid(), ascii(email)
    answer = client_of_alice.post("/api/v1/campaigns", {"name": "May", "reply_to": "a\u200bn@x.org"})
    assert answer.status_code == 422
    assert not Campaign.objects.exists()


# --- one address ------------------------------------------------------------------------------------------------------

U_LABEL, A_LABEL, ODD = "Ada@straße.example", "ada@xn--strae-oqa.example", "ada@STRAẞE．example"
ANOTHER = "ada@strasse.example"


@pytest.mark.parametrize("first", few_by_default([U_LABEL, A_LABEL, ODD], ODD))
def test_all_spellings_are_one_contact(first: str, client_of_alice: ApiClient, alice: Account) -> None:
    assert client_of_alice.post("/api/v1/contacts", {"email": first}).status_code == 201
    for email in (U_LABEL, A_LABEL, ODD):
        assert client_of_alice.post("/api/v1/contacts", {"email": email}).status_code == 409
    rows = [{"email": email, "first_name": "Ada"} for email in (U_LABEL, A_LABEL, ODD)]
    assert client_of_alice.post("/v3/contactdb/recipients", rows).json()["new_count"] == 0
    assert client_of_alice.put(CONTACTS, {"contacts": rows}).status_code == 202
    do_jobs()
    contact = Contact.objects.get()
    assert contact.email == A_LABEL
    for email in (U_LABEL, A_LABEL, ODD):
        assert find_by_identifier(alice, "email", [email]) == {A_LABEL: contact}
        matches = client_of_alice.post(f"{CONTACTS}/search/emails", {"emails": [email]}).json()["result"]
        assert [each["contact"]["email"] for each in matches.values()] == [A_LABEL]
        for query in (f"email = '{email}'", f"email in ('x', '{email}')", f"email like '{email[:2]}%{email[3:]}'"):
            assert client_of_alice.post(f"{CONTACTS}/search", {"query": query}).json()["contact_count"] == 1, query
        listed = client_of_alice.get(f"/v3/contactdb/recipients/search?email={quote(email)}").json()
        assert len(listed["recipients"]) == 1
        assert client_of_alice.get(f"/api/v1/contacts?search={quote(email)}").json()["pagination"]["total"] == 1
    domain = U_LABEL.partition("@")[2]
    query = {"query": f"contains(email_domains, '{domain}')"}
    assert client_of_alice.post(f"{CONTACTS}/search", query).json()["contact_count"] == 1
    assert find_by_identifier(alice, "email", [ANOTHER]) == {}


@further
def test_a_subscriber_key_that_is_the_address_is_no_second_identifier(client_of_alice: ApiClient) -> None:
    add_sender(client_of_alice.account)
    UnsubscribeGroup.objects.create(account=client_of_alice.account, name="news")
    assert soap_send(client_of_alice, U_LABEL, A_LABEL)
    assert soap_send(client_of_alice, A_LABEL, U_LABEL)
    contact = Contact.objects.get()
    assert (contact.email, contact.external_id) == (A_LABEL, None)


@further
@pytest.mark.parametrize("spelling", few_by_default([U_LABEL, A_LABEL, ODD], ODD))
def test_all_spellings_are_one_suppression(
    spelling: str, client_of_alice: ApiClient, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    assert client_of_alice.post("/v3/asm/suppressions/global", {"recipient_emails": [spelling]}).status_code == 201
    for email in (U_LABEL, A_LABEL, ODD):
        suppression = client_of_alice.get(f"/v3/asm/suppressions/global/{quote(email)}").json()
        assert suppression == {"recipient_email": A_LABEL}
        listed = client_of_alice.get(f"/v3/suppression/unsubscribes?email={quote(email)}").json()
        assert [each["email"] for each in listed] == [A_LABEL]
        assert client_of_alice.post("/v3/mail/send", mail_with(to=[{"email": email}])).status_code == 202
    assert client_of_alice.get(f"/v3/asm/suppressions/global/{ANOTHER}").json() == {}
    assert client_of_alice.post("/v3/mail/send", mail_with(to=[{"email": ANOTHER}])).status_code == 202
    client_of_alice.post("/v3/contactdb/recipients", [{"email": U_LABEL}, {"email": "other@x.org"}])
    send_now(alice, ready_campaign(alice, recipients=0, is_to_all=True, lists=[]).pk)
    run_fleet(deliverer)
    deliverer.deliver_due(seconds=10)
    assert sorted(peer.recipients) == [ANOTHER, "other@x.org"]


def test_all_spellings_are_one_recipient_and_one_reply_address(client_of_alice: ApiClient) -> None:
    twice = mail_with(cc=[{"email": U_LABEL}], bcc=[{"email": A_LABEL}])
    assert "duplicate" in client_of_alice.post("/v3/mail/send", twice).json()["errors"][0]["message"]
    replies = mail_with(reply_to_list=[{"email": U_LABEL}, {"email": ODD}])
    assert "unique" in client_of_alice.post("/v3/mail/send", replies).json()["errors"][0]["message"]
    others = mail_with(cc=[{"email": U_LABEL}], bcc=[{"email": ANOTHER}])
    assert client_of_alice.post("/v3/mail/send", others).status_code == 202


def test_all_spellings_are_one_sender(alice: Account) -> None:
    sender = add_sender(alice)
    Sender.objects.filter(pk=sender.pk).update(from_email=U_LABEL)
    for email in (U_LABEL, A_LABEL, ODD):
        assert find_verified(alice, email=email, name=None).pk == sender.pk


def test_contacts_in_ascii_are_found_in_any_case(alice: Account) -> None:
    add_contacts(alice, ["ann@my_host.example"])
    assert find_by_identifier(alice, "email", ["Ann@My_Host.Example"]).keys() == {"ann@my_host.example"}


# --- a byte order mark ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v3/mail/send", b'{"personalizations": 1}', 400),
        ("/v3/marketing/lists", b'{"name": "a list"}', 201),
        ("/v3/contactdb/lists", b'{"name": "a list"}', 201),
        ("/api/v1/lists", b'{"name": "a list"}', 201),
        ("/v3/asm/suppressions/global", b'{"recipient_emails": ["a@x.org"]}', 201),
    ],
)
def test_a_byte_order_mark_before_json_is_skipped(
    path: str, body: bytes, status: int, client_of_alice: ApiClient
) -> None:
    plain = client_of_alice.post(path, body.replace(b"a list", b"another list"))
    marked = client_of_alice.post(path, b"\xef\xbb\xbf" + body)
    assert marked.status_code == plain.status_code == status
    assert marked.json().keys() == plain.json().keys()
    if status == 400:
        assert marked.content == plain.content
    assert client_of_alice.post(path, b"\xef\xbb\xbf\xef\xbb\xbf" + body).status_code == 400
