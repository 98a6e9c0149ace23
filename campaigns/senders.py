"""Create, verify, find, change and delete the senders of campaigns.

A sender can be used once its address is verified: by a signed link that is mailed to it, or at once if the address
belongs to one of `VERIFIED_DOMAINS`. The link is for the sender and its address, so it becomes invalid when the address
is changed.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypedDict, Unpack

from django.apps import apps
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import F, Model, QuerySet

from accounts.models import Account
from accounts.rates import take_place
from audience.errors import UnknownLink
from audience.locks import lock_audience
from campaigns.errors import (
    InvalidSender,
    SenderLimitReached,
    SenderLocked,
    SenderProblem,
    SenderVerified,
    UnknownPart,
    UnknownSender,
    VerificationLimitReached,
    WrongPart,
)
from campaigns.models import Sender
from foundation.addresses import address_key, domain_key, is_email
from foundation.clock import Now, database_now
from foundation.texts import is_line
from mailer.compose.headers import one_line
from mailer.own_mail import accept_own_mail

LINK_LIFE = dt.timedelta(hours=48)
SALT = "campaigns.sender"
VERIFICATIONS_PER_HOUR: Final = 3
"""The number of mails to one address for one account. It protects addresses from senders made only to mail them."""
VERIFY_PATH = "/senders/verify/"
"""The path below `PUBLIC_URL`. The token follows it."""
REQUIRED: Final = ("nickname", "from_name", "from_email", "reply_to", "address", "city", "country")
EMAILS: Final = ("from_email", "reply_to")
LENGTHS: Final = {"nickname": 100}
LONGEST = 255
"""The longest value of any other part, in characters."""
LOCKING: Final = frozenset({"draft", "scheduled", "queued", "sending", "paused"})
"""The statuses of a campaign whose sender cannot be changed."""


class Parts(TypedDict, total=False):
    """The parts of a sender that a caller may set."""

    nickname: str
    from_email: str
    from_name: str
    reply_to: str
    reply_to_name: str
    address: str
    address_2: str
    city: str
    state: str
    zip: str
    country: str


def create_sender(account: Account, *, required: Collection[str] = REQUIRED, **parts: Unpack[Parts]) -> Sender:
    """Create a sender, and mail its address a link by which it is verified.

    Parts that are not `required` may be missing or empty. Raises InvalidSender, SenderLimitReached and
    VerificationLimitReached.
    """
    values = _check(parts, required)
    with transaction.atomic():
        lock_audience(account)
        if list_senders(account).count() >= settings.SENDERS_LIMIT:
            raise SenderLimitReached
        sender = Sender(account=account, **values)
        _refuse_taken(sender)
        if is_trusted(sender.from_email):
            sender.verified_at = database_now()
        sender.save(force_insert=True)
        sender.refresh_from_db()
        _ask_to_verify(sender)
    return sender


def list_senders(account: Account) -> QuerySet[Sender]:
    """Return the account's senders, the oldest first."""
    return Sender.objects.filter(account=account).order_by("pk")


def list_verified(account: Account) -> QuerySet[Sender]:
    """Return the account's verified senders, the oldest first."""
    return list_senders(account).exclude(verified_at=None)


def get_sender(account: Account, sender_id: int | uuid.UUID) -> Sender:
    """Return a sender by its number or its UUID. Raises UnknownSender."""
    if isinstance(sender_id, int) and not 0 < sender_id < 2**31:
        raise UnknownSender(field="id")
    named = {"uuid" if isinstance(sender_id, uuid.UUID) else "pk": sender_id}
    sender = list_senders(account).select_related("account").filter(**named).first()
    if sender is None:
        raise UnknownSender(field="id")
    return sender


def find_verified(account: Account, *, email: str | None, name: str | None) -> Sender:
    """Return the account's first verified sender with that address, with that name, or with both.

    Raises UnknownSender.
    """
    verified = list_verified(account)
    if name is not None:
        verified = verified.filter(from_name=name)
    sender = verified.first() if email is None else _first_with_address(verified, email)
    if sender is None:
        raise UnknownSender(field="sender")
    return sender


