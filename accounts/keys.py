"""Create, find, rename and revoke API keys, and decide which scopes they hold.

The secret is shown once, to the person who creates the key; the database holds its SHA-256 digest. A plain digest is
enough, since the secret is 256 random bits and cannot be guessed. A revoked key is refused from the very next request,
on every node: a key that comes from this process's memory must be checked again by the statement that does the work.

The names of the scopes are SendGrid's, including those of endpoints that do not exist here, so that a key made today
keeps its meaning; names that begin with `sluice.` are for what SendGrid does not have. The only wildcard is
`FULL_ACCESS`: it stands for every scope that exists or will exist. It is stored but never shown: an API writes the
whole list instead.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.errors import KeyLimitReached, ScopesNotGrantable, UnknownKey
from accounts.models import Account, ApiKey
from accounts.queries import FIND_KEY, FIND_KEY_ID, fields_read
from foundation.clock import Now
from foundation.ids import url_safe
from foundation.statements import fetch_first

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
"""SendGrid's groups are those of its published permissions of API keys and of teammates.

Most of them belong to endpoints that do not exist here: a key keeps such a scope, and it has no effect.
"""

AUTOMATIC_SCOPES = (
    *("2fa_exempt", "2fa_required"),
    *("sender_verification_eligible", "sender_verification_exempt", "sender_verification_legacy"),
    *("signup.trigger_confirmation", "ui.confirm_email", "ui.provision", "ui.signup_complete"),
)
"""SendGrid adds these to keys by itself, so clients that copy a key's scopes send them. They allow nothing."""

ALL_SCOPES = tuple(f"{group}.{verb}" for group, verbs in SCOPES_BY_GROUP.items() for verb in verbs)
GIVEABLE_SCOPES = frozenset(ALL_SCOPES) | frozenset(AUTOMATIC_SCOPES)

KEY_SHAPE = re.compile(r"SG\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")
NAME_LENGTH = 100
RECALL_SECONDS = 1.0
REMEMBERED_KEYS = 10_000
KEY_FIELDS = fields_read(ApiKey)
ACCOUNT_FIELDS = fields_read(Account)
_remembered: dict[bytes, tuple[float, ApiKey]] = {}
"""Recently found keys with the time (monotonic), keyed by the digest of their complete text."""


class RecalledKey(NamedTuple):
    """A key from memory, and the current time. It may have been revoked or changed since it was read."""

    key: ApiKey
    now: dt.datetime


def create_key(
    account: Account, name: str, scopes: Iterable[str] | None = None, *, giver: Collection[str] = (FULL_ACCESS,)
) -> tuple[ApiKey, str]:
    """Create a key of `account`. Return it with its complete text, which cannot be read again.

    Without `scopes` it gets all that `giver` (the scopes of the key that creates it) holds. Raises ScopesNotGrantable
    and KeyLimitReached.
    """
    granted = choose_scopes(scopes, giver=giver)
    secret = url_safe(32)
    with transaction.atomic():
        # Otherwise two concurrent callers could exceed the limit.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if living_keys(account).count() >= settings.API_KEYS_LIMIT:
            raise KeyLimitReached
        key = ApiKey.objects.create(
            account=account, key_id=url_safe(16), secret_digest=digest(secret), name=name, scopes=granted
        )
    return key, key_text(key.key_id, secret)


def key_text(key_id: str, secret: str) -> str:
    """Return the whole text of a key, in the form of `KEY_SHAPE` if both parts have the right form."""
    return f"SG.{key_id}.{secret}"


def find_key_of(username: str, secret: str) -> ApiKey | None:
    """Return the living key of the account with this secret part, or None if it does not exist."""
    for (key_id,) in fetch_first(FIND_KEY_ID, [username, digest(secret)]):
        return find_key(key_text(key_id, secret))
    return None


def find_key(bearer_text: str) -> ApiKey | None:
    """Return the valid key of a text, with its account, the account's parent and the time, or None.

    It costs one indexed read, which must be the first statement of a request.
    """
    shape = KEY_SHAPE.fullmatch(bearer_text)
    if shape is None:
        return None
    key_id, secret = shape.groups()
    key = find_living(key_id)
    if key is None or not hmac.compare_digest(bytes(key.secret_digest), digest(secret)):
        return None
    _remember(bearer_text, key)
    return key


