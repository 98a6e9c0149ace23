"""Check the suppressions of a claimed parcel's recipients: find the recipients who get nothing, and the reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from foundation.statements import fetch_prepared
from mailer.draft import Bypass
from mailer.models import Mail, SuppressionKind
from mailer.suppressions import queries

Found = tuple[SuppressionKind, int | None]
"""A suppression's kind, and its group."""

REASONS: Final[Mapping[SuppressionKind, str]] = {
    SuppressionKind.INVALID: "Invalid",
    SuppressionKind.BOUNCE: "Bounced Address",
    SuppressionKind.SPAM: "Spam Reporting Address",
    SuppressionKind.GLOBAL: "Unsubscribed Address",
    SuppressionKind.GROUP: "Unsubscribed Address",
}
"""SendGrid's words for each reason, the strongest reason first. Mail is not dropped because of a block."""
BYPASSES: Final[Mapping[SuppressionKind, Bypass]] = {
    SuppressionKind.BOUNCE: Bypass.BOUNCES,
    SuppressionKind.SPAM: Bypass.SPAM_REPORTS,
    SuppressionKind.GLOBAL: Bypass.UNSUBSCRIBES,
}


def find_suppressions(recipients: Collection[tuple[int, str]]) -> dict[tuple[int, str], list[Found]]:
    """Return the suppressions of addresses, by account id and address key. An address that is missing has none."""
    suppressions: dict[tuple[int, str], list[Found]] = {}
    values = {"accounts": [account_id for account_id, _ in recipients], "emails": [email for _, email in recipients]}
    for account_id, email, kind, group_id in fetch_prepared(queries.FIND_SUPPRESSIONS, values):
        suppressions.setdefault((account_id, email), []).append((SuppressionKind(kind), group_id))
    return suppressions


def reason_to_drop(suppressions: Sequence[Found], mail: Mail) -> SuppressionKind | None:
    """Return why a recipient with these suppressions does not get a mail; None if it is sent all the same.

    `REASONS` has the words for it.
    """
    bypass = Bypass(mail.bypass)
    if Bypass.EVERYTHING in bypass:
        return None
    kinds = {
        kind
        for kind, group_id in suppressions
        if BYPASSES.get(kind, Bypass.EVERYTHING) not in bypass
        and (kind is not SuppressionKind.GROUP or group_id == mail.unsubscribe_group_id)
    }
    return next((kind for kind in REASONS if kind in kinds), None)
