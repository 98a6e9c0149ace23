"""Read and change the settings of an account's mail, and derive from them how its mail is rendered and delivered.

A setting is a mapping with the names of SendGrid's API. A setting that is not enabled is kept and has no effect. The
settings are written in one transaction with their effects: `Account.mail_defaults` for the content of mail, the
addresses that are never suppressed, and the days after which bounces and blocks are removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import transaction

from accounts.models import Account
from content.errors import InvalidSetting
from content.models import MailSettings
from foundation.addresses import address_key, domain_key, is_address
from foundation.clock import Now
from foundation.texts import check_line, check_text

Setting = dict[str, Any]
Settings = Mapping[str, Setting]

UTM_PARAMETERS: Final = ("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign")
"""The parameters of links that Google Analytics reads."""
DEFAULTS: Final[Settings] = {
    "address_whitelist": {"enabled": False, "list": []},
    "bounce_purge": {"enabled": False, "soft_bounces": None, "hard_bounces": None},
    "footer": {"enabled": False, "html_content": "", "plain_content": ""},
    "forward_bounce": {"enabled": False, "email": None},
    "forward_spam": {"enabled": False, "email": ""},
    "template": {"enabled": False, "html_content": ""},
    "click": {"enabled": False, "enable_text": False},
    "google_analytics": {
        "enabled": False,
        **dict.fromkeys(UTM_PARAMETERS, ""),
    },
    "open": {"enabled": False},
    "subscription": {
        "enabled": False,
        **dict.fromkeys(("html_content", "plain_content", "landing", "replace", "url"), ""),
    },
}

TEXT_BYTES: Final = 64 * 1024
"""The most bytes of a footer, a subscription text or a landing page."""
TEMPLATE_BYTES: Final = 256 * 1024
"""The most bytes of a template. Each mail of the account stores a copy of it and of the texts, if they are enabled."""
LINE_LENGTH: Final = 255
LENGTHS: Final = {"email": 1000, "url": 900}
"""The most characters of lines that may be longer than others: `email` may hold several addresses."""
WHITELIST_ENTRIES: Final = 1000
ENTRY_LENGTH: Final = 320
MOST_DAYS: Final = 3650
BODY_TAG: Final = re.compile(r"<%[ \t]*+body[ \t]*+%>", re.IGNORECASE)
"""The place of a mail's content in a template of its account, and in a legacy template."""
TEXTS: Final = frozenset({"html_content", "plain_content", "landing"})
"""The parts that may have several lines."""


def read_settings(account: Account) -> Settings:
    """Return all settings of an account, by name."""
    values = MailSettings.objects.filter(account=account).values_list("values", flat=True).first()
    return _complete(values or {})


def read_setting(account: Account, name: str) -> Setting:
    """Return one setting of an account."""
    return read_settings(account)[name]


def change_setting(account: Account, name: str, changes: Mapping[str, Any]) -> Setting:
    """Change the given parts of a setting, and return all of it. Raises InvalidSetting and UnfitCharacter.

    The lock on the row lets two changes at once both take effect. Mail that was accepted before is not changed.
    """
    with transaction.atomic():
        row = _lock(account)
        settings = _complete(row.values)
        setting: Setting = {**settings[name], **changes}
        settings[name] = setting
        _check(name, setting)
        row.values = {key: values for key, values in settings.items() if values != DEFAULTS[key]}
        row.never_suppressed = _keys_of(settings["address_whitelist"])
        row.bounce_days, row.block_days = _days_of(settings["bounce_purge"])
        row.save()
        MailSettings.objects.filter(pk=row.pk).update(updated_at=Now())
        Account.objects.filter(pk=account.pk).update(mail_defaults=rendering_of(settings))
    return setting


def rendering_of(settings: Settings) -> dict[str, Any] | None:
    """Return the rendering of mail by the enabled settings, with the keys of `Rendering`; None if it is unchanged."""
    footer, subscription, template = (settings[name] for name in ("footer", "subscription", "template"))
    rendering: dict[str, Any] = {}
    if footer["enabled"] and (footer["plain_content"] or footer["html_content"]):
        rendering["footer"] = {"text": footer["plain_content"], "html": footer["html_content"]}
    if subscription["enabled"]:
        rendering["subscription"] = {
            "text": subscription["plain_content"],
            "html": subscription["html_content"],
            "tag": subscription["replace"],
        }
    if template["enabled"]:
        rendering["wrapper"] = template["html_content"]
    return rendering | _tracking_of(settings) or None


