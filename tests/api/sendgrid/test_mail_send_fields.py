"""Every field of mail/send that the OpenAPI document names has an effect, or is declared to have none."""

from __future__ import annotations

import copy
import email
import re
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Account
from api.without_effect import ITEMS, WithoutEffect, steps_of
from batches.handles import create_batch
from batches.models import Parcel
from foundation.clock import database_now
from mailer.models import Mail, Message
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.groups import create_group
from tests.api.conftest import ApiClient
from tests.api.described_fields import body_of, calls, find_declared, leaves_in
from tests.content.building import template_of, version_of
from tests.peer import CountingPeer, Taken

SEND = "/v3/mail/send"
SEND_MAIL = "send_mail"
LEAVES = leaves_in(body_of(calls()[SEND_MAIL][2]))
KEPT_COLUMNS = {"categories", "custom_args"}
OTHER: dict[str, Any] = {
    "email": "other@example.com",
    "type": "text/calendar",
    "value": "Another text",
    "content": "aG8=",
    "filename": "other.txt",
    "disposition": "attachment",
    "subject": "Another subject",
    "threshold": 7,
    "post_to_url": "https://example.com/other",
}
"""Values to replace required fields with. Flags are inverted, and other fields are removed."""
ALWAYS_DIFFERENT = {"Message-ID", "Date", "Content-Type", "List-Unsubscribe"}
"""Header fields that contain an id, a time or a boundary, and so differ in each message."""
TOKEN = re.compile(r"/[uo]/[\w-]+")
UTM = ("source", "medium", "term", "content", "campaign")


@pytest.fixture
def bodies(alice: Account, settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return three bodies that have all fields between them, since some fields exclude each other."""
    settings.IP_POOLS = frozenset({"main"})
    seconds = int(database_now().timestamp())
    groups = [create_group(alice, name=f"Group {n}", description="x").pk for n in range(2)]
    person = {"email": "ada@example.com", "name": "Ada"}
    tracking = {
        "click_tracking": {"enable": True, "enable_text": True},
        "open_tracking": {"enable": True, "substitution_tag": "%pixel%"},
        "subscription_tracking": {"enable": True, "text": "t", "html": "<i>t</i>", "substitution_tag": "%leave%"},
        "ganalytics": {"enable": True, **{f"utm_{name}": "u" for name in UTM}},
    }
    mail_settings = {
        **{f"bypass_{name}_management": {"enable": False} for name in ("list", "spam", "bounce", "unsubscribe")},
        "sandbox_mode": {"enable": False},
        "footer": {"enable": True, "text": "footer", "html": "<i>footer</i>"},
        "bcc": {"enable": True, "email": "copy@example.com"},
        "spam_check": {"enable": True, "threshold": 5, "post_to_url": "https://example.com/spam"},
    }
    attachment = {
        "content": "aGk=",
        "filename": "a.txt",
        "type": "text/plain",
        "disposition": "inline",
        "content_id": "picture",
    }
    first = {
        "personalizations": [
            {
                "to": [{"email": "john@example.com", "name": "John"}],
                "cc": [{"email": "cc@example.com", "name": "C"}],
                "bcc": [{"email": "bcc@example.com", "name": "B"}],
                "from": {"email": "sales@example.com", "name": "Sales"},
                "subject": "Mine -name-",
                "headers": {"X-One": "1"},
                "substitutions": {"-name-": "John"},
                "custom_args": {"id": "1"},
                "send_at": seconds + 7200,
            },
            {"to": [{"email": "jane@example.com"}]},
        ],
        "from": {"email": "from@example.com", "name": "Me"},
        "reply_to": person,
        "subject": "Hello",
        "content": [{"type": "text/html", "value": "<p>%name% %pixel% %leave% %section%</p>"}],
        "attachments": [attachment],
        "sections": {"%section%": "A section"},
        "headers": {"X-All": "yes"},
        "categories": ["news"],
        "custom_args": {"campaign": "7"},
        "send_at": seconds + 3600,
        "batch_id": create_batch(alice).public_id,
        "asm": {"group_id": groups[0], "groups_to_display": groups},
        "ip_pool_name": "main",
        "mail_settings": mail_settings,
        "tracking_settings": tracking,
    }
    monkeypatch.setitem(OTHER, "group_id", groups[1])
    second = copy.deepcopy(first)
    second["reply_to_list"] = [second.pop("reply_to")]
    second["sent_at"] = second.pop("send_at")
    personalization = second["personalizations"][0]
    personalization["sent_at"] = personalization.pop("send_at")
    third = copy.deepcopy(first)
    third["template_id"] = version_of(template_of(alice)).template.public_id
    del third["personalizations"][0]["substitutions"]
    third["personalizations"][0]["dynamic_template_data"] = {"name": "John"}
    return [first, second, third]


def parents_of(body: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Yield the first object that a path leads to, with the name of the field in it, if such an object exists."""
    *steps, name = steps_of(path)
    for step in steps:
        body = body[0] if step == ITEMS and body else body.get(step) if isinstance(body, dict) else None
    if isinstance(body, dict) and name in body:
        yield body, name


def changed(body: Any, path: str) -> Any | None:
    """Return a copy in which the field has another value or is removed; None if the body does not have it."""
    made = copy.deepcopy(body)
    for parent, name in parents_of(made, path):
        if isinstance(parent[name], bool):
            parent[name] = not parent[name]
        elif name in OTHER:
            parent[name] = OTHER[name]
        else:
            del parent[name]
        return made
    return None


def result_of(client: ApiClient, body: Any) -> Any:
    """Send a body, and return the status and everything that is stored, except for ids and times of arrival."""
    answer = client.post(SEND, body)
    is_sandbox = body.get("mail_settings", {}).get("sandbox_mode", {}).get("enable")
    assert answer.status_code == (200 if is_sandbox else 202), answer.content
    messages = Message.objects.order_by("pk").values("recipient", "personal")
    parcels = Parcel.objects.order_by("pk").values("send_at", "lane", "state")
    stored = [without_ids(row) for row in (*Mail.objects.values(), *messages, *parcels)]
    for model in (Message, Parcel, Mail):
        model.objects.all().delete()
    return answer.status_code, stored


def without_ids(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"id", "public_id", "created_at"}}


