"""Test templates in the admin: created, edited with a preview, and activated by operators who may do it."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from content.models import Template, TemplateVersion, VersionContent
from content.settings import change_setting
from content.templates import create_template
from content.versions import create_version
from mailer.models import Mail, Message
from mailer.preview import finished_texts
from mailer.template_rules import RULES
from tests.examples import further
from tests.operators import logged_in

TEMPLATES = "/admin/content/template/"
VERSIONS = "/admin/content/templateversion/"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def template(alice: Account) -> Template:
    """Create a dynamic template of Alice."""
    return create_template(alice, "Receipt", is_dynamic=True)


@pytest.fixture
def version(template: Template) -> TemplateVersion:
    """Create the active version of that template."""
    return create_version(
        template.account,
        template.public_id,
        rules=RULES,
        name="First",
        subject="Order {{order}}",
        html_content="<p>Dear\n{{name}}</p>",
        test_data='{"name": "Ann & Co", "order": 7}',
    )


def typed(version: TemplateVersion, **changes: Any) -> dict[str, Any]:
    """Return the form of a version as a browser submits it, with these changes."""
    content = version.content
    fields = {
        "name": version.name,
        "subject": content.subject,
        "html_content": content.html.replace("\n", "\r\n"),
        "plain_content": content.plain.replace("\n", "\r\n"),
        "generates_plain": "on",
        "test_data": version.test_data,
    }
    return {**fields, **changes}


def preview(client: Client, template: Template, **fields: Any) -> str:
    """Return the preview of what is typed, as the script gets it."""
    answer = client.post(f"{VERSIONS}preview/{template.pk}/", fields, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    text: str = answer.content.decode()
    assert "<html" not in text
    return text


def test_an_operator_makes_a_template_with_two_versions(operator: Client, alice: Account) -> None:
    answer = operator.post(f"{TEMPLATES}add/", {"account": alice.pk, "name": "Receipt", "kind": "dynamic"})
    template = Template.objects.get()
    assert (template.account, template.name, template.is_dynamic) == (alice, "Receipt", True)
    assert answer.headers["Location"] == f"{TEMPLATES}{template.pk}/change/"

    fields = {"name": "First", "subject": "{{order}}", "html_content": "<p>Hi\r\n{{name}}</p>", "generates_plain": "on"}
    answer = operator.post(f"{VERSIONS}add/?template={template.pk}", fields)
    first = TemplateVersion.objects.get()
    assert answer.headers["Location"] == f"{VERSIONS}{first.pk}/change/"
    assert first.is_active
    assert (first.content.html, first.content.plain) == ("<p>Hi\n{{name}}</p>", "Hi {{name}}")

    operator.post(f"{VERSIONS}{first.pk}/duplicate/")
    second = TemplateVersion.objects.exclude(pk=first.pk).get()
    assert (second.name, second.is_active, second.content.html) == ("Copy of First", False, first.content.html)
    operator.post(f"{VERSIONS}{second.pk}/activate/")
    assert [each.pk for each in template.versions.filter(is_active=True)] == [second.pk]
    operator.post(f"{VERSIONS}{second.pk}/deactivate/")
    assert not template.versions.filter(is_active=True)
    operator.post(f"{VERSIONS}{second.pk}/delete/", {"post": "yes"})
    assert [each.pk for each in template.versions.all()] == [first.pk]

    operator.post(f"{TEMPLATES}{template.pk}/change/", {"name": "Invoice"})
    operator.post(f"{TEMPLATES}{template.pk}/duplicate/")
    assert [each.name for each in Template.objects.order_by("pk")] == ["Invoice", "Copy of Invoice"]
    operator.post(f"{TEMPLATES}{template.pk}/delete/", {"post": "yes"})
    assert [each.name for each in Template.objects.all()] == ["Copy of Invoice"]


def test_the_pages_show_a_template_and_its_versions(operator: Client, version: TemplateVersion) -> None:
    template = version.template
    shown = operator.get(TEMPLATES).content.decode()
    assert template.public_id in shown
    assert "First" in shown
    shown = operator.get(f"{TEMPLATES}{template.pk}/change/").content.decode()
    assert "Order {{order}}" in shown
    assert f"{VERSIONS}{version.pk}/change/" in shown
    shown = operator.get(f"{VERSIONS}{version.pk}/change/").content.decode()
    assert "Order 7" in shown
    assert "Dear\nAnn &amp;amp; Co" in shown
    assert operator.get(f"{VERSIONS}add/?template={template.pk}").status_code == 200
    for query in ("", "?template=0", "?template=x", "?template=%C2%B2"):
        assert operator.get(f"{VERSIONS}add/{query}").headers["Location"] == TEMPLATES


@further
def test_line_breaks_of_a_browser_are_no_change(operator: Client, version: TemplateVersion) -> None:
    page = f"{VERSIONS}{version.pk}/change/"
    assert operator.post(page, typed(version, name="Second")).status_code == 302
    changed = TemplateVersion.objects.get()
    assert (changed.name, changed.content_id) == ("Second", version.content_id)
    assert operator.post(page, typed(version, subject="Bill {{order}}")).status_code == 302
    changed = TemplateVersion.objects.get()
    assert changed.content_id != version.content_id
    assert (changed.content.subject, changed.content.html) == ("Bill {{order}}", version.content.html)


@further
def test_what_cannot_be_stored_is_shown_with_the_reason(operator: Client, version: TemplateVersion) -> None:
    before = VersionContent.objects.count()
    for changes, reason in (
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"test_data": "[1]"}, "must be a JSON object"),
        ({"test_data": "{"}, "must be a JSON object"),
        ({"subject": "x" * 256}, "at most 255 characters"),
        ({"html_content": "x" * (2**20 + 1)}, "exceeds the 1MB limit"),
    ):
        answer = operator.post(f"{VERSIONS}{version.pk}/change/", typed(version, **changes))
        assert answer.status_code == 200, changes
        assert reason in unescape(answer.content.decode()), changes
    assert VersionContent.objects.count() == before


def test_the_preview_renders_what_is_typed(operator: Client, template: Template) -> None:
    data = json.dumps({"name": "Ann & Co", "order": 7})
    shown = preview(operator, template, subject="Order {{order}}", html_content="<p>{{name}}</p>", test_data=data)
    assert "Order 7" in shown
    assert "&lt;p&gt;Ann &amp;amp; Co&lt;/p&gt;" in shown
    assert 'sandbox=""' in shown
    assert "default-src &#x27;none&#x27;" in shown
    assert not TemplateVersion.objects.exists()


@further
def test_the_preview_says_what_is_wrong_and_where(operator: Client, template: Template) -> None:
    for fields, reasons in (
        ({"html_content": "<p>\n{{#each a}}\n{{/if}}", "generates_plain": "on"}, ["HTML, line 2, column 4:", "each"]),
        ({"subject": "{{shout name}}"}, ["Subject, line 1, column", "shout"]),
        ({"plain_content": "{{#if}}"}, ["Plain text, line 1, column"]),
        ({"test_data": '{"name": "Ann",\n}'}, ["Test data, line 2, column 1: This is not JSON"]),
        ({"test_data": "[]"}, ["Test data: test_data must be a JSON object"]),
        ({"html_content": "x" * (2**20 + 1)}, ["html_content exceeds the 1MB limit"]),
        (
            {"html_content": "{{#each a}}{{#each @root.a}}{{#each @root.a}}{{this}}{{/each}}{{/each}}{{/each}}",
             "test_data": json.dumps({"a": [1] * 200})},
            ["steps"],
        ),
    ):  # fmt: skip
        shown = " ".join(unescape(re.sub(r"<[^>]+>", "", preview(operator, template, **fields))).split())
        for reason in reasons:
            assert reason in shown, (fields, shown)


def test_the_preview_of_a_legacy_template_has_an_example(operator: Client, alice: Account) -> None:
    template = create_template(alice, "Frame", is_dynamic=False)
    fields = {
        "subject": "News: <%subject%>",
        "html_content": "<body><%body%> -city-</body>",
        "plain_content": "<%body%>!",
    }
    shown = unescape(preview(operator, template, **fields, test_data='{"-city-": "Oslo", "n": 1}'))
    assert "News: Example subject" in shown
    assert "<p>Example body</p> Oslo" in unescape(shown)
    assert "Example body!" in shown


def test_the_preview_has_the_footer_and_the_links_of_real_mail(operator: Client, template: Template) -> None:
    change_setting(
        template.account, "footer", {"enabled": True, "html_content": "<i>Ours</i>", "plain_content": "Ours"}
    )
    fields = {"html_content": '<body><a href="{{{unsubscribe}}}">x</a></body>', "generates_plain": "on"}
    shown = unescape(preview(operator, template, **fields))
    assert "<i>Ours</i></body>" in shown
    assert re.search(r'<a href="[^"]+/u/[\w-]{43,}/all">', shown), "the link to unsubscribe from all mail"


def test_a_preview_runs_and_loads_nothing(operator: Client, version: TemplateVersion) -> None:
    hostile = f'"><body onload="alert(1)">{SCRIPT}</iframe>{SCRIPT}'
    shown = preview(operator, version.template, subject=SCRIPT, html_content=hostile, plain_content=hostile)
    assert "<script" not in shown
    assert 'sandbox=""' in shown
    on_its_own = operator.post(f"{VERSIONS}preview/{version.template_id}/", {"html_content": hostile})
    assert on_its_own.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert "Preview of Receipt" in on_its_own.content.decode()


def moves_on(page: str, version: TemplateVersion) -> set[str]:
    """Return the moves that the page of a version has buttons for."""
    names = ("activate", "deactivate", "duplicate", "test")
    return {name for name in names if f'"{VERSIONS}{version.pk}/{name}/"' in page}


@further
def test_the_page_of_a_version_has_the_moves_that_are_possible(operator: Client, version: TemplateVersion) -> None:
    def shown() -> set[str]:
        return moves_on(operator.get(f"{VERSIONS}{version.pk}/change/").content.decode(), version)

    assert shown() == {"deactivate", "duplicate", "test"}
    operator.post(f"{VERSIONS}{version.pk}/deactivate/")
    assert shown() == {"activate", "duplicate", "test"}


def test_every_page_needs_its_permission(version: TemplateVersion) -> None:
    template = version.template
    pages = {
        f"{TEMPLATES}": "content.view_template",
        f"{TEMPLATES}add/": "content.add_template",
        f"{TEMPLATES}{template.pk}/duplicate/": "content.add_template",
        f"{TEMPLATES}{template.pk}/delete/": "content.delete_template",
        f"{VERSIONS}add/?template={template.pk}": "content.add_templateversion",
        f"{VERSIONS}{version.pk}/change/": "content.view_templateversion",
        f"{VERSIONS}{version.pk}/activate/": "content.change_templateversion",
        f"{VERSIONS}{version.pk}/duplicate/": "content.add_templateversion",
        f"{VERSIONS}{version.pk}/delete/": "content.delete_templateversion",
    }
    with logged_in("reader", may=("content.view_template", "content.view_templateversion")) as reader:
        for page, permission in pages.items():
            assert (reader.get(page).status_code != 403) == ("view" in permission), page
        shown = reader.get(f"{VERSIONS}{version.pk}/change/").content.decode()
        assert "Order {{order}}" in shown
        assert "Order 7" in shown
        assert moves_on(shown, version) == set()
        assert reader.post(f"{VERSIONS}{version.pk}/change/", typed(version)).status_code == 403
    with logged_in("stranger", may=("mailer.view_message",)) as stranger:
        for page in pages:
            assert stranger.get(page).status_code == 403, page
        assert stranger.post(f"{VERSIONS}preview/{template.pk}/").status_code == 403
    assert Client().post(f"{VERSIONS}preview/{template.pk}/").status_code == 302


@further
def test_a_test_is_sent_with_the_test_data(operator: Client, version: TemplateVersion) -> None:
    page = f"{VERSIONS}{version.pk}/test/"
    for fields in (
        {"sender": "news@example.com", "to": ""},
        {"sender": "news@example.com", "to": " ".join(f"a{number}@example.com" for number in range(11))},
        {"sender": "news@example.com", "to": "a@example.com, b@localhost"},
        {"sender": "news", "to": "a@example.com"},
    ):
        assert operator.post(page, fields).status_code == 200, fields
        assert not Mail.objects.exists(), fields
    answer = operator.post(page, {"sender": "news@example.com", "to": "ann@example.com; bob@example.com"})
    assert answer.headers["Location"] == f"{VERSIONS}{version.pk}/change/"
    mail = Mail.objects.get()
    assert (mail.sender, mail.template_id) == ("news@example.com", version.content_id)
    texts = [finished_texts(message, mail) for message in Message.objects.order_by("pk")]
    assert [text.subject for text in texts] == ["Order 7", "Order 7"]


@further
def test_a_legacy_version_has_no_test(operator: Client, alice: Account) -> None:
    template = create_template(alice, "Frame", is_dynamic=False)
    version = create_version(alice, template.public_id, rules=RULES, name="1", html_content="<%body%>")
    assert operator.get(f"{VERSIONS}{version.pk}/test/").status_code == 302
    assert f"{version.pk}/test/" not in operator.get(f"{VERSIONS}{version.pk}/change/").content.decode()
