"""Checking: what of a draft can be merged into a header holds no control character, and its addresses are addresses.

Substitutions may be merged into a header and into a body, so they may have several lines: the composer turns their line
breaks into spaces in a header. Bodies, custom arguments and the content of attachments never reach a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from foundation.addresses import check_address
from foundation.texts import check_line, check_text, is_line, is_text
from mailer.draft import Address, MailDraft, Personalization

Loc = tuple[str | int, ...]
PEOPLE: Final = "personalizations"


def check_characters(draft: MailDraft) -> None:
    """Accept a draft without control characters, whose addresses mail can be sent to. Raises UnfitCharacter, whose
    `field` is the path of the value."""
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


def _emails_of(draft: MailDraft) -> Iterator[tuple[Loc, str]]:
    # Those of the Reply-To may have keys of substitutions: header_rules.py looks at what they become.
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
