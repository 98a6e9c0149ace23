"""Test designs and mail settings in the admin."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from content.models import Design
from content.settings import change_setting, read_setting
from tests.examples import further
from tests.operators import logged_in

DESIGNS = "/admin/content/design/"
SETTINGS = "/admin/content/mailsettings/"
HTML = "<style>p { color: red }</style><p>Hi\r\n{{first_name}}</p>"


@pytest.fixture
def fields(alice: Account) -> dict[str, Any]:
    """Return the form of a new design of Alice as a browser submits it."""
    return {
        "account": alice.pk,
        "name": "May",
        "subject": "News",
        "html_content": HTML,
        "generates_plain": "on",
        "categories": "news,may",
    }


@further
def test_an_operator_makes_changes_and_deletes_a_design(operator: Client, fields: dict[str, Any]) -> None:
    assert operator.post(f"{DESIGNS}add/", fields).status_code == 302
    design = Design.objects.get()
    assert (design.name, design.html_content) == ("May", HTML.replace("\r\n", "\n"))
    assert (design.plain_content, design.categories) == ("Hi {{first_name}}", ["news", "may"])

    page = f"{DESIGNS}{design.pk}/change/"
    shown = operator.get(page).content.decode()
    assert unescape(unescape(shown)).count("<p>Hi\n{{first_name}}</p>") == 2, "in the form and in the preview"
    assert operator.post(page, {**fields, "name": "June", "plain_content": design.plain_content}).status_code == 302
    answer = operator.post(page, {**fields, "name": "x" * 101})
    assert "1 to 100 characters" in answer.content.decode()
    operator.post(f"{DESIGNS}{design.pk}/duplicate/")
    assert [each.name for each in Design.objects.order_by("pk")] == ["June", "Duplicate: June"]
    operator.post(f"{DESIGNS}{design.pk}/delete/", {"post": "yes"})
    assert "Duplicate: June" in operator.get(DESIGNS).content.decode()
    assert [each.name for each in Design.objects.all()] == ["Duplicate: June"]


def test_the_preview_of_a_design_shows_what_is_typed(operator: Client) -> None:
    answer = operator.post(
        f"{DESIGNS}preview/", {"html_content": HTML, "generates_plain": "on"}, HTTP_HX_REQUEST="true"
    )
    shown = answer.content.decode()
    assert 'sandbox=""' in shown
    assert "<pre" in shown
    assert "Hi {{first_name}}" in shown
    assert "<style>" not in shown
    assert not Design.objects.exists()


@further
def test_an_operator_edits_the_footer_and_sees_the_other_settings(operator: Client, alice: Account) -> None:
    change_setting(alice, "bounce_purge", {"enabled": True, "hard_bounces": 30})
    page = f"{SETTINGS}{alice.pk}/change/"
    shown = operator.get(page).content.decode()
    assert "hard_bounces: 30" in shown
    answer = operator.post(page, {"has_footer": "on", "footer_html": "<i>a\r\nb</i>", "footer_plain": "ab"})
    assert answer.status_code == 302
    assert read_setting(alice, "footer") == {"enabled": True, "html_content": "<i>a\nb</i>", "plain_content": "ab"}
    alice.refresh_from_db()
    assert alice.mail_defaults == {"footer": {"text": "ab", "html": "<i>a\nb</i>"}}
    answer = operator.post(page, {"has_footer": "on", "footer_html": "x" * 70_000})
    assert "may not exceed 65,536 bytes" in answer.content.decode()
    assert read_setting(alice, "footer")["plain_content"] == "ab"
    assert "bounce purge, footer" in operator.get(SETTINGS).content.decode()


def test_settings_can_be_given_to_an_account_without_any(operator: Client, alice: Account) -> None:
    fields = {
        "account": alice.pk,
        "has_subscription": "on",
        "subscription_html": "<% here %>",
        "subscription_tag": "-u-",
    }
    assert operator.post(f"{SETTINGS}add/", fields).status_code == 302
    assert read_setting(alice, "subscription")["replace"] == "-u-"
    assert read_setting(alice, "footer")["enabled"] is False


def test_a_reader_changes_nothing(operator: Client, alice: Account, fields: dict[str, Any]) -> None:
    operator.post(f"{DESIGNS}add/", fields)
    change_setting(alice, "footer", {"enabled": True, "plain_content": "ab"})
    design = Design.objects.get()
    with logged_in("reader", may=("content.view_design", "content.view_mailsettings")) as reader:
        assert "{{first_name}}" in reader.get(f"{DESIGNS}{design.pk}/change/").content.decode()
        assert "plain_content: ab" in reader.get(f"{SETTINGS}{alice.pk}/change/").content.decode()
        for page in (f"{DESIGNS}{design.pk}/change/", f"{DESIGNS}add/", f"{SETTINGS}{alice.pk}/change/"):
            assert reader.post(page, fields).status_code == 403, page
        for name in ("duplicate", "delete"):
            assert reader.get(f"{DESIGNS}{design.pk}/{name}/").status_code == 403, name
    with logged_in("stranger", may=("mailer.view_message",)) as stranger:
        for page in (DESIGNS, SETTINGS, f"{DESIGNS}preview/"):
            assert stranger.get(page).status_code == 403, page