def _tracking_of(settings: Settings) -> dict[str, Any]:
    """Return the part of the rendering that is about tracking."""
    clicks, opens, analytics = (settings[name] for name in ("click", "open", "google_analytics"))
    tracking: dict[str, Any] = {}
    if clicks["enabled"]:
        tracking["clicks"] = {"in_text": clicks["enable_text"]}
    if opens["enabled"]:
        tracking["opens"] = True
    if analytics["enabled"] and (parameters := {name: analytics[name] for name in UTM_PARAMETERS if analytics[name]}):
        tracking["utm"] = parameters
    return tracking


def _complete(values: Mapping[str, Setting]) -> dict[str, Setting]:
    return {name: default | values.get(name, {}) for name, default in DEFAULTS.items()}


def _lock(account: Account) -> MailSettings:
    """Return the account's row, which is locked until the end of the transaction."""
    # A change at the same time may create the row, too: then this waits for it, and the select finds its row.
    MailSettings.objects.bulk_create([MailSettings(account=account)], ignore_conflicts=True)
    return MailSettings.objects.select_for_update().get(account=account)


def _keys_of(whitelist: Setting) -> list[str]:
    entries = whitelist["list"] if whitelist["enabled"] else []
    return sorted({address_key(entry) if "@" in entry else domain_key(entry) for entry in entries})


def _days_of(purge: Setting) -> tuple[int | None, int | None]:
    return (purge["hard_bounces"], purge["soft_bounces"]) if purge["enabled"] else (None, None)


# --- checks -----------------------------------------------------------------------------------------------------------


def _check(name: str, setting: Setting) -> None:
    for field, value in setting.items():
        if isinstance(value, str):
            _check_text(name, field, value)
    if check := CHECKS.get(name):
        check(setting)


def _check_text(name: str, field: str, value: str) -> None:
    if field not in TEXTS:
        check_line(value, field=field)
        most = LENGTHS.get(field, LINE_LENGTH)
        if len(value) > most:
            raise InvalidSetting(f"{field} is too long (maximum is {most} characters)", field=field)
        return
    most = TEMPLATE_BYTES if name == "template" else TEXT_BYTES
    if len(value) > most or len(value.encode(errors="replace")) > most:
        raise InvalidSetting(f"{field} may not exceed {most:,} bytes", field=field)
    check_text(value, field=field)


def _check_whitelist(setting: Setting) -> None:
    entries = setting["list"]
    if len(entries) > WHITELIST_ENTRIES:
        raise InvalidSetting(f"list is limited to {WHITELIST_ENTRIES:,} entries", field="list")
    for place, entry in enumerate(entries):
        if len(entry) > ENTRY_LENGTH or not is_address(entry if "@" in entry else f"any@{entry}"):
            raise InvalidSetting("an entry of the list must be an email address or a domain", field=f"list[{place}]")


def _check_days(setting: Setting) -> None:
    for field in ("soft_bounces", "hard_bounces"):
        days = setting[field]
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise InvalidSetting(f"{field} must be a number of days from 1 to {MOST_DAYS:,}, or null", field=field)


def _check_template(setting: Setting) -> None:
    if setting["enabled"] and not BODY_TAG.search(setting["html_content"]):
        raise InvalidSetting(
            "html_content must contain the tag <% body %>, which the HTML of each mail replaces", field="html_content"
        )


def _check_forwarding(setting: Setting) -> None:
    emails = [email.strip() for email in (setting["email"] or "").split(",")]
    if not emails[0] and len(emails) == 1:
        if setting["enabled"]:
            raise InvalidSetting("email is required while the setting is enabled", field="email")
    elif not all(map(is_address, emails)):
        raise InvalidSetting("email must be an email address; several are separated by commas", field="email")


CHECKS: Final[Mapping[str, Callable[[Setting], None]]] = {
    "address_whitelist": _check_whitelist,
    "bounce_purge": _check_days,
    "template": _check_template,
    "forward_bounce": _check_forwarding,
    "forward_spam": _check_forwarding,
}
