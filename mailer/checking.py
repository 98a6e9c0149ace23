"""Check what accept takes: the characters, addresses, headers and groups of a draft, and the room that its account has.

What can be merged into a header holds no control character, and addresses are addresses. Substitutions may be merged
into a header and into a body, so they may have several lines: the composer turns their line breaks into spaces in a
header. Bodies, custom arguments and the content of attachments never reach a header.

Headers, the Message-ID and Reply-To are checked with the values of each message: what is accepted here is what the
composer writes. The work is bounded by the size of the request: nothing is filled in further than a header may be long.

The guard against a caller that schedules without end counts the waiting messages of all accounts. It need not be exact,
so nothing is counted for each request: each process counts every ten seconds, or less often when counting takes long.
An account may exceed its limit by the mail that it sends in between, and, in a table of more than `BLOCKS` blocks, by
the error of a sample.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from django.conf import settings
from django.db import connection

from accounts.models import Account
from batches.queries import PENDING
from foundation.addresses import check_address, is_address
from foundation.statements import fetch_prepared
from foundation.texts import check_line, check_text, is_line, is_text
from mailer.compose.caller_headers import (
    LONGEST_MESSAGE_ID,
    SERVER_HEADERS,
    fill_message_id,
    fill_reply_to,
    find_message_id,
    text_of,
)
from mailer.draft import Address, MailDraft, Personalization
from mailer.errors import (
    InvalidMessageId,
    InvalidReplyTo,
    QueueFull,
    ReservedHeader,
    UnknownGroup,
    UnknownGroupsToDisplay,
)
from mailer.suppressions.groups import HIGHEST_ID
from mailer.suppressions.queries import KNOWN_GROUPS

Loc = tuple[str | int, ...]
PEOPLE: Final = "personalizations"


def check_characters(draft: MailDraft) -> None:
    """Accept a draft without control characters, to whose addresses mail can be sent.

    Raises UnfitCharacter; its `field` is the path of the value.
    """
    for loc, email in _emails_of(draft):
        if not email.isascii():
            check_address(email, field=".".join(map(str, loc)))
    for loc, line in _lines_of(draft):
        if not is_line(line):
            check_line(line, field=".".join(map(str, loc)))
    # One search is faster than thousands: which of the texts is to blame is looked for only when one is.
    if not is_text("".join(chain.from_iterable(_values_of(draft)))):
        for number, one in enumerate(draft.personalizations):
            for name, values in (("substitutions", one.substitutions), ("merge", one.merge)):
                check_text("".join((*values, *values.values())), field=f"{PEOPLE}.{number}.{name}")
    # A substitution may bring a section into a header.
    sections = (draft.rendering or {}).get("sections") or {}
    check_text("".join((*sections, *sections.values())), field="sections")


def _emails_of(draft: MailDraft) -> Iterator[tuple[Loc, str]]:
    # Those of the Reply-To may have keys of substitutions: `check_reply_to` looks at what they become.
    yield ("sender",), draft.sender.email
    # Nearly all of a thousand personalizations have only ASCII ones: those are looked at together first.
    people = draft.personalizations
    are_ascii = "".join([address[0] for one in people for address in one.to]).isascii()
    for number, one in enumerate(people):
        if not are_ascii or one.cc or one.bcc or one.sender:
            for name, addresses in (("to", one.to), ("cc", one.cc), ("bcc", one.bcc)):
                for address in addresses:
                    yield (PEOPLE, number, name), address.email
            if one.sender:
                yield (PEOPLE, number, "sender"), one.sender.email


def _values_of(draft: MailDraft) -> Iterator[Iterable[str]]:
    for one in draft.personalizations:
        yield one.substitutions
        yield one.substitutions.values()
        if one.merge:
            yield one.merge
            yield one.merge.values()


def _lines_of(draft: MailDraft) -> Iterator[tuple[Loc, str]]:
    yield from _addresses(("sender",), (draft.sender,))
    yield from _addresses(("reply_to",), draft.reply_to)
    yield ("subject",), draft.subject
    yield ("unsubscribe_url",), draft.unsubscribe_url
    yield from _headers(("headers",), draft.headers)
    for number, category in enumerate(draft.categories):
        yield ("categories", number), category
    for number, part in enumerate(draft.content):
        yield ("content", number, "type"), part.type
    for number, file in enumerate(draft.attachments):
        yield ("attachments", number, "type"), file.type
        yield ("attachments", number, "filename"), file.filename
        yield ("attachments", number, "content_id"), file.content_id
    # Nearly all of a thousand personalizations have nothing to refuse: they are looked at together first.
    people = draft.personalizations
    are_recipients_fit = is_line("".join([text for one in people for address in one.to for text in address]))
    for number, one in enumerate(people):
        if not are_recipients_fit or one.cc or one.bcc or one.sender or one.subject or one.headers:
            yield from _lines_of_one((PEOPLE, number), one)


def _lines_of_one(at: Loc, one: Personalization) -> Iterator[tuple[Loc, str]]:
    for email, name in one.to:
        yield (*at, "to"), email
        yield (*at, "to"), name
    if one.cc:
        yield from _addresses((*at, "cc"), one.cc)
    if one.bcc:
        yield from _addresses((*at, "bcc"), one.bcc)
    if one.sender:
        yield from _addresses((*at, "sender"), (one.sender,))
    if one.subject:
        yield (*at, "subject"), one.subject
    if one.headers:
        yield from _headers((*at, "headers"), one.headers)


def _addresses(loc: Loc, addresses: Iterable[Address]) -> Iterator[tuple[Loc, str]]:
    for email, name in addresses:
        yield loc, email
        yield loc, name


def _headers(loc: Loc, headers: Mapping[str, str]) -> Iterator[tuple[Loc, str]]:
    for name, value in headers.items():
        yield loc, name
        yield loc, value


SEARCHED: Final = 500_000_000
"""The most characters of Reply-To that are searched for the keys of one request."""
FILLED: Final = 50_000
"""The most addresses of Reply-To that are made of keys for one request."""

WRITTEN_BY_SERVER: Final = "{} is written by the server and cannot be set"
MESSAGE_ID_RULE: Final = (
    f"the Message-ID must have the form <left@right> of RFC 5322 with at most {LONGEST_MESSAGE_ID} ASCII characters, "
    "with its substitutions"
)
REPLY_TO_RULE: Final = "the reply_to is not a valid address with the substitutions of {where}"
REPLY_TO_SIZE: Final = "there are too many substitutions for this number of reply_to addresses"


def check_headers(draft: MailDraft) -> None:
    """Accept a draft whose headers can be written for each of its messages. Its characters were checked before.

    Raises ReservedHeader, InvalidMessageId and InvalidReplyTo.
    """
    check_names(draft.headers, field="headers")
    shared = find_message_id(draft.headers) if draft.headers else None
    for number, one in enumerate(draft.personalizations):
        if one.headers or shared is not None:
            _check_own(one.headers, one.substitutions, shared, field=f"{PEOPLE}.{number}.headers")
    if draft.reply_to:
        check_reply_to(draft)


def check_names(headers: Mapping[str, str], *, field: str) -> None:
    """Accept headers none of which only the server writes. Raises ReservedHeader."""
    for name in headers:
        if name.lower() in SERVER_HEADERS:
            raise ReservedHeader(WRITTEN_BY_SERVER.format(name), field=field)


def _check_own(headers: Mapping[str, str], values: Mapping[str, str], shared: str | None, *, field: str) -> None:
    check_names(headers, field=field)
    own = find_message_id(headers)
    text = shared if own is None else own
    if text is not None and fill_message_id(text, values) is None:
        raise InvalidMessageId(MESSAGE_ID_RULE, field="headers" if own is None else field)


def check_reply_to(draft: MailDraft) -> None:
    """Accept a draft whose Reply-To has only addresses, with the substitutions of each message.

    Raises InvalidReplyTo.
    """
    people, text = draft.personalizations, text_of(draft.reply_to)
    if sum([len(one.substitutions) for one in people]) * len(text) > SEARCHED:
        raise InvalidReplyTo(REPLY_TO_SIZE, field="reply_to")
    keys = {key for key in set().union(*[one.substitutions for one in people]) if key and key in text}
    if not keys:
        _check_addresses(draft.reply_to, where="the mail")
        return
    checked: set[tuple[tuple[str, str], ...]] = set()
    for number, one in enumerate(people):
        values = tuple([(key, one.substitutions[key]) for key in keys if key in one.substitutions])
        if values in checked:
            continue
        checked.add(values)
        if len(checked) * len(draft.reply_to) > FILLED:
            raise InvalidReplyTo(REPLY_TO_SIZE, field="reply_to")
        _check_addresses(fill_reply_to(draft.reply_to, dict(values)), where=f"{PEOPLE}.{number}")


def _check_addresses(addresses: Sequence[Address] | None, *, where: str) -> None:
    if addresses is None or not all(is_address(email) for email, _ in addresses):
        raise InvalidReplyTo(REPLY_TO_RULE.format(where=where), field="reply_to")


def check_groups(account: Account, draft: MailDraft) -> None:
    """Accept a draft that names groups of the account only. Raises UnknownGroup and UnknownGroupsToDisplay."""
    group = draft.unsubscribe_group
    named = {*draft.groups_to_display, *(() if group is None else (group,))}
    if not named:
        return
    possible = [each for each in named if 0 < each <= HIGHEST_ID]
    known = {row[0] for row in fetch_prepared(KNOWN_GROUPS, [account.pk, possible])}
    if group is not None and group not in known:
        raise UnknownGroup(group, field="unsubscribe_group")
    if unknown := [each for each in draft.groups_to_display if each not in known]:
        raise UnknownGroupsToDisplay(*unknown, field="groups_to_display")


BLOCKS = 4000
"""The most blocks of the parcels' table that are read: 32 MB, some 100,000 parcels, tens of milliseconds."""
LOOK_AGAIN_SECONDS = 10.0
REST = 100.0
"""The checks take at most 1 / `REST` of a process's time."""