def without_kept(result: Any) -> Any:
    """Return a result without what is stored of fields that are only kept."""
    status, rows = result
    copies = [{name: value for name, value in row.items() if name not in KEPT_COLUMNS} for row in rows]
    for row in copies:
        if row.get("personal"):
            row["personal"] = {name: value for name, value in row["personal"].items() if name not in KEPT_COLUMNS}
    return status, copies


def is_as_declared(declared: WithoutEffect | None, before: Any, after: Any) -> bool:
    """Compare the results of two bodies that differ in one field."""
    if declared is None or declared.is_kept:
        return bool(after != before) and (declared is None or without_kept(after) == without_kept(before))
    return bool(after == before)


def test_the_bodies_of_this_test_have_every_field(bodies: list[dict[str, Any]]) -> None:
    """Add a field that is new in the document to `bodies`."""
    assert {path for path in LEAVES if not any(list(parents_of(body, path)) for body in bodies)} == set()


def test_a_field_changes_the_stored_rows_unless_it_is_declared_without_effect(
    client_of_alice: ApiClient, bodies: list[dict[str, Any]], step: int
) -> None:
    wrong = []
    seen: set[str] = set()
    for body in bodies:
        before = result_of(client_of_alice, body)
        for path in LEAVES[::step]:
            other = changed(body, path)
            if other is None or path in seen:
                continue
            seen.add(path)
            after = result_of(client_of_alice, other)
            if not is_as_declared(find_declared(SEND_MAIL, path), before, after):
                wrong.append(path)
    assert wrong == []


def test_fields_that_nobody_names_are_ignored_in_every_object(
    client_of_alice: ApiClient, bodies: list[dict[str, Any]]
) -> None:
    for body in bodies:
        with_more = copy.deepcopy(body)
        for path in LEAVES:
            for parent, _ in parents_of(with_more, path):
                parent["nobody_names_this"] = {"a": [1]}
        assert result_of(client_of_alice, with_more) == result_of(client_of_alice, body)


def test_a_message_is_the_same_with_and_without_the_fields_that_have_no_effect(
    client_of_alice: ApiClient, bodies: list[dict[str, Any]], deliverer: Deliverer, peer: CountingPeer
) -> None:
    body = bodies[0]
    bare = copy.deepcopy(body)
    for path in LEAVES:
        if find_declared(SEND_MAIL, path):
            for parent, name in parents_of(bare, path):
                del parent[name]
    for each in (body, bare):
        each["personalizations"] = each["personalizations"][:1]
        each["personalizations"][0].pop("send_at")
        del each["send_at"], each["batch_id"]
        assert client_of_alice.post(SEND, each).status_code == 202
        deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 8
    assert shown(peer.ledger[:4]) == shown(peer.ledger[4:])


def shown(taken: list[Taken]) -> Any:
    """Return the recipients, and the header fields and parts of one message, without values that always differ."""
    message = email.message_from_bytes(taken[0].data)
    fields = [(name, value) for name, value in message.items() if name not in ALWAYS_DIFFERENT]
    bodies = [part for part in message.walk() if not part.is_multipart()]
    parts = [(part.items(), TOKEN.sub("/u/", str(part.get_payload()))) for part in bodies]
    return [each.recipient for each in taken], fields, parts
