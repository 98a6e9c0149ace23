"""Expressing: whether a message can be written as a draft asks (RFC 5322, RFC 2045).

What the composer could not write is refused here, before anything is stored. Values that substitutions bring into a
header are counted: if the longest line has room for them, and they are ASCII, no header has to be filled in. All
searching together is bounded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from mailer.compose.attachments import Unencodable, encode_file
from mailer.compose.folding import LONGEST_LINE
from mailer.compose.headers import one_line, wire_address
from mailer.compose.mime_types import parse_mime_type
from mailer.compose.part_heads import LONGEST_CONTENT_ID, written_content_id
from mailer.compose.structured import is_structured, structured_line
from mailer.compose.substitutions import substitute
from mailer.draft import Address, Attachment, MailDraft, Personalization
from mailer.errors import Inexpressible, MessageTooLarge
from mailer.sizing import Sizes, link_sizes

Loc = tuple[str | int, ...]
Fault = tuple[Loc, str]
"""The path of a value, and why it cannot be sent."""

LONGEST_ADDRESS: Final = 320
"""Bytes: RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.2 allow 64, 1 and 255."""
MAYBE_TOO_LONG: Final = LONGEST_ADDRESS // 4
"""Characters of an address that can have more bytes than that."""
SEARCH_LIMIT: Final = 200_000_000
"""Characters that all searches for keys in the headers of one draft go through."""
FILLING: Final = 40
"""How many times as much as a search it costs to fill in a character."""

NOT_A_TYPE: Final = "it is not a MIME type such as text/plain"
NOT_A_TEXT: Final = "a text cannot be of a type that has parts"
BAD_CONTENT_ID: Final = (
    f"a content ID needs 1 to {LONGEST_CONTENT_ID} characters, percent-encoded if they are not ASCII"
)
TOO_LONG_ADDRESS: Final = f"the address has more than {LONGEST_ADDRESS} bytes"
BAD_HEADER: Final = "{} can only have ASCII, or a URL between angle brackets, with a space at least every {} characters"


def check_expressible(draft: MailDraft) -> None:
    """Accept a draft whose messages can be written. Raises Inexpressible, whose `field` is the path of the value, and
    MessageTooLarge if it would take too long to find out.

    Its characters and its size were checked before.
    """
    for loc, reason in _find_faults(draft):
        path = ".".join(map(str, loc))
        raise Inexpressible(f"{path} cannot be sent: {reason}", field=path)


def _find_faults(draft: MailDraft) -> Iterator[Fault]:
    for name, addresses in (("sender", (draft.sender,)), ("reply_to", draft.reply_to)):
        yield from _address_faults((name,), addresses)
    for number, part in enumerate(draft.content):
        type = parse_mime_type(part.type)
        if type is None or type.is_composite:
            yield ("content", number, "type"), NOT_A_TYPE if type is None else NOT_A_TEXT
    for number, file in enumerate(draft.attachments):
        yield from _file_faults(("attachments", number), file)
    # Nearly all of a thousand personalizations have nothing to look at.
    people = draft.personalizations
    for number, one in enumerate(people):
        if one.cc or one.bcc or one.sender or len(one.to) > 1 or len(one.to[0].email) > MAYBE_TOO_LONG:
            yield from _recipient_faults(("personalizations", number), one)
    if draft.headers or any(one.headers for one in people):
        yield from _header_faults(draft)


def _header_faults(draft: MailDraft) -> Iterator[Fault]:
    people = draft.personalizations
    effort, links = Effort(), link_sizes(draft.unsubscribe_url)
    shared = StructuredHeaders(draft.headers, _keys_of(people), links, effort)
    for number, one in enumerate(people):
        if (number == 0 or shared.is_personal) and not shared.has_room_for(one):
            yield from shared.find_faults(("headers",), one)
        if one.headers:
            own = StructuredHeaders(one.headers, _keys_of((one,)), links, effort)
            if not own.has_room_for(one):
                yield from own.find_faults(("personalizations", number, "headers"), one)


def _file_faults(loc: Loc, file: Attachment) -> Iterator[Fault]:
    type = parse_mime_type(file.type) if file.type else None
    if file.type and type is None:
        yield (*loc, "type"), NOT_A_TYPE
    if type is not None and type.is_composite:
        try:
            encode_file(file.type, file.content)
        except Unencodable as error:
            yield (*loc, "content"), str(error)
    if file.content_id and not 0 < len(written_content_id(file.content_id)) <= LONGEST_CONTENT_ID:
        yield (*loc, "content_id"), BAD_CONTENT_ID


def _recipient_faults(at: Loc, one: Personalization) -> Iterator[Fault]:
    for kind, addresses in (("to", one.to), ("cc", one.cc), ("bcc", one.bcc)):
        yield from _address_faults((*at, kind), addresses)
    if one.sender:
        yield from _address_faults((*at, "sender"), (one.sender,))


def _address_faults(loc: Loc, addresses: Iterable[Address]) -> Iterator[Fault]:
    for email, _ in addresses:
        if len(email) > MAYBE_TOO_LONG and len(wire_address(email).encode()) > LONGEST_ADDRESS:
            yield loc, TOO_LONG_ADDRESS


def _keys_of(people: Iterable[Personalization]) -> set[str]:
    """Return the keys of all substitutions. A personalization rarely has others than the one before."""
    return set(chain.from_iterable(values for one in people for values in (one.substitutions, one.merge) if values))


class Effort:
    """The searching that one draft may still cost."""

    def __init__(self) -> None:
        self._left = SEARCH_LIMIT

    def spend(self, characters: int) -> None:
        """Count a search before it is done. Raises MessageTooLarge when all of them are too many."""
        self._left -= characters
        if self._left < 0:
            raise MessageTooLarge(field="headers")


class StructuredHeaders:
    """The headers with a structure of a mail or a personalization, and the keys that are in them."""

    def __init__(self, headers: Mapping[str, str], keys: Collection[str], links: Sizes, effort: Effort) -> None:
        self._headers = {name: value for name, value in headers.items() if is_structured(name)}
        self._effort = effort
        text = "\0".join(self._headers.values())
        effort.spend(len(text) * (len(keys) + len(links)))
        self._counts = {key: text.count(key) for key in (*keys, *links) if key and key in text}
        """How often each key occurs in all of them."""
        # An unsubscribe link is ASCII; its token is not known yet.
        self._links = {tag: "x" * size for tag, size in links.items() if tag in self._counts}
        self._longest = max((len(f"{name}: {value}") for name, value in self._headers.items()), default=0)
        self._is_ascii = text.isascii()

    @property
    def is_personal(self) -> bool:
        """Return whether they can differ between personalizations."""
        return bool(self._counts)

    def has_room_for(self, one: Personalization) -> bool:
        """Return whether with the values of a personalization all of them are ASCII that surely has room in a line."""
        own, size, is_ascii = _values_of(one), self._longest, self._is_ascii
        for key, count in self._counts.items():
            value = own.get(key) or self._links.get(key, "")
            size += count * len(value)
            is_ascii = is_ascii and value.isascii()
        return is_ascii and size <= LONGEST_LINE

    def find_faults(self, loc: Loc, one: Personalization) -> Iterator[Fault]:
        """Fill them in with the values of a personalization, and yield what is wrong with them."""
        own = _values_of(one)
        values = {**self._links, **{key: own[key] for key in self._counts if key in own}}
        longest = self._longest + sum(self._counts[key] * len(value) for key, value in values.items())
        for name, value in self._headers.items():
            self._effort.spend(FILLING * (longest + sum(map(len, values))))
            if structured_line(name, one_line(substitute(value, values))) is None:
                yield loc, BAD_HEADER.format(name, LONGEST_LINE)


def _values_of(one: Personalization) -> Mapping[str, str]:
    return {**one.merge, **one.substitutions} if one.merge else one.substitutions