def sender_of(account: Account, address: str) -> int:
    """Return the id of the account's sender with that address, preferably a verified one. Raises UnknownPart."""
    verified_first = list_senders(account).order_by(F("verified_at").asc(nulls_last=True), "pk")
    sender = _first_with_address(verified_first, address)
    if sender is None:
        raise UnknownPart("sender")
    return sender.pk


def _first_with_address(senders: Iterable[Sender], email: str) -> Sender | None:
    return next((sender for sender in senders if has_address(sender, email)), None)


def has_address(sender: Sender, email: str) -> bool:
    """Return whether the sender's address is this one, in any spelling."""
    return address_key(sender.from_email) == address_key(email)


def update_sender(
    account: Account, sender_id: int | uuid.UUID, *, required: Collection[str] = REQUIRED, **parts: Unpack[Parts]
) -> Sender:
    """Change the given parts; those that are `required` cannot be emptied. Another from_email is verified again.

    Raises UnknownSender, SenderLocked, InvalidSender and VerificationLimitReached.
    """
    values = _check(parts, [part for part in required if part in parts])
    with transaction.atomic():
        lock_audience(account)
        sender = _unlocked(account, sender_id)
        moved = not has_address(sender, values.get("from_email", sender.from_email))
        for part, value in values.items():
            setattr(sender, part, value)
        _refuse_taken(sender)
        if moved:
            sender.verified_at = database_now() if is_trusted(sender.from_email) else None
        sender.save(update_fields=[*values, "verified_at"])
        Sender.objects.filter(pk=sender.pk).update(updated_at=Now())
        sender.refresh_from_db()
        if moved:
            _ask_to_verify(sender)
    return sender


def delete_sender(account: Account, sender_id: int | uuid.UUID) -> None:
    """Delete a sender. Campaigns that have ended stay without a sender. Raises UnknownSender and SenderLocked."""
    with transaction.atomic():
        sender = _unlocked(account, sender_id)
        if campaigns := _campaigns():
            campaigns._default_manager.filter(sender=sender).update(sender=None)
        sender.delete()


def resend_verification(account: Account, sender_id: int | uuid.UUID) -> None:
    """Mail another link. Raises UnknownSender, SenderVerified and VerificationLimitReached."""
    sender = get_sender(account, sender_id)
    if sender.verified_at is not None:
        raise SenderVerified
    _ask_to_verify(sender)


# --- verification -----------------------------------------------------------------------------------------------------


def verification_link(sender: Sender) -> str:
    """Return a link that a reader of the sender's mail can open during `LINK_LIFE`."""
    until = int((database_now() + LINK_LIFE).timestamp())
    return f"{settings.PUBLIC_URL}{VERIFY_PATH}{signing.dumps([sender.pk, sender.from_email, until], salt=SALT)}"


def read_verification(token: str) -> Sender:
    """Return the sender of a link without verifying it, since programs open links, too. Raises UnknownLink."""
    try:
        sender_id, email, until = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise UnknownLink from None
    sender = Sender.objects.filter(pk=sender_id, from_email=email).select_related("account").first()
    if sender is None or until <= database_now().timestamp():
        raise UnknownLink
    return sender


def verify_sender(token: str, *, account: Account | None = None) -> Sender:
    """Verify the sender of a link that was confirmed. It may have been verified before.

    Raises UnknownLink, also for the sender of another account if one is given.
    """
    sender = read_verification(token)
    if account is not None and sender.account != account:
        raise UnknownLink
    unchanged = Sender.objects.filter(pk=sender.pk, from_email=sender.from_email)
    unchanged.filter(verified_at=None).update(verified_at=Now())
    verified = unchanged.first()
    if verified is None:
        raise UnknownLink
    return verified


