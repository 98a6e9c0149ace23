"""Test the Email Activity API: search, one message, and downloads."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from django.test import Client
from sendgrid import SendGridAPIClient

from accounts.keys import revoke_key
from accounts.models import Account
from audience.jobs import event_exports
from audience.models import Job
from batches.handles import create_batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from foundation.clock import database_now
from mailer.draft import Address, Personalization
from mailer.models import Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.tracking.tokens import SEVERAL, TrackedLink, TrackedMessage
from mailer.tracking.writing import Hit, write_hits
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.audience import do_jobs
from tests.api.sendgrid.bodies import mail_body
from tests.drafts import draft
from tests.examples import further
from tests.peer import CountingPeer

MESSAGES = "/v3/messages"
DOWNLOAD = f"{MESSAGES}/download"


def search(client: ApiClient, query: str | None = None, **parameters: Any) -> Any:
    values = parameters if query is None else {"query": query, **parameters}
    return client.get(
        f"{MESSAGES}?" + "&".join(f"{name}={quote(str(value), safe='()')}" for name, value in values.items())
    )


def listed(client: ApiClient, query: str | None = None, **parameters: Any) -> list[dict[str, Any]]:
    answer = search(client, query, **parameters)
    assert answer.status_code == 200, answer.content
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


def refusal_of(answer: Any) -> tuple[int, list[dict[str, str]]]:
    return answer.status_code, answer.json()["errors"]


@pytest.fixture
def mail_id(client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer) -> str:
    """Send a mail to two recipients and one to a third, who refused it; return its X-Message-Id."""
    peer.replies["bob@example.com"] = "550 5.1.1 no such user"
    body = mail_body(
        personalizations=[
            {"to": [{"email": "ann@example.com"}], "cc": [{"email": "cc@example.com"}]},
            {"to": [{"email": "bob@example.com"}], "custom_args": {"order": "7"}},
        ],
        subject="Hello",
        categories=["news"],
        custom_args={"shop": "s1"},
    )
    answer = client_of_alice.post("/v3/mail/send", body)
    assert answer.status_code == 202, answer.content
    deliverer.deliver_due(seconds=5)
    return str(answer["X-Message-Id"])


@further
def test_messages_of_a_request_are_found_by_its_id(client_of_alice: ApiClient, mail_id: str) -> None:
    messages = listed(client_of_alice, f"msg_id LIKE '{mail_id}%'")
    assert [(each["to_email"], each["status"]) for each in messages] == [
        ("bob@example.com", "not_delivered"),
        ("ann@example.com", "delivered"),
        ("cc@example.com", "delivered"),
    ]
    assert list(messages[0]) == [
        *("from_email", "msg_id", "subject", "to_email", "status", "opens_count", "clicks_count", "last_event_time"),
    ]
    assert len({each["msg_id"] for each in messages}) == 3
    assert all(each["msg_id"].startswith(f"{mail_id}.") for each in messages)
    assert listed(client_of_alice) == messages, "without a query all messages are meant"
    assert listed(client_of_alice, limit=1) == messages[:1]
    assert listed(client_of_alice, f'msg_id="{messages[2]["msg_id"]}"') == messages[2:]
    assert listed(client_of_alice, 'to_email="bob@example.com" AND status="not_delivered"') == messages[:1]
    assert listed(client_of_alice, 'unique_args[\'order\']="7" AND Contains(categories,"news")') == messages[:1]


def test_one_message_has_its_events(client_of_alice: ApiClient, mail_id: str) -> None:
    bob, ann, _ = listed(client_of_alice)
    message = client_of_alice.get(f"{MESSAGES}/{bob['msg_id']}").json()
    assert {name: message[name] for name in ("msg_id", "subject", "to_email", "status", "categories")} == {
        "msg_id": bob["msg_id"],
        "subject": "Hello",
        "to_email": "bob@example.com",
        "status": "not_delivered",
        "categories": ["news"],
    }
    assert json.loads(message["unique_args"]) == {"shop": "s1", "order": "7"}
    processed, bounced = message["events"]
    assert (processed["event_name"], bounced["event_name"], bounced["bounce_type"]) == ("processed", "bounced", "hard")
    assert bounced["reason"].startswith("550 5.1.1")
    delivered = client_of_alice.get(f"{MESSAGES}/{ann['msg_id']}").json()["events"][-1]
    assert (delivered["event_name"], delivered["processed"]) == ("delivered", ann["last_event_time"])


def test_opens_and_clicks_of_people_are_events(client_of_alice: ApiClient, alice: Account) -> None:
    tracking = {"open_tracking": {"enable": True}, "click_tracking": {"enable": True}}
    people = [
        {"to": [{"email": "ann@example.com"}]},
        {"to": [{"email": "eve@example.com"}, {"email": "x@example.com"}]},
    ]
    client_of_alice.post("/v3/mail/send", mail_body(personalizations=people, tracking_settings=tracking))
    mail, (ann, eve) = Mail.objects.get(), Message.objects.order_by("pk")
    link = TrackedLink("https://shop.example/", 0, is_html=True)
    now = database_now()
    for seconds, (message, target) in enumerate(((ann, None), (ann, link), (ann, None), (eve, None))):
        tracked = TrackedMessage(alice.pk, mail.pk, message.pk, 0 if message == ann else SEVERAL)
        at = now + dt.timedelta(seconds=seconds)
        write_hits([Hit(at, tracked, target, None, "Firefox", is_machine) for is_machine in (False, True)])
    (line,) = listed(client_of_alice, "clicks = 1")
    assert (line["to_email"], line["opens_count"], line["clicks_count"]) == ("ann@example.com", 2, 1)
    assert [each["to_email"] for each in listed(client_of_alice, "contains(events, 'opened')")] == ["ann@example.com"]
    events = client_of_alice.get(f"{MESSAGES}/{line['msg_id']}").json()["events"]
    assert [(each["event_name"], each["http_user_agent"]) for each in events] == [
        ("processed", ""),
        ("opened", "Firefox"),
        ("clicked", "Firefox"),
        ("opened", "Firefox"),
    ]


def test_another_account_sees_nothing(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, subuser: Account, mail_id: str
) -> None:
    accept_mail(subuser, draft(name="sub"))
    ids = [each["msg_id"] for each in listed(client_of_alice)]
    queries = [
        *(None, f"msg_id LIKE '{mail_id}%'", f"msg_id IN ('{ids[0]}', '{ids[1]}')", 'to_email="bob@example.com"'),
        *("status != 'x'", f"msg_id = '{ids[0]}' OR to_email = 'bob@example.com'"),
    ]
    for query in queries:
        assert listed(client_of_charlie, query) == [], query
        assert listed(client_of_alice, query) != [], query
    for msg_id in [*ids, f"{mail_id}.1", f"{ids[0]}.9", "x", "x" * 200, mail_id]:
        answer = client_of_charlie.get(f"{MESSAGES}/{msg_id}")
        assert refusal_of(answer) == (404, [{"message": "not found", "field": "message_id"}]), msg_id
    answer = client_of_alice.get(MESSAGES, headers={"On-Behalf-Of": "alice-shop"})
    assert [each["to_email"] for each in answer.json()["messages"]] == ["sub0@example.com"]
    assert client_of_charlie.get(MESSAGES, headers={"On-Behalf-Of": "alice-shop"}).status_code == 403


@further
def test_wrong_queries_are_refused_in_sendgrids_form(client_of_alice: ApiClient) -> None:
    syntax = "invalid syntax: "
    wrong = {
        "bad_field = 1": f"{syntax}'bad_field' is not a known field",
        "status": f"{syntax}unexpected end of the query",
        "status = ": f"{syntax}unexpected end of the query",
        "status = delivered": f"{syntax}unexpected 'delivered' at position 10",
        "status = 'x": f'{syntax}unexpected "\'" at position 10',
        "status = 'x' status = 'y'": f"{syntax}unexpected 'status' at position 14",
        "status = 'x';": f"{syntax}unexpected ';' at position 13",
        "events = 'x'": "operator = is incompatible with ARRAY<STRING>, STRING",
        "clicks = 'x'": "operator = is incompatible with INTEGER, STRING",
        "status > 1": "operator > is incompatible with STRING, INTEGER",
        "clicks LIKE '1%'": "operator LIKE is incompatible with INTEGER, STRING",
        "contains(subject, 'x')": "CONTAINS expects an array or map type as the first argument",
        "contains(events, 1)": "operator CONTAINS is incompatible with ARRAY<STRING>, INTEGER",
        "unique_args = 'x'": "operator = is incompatible with MAP<STRING, STRING>, STRING",
        "status['x'] = 'y'": f"{syntax}'status' has no keys",
        "api_key_id = 'x'": "'api_key_id' is not recorded here, so messages cannot be found by it",
        "last_event_time > TIMESTAMP 'soon'": f"{syntax}'soon' is not a time such as 2026-11-29T09:30:00Z",
        "last_event_time > '99999-01-01'": f"{syntax}'99999-01-01' is not a time such as 2026-11-29T09:30:00Z",
        "last_event_time > TIMESTAMP '0001-01-01T00:00:00+23:59'": (
            f"{syntax}'0001-01-01T00:00:00+23:59' is not a time such as 2026-11-29T09:30:00Z"
        ),
        "status = 'a\0b'": "the query has control characters",
        "(" * 1500: f"{syntax}unexpected end of the query",
        "(" * 600 + "clicks=0" + ")" * 600: f"{syntax}the conditions are nested too deeply",
        "not " * 300 + "clicks=0": f"{syntax}the conditions are nested too deeply",
        " or ".join(["clicks=0"] * 161): f"{syntax}the query has more than 160 conditions",
        f"status = '{'x' * 1001}'": "a text of the query is longer than 1000 characters",
    }
    for query, text in wrong.items():
        errors = [{"message": text, "field": "query"}]
        assert refusal_of(search(client_of_alice, query)) == (400, errors), query
        assert refusal_of(client_of_alice.post(f"{DOWNLOAD}?query={quote(query, safe='()')}")) == (400, errors), query
    assert not Job.objects.exists()
    for limit in ("0", "1001", "-1", "x", ""):
        text = "limit must be an integer from 1 to 1000"
        assert refusal_of(search(client_of_alice, limit=limit)) == (400, [{"message": text, "field": "limit"}])
    answer = client_of_alice.get(f"{MESSAGES}?query={'a' * 100_000}")
    assert refusal_of(answer) == (414, [{"message": "query string too long"}])
    assert refusal_of(Client().get(MESSAGES)) == (401, [{"message": "authorization required"}])
    assert client_of_alice.get(f"{MESSAGES}?query=subject%3D'%ff%fe'").json() == {"messages": []}


@further
def test_stopped_and_waiting_mail_has_a_status(client_of_alice: ApiClient, deliverer: Deliverer) -> None:
    alice = client_of_alice.account
    batch = create_batch(alice)
    accept_mail(alice, draft(batch_id=batch.public_id, name="held"))
    stop_batch(alice, batch.public_id, BatchStatus.CANCELLED, actor="a test", allowed_from={BatchStatus.OPEN})
    statuses = [each["status"] for each in listed(client_of_alice, "status = 'processing'")]
    deliverer.deliver_due(seconds=1)
    (line,) = listed(client_of_alice)
    assert (statuses, line["status"]) == (["processed"], "not_delivered")
    events = client_of_alice.get(f"{MESSAGES}/{line['msg_id']}").json()["events"]
    assert [(each["event_name"], each.get("reason")) for each in events] == [
        ("processed", None),
        ("dropped", "its batch was cancelled"),
    ]


def test_scopes_have_two_names(client_of_alice: ApiClient, new_client: NewClient, mail_id: str) -> None:
    alice = client_of_alice.account
    for scope in ("email_activity.read", "messages.read"):
        reader = new_client(alice, [scope])
        assert [reader.get(MESSAGES).status_code, reader.post(DOWNLOAD).status_code] == [200, 202], scope
    stranger = new_client(alice, ["mail.send"])
    for answer in (stranger.get(MESSAGES), stranger.get(f"{MESSAGES}/x"), stranger.post(DOWNLOAD)):
        assert refusal_of(answer) == (403, [{"message": "access forbidden"}])


def download(client: ApiClient, query: str = "") -> str:
    answer = client.post(f"{DOWNLOAD}?query={quote(query)}")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending"), answer.content
    return str(answer.json()["download_uuid"])


def test_a_download_has_every_event(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, mail_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.activity.finding.PAGE", 1)
    whole, some, nothing = (download(client_of_alice, query) for query in ("", "status='delivered'", "clicks=1"))
    not_ready = {"message": "the download is not ready yet", "field": ""}
    assert refusal_of(client_of_alice.get(f"{DOWNLOAD}/{whole}")) == (404, [not_ready])
    do_jobs()
    rows = {name: rows_of(client_of_alice, name) for name in (whole, some, nothing)}
    assert [(row["email"], row["event"], row["type"]) for row in rows[whole]] == [
        ("bob@example.com", "processed", ""),
        ("bob@example.com", "bounced", "bounce"),
        ("ann@example.com", "processed", ""),
        ("ann@example.com", "delivered", ""),
        ("cc@example.com", "processed", ""),
        ("cc@example.com", "delivered", ""),
    ]
    assert rows[whole][0].keys() == set(event_exports.COLUMNS)
    assert {row["message_id"].split(".")[0] for row in rows[whole]} == {mail_id}
    assert (len(rows[some]), rows[nothing]) == (4, [])
    unknown = (404, [{"message": "download token is invalid or expired", "field": ""}])
    for client, name in ((client_of_charlie, whole), (client_of_alice, str(uuid.uuid4())), (client_of_alice, "x")):
        assert refusal_of(client.get(f"{DOWNLOAD}/{name}")) == unknown


def rows_of(client: ApiClient, download_uuid: str) -> list[dict[str, str]]:
    url = client.get(f"{DOWNLOAD}/{download_uuid}").json()["presigned_url"]
    answer = Client().get(url)
    assert answer.status_code == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


@further
def test_a_download_ends_at_its_limits(
    client_of_alice: ApiClient, mail_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.activity.finding.PAGE", 1)
    monkeypatch.setattr(event_exports, "MOST_EVENTS", 3)
    few = download(client_of_alice)
    do_jobs()
    assert len(rows_of(client_of_alice, few)) == 3
    monkeypatch.setattr(event_exports, "MOST_LOOKED_AT", 1)
    limited = download(client_of_alice)
    do_jobs()
    assert len(rows_of(client_of_alice, limited)) == 2


def test_a_link_ends_with_its_key(client_of_alice: ApiClient, mail_id: str) -> None:
    name = download(client_of_alice)
    do_jobs()
    url = client_of_alice.get(f"{DOWNLOAD}/{name}").json()["presigned_url"]
    revoke_key(client_of_alice.account, client_of_alice.key.key_id)
    assert Client().get(url).status_code == 404


def test_a_search_that_stops_early_says_so(
    client_of_alice: ApiClient, mail_id: str, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    assert not search(client_of_alice, "clicks=1").has_header("X-Sluice-Warning")
    monkeypatch.setattr("mailer.activity.finding.PAGE", 1)
    monkeypatch.setattr("mailer.activity.finding.LOOKED_AT", 1)
    answer = search(client_of_alice, "status='delivered'")
    assert (answer.json(), "were not looked at" in answer["X-Sluice-Warning"]) == ({"messages": []}, True)


def test_cells_of_a_download_are_no_formulas(client_of_alice: ApiClient) -> None:
    hostile = "=cmd|' /C calc'!A0"
    personalization = Personalization((Address("a@example.com"),), subject=hostile, custom_args={"=x": '"'})
    accepted = accept_mail(client_of_alice.account, replace(draft(), personalizations=(personalization,)))
    mail_id = "-" + "a" * 21
    Mail.objects.update(public_id=mail_id)
    name = download(client_of_alice)
    do_jobs()
    (row,) = rows_of(client_of_alice, name)
    assert (row["subject"], json.loads(row["unique_args"])) == (f"'{hostile}", {"=x": '"'})
    assert row["message_id"] == f"{mail_id}.{accepted.first_message}", "an id stays as it is"


@further
def test_the_official_client_searches_and_downloads(client_of_alice: ApiClient, server_url: str, mail_id: str) -> None:
    api = SendGridAPIClient(client_of_alice.key_text, host=server_url).client.messages
    query = f'msg_id LIKE "{mail_id}%" AND last_event_time > TIMESTAMP "2020-01-01T00:00:00Z"'
    messages = api.get(query_params={"query": query, "limit": 2}).to_dict["messages"]
    assert [each["to_email"] for each in messages] == ["bob@example.com", "ann@example.com"]
    assert api._(messages[0]["msg_id"]).get().to_dict["status"] == "not_delivered"
    answer = api.download.post(query_params={"query": query})
    assert answer.status_code == 202
    do_jobs()
    assert "presigned_url" in api.download._(answer.to_dict["download_uuid"]).get().to_dict
