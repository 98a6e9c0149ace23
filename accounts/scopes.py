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
    "access_settings.activity": ("read",),
    "access_settings.whitelist": CREATE_READ_UPDATE_DELETE,
    "alerts": CREATE_READ_UPDATE_DELETE,
    "api_keys": CREATE_READ_UPDATE_DELETE,
    "asm.groups": CREATE_READ_UPDATE_DELETE,
    "asm.groups.suppressions": CREATE_READ_UPDATE_DELETE,
    "asm.suppressions.global": CREATE_READ_UPDATE_DELETE,
    "billing": CREATE_READ_UPDATE_DELETE,
    "browsers.stats": ("read",),
    "categories": CREATE_READ_UPDATE_DELETE,
    "categories.stats": ("read",),
    "categories.stats.sums": ("read",),
    "clients.desktop.stats": ("read",),
    "clients.phone.stats": ("read",),
    "clients.stats": ("read",),
    "clients.tablet.stats": ("read",),
    "clients.webmail.stats": ("read",),
    "credentials": CREATE_READ_UPDATE_DELETE,
    "design_library": CREATE_READ_UPDATE_DELETE,
    "devices.stats": ("read",),
    "di.bounce_block_classification": ("read",),
    "di.bounce_block_classifications": ("read",),
    "email_activity": ("read",),
    "email_testing": ("read", "write"),
    "geo.stats": ("read",),
    "ips": CREATE_READ_UPDATE_DELETE,
    "ips.assigned": ("read",),
    "ips.pools": CREATE_READ_UPDATE_DELETE,
    "ips.pools.ips": CREATE_READ_UPDATE_DELETE,
    "ips.warmup": CREATE_READ_UPDATE_DELETE,
    "mail": ("send",),
    "mail.batch": CREATE_READ_UPDATE_DELETE,
    "mail_settings": ("read",),
    "mail_settings.address_whitelist": CREATE_READ_UPDATE_DELETE,
    "mail_settings.bcc": CREATE_READ_UPDATE_DELETE,
    "mail_settings.bounce_purge": CREATE_READ_UPDATE_DELETE,
    "mail_settings.footer": CREATE_READ_UPDATE_DELETE,
    "mail_settings.forward_bounce": CREATE_READ_UPDATE_DELETE,
    "mail_settings.forward_spam": CREATE_READ_UPDATE_DELETE,
    "mail_settings.plain_content": CREATE_READ_UPDATE_DELETE,
    "mail_settings.spam_check": CREATE_READ_UPDATE_DELETE,
    "mail_settings.template": CREATE_READ_UPDATE_DELETE,
    "mailbox_providers.stats": ("read",),
    "marketing": CREATE_READ_UPDATE_DELETE,
    "marketing.automation": ("read",),
    "marketing_campaigns": CREATE_READ_UPDATE_DELETE,
    "messages": ("read",),
    "newsletter": CREATE_READ_UPDATE_DELETE,
    "partner_settings": ("read",),
    "partner_settings.new_relic": CREATE_READ_UPDATE_DELETE,
    "partner_settings.sendwithus": CREATE_READ_UPDATE_DELETE,
    "recipients.erasejob": ("create", "read"),
    "sluice.account": ("read", "update"),
    "sluice.receipts": ("read",),
    "sso.settings": CREATE_READ_UPDATE_DELETE,
    "sso.teammates": ("create", "update"),
    "stats": ("read",),
    "stats.global": ("read",),
    "subusers": CREATE_READ_UPDATE_DELETE,
    "subusers.credits": CREATE_READ_UPDATE_DELETE,
    "subusers.credits.remaining": CREATE_READ_UPDATE_DELETE,
    "subusers.monitor": CREATE_READ_UPDATE_DELETE,
    "subusers.reputations": ("read",),
    "subusers.stats": ("read",),
    "subusers.stats.monthly": ("read",),
    "subusers.stats.sums": ("read",),
    "subusers.summary": ("read",),
    "suppression": CREATE_READ_UPDATE_DELETE,
    "suppression.blocks": CREATE_READ_UPDATE_DELETE,
    "suppression.bounces": CREATE_READ_UPDATE_DELETE,
    "suppression.invalid_emails": CREATE_READ_UPDATE_DELETE,
    "suppression.spam_reports": CREATE_READ_UPDATE_DELETE,
    "suppression.unsubscribes": CREATE_READ_UPDATE_DELETE,
    "teammates": CREATE_READ_UPDATE_DELETE,
    "templates": CREATE_READ_UPDATE_DELETE,
    "templates.versions": CREATE_READ_UPDATE_DELETE,
    "templates.versions.activate": CREATE_READ_UPDATE_DELETE,
    "tracking_settings": ("read",),
    "tracking_settings.click": CREATE_READ_UPDATE_DELETE,
    "tracking_settings.google_analytics": CREATE_READ_UPDATE_DELETE,
    "tracking_settings.open": CREATE_READ_UPDATE_DELETE,
    "tracking_settings.subscription": CREATE_READ_UPDATE_DELETE,
    "user.account": ("read",),
    "user.credits": ("read",),
    "user.email": CREATE_READ_UPDATE_DELETE,
    "user.multifactor_authentication": CREATE_READ_UPDATE_DELETE,
    "user.password": CREATE_READ_UPDATE_DELETE,
    "user.profile": CREATE_READ_UPDATE_DELETE,
    "user.scheduled_sends": CREATE_READ_UPDATE_DELETE,
    "user.settings.enforced_tls": ("read", "update"),
    "user.timezone": CREATE_READ_UPDATE_DELETE,
    "user.username": CREATE_READ_UPDATE_DELETE,
    "user.webhooks.event.settings": CREATE_READ_UPDATE_DELETE,
    "user.webhooks.event.test": CREATE_READ_UPDATE_DELETE,
    "user.webhooks.parse.settings": CREATE_READ_UPDATE_DELETE,
    "user.webhooks.parse.stats": ("read",),
    "validations.email": ("create", "read"),
    "whitelabel": CREATE_READ_UPDATE_DELETE,
}
"""SendGrid's groups are those of its published permissions of API keys and of teammates. Most belong to what does not
exist here: a key keeps such a scope, and it has no effect."""

AUTOMATIC_SCOPES = (
    *("2fa_exempt", "2fa_required"),
    *("sender_verification_eligible", "sender_verification_exempt", "sender_verification_legacy"),
    *("signup.trigger_confirmation", "ui.confirm_email", "ui.provision", "ui.signup_complete"),
)
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
