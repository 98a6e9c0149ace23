"""Which suppressions a mail shall go out in spite of: `mail_settings.bypass_…`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_
from typing import Any, Final

from api.sendgrid.inputs.texts import Found
from mailer.draft import Bypass

BYPASSES: Final[Mapping[str, Bypass]] = {
    "bypass_list_management": Bypass.EVERYTHING,
    "bypass_spam_management": Bypass.SPAM_REPORTS,
    "bypass_bounce_management": Bypass.BOUNCES,
    "bypass_unsubscribe_management": Bypass.UNSUBSCRIBES,
}
# Ours: the documents have the rule and no text for it.
ALONE = "The bypass_list_management setting cannot be combined with any other bypass setting."


def read_bypasses(mail: Mapping[str, Any]) -> Bypass:
    """Those that are enabled, of a body that has passed the schema."""
    given = mail.get("mail_settings") or {}
    return reduce(or_, (flag for name, flag in BYPASSES.items() if given.get(name, {}).get("enable")), Bypass.NOTHING)


def bypass_problems(mail: Mapping[str, Any]) -> Iterator[Found]:
    """Who bypasses everything has nothing left to bypass."""
    asked = read_bypasses(mail)
    if Bypass.EVERYTHING in asked and asked != Bypass.EVERYTHING:
        yield Found(("mail_settings", "bypass_list_management"), ALONE)
