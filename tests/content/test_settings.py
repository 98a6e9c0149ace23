"""Test the settings of an account's mail: what is stored, what follows from it, and which values are refused."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from content import settings
from content.errors import InvalidSetting
from content.models import MailSettings
from content.settings import DEFAULTS, change_setting, read_setting, read_settings
from foundation.errors import SluiceError, UnfitCharacter

FOOTER = {"enabled": True, "plain_content": "Bye", "html_content": "<p>Bye</p>"}


def defaults_of(account: Account) -> Any:
    """Return the `mail_defaults` of an account, and whether they are null in the database."""
    row = Account.objects.filter(pk=account.pk)
    return row.get().mail_defaults, row.filter(mail_defaults__isnull=True).exists()


def test_an_account_without_settings_has_the_defaults(alice: Account) -> None:
    assert read_settings(alice) == DEFAULTS
    assert not MailSettings.objects.exists()


def test_a_change_keeps_the_other_parts_and_the_other_accounts(alice: Account, charlie: Account) -> None:
    assert change_setting(alice, "footer", FOOTER) == FOOTER
    assert change_setting(alice, "footer", {"plain_content": "Goodbye"}) == FOOTER | {"plain_content": "Goodbye"}
    assert change_setting(alice, "footer", {}) == read_setting(alice, "footer")
    change_setting(alice, "open", {"enabled": True})
    assert {**read_settings(alice), "footer": None, "open": None} == {**DEFAULTS, "footer": None, "open": None}
    assert read_settings(charlie) == DEFAULTS
    assert defaults_of(charlie) == (None, True)


def test_mail_defaults_have_what_is_enabled_and_are_null_without_it(alice: Account) -> None:
    change_setting(alice, "footer", FOOTER)
    footer = {"footer": {"text": "Bye", "html": "<p>Bye</p>"}}
    assert defaults_of(alice) == (footer, False)
    change_setting(alice, "template", {"enabled": True, "html_content": "<i><%body%></i>"})
    words = {"plain_content": "Leave: <% %>", "html_content": "<% leave %>", "replace": "[leave]", "landing": "Bye"}
    change_setting(alice, "subscription", {"enabled": True, **words})
    subscription = {"text": "Leave: <% %>", "html": "<% leave %>", "tag": "[leave]"}
    assert defaults_of(alice)[0] == {**footer, "wrapper": "<i><%body%></i>", "subscription": subscription}
    change_setting(alice, "forward_spam", {"enabled": True, "email": "a@example.com"})
    change_setting(alice, "footer", {"enabled": False})
    change_setting(alice, "template", {"enabled": False})
    assert defaults_of(alice)[0] == {"subscription": subscription}
    change_setting(alice, "subscription", {"enabled": False})
    assert defaults_of(alice) == (None, True)
    assert read_setting(alice, "footer") == {**FOOTER, "enabled": False}, "a disabled setting is kept"


def test_a_footer_without_texts_leaves_mail_unchanged(alice: Account) -> None:
    change_setting(alice, "footer", {"enabled": True})
    assert defaults_of(alice) == (None, True)


def test_the_whitelist_is_stored_as_written_and_compared_by_keys(alice: Account) -> None:
    entries = ["Ada@Example.com", "BÜCHER.example", "ada@example.com", "example.org"]
    change_setting(alice, "address_whitelist", {"list": entries})
    assert MailSettings.objects.get().never_suppressed == []
    change_setting(alice, "address_whitelist", {"enabled": True})
    assert read_setting(alice, "address_whitelist")["list"] == entries
    assert MailSettings.objects.get().never_suppressed == ["ada@example.com", "example.org", "xn--bcher-kva.example"]


def test_days_have_an_effect_while_the_purge_is_enabled(alice: Account) -> None:
    def days() -> Any:
        return MailSettings.objects.values_list("bounce_days", "block_days").get()

    change_setting(alice, "bounce_purge", {"hard_bounces": 30, "soft_bounces": 5})
    assert days() == (None, None)
    change_setting(alice, "bounce_purge", {"enabled": True})
    assert days() == (30, 5)
    change_setting(alice, "bounce_purge", {"hard_bounces": None})
    assert days() == (None, 5)


WRONG: list[tuple[str, dict[str, Any], type[SluiceError], str]] = [
    ("footer", {"html_content": "é" * (settings.TEXT_BYTES // 2 + 1)}, InvalidSetting, "html_content"),
    ("footer", {"plain_content": "a\0"}, UnfitCharacter, "plain_content"),
    ("footer", {"html_content": "\ud800"}, UnfitCharacter, "html_content"),
    ("template", {"enabled": True}, InvalidSetting, "html_content"),
    ("template", {"html_content": "x" * (settings.TEMPLATE_BYTES + 1)}, InvalidSetting, "html_content"),
    ("subscription", {"replace": "two\nlines"}, UnfitCharacter, "replace"),
    ("subscription", {"replace": "x" * 256}, InvalidSetting, "replace"),
    ("google_analytics", {"utm_term": "x" * 256}, InvalidSetting, "utm_term"),
    ("address_whitelist", {"list": ["a@example.com", "@example.com"]}, InvalidSetting, "list[1]"),
    ("address_whitelist", {"list": ["not a domain"]}, InvalidSetting, "list[0]"),
    ("address_whitelist", {"list": ["a@b@example.com"]}, InvalidSetting, "list[0]"),
    ("address_whitelist", {"list": [""]}, InvalidSetting, "list[0]"),
    ("address_whitelist", {"list": ["é" * 100_000]}, InvalidSetting, "list[0]"),
    ("address_whitelist", {"list": ["a.example"] * 1001}, InvalidSetting, "list"),
    ("bounce_purge", {"soft_bounces": 0}, InvalidSetting, "soft_bounces"),
    ("bounce_purge", {"hard_bounces": 10**30}, InvalidSetting, "hard_bounces"),
    ("forward_bounce", {"enabled": True}, InvalidSetting, "email"),
    ("forward_bounce", {"email": "nobody"}, InvalidSetting, "email"),
    ("forward_spam", {"email": "a@example.com,,b@example.com"}, InvalidSetting, "email"),
    ("forward_spam", {"email": "a@example.com," * 100}, InvalidSetting, "email"),
]


def test_wrong_values_are_refused_by_name_and_nothing_is_stored(alice: Account) -> None:
    for name, changes, error, field in WRONG:
        with pytest.raises(error) as caught:
            change_setting(alice, name, changes)
        assert (name, caught.value.field) == (name, field), changes
    assert not MailSettings.objects.exists()


def test_an_empty_address_or_several_can_be_forwarded_to(alice: Account) -> None:
    change_setting(alice, "forward_spam", {"enabled": True, "email": "a@example.com, b@example.com"})
    change_setting(alice, "forward_spam", {"enabled": False, "email": ""})
    change_setting(alice, "forward_bounce", {"email": None})


def test_two_changes_at_once_both_take_effect(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change waits in the middle for the other one, which cannot come there before the first has ended."""
    change_setting(alice, "forward_spam", {"enabled": True, "email": "a@example.com"})
    both_in_the_middle = threading.Barrier(2)
    check = settings._check

    def wait_and_check(name: str, setting: dict[str, Any]) -> None:
        with suppress(threading.BrokenBarrierError):
            both_in_the_middle.wait(0.3)
        check(name, setting)

    monkeypatch.setattr(settings, "_check", wait_and_check)

    def change(name: str, changes: dict[str, Any]) -> None:
        try:
            change_setting(alice, name, changes)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=change, args=args)
        for args in (("footer", FOOTER), ("subscription", {"enabled": True, "plain_content": "Leave: <% %>"}))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert read_setting(alice, "footer") == FOOTER
    assert defaults_of(alice)[0].keys() == {"footer", "subscription"}
