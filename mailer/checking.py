"""Check drafts before they are accepted: their characters, addresses, headers and groups, and the room of the account.

A value that can be merged into a header has no control character, and every address is valid. Substitutions may be
merged into a header and into a body, so they may have several lines: the composer turns their line breaks into spaces
in a header. Bodies, custom arguments and the content of attachments never reach a header.

Headers, the Message-ID and Reply-To are checked with the values of each message, so that the composer can write what
is accepted here. The work is bounded by the size of the request: no value is filled in beyond the length of a header.

The limit of waiting messages stops a caller that schedules mail without end. It need not be exact, so requests do not
count: each process counts the messages of all accounts every ten seconds, or less often when counting takes long. An
account may exceed its limit by the mail that it sends in between, and, in a table of more than `BLOCKS` blocks, by the
error of a sample.
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
    # One search is faster than thousands: the faulty text is looked for only if there is one.
    if not is_text("".join(chain.from_iterable(_values_of(draft)))):
        for number, person in enumerate(draft.personalizations):
            for name, values in (("substitutions", person.substitutions), ("merge", person.merge)):
                check_text("".join((*values, *values.values())), field=f"{PEOPLE}.{number}.{name}")
    # A substitution may bring a section into a header.
    sections = (draft.rendering or {}).get("sections") or {}
    check_text("".join((*sections, *sections.values())), field="sections")


def _emails_of(draft: MailDraft) -> Iterator[tuple[Loc, str]]:
    # A Reply-To may have keys of substitutions: `check_reply_to` checks the addresses that they become.
    yield ("sender",), draft.sender.email
    # Nearly all of a thousand personalizations have only ASCII addresses, so these are checked together first.
    people = draft.personalizations
    are_ascii = "".join([address[0] for person in people for address in person.to]).isascii()
    for number, person in enumerate(people):
        if not are_ascii or person.cc or person.bcc or person.sender:
            for name, addresses in (("to", person.to), ("cc", person.cc), ("bcc", person.bcc)):
                for address in addresses:
                    yield (PEOPLE, number, name), address.email
            if person.sender:
                yield (PEOPLE, number, "sender"), person.sender.email


def _values_of(draft: MailDraft) -> Iterator[Iterable[str]]:
    for person in draft.personalizations:
        yield person.substitutions
        yield person.substitutions.values()
        if person.merge:
            yield person.merge
            yield person.merge.values()


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
    # Nearly all of a thousand personalizations have nothing to refuse, so their recipients are checked together first.
    people = draft.personalizations
    are_recipients_fit = is_line("".join([text for person in people for address in person.to for text in address]))
    for number, person in enumerate(people):
        if not are_recipients_fit or person.cc or person.bcc or person.sender or person.subject or person.headers:
            yield from _lines_of_person((PEOPLE, number), person)


def _lines_of_person(at: Loc, person: Personalization) -> Iterator[tuple[Loc, str]]:
    for email, name in person.to:
        yield (*at, "to"), email
        yield (*at, "to"), name
    if person.cc:
        yield from _addresses((*at, "cc"), person.cc)
    if person.bcc:
        yield from _addresses((*at, "bcc"), person.bcc)
    if person.sender:
        yield from _addresses((*at, "sender"), (person.sender,))
    if person.subject:
        yield (*at, "subject"), person.subject
    if person.headers:
        yield from _headers((*at, "headers"), person.headers)


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
    for number, person in enumerate(draft.personalizations):
        if person.headers or shared is not None:
            _check_personal(person.headers, person.substitutions, shared, field=f"{PEOPLE}.{number}.headers")
    if draft.reply_to:
        check_reply_to(draft)


def check_names(headers: Mapping[str, str], *, field: str) -> None:
    """Accept headers if none of them is reserved for the server. Raises ReservedHeader."""
    for name in headers:
        if name.lower() in SERVER_HEADERS:
            raise ReservedHeader(WRITTEN_BY_SERVER.format(name), field=field)


def _check_personal(headers: Mapping[str, str], values: Mapping[str, str], shared: str | None, *, field: str) -> None:
    check_names(headers, field=field)
    personal_id = find_message_id(headers)
    text = shared if personal_id is None else personal_id
    if text is not None and fill_message_id(text, values) is None:
        raise InvalidMessageId(MESSAGE_ID_RULE, field="headers" if personal_id is None else field)


def check_reply_to(draft: MailDraft) -> None:
    """Accept a draft whose Reply-To has only addresses, with the substitutions of each message.

    Raises InvalidReplyTo.
    """
    people, text = draft.personalizations, text_of(draft.reply_to)
    if sum([len(person.substitutions) for person in people]) * len(text) > SEARCHED:
        raise InvalidReplyTo(REPLY_TO_SIZE, field="reply_to")
    keys = {key for key in set().union(*[person.substitutions for person in people]) if key and key in text}
    if not keys:
        _check_addresses(draft.reply_to, where="the mail")
        return
    checked: set[tuple[tuple[str, str], ...]] = set()
    for number, person in enumerate(people):
        values = tuple([(key, person.substitutions[key]) for key in keys if key in person.substitutions])
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
    named_groups = {*draft.groups_to_display, *(() if group is None else (group,))}
    if not named_groups:
        return
    possible_groups = [group_id for group_id in named_groups if 0 < group_id <= HIGHEST_ID]
    known_groups = {row[0] for row in fetch_prepared(KNOWN_GROUPS, [account.pk, possible_groups])}
    if group is not None and group not in known_groups:
        raise UnknownGroup(group, field="unsubscribe_group")
    if unknown_groups := [group_id for group_id in draft.groups_to_display if group_id not in known_groups]:
        raise UnknownGroupsToDisplay(*unknown_groups, field="groups_to_display")


BLOCKS = 4000
"""The most blocks of the parcels' table that are read: 32 MB, some 100,000 parcels, tens of milliseconds."""
COUNT_AGAIN_SECONDS = 10.0
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
class _Counts:
    waiting: dict[int, int] = field(default_factory=dict)
    """Messages by account id."""
    until: float = 0.0


_counts = _Counts()


def refuse_when_full(account: Account) -> None:
    """Refuse an account with `MAX_PENDING_MESSAGES` or more waiting messages (0: no limit). Raises QueueFull."""
    limit = settings.MAX_PENDING_MESSAGES
    if limit and waiting_of(account.pk) >= limit:
        raise QueueFull(f"{limit:,} messages of the account are waiting already")


def waiting_of(account_id: int) -> int:
    """Return the number of messages of an account that were waiting when this process last counted."""
    now = time.monotonic()
    if now >= _counts.until:
        # The other threads go on with the earlier counts.
        _counts.until = now + COUNT_AGAIN_SECONDS
        _counts.waiting = count_waiting()
        _counts.until = now + max(COUNT_AGAIN_SECONDS, REST * (time.monotonic() - now))
    return _counts.waiting.get(account_id, 0)


def count_waiting() -> dict[int, int]:
    """Return the waiting messages by account id: exact in a table of up to `BLOCKS` blocks, else an estimate."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_BLOCKS)
        row = cursor.fetchone()
        share = min(1.0, BLOCKS / max(row[0] if row else 0, 1))
        cursor.execute(WAITING, {"percent": share * 100})
        return {account_id: round(waiting / share) for account_id, waiting in cursor.fetchall()}