# Whole blocks chosen by chance: the cost is that of the blocks, however many accounts, batches and parcels there are.
# The ORM has no samples.
TABLE_BLOCKS = "select pg_relation_size('batches_parcel') / current_setting('block_size')::int"
WAITING = f"""
select p.account_id, sum({PENDING}) from batches_parcel p tablesample system (%(percent)s)
where p.finalized_at is null and not p.is_remainder group by p.account_id
"""


@dataclass(slots=True)
class _Seen:
    waiting: dict[int, int] = field(default_factory=dict)
    """Messages by account id."""
    until: float = 0.0


_seen = _Seen()


def refuse_when_full(account: Account) -> None:
    """Refuse an account of whose own messages `MAX_PENDING_MESSAGES` wait (0: no limit). Raises QueueFull."""
    limit = settings.MAX_PENDING_MESSAGES
    if limit and waiting_of(account.pk) >= limit:
        raise QueueFull(f"{limit:,} messages of the account are waiting already")


def waiting_of(account_id: int) -> int:
    """Return the messages of an account that waited when this process looked last."""
    now = time.monotonic()
    if now >= _seen.until:
        # The other threads go on with what was seen before.
        _seen.until = now + LOOK_AGAIN_SECONDS
        _seen.waiting = count_waiting()
        _seen.until = now + max(LOOK_AGAIN_SECONDS, REST * (time.monotonic() - now))
    return _seen.waiting.get(account_id, 0)


def count_waiting() -> dict[int, int]:
    """Return the messages that wait, by account id: exact in a table of up to `BLOCKS` blocks, else an estimate."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_BLOCKS)
        row = cursor.fetchone()
        share = min(1.0, BLOCKS / max(row[0] if row else 0, 1))
        cursor.execute(WAITING, {"percent": share * 100})
        return {account_id: round(waiting / share) for account_id, waiting in cursor.fetchall()}
