"""Read the mail settings and the tracking settings of a mail/send body: what they change in its messages.

A setting that is named with `enable` false is off, even if it is a default of the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.sendgrid.mail.texts import EXAMPLE, Finding
from content.settings import UTM_PARAMETERS
from foundation.addresses import address_key, is_address
from mailer.draft import Address, FooterTexts, Personalization, Rendering, SubscriptionTexts

BCC_REQUIRED: Final = "You must include a recipient object when using the bcc mail setting."
BCC_INVALID: Final = (
    "The bcc email recipient object must at least have an email address and may also contain a name." + EXAMPLE
)
THRESHOLD_REQUIRED: Final = "You must include the spam check threshold  when using the spam check mail setting."
THRESHOLD_INVALID: Final = (
    "The spam check threshold is between 1 and 10, with the lower numbers being the most strict filtering."
)
URL_REQUIRED: Final = "You must include the url to post to when using the spam check mail setting."
URL_INVALID: Final = "The `post_to_url` parameter must start with `http://` or `https://`."


def copy_address(mail: Mapping[str, Any]) -> str | None:
    """Return the address that gets a copy of each message, or None."""
    setting = (mail.get("mail_settings") or {}).get("bcc", {})
    return setting.get("email") if setting.get("enable") else None


def copy_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    """Find an enabled `bcc` setting without an address."""
    setting = mail["mail_settings"].get("bcc", {})
    if not setting.get("enable"):
        return
    if not setting.get("email"):
        yield Finding(("mail_settings", "bcc", "email"), BCC_REQUIRED)
    elif not is_address(setting["email"]):
        yield Finding(("mail_settings", "bcc", "email"), BCC_INVALID)


def spam_check_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what is wrong with an enabled `spam_check` setting, which has no effect."""
    setting = mail["mail_settings"].get("spam_check", {})
    if not setting.get("enable"):
        return
    path = ("mail_settings", "spam_check")
    if "threshold" not in setting:
        yield Finding((*path, "threshold"), THRESHOLD_REQUIRED)
    elif not 1 <= setting["threshold"] <= 10:
        yield Finding((*path, "threshold"), THRESHOLD_INVALID)
    if not setting.get("post_to_url"):
        yield Finding((*path, "post_to_url"), URL_REQUIRED)
    elif not setting["post_to_url"].startswith(("http://", "https://")):
        yield Finding((*path, "post_to_url"), URL_INVALID)


def with_copy(person: Personalization, copy: str) -> Personalization:
    """Return a message with another recipient in Bcc, unless it goes to that address already."""
    key = address_key(copy)
    if any(address_key(email) == key for email, _ in (*person.to, *person.cc, *person.bcc)):
        return person
    return person._replace(bcc=(*person.bcc, Address(copy)))


def read_rendering(mail: Mapping[str, Any]) -> Rendering | None:
    """Return the changes to the content of a mail, from a body without problems, or None if there are no changes."""
    mail_settings, tracking = mail.get("mail_settings", {}), mail.get("tracking_settings", {})
    rendering: Rendering = {}
    # A section may be an object, as in an old sample; then it has no effect.
    if sections := {key: text for key, text in mail.get("sections", {}).items() if key and isinstance(text, str)}:
        rendering["sections"] = sections
    footer, subscription = mail_settings.get("footer", {}), tracking.get("subscription_tracking", {})
    if "enable" in footer:
        texts: FooterTexts = {"text": footer.get("text", ""), "html": footer.get("html", "")}
        rendering["footer"] = texts if footer["enable"] else None
    if "enable" in subscription:
        rendering["subscription"] = _subscription_texts(subscription) if subscription["enable"] else None
    _read_tracking(tracking, rendering)
    return rendering or None


def _read_tracking(tracking: Mapping[str, Any], rendering: Rendering) -> None:
    """Add the tracking of clicks and opens, and the parameters of links, to a rendering."""
    clicks, opens, analytics = (tracking.get(name, {}) for name in ("click_tracking", "open_tracking", "ganalytics"))
    if "enable" in clicks:
        rendering["clicks"] = {"in_text": clicks.get("enable_text", False)} if clicks["enable"] else None
    if "enable" in opens:
        rendering["opens"] = opens["enable"]
    if tag := opens.get("substitution_tag"):
        rendering["pixel_tags"] = [tag]
    if "enable" in analytics:
        parameters = {name: analytics[name] for name in UTM_PARAMETERS if analytics.get(name)}
        rendering["utm"] = parameters if analytics["enable"] else None


def _subscription_texts(setting: Mapping[str, str]) -> SubscriptionTexts:
    return {
        "text": setting.get("text", ""),
        "html": setting.get("html", ""),
        "tag": setting.get("substitution_tag", ""),
    }