def vouch_for_sender(account: Account, sender_id: int | uuid.UUID) -> Sender:
    """Verify a sender without a link, because an operator vouches for the address.

    Raises UnknownSender, and SenderVerified if it was verified before.
    """
    sender = get_sender(account, sender_id)
    if not Sender.objects.filter(pk=sender.pk, from_email=sender.from_email, verified_at=None).update(
        verified_at=Now()
    ):
        raise SenderVerified
    return get_sender(account, sender.pk)


def is_trusted(email: str) -> bool:
    """Return whether the address belongs to a domain whose senders need no verification."""
    return domain_key(email.rpartition("@")[2]) in settings.VERIFIED_DOMAINS


def _ask_to_verify(sender: Sender) -> None:
    """Mail the sender's address a link, unless the sender is verified. Raises VerificationLimitReached."""
    if sender.verified_at is not None:
        return
    if not take_place(
        f"verification:{sender.account_id}:{address_key(sender.from_email)}", limit=VERIFICATIONS_PER_HOUR, seconds=3600
    ):
        raise VerificationLimitReached
    hours = int(LINK_LIFE.total_seconds() // 3600)
    text = (
        f"{one_line(sender.account.username)} would like to send mail from {sender.from_email}.\n\n"
        f"To allow this, open this link within {hours} hours and confirm the address:\n\n"
        f"{verification_link(sender)}\n\n"
        "If you do not want this, ignore this message: no such mail will be sent.\n"
    )
    subject = f"Confirm {sender.from_email} as a sender"
    accept_own_mail(sender.account, sender.from_email, subject=subject, text=text)


# --- checks -----------------------------------------------------------------------------------------------------------


def is_locked(sender: Sender) -> bool:
    """Return whether a campaign that is a draft, scheduled or in progress uses the sender."""
    return bool(locked_among([sender]))


def locked_among(senders: Iterable[Sender]) -> set[int]:
    """Return the ids of the senders that are locked."""
    campaigns = _campaigns()
    if campaigns is None:
        return set()
    choices: list[tuple[int, str]] = getattr(campaigns._meta.get_field("status"), "choices", [])
    statuses = [status for status, label in choices if label in LOCKING]
    using = campaigns._default_manager.filter(sender__in=list(senders), status__in=statuses, deleted_at=None)
    return set(using.values_list("sender_id", flat=True))


def _campaigns() -> type[Model] | None:
    return apps.get_app_config("campaigns").models.get("campaign")


def _unlocked(account: Account, sender_id: int | uuid.UUID) -> Sender:
    """Return the sender under a lock that keeps campaigns from starting to use it."""
    sender = get_sender(account, sender_id)
    locked = list_senders(account).select_for_update().filter(pk=sender.pk).first()
    if locked is None:
        raise UnknownSender(field="id")
    if is_locked(locked):
        raise SenderLocked(field="locked")
    return locked


def _check(parts: Mapping[str, object], required: Iterable[str]) -> dict[str, str]:
    """Return the parts in the form in which they are stored. Raises InvalidSender with all problems."""
    values = {part: str(value or "").strip() for part, value in parts.items()}
    wrong = [WrongPart(part, SenderProblem.MISSING) for part in required if not values.get(part)]
    unfit = [part for part, value in values.items() if value and not _fits(part, value)]
    wrong += [WrongPart(part, SenderProblem.INVALID) for part in unfit]
    if wrong:
        raise InvalidSender(wrong)
    return values


def _fits(part: str, value: str) -> bool:
    is_short = len(value) <= LENGTHS.get(part, LONGEST)
    return is_short and is_line(value) and (part not in EMAILS or is_email(value))


def _refuse_taken(sender: Sender) -> None:
    """Raise InvalidSender if the nickname is taken. `lock_audience` must be held, so that it stays free."""
    namesakes = Sender.objects.filter(account=sender.account, nickname__iexact=sender.nickname).exclude(pk=sender.pk)
    if namesakes.exists():
        raise InvalidSender([WrongPart("nickname", SenderProblem.TAKEN)])
