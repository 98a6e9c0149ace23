"""The scopes a key may hold: their names, and who may hand out which.

The names are SendGrid's (facts of the wire), those of later dialects and endpoints included, so that a key made today
keeps its meaning; those that begin with `sluice.` are for what SendGrid does not have. There is one wildcard,
`FULL_ACCESS`: it stands for every scope there is or will be. It is stored, never spoken: on the wire it reads as the
whole list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from accounts.errors import ScopesNotGrantable

FULL_ACCESS = "*"

CREATE_READ_UPDATE_DELETE = ("create", "read", "update", "delete")

SCOPES_BY_GROUP: dict[str, tuple[str, ...]] = {
    "alerts": CREATE_READ_UPDATE_DELETE,
    "api_keys": CREATE_READ_UPDATE_DELETE,
    "asm.groups": CREATE_READ_UPDATE_DELETE,
    "asm.groups.suppressions": CREATE_READ_UPDATE_DELETE,
    "asm.suppressions.global": CREATE_READ_UPDATE_DELETE,
    "browsers.stats": ("read",),
    "categories": CREATE_READ_UPDATE_DELETE,
    "categories.stats": ("read",),
    "categories.stats.sums": ("read",),
    "clients.stats": ("read",),
    "devices.stats": ("read",),
    "email_activity": ("read",),
    "geo.stats": ("read",),
    "mail": ("send",),
    "mail.batch": CREATE_READ_UPDATE_DELETE,
    "mail_settings": ("read",),
    "mailbox_providers.stats": ("read",),
    "marketing": CREATE_READ_UPDATE_DELETE,
    "marketing_campaigns": CREATE_READ_UPDATE_DELETE,
    "messages": ("read",),
    "sluice.account": ("read", "update"),
    "sluice.receipts": ("read",),
    "stats": ("read",),
    "stats.global": ("read",),
    "subusers": CREATE_READ_UPDATE_DELETE,
    "suppression": CREATE_READ_UPDATE_DELETE,
    "suppression.blocks": CREATE_READ_UPDATE_DELETE,
    "suppression.bounces": CREATE_READ_UPDATE_DELETE,
    "suppression.invalid_emails": CREATE_READ_UPDATE_DELETE,
    "suppression.spam_reports": CREATE_READ_UPDATE_DELETE,
    "suppression.unsubscribes": CREATE_READ_UPDATE_DELETE,
    "templates": CREATE_READ_UPDATE_DELETE,
    "templates.versions": CREATE_READ_UPDATE_DELETE,
    "templates.versions.activate": CREATE_READ_UPDATE_DELETE,
    "tracking_settings": ("read",),
    "tracking_settings.click": ("read", "update"),
    "tracking_settings.google_analytics": ("read", "update"),
    "tracking_settings.open": ("read", "update"),
    "tracking_settings.subscription": ("read", "update"),
    "user.scheduled_sends": CREATE_READ_UPDATE_DELETE,
    "user.webhooks.event.settings": CREATE_READ_UPDATE_DELETE,
    "user.webhooks.event.test": ("create", "read", "update"),
}

AUTOMATIC_SCOPES = ("2fa_required", "sender_verification_eligible", "sender_verification_exempt")
"""SendGrid puts these on keys by itself, so clients that copy a key's scopes hand them back. They allow nothing."""

ALL_SCOPES = tuple(f"{group}.{verb}" for group, verbs in SCOPES_BY_GROUP.items() for verb in verbs)
GIVEABLE_SCOPES = frozenset(ALL_SCOPES) | frozenset(AUTOMATIC_SCOPES)


def allows(held: Collection[str], scope: str) -> bool:
    """Whether a key that holds `held` may do what needs `scope`."""
    return scope in held or FULL_ACCESS in held


def spell_out(held: Collection[str]) -> list[str]:
    """The scopes by name, for a reader who does not know the wildcard."""
    return list(ALL_SCOPES) if FULL_ACCESS in held else list(held)


def choose_scopes(wanted: Iterable[str] | None, *, giver: Collection[str] = (FULL_ACCESS,)) -> list[str]:
    """What a new key will hold. None asks for all that `giver` holds; nobody hands out what they lack.

    Raises ScopesNotGrantable, which names the scopes that do not exist or that the giver lacks.
    """
    if wanted is None:
        return list(giver)
    chosen = dict.fromkeys(wanted)
    refused = [scope for scope in chosen if not may_give(giver, scope)]
    if refused:
        raise ScopesNotGrantable(refused)
    return list(chosen)


def may_give(giver: Collection[str], scope: str) -> bool:
    """Whether the holder of `giver` may hand out `scope`."""
    return scope in AUTOMATIC_SCOPES or (scope in GIVEABLE_SCOPES and allows(giver, scope))