def find_living(key_id: str) -> ApiKey | None:
    """Return a valid key by its id, or None. Use it for callers that were authenticated in another way."""
    for found_at, *row in fetch_first(FIND_KEY, [key_id]):
        key = load_key(row)
        key.found_at = found_at
        return key
    return None


def recall_key(bearer_text: str) -> RecalledKey | None:
    """Return the key of a text from memory, without a statement, if this process has read it within the last second."""
    entry = _remembered.get(digest(bearer_text))
    if entry is None:
        return None
    at, key = entry
    age = time.monotonic() - at
    return RecalledKey(key, key.found_at + dt.timedelta(seconds=age)) if age < RECALL_SECONDS else None


def _remember(bearer_text: str, key: ApiKey) -> None:
    if len(_remembered) >= REMEMBERED_KEYS:
        _remembered.clear()
    _remembered[digest(bearer_text)] = (time.monotonic(), key)


def load_key(row: Sequence[Any]) -> ApiKey:
    """Return the key of a row of `FIND_KEY` without its time, with its account and the account's parent."""
    key = ApiKey.from_db(connection.alias, KEY_FIELDS, row[: len(KEY_FIELDS)])
    owner_fields = row[len(KEY_FIELDS) :]
    account = Account.from_db(connection.alias, ACCOUNT_FIELDS, owner_fields[: len(ACCOUNT_FIELDS)])
    parent = owner_fields[len(ACCOUNT_FIELDS) :]
    account.parent = Account.from_db(connection.alias, ACCOUNT_FIELDS, parent) if account.parent_id else None
    key.account = account
    return key


def living_keys(account: Account) -> QuerySet[ApiKey]:
    """Return the account's keys that are not revoked, the oldest first."""
    return ApiKey.objects.filter(account=account, revoked_at=None).order_by("created_at", "pk")


def get_key(account: Account, key_id: str) -> ApiKey:
    """Return a valid key of the account. Raises UnknownKey."""
    key = living_keys(account).filter(key_id=key_id).first()
    if key is None:
        raise UnknownKey
    return key


def rename_key(account: Account, key_id: str, name: str) -> ApiKey:
    """Give a living key another name. Raises UnknownKey."""
    return change_key(account, key_id, name=name)


def replace_scopes(
    account: Account, key_id: str, name: str, scopes: Iterable[str], *, giver: Collection[str] = (FULL_ACCESS,)
) -> ApiKey:
    """Give a living key another name and exactly these scopes. Raises UnknownKey and ScopesNotGrantable."""
    return change_key(account, key_id, name=name, scopes=choose_scopes(scopes, giver=giver))


def revoke_key(account: Account, key_id: str) -> None:
    """Revoke a key; its next request is refused. Raises UnknownKey, also if it was revoked before."""
    if not living_keys(account).filter(key_id=key_id).update(revoked_at=Now()):
        raise UnknownKey


def change_key(account: Account, key_id: str, **changes: object) -> ApiKey:
    """Change a key unless it was revoked. Raises UnknownKey."""
    if not living_keys(account).filter(key_id=key_id).update(**changes):
        raise UnknownKey
    return get_key(account, key_id)


def digest(secret: str) -> bytes:
    """Return the digest that is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


# --- scopes -----------------------------------------------------------------------------------------------------------


def allows(scopes: Collection[str], scope: str) -> bool:
    """Return whether a key with the scopes `held` may do what requires `scope`."""
    return scope in scopes or FULL_ACCESS in scopes


def spell_out(scopes: Collection[str]) -> list[str]:
    """Return the scopes by name, for callers that do not know the wildcard."""
    return list(ALL_SCOPES) if FULL_ACCESS in scopes else list(scopes)


def choose_scopes(requested: Iterable[str] | None, *, giver: Collection[str] = (FULL_ACCESS,)) -> list[str]:
    """Return the scopes of a new key. None asks for all that `giver` holds, and no key can grant more than it holds.

    Raises ScopesNotGrantable, which names the scopes that do not exist or that the giver does not hold.
    """
    if requested is None:
        return list(giver)
    scopes = dict.fromkeys(requested)
    refused = [scope for scope in scopes if not may_give(giver, scope)]
    if refused:
        raise ScopesNotGrantable(refused)
    return list(scopes)


def may_give(giver: Collection[str], scope: str) -> bool:
    """Return whether a key with the scopes `giver` may grant `scope`."""
    return scope in AUTOMATIC_SCOPES or (scope in GIVEABLE_SCOPES and allows(giver, scope))
