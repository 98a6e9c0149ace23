"""Test templates and versions in SendGrid's API: statuses, shapes, lists and errors."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Account
from content.models import TemplateVersion
from mailer.draft import Bypass
from mailer.models import Mail, Message, UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient, NewClient
from tests.campaigns.building import add_sender
from tests.examples import further
from tests.peer import CountingPeer

PATH = "/v3/templates"
VERSION = {"name": "First", "subject": "Hello", "html_content": "<h1>Hi</h1><p>there</p>"}
LINE = {"id", "template_id", "active", "name", "generate_plain_content", "subject", "updated_at", "editor"} | {
    "thumbnail_url"
}
TEXTS = {"html_content", "plain_content"}
NOT_FOUND = [{"field": None, "message": "not found"}]


def new_template(client: ApiClient, generation: str = "dynamic", name: str = "Welcome") -> str:
    answer = client.post(PATH, {"name": name, "generation": generation})
    assert answer.status_code == 201, answer.content
    public_id: str = answer.json()["id"]
    return public_id


def new_version(client: ApiClient, template: str, **fields: Any) -> Any:
    answer = client.post(f"{PATH}/{template}/versions", VERSION | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def errors_of(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    errors = answer.json()["errors"]
    assert all(list(error) == ["field", "message", "error_id"] for error in errors)
    return [(error["field"], error["message"]) for error in errors]


def test_a_template_is_created_changed_and_deleted(client_of_alice: ApiClient) -> None:
    created = client_of_alice.post(PATH, {"name": "Welcome"})
    template = created.json()
    assert created.status_code == 201
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", template["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", template["updated_at"])
    assert (template["name"], template["generation"], template["versions"]) == ("Welcome", "legacy", [])
    assert re.fullmatch("d-[0-9a-f]{32}", new_template(client_of_alice))

    path = f"{PATH}/{template['id']}"
    version = new_version(client_of_alice, template["id"], subject="<%subject%>", html_content="<p><%body%></p>")
    shown = client_of_alice.get(path).json()
    assert [set(each) for each in shown["versions"]] == [LINE | TEXTS]
    renamed = client_of_alice.patch(path, {"name": "Goodbye"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Goodbye")
    assert renamed.json()["versions"][0]["id"] == version["id"]
    copied = client_of_alice.post(path)
    assert (copied.status_code, copied.json()["name"], copied.json()["generation"]) == (
        201,
        "Copy of Goodbye",
        "legacy",
    )
    assert [each["subject"] for each in copied.json()["versions"]] == ["<%subject%>"]
    assert client_of_alice.post(path, {"name": "Third"}).json()["name"] == "Third"
    deleted = client_of_alice.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client_of_alice.get(path).status_code == 404
    assert client_of_alice.get(f"{path}/versions/{version['id']}").status_code == 404


def test_a_version_is_created_changed_and_deleted(client_of_alice: ApiClient) -> None:
    template = new_template(client_of_alice)
    version = new_version(client_of_alice, template, test_data='{"name": "Ada"}', editor="design")
    assert set(version) == LINE | TEXTS | {"warnings", "test_data"}
    assert (version["template_id"], version["active"], version["warnings"]) == (template, 1, [])
    assert (version["test_data"], version["editor"]) == ('{"name": "Ada"}', "design")
    assert (version["generate_plain_content"], version["plain_content"]) == (True, "Hi\n\nthere")

    path = f"{PATH}/{template}/versions/{version['id']}"
    assert client_of_alice.get(path).json() == version
    changed = client_of_alice.patch(path, {"html_content": "<p>New</p>"})
    assert changed.status_code == 200
    assert (changed.json()["plain_content"], changed.json()["subject"]) == ("New", "Hello")
    changed = client_of_alice.patch(path, {"plain_content": "own", "subject": None}).json()
    assert (changed["plain_content"], changed["generate_plain_content"]) == ("own", False)
    changed = client_of_alice.patch(path, {"generate_plain_content": True}).json()
    assert changed["plain_content"] == "New"

    second = new_version(client_of_alice, template, name="Second")
    assert second["active"] == 0
    activated = client_of_alice.post(f"{PATH}/{template}/versions/{second['id']}/activate")
    assert (activated.status_code, activated.json()["active"]) == (200, 1)
    assert client_of_alice.get(path).json()["active"] == 0
    assert client_of_alice.patch(path, {"active": 1}).json()["active"] == 1
    assert client_of_alice.patch(path, {"active": 0}).json()["active"] == 0
    assert new_version(client_of_alice, template, active=1)["active"] == 1
    assert client_of_alice.delete(path).status_code == 204
    assert client_of_alice.get(path).status_code == 404


@further
def test_lists_have_pages_and_generations(client_of_alice: ApiClient) -> None:
    legacy = [new_template(client_of_alice, "legacy", f"Legacy {n}") for n in range(3)]
    dynamic = new_template(client_of_alice)
    new_version(client_of_alice, dynamic)

    def ids(query: str, key: str = "result") -> list[str]:
        answer = client_of_alice.get(f"{PATH}?{query}")
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()[key]]

    assert ids("", "templates") == legacy[::-1]
    assert ids("generations=legacy,dynamic", "templates") == [dynamic, *legacy[::-1]]
    assert ids("generations=legacy&generations=dynamic&page_size=200") == [dynamic, *legacy[::-1]]
    answer = client_of_alice.get(f"{PATH}?generations=dynamic&page_size=1").json()
    assert set(answer) == {"result", "_metadata"}
    assert [set(each) for each in answer["result"][0]["versions"]] == [LINE]
    first = client_of_alice.get(f"{PATH}?page_size=2").json()
    assert first["_metadata"]["count"] == 3
    second = client_of_alice.get(first["_metadata"]["next"]).json()
    assert [each["id"] for each in first["result"] + second["result"]] == legacy[::-1]
    assert "next" not in second["_metadata"]
    for query, field in [
        ("page_size=0", "page_size"),
        ("page_size=201", "page_size"),
        ("generations=x", "generations"),
    ]:
        assert errors_of(client_of_alice.get(f"{PATH}?{query}"))[0][0] == field


def test_a_template_with_large_contents_is_shown_without_them(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("content.versions.SHOWN_BYTES", 100)
    template = new_template(client_of_alice)
    version = new_version(client_of_alice, template, html_content="x" * 40)
    assert set(client_of_alice.get(f"{PATH}/{template}").json()["versions"][0]) >= TEXTS
    new_version(client_of_alice, template, html_content="y" * 40)
    assert [set(each) for each in client_of_alice.get(f"{PATH}/{template}").json()["versions"]] == [LINE, LINE]
    assert client_of_alice.get(f"{PATH}/{template}/versions/{version['id']}").json()["html_content"] == "x" * 40


def test_wrong_fields_are_refused_by_name(client_of_alice: ApiClient) -> None:
    template = new_template(client_of_alice)
    path = f"{PATH}/{template}/versions"
    cases: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
        (PATH, {}, [("name", "name is required")]),
        (PATH, {"name": " "}, [("name", "name can't be blank")]),
        (PATH, {"name": "x" * 101}, [("name", "name is too long (maximum is 100 characters)")]),
        (PATH, {"name": "x", "generation": "new"}, [("generation", "generation must be 'legacy' or 'dynamic'")]),
        (path, {}, [("name", "name is required"), ("subject", "subject is required")]),
        (path, {**VERSION, "subject": "x" * 256}, [("subject", "subject is too long (maximum is 255 characters)")]),
        (path, {**VERSION, "html_content": "é" * 2**20}, [("html_content", "html_content exceeds the 1MB limit")]),
        (path, {**VERSION, "active": 2}, [("active", "active must be 0 or 1")]),
        (path, {**VERSION, "active": True}, [("active", "active must be 0 or 1")]),
        (path, {**VERSION, "test_data": "[1]"}, [("test_data", "test_data must be a JSON object in text form")]),
        (
            path,
            {**VERSION, "subject": "a\nb", "generate_plain_content": 1},
            [
                ("subject", "subject can't contain line breaks or control characters"),
                ("generate_plain_content", "generate_plain_content must be a boolean"),
            ],
        ),
    ]
    for url, body, problems in cases:
        assert errors_of(client_of_alice.post(url, body)) == problems, body
    assert not TemplateVersion.objects.exists()


def test_limits_have_separate_texts(client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("content.templates.TEMPLATES", 1)
    monkeypatch.setattr("content.versions.VERSIONS", 1)
    template = new_template(client_of_alice)
    new_version(client_of_alice, template)
    assert errors_of(client_of_alice.post(PATH, {"name": "x"})) == [
        (None, "An account may have at most 300 templates."),
    ]
    assert errors_of(client_of_alice.post(f"{PATH}/{template}/versions", VERSION)) == [
        (None, "A template may have at most 300 versions."),
    ]


def test_legacy_versions_warn_of_content_that_is_not_used(client_of_alice: ApiClient) -> None:
    template = new_template(client_of_alice, "legacy")
    version = new_version(client_of_alice, template)
    assert [each["message"].partition(" ")[0] for each in version["warnings"]] == [
        "The",
        "html_content",
        "plain_content",
    ]
    full = new_version(client_of_alice, template, subject="<%subject%>!", html_content="<p><%body%></p>")
    assert (full["warnings"], full["plain_content"]) == ([], "<%body%>")
    assert new_version(client_of_alice, template, subject="", html_content="")["warnings"] == []


def test_ids_of_any_shape_that_do_not_exist_are_not_found(client_of_alice: ApiClient) -> None:
    template = new_template(client_of_alice)
    version = new_version(client_of_alice, template)["id"]
    assert client_of_alice.get(f"{PATH}/{template.upper()}").status_code == 200
    for path in [
        "x",
        "d-" + "0" * 32,
        "d-" + "0" * 31,
        version,
        f"{template}/versions/x",
        f"{template}/versions/{template}",
        f"{version}/versions/{version}",
    ]:
        answer = client_of_alice.get(f"{PATH}/{path}")
        assert answer.status_code == 404, path
        (error,) = answer.json()["errors"]
        assert {name: error[name] for name in ("field", "message")} == NOT_FOUND[0]


def test_each_call_needs_its_scope(alice: Account, client_of_alice: ApiClient, new_client: NewClient) -> None:
    template = new_template(client_of_alice)
    version = new_version(client_of_alice, template)["id"]
    template_path = f"{PATH}/{template}"
    calls = [
        ("POST", PATH, "templates.create"),
        ("GET", PATH, "templates.read"),
        ("GET", template_path, "templates.read"),
        ("POST", template_path, "templates.create"),
        ("PATCH", template_path, "templates.update"),
        ("POST", f"{template_path}/versions", "templates.versions.create"),
        ("GET", f"{template_path}/versions/{version}", "templates.versions.read"),
        ("PATCH", f"{template_path}/versions/{version}", "templates.versions.update"),
        ("POST", f"{template_path}/versions/{version}/activate", "templates.versions.activate.create"),
        ("DELETE", f"{template_path}/versions/{version}", "templates.versions.delete"),
        ("DELETE", template_path, "templates.delete"),
    ]
    every = {scope for _, _, scope in calls}
    for method, path, scope in calls:
        body = None if method in {"GET", "DELETE"} or path.endswith("activate") else VERSION
        assert new_client(alice, sorted(every - {scope})).ask(method, path, body).status_code == 403, scope
        assert new_client(alice, [scope]).ask(method, path, body).status_code < 300, scope


@further
def test_texts_that_cannot_become_mail_are_refused_with_their_place(client_of_alice: ApiClient) -> None:
    dynamic, legacy = new_template(client_of_alice), new_template(client_of_alice, "legacy")
    cases = [
        ("subject", "{{#if a}}", 'line 1, column 4: the block "if" has no end'),
        ("html_content", "<p>\n  {{#each items}}x{{/if}}", "line 2, column"),
        ("html_content", "<p>{{#nothing a}}x{{/nothing}}", 'line 1, column 7: unknown helper "nothing"'),
        ("html_content", "<p>\nDear [Sender_City]", "line 2, column 6: [Sender_City]: "),
        ("plain_content", "{{> partial}}", "line 1, column 1"),
        ("plain_content", "[ sender_address_2 ]", "line 1, column 1: [ sender_address_2 ]: "),
        ("plain_content", "\n[Sender_Phone]", "line 2, column 1: [Sender_Phone]: the tag is not known"),
        ("html_content", "<% asm_foo %>", "line 1, column 1: <% asm_foo %>: the tag is not known"),
    ]
    for field, text, place in cases:
        body = {**VERSION, "generate_plain_content": False, field: text}
        answer = client_of_alice.post(f"{PATH}/{dynamic}/versions", body)
        ((wrong, message),) = errors_of(answer)
        assert wrong == field
        assert place in message, message
        version = new_version(client_of_alice, dynamic)
        change = {"generate_plain_content": False, field: text}
        changed = client_of_alice.patch(f"{PATH}/{dynamic}/versions/{version['id']}", change)
        assert errors_of(changed) == [(wrong, message)]
        assert client_of_alice.get(f"{PATH}/{dynamic}/versions/{version['id']}").json() == version
    # A legacy version is filled by substitutions, so braces mean nothing.
    assert new_version(client_of_alice, legacy, subject="{{#if a}}", html_content="{{> x}}")
    resolved = "[Sender_Name] [Unsubscribe] {{{weblink}}} {{ Sender_City }} {{unsubscribe}}"
    assert new_version(client_of_alice, dynamic, html_content=resolved)["plain_content"] == resolved


TEST = "/v3/marketing/test/send_email"
TO = ["ada@example.com", "bob@example.com"]


@further
def test_a_test_mail_has_the_version_and_its_test_data(client_of_alice: ApiClient) -> None:
    account = client_of_alice.account
    template = new_template(client_of_alice)
    version = new_version(client_of_alice, template, test_data='{"name": "Ada"}')
    other = new_version(client_of_alice, template, name="Second", test_data="")
    sender = add_sender(account)
    group = UnsubscribeGroup.objects.create(account=account, name="News")
    body = {"template_id": template, "emails": TO, "sender_id": sender.pk, "suppression_group_id": group.pk}
    answer = client_of_alice.post(TEST, body)
    assert (answer.status_code, answer.json()) == (202, {})
    mail = Mail.objects.get()
    assert mail.template is not None
    assert (mail.template.version_id_shown, mail.sender) == (version["id"], sender.from_email)
    assert (mail.unsubscribe_group, mail.bypass) == (group, Bypass.EVERYTHING)
    messages = list(Message.objects.order_by("pk"))
    assert [message.recipient for message in messages] == TO
    assert [message.personal["data"] for message in messages] == [{"name": "Ada"}] * 2

    answer = client_of_alice.post(
        TEST,
        {
            "template_id": template,
            "version_id_override": other["id"],
            "emails": TO[:1],
            "from_address": "me@example.com",
            "custom_unsubscribe_url": "https://example.com/leave",
        },
    )
    assert answer.status_code == 202
    mail = Mail.objects.latest("pk")
    assert mail.template is not None
    assert (mail.template.version_id_shown, mail.sender) == (other["id"], "me@example.com")
    assert mail.unsubscribe_url == "https://example.com/leave"


def test_a_test_mail_that_cannot_be_made_is_refused(client_of_alice: ApiClient) -> None:
    account = client_of_alice.account
    legacy = new_template(client_of_alice, "legacy")
    empty, full = new_template(client_of_alice), new_template(client_of_alice)
    version = new_version(client_of_alice, full)["id"]
    unverified = add_sender(account, is_verified=False)
    cases: list[tuple[dict[str, Any], str | None]] = [
        ({"template_id": legacy}, "template_id"),
        ({"template_id": empty}, "template_id"),
        ({"template_id": "x"}, "template_id"),
        ({"template_id": "d-" + "0" * 32}, "template_id"),
        ({"version_id_override": str(uuid4())}, "version_id_override"),
        ({"version_id_override": version, "template_id": empty}, "version_id_override"),
        ({"version_id_override": version, "template_id": str(uuid4())}, "version_id_override"),
        ({"emails": []}, "emails"),
        ({"emails": ["a@example.com"] * 11}, "emails"),
        ({"from_address": None}, "sender_id"),
        ({"sender_id": unverified.pk}, "sender_id"),
        ({"sender_id": 2**31 - 1}, "sender_id"),
        ({"suppression_group_id": 9}, "suppression_group_id"),
    ]
    for change, field in cases:
        body = {"template_id": full, "emails": TO, "from_address": "me@example.com", **change}
        assert errors_of(client_of_alice.post(TEST, body))[0][0] == field, change
    both = {"suppression_group_id": 9, "custom_unsubscribe_url": "https://example.com/"}
    body = {"template_id": full, "emails": TO, "from_address": "me@example.com", **both}
    assert client_of_alice.post(TEST, body).status_code == 400
    assert client_of_alice.post(TEST, {"template_id": full, "emails": TO}).status_code == 400
    assert not Mail.objects.exists()


def test_a_test_mail_is_delivered_with_its_test_data(
    client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer
) -> None:
    template = new_template(client_of_alice)
    html = '<p>{{#each items}}{{this}},{{/each}}</p><a href="[Unsubscribe]">leave</a>'
    data = '{"name": "Ada", "items": ["a", "<b>"]}'
    new_version(client_of_alice, template, subject="Hello {{name}}", html_content=html, test_data=data)
    body = {"template_id": template, "emails": TO, "from_address": "me@example.com"}
    assert client_of_alice.post(TEST, body).status_code == 202
    deliverer.deliver_due(seconds=5)
    assert sorted(peer.recipients) == TO
    for taken in peer.ledger:
        mail = message_from_bytes(taken.data, policy=policy.default)
        plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
        assert mail["Subject"] == "Hello Ada"
        assert plain.split()[:2] == ["a,&lt;b&gt;,", "leave"]
        assert "(http" in plain
        assert html.startswith('<p>a,&lt;b&gt;,</p><a href="http')
