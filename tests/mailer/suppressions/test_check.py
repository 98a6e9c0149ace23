"""Test the suppressions that keep a mail from a recipient."""

from __future__ import annotations

from mailer.draft import Bypass
from mailer.models import Mail, SuppressionKind
from mailer.suppressions.check import REASONS, Found, reason_to_drop
from tests.examples import for_each

GROUP, GLOBAL, BOUNCE, BLOCK, INVALID, SPAM = SuppressionKind
UNSUBSCRIBED, BOUNCED, REPORTED = "Unsubscribed Address", "Bounced Address", "Spam Reporting Address"


@for_each(
    ("rows", "reason"),
    [
        ([], None),
        ([(GROUP, 7)], UNSUBSCRIBED),
        ([(GROUP, 8)], None),
        ([(GLOBAL, None)], UNSUBSCRIBED),
        ([(BOUNCE, None)], BOUNCED),
        ([(BLOCK, None)], None),
        ([(INVALID, None)], "Invalid"),
        ([(SPAM, None)], REPORTED),
        ([(GROUP, 8), (GLOBAL, None), (SPAM, None)], REPORTED),
        ([(GLOBAL, None), (BOUNCE, None), (SPAM, None)], BOUNCED),
    ],
)
def test_each_kind_of_suppression_has_a_reason(rows: list[Found], reason: str | None) -> None:
    kind = reason_to_drop(rows, Mail(unsubscribe_group_id=7))
    assert (kind and REASONS[kind]) == reason


def test_mail_without_a_group_ignores_group_suppressions() -> None:
    assert reason_to_drop([(GROUP, 7)], Mail()) is None


@for_each(
    ("bypass", "let_through"),
    [
        (Bypass.NOTHING, set()),
        (Bypass.EVERYTHING, {GROUP, GLOBAL, BOUNCE, INVALID, SPAM}),
        (Bypass.SPAM_REPORTS, {SPAM}),
        (Bypass.BOUNCES, {BOUNCE}),
        (Bypass.UNSUBSCRIBES, {GLOBAL}),
        (Bypass.BOUNCES | Bypass.SPAM_REPORTS, {BOUNCE, SPAM}),
    ],
)
def test_a_bypass_lets_through_its_kind_and_no_other(bypass: Bypass, let_through: set[SuppressionKind]) -> None:
    mail = Mail(unsubscribe_group_id=7, bypass=bypass)
    kinds = [(kind, 7 if kind is GROUP else None) for kind in (GROUP, GLOBAL, BOUNCE, INVALID, SPAM)]
    assert {kind for kind, group in kinds if reason_to_drop([(kind, group)], mail) is None} == let_through
