"""Check whether the messages of a draft can be made: how large they become, and whether each part can be written.

A draft that the composer could not write is refused here, before anything is stored (RFC 5322, RFC 2045).

A message is its texts, headers and attachments with all values filled in, in bytes of UTF-8, before the transfer
encoding. The size is an upper bound: keys that overlap in a text are each counted, and a value that is shorter than its
key saves nothing. The work is linear in the request. Nearly always the shortest key and the longest value show that no
message can be too large; otherwise each key is counted once in each text, and all counting together is bounded.

Values that substitutions bring into a header are counted: if the longest line has room for them, and they are ASCII, no
header has to be filled in. All searching together is bounded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import chain
from typing import Final

from django.conf import settings

from mailer.compose.attachments import Unencodable, encode_file
from mailer.compose.headers import LONGEST_LINE, is_structured, one_line, structured_line, wire_address
from mailer.compose.part_heads import LONGEST_CONTENT_ID, parse_mime_type, written_content_id
from mailer.compose.system_tags import find_system_tags, may_have_tags
from mailer.compose.template import substitute
from mailer.draft import NOTHING, Address, Attachment, MailDraft, Personalization, Rendering
from mailer.errors import Inexpressible, MessageTooLarge

PASSES: Final = 32
"""The most passes over the largest message in search of the keys of one request."""
UTF8_BYTES: Final = 4
"""The most bytes that a character takes."""
ESCAPED_BYTES: Final = 6
"""The most bytes that an escaped character takes in HTML: a quotation mark becomes `&quot;`."""
LINK_MARGIN: Final = 300
"""The most bytes that a link has in addition to its address: its token, its page, and the words of its element."""
SHORTEST_TAG: Final = 9
"""The number of characters of the shortest system tag, `[weblink]`."""
SECTIONS_SEARCHED: Final = 1_000_000_000
"""The most characters in one message that are searched for keys of sections, or in sections for other keys."""

Sizes = Mapping[str, int]
"""The number of bytes of each key's replacement."""


def check_size(draft: MailDraft) -> None:
    """Accept a draft none of whose messages can exceed `MAX_MESSAGE_BYTES`. Raises MessageTooLarge.

    Its characters were checked before: no key holds a NUL. A template, the defaults of the account, and keys within
    sections and values are not counted: a message that they make too large fails when it is composed.
    """
    limit = settings.MAX_MESSAGE_BYTES
    rendering: Rendering = draft.rendering or {}
    sections, people = rendering.get("sections") or NOTHING, draft.personalizations
    if sections:
        _check_sections(sections, draft)
    texts = [draft.subject, *draft.headers.values(), *(part.value for part in draft.content), *_appended(rendering)]
    link = link_size(draft.unsubscribe_url)
    fixed = sum(len(file.content) for file in draft.attachments) + link * count_tags(texts)
    # A tag that the caller chooses may have a single character. It is counted as a key.
    keys = {**dict.fromkeys(_chosen_tags(rendering), "x" * link), **sections}
    if fixed + _coarse_size(texts, people, keys, link) <= limit:
        return
    counter = KeyCounter(texts)
    key_sizes = {key: _size(text, link) for key, text in keys.items()}
    for number, person in enumerate(people):
        personal_texts = _personal_texts(person)
        size = counter.size_with(personal_texts, {**key_sizes, **_sizes_of(person, link)})
        if fixed + size + link * count_tags(personal_texts) > limit:
            raise MessageTooLarge(field=f"personalizations.{number}")


def link_size(unsubscribe_url: str) -> int:
    """Return the most bytes of a system tag's replacement, whose address is ours or the caller's."""
    return _link_size(unsubscribe_url, settings.PUBLIC_URL)


@lru_cache(maxsize=16)
def _link_size(*addresses: str) -> int:
    return max(len(escape(address).encode()) for address in addresses) + LINK_MARGIN


def count_tags(texts: Iterable[str]) -> int:
    """Return the number of system tags in some texts."""
    return sum(1 for text in texts if may_have_tags(text) for _ in find_system_tags(text))


def _size(value: str, link: int) -> int:
    return len(value.encode()) + link * count_tags((value,))


def _chosen_tags(rendering: Rendering) -> list[str]:
    """Return the tags that a request chooses for its link to unsubscribe and for the pixel of open tracking."""
    subscription, pixels = rendering.get("subscription"), rendering.get("pixel_tags")
    tags = [subscription["tag"]] if subscription else []
    return [tag for tag in (*tags, *((pixels or ()) if rendering.get("opens") else ())) if tag]


def _appended(rendering: Rendering) -> list[str]:
    """Return the texts that a request appends to the bodies."""
    footer, subscription = rendering.get("footer"), rendering.get("subscription")
    texts = [footer["text"], footer["html"]] if footer else []
    return [*texts, subscription["text"], subscription["html"]] if subscription else texts


def _check_sections(sections: Mapping[str, str], draft: MailDraft) -> None:
    """Accept sections that can be searched and filled in for each message. Raises MessageTooLarge."""
    people = draft.personalizations
    values = max(sum(map(len, person.substitutions.values())) for person in people)
    keys = max(len(person.substitutions) for person in people)
    bodies = sum(len(part.value) for part in draft.content)
    searched = len(sections) * (bodies + values) + (keys + 1) * sum(map(len, sections.values()))
    if searched > SECTIONS_SEARCHED:
        raise MessageTooLarge(field="sections")


class KeyCounter:
    """Count keys in the texts that the messages of one mail share, each key once.

    Its methods raise MessageTooLarge when counting takes more than `PASSES` searches of the largest message.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._shared = "\0".join(texts)
        self._shared_bytes = len(self._shared.encode())
        self._counts: dict[str, int] = {}
        self._left = PASSES * settings.MAX_MESSAGE_BYTES

    def size_with(self, personal_texts: Iterable[str], sizes: Sizes) -> int:
        """Return the bytes of the shared texts and of `personal_texts` with these values filled in, at most."""
        personal = "\0".join(personal_texts)
        size = self._shared_bytes + len(personal.encode())
        for key, value_size in sizes.items():
            growth = value_size - len(key.encode())
            if key and growth > 0:
                size += growth * (self._count_shared(key) + (self._count(key, personal) if personal else 0))
        return size

    def _count_shared(self, key: str) -> int:
        if key not in self._counts:
            self._counts[key] = self._count(key, self._shared)
        return self._counts[key]

    def _count(self, key: str, text: str) -> int:
        self._left -= len(text)
        if self._left < 0:
            raise MessageTooLarge(field="personalizations")
        return text.count(key)


def _coarse_size(
    texts: Sequence[str], people: Sequence[Personalization], shared_keys: Mapping[str, str], link: int
) -> int:
    """Return a bound for the texts of the largest message, without the system tags in the texts of the mail.

    It assumes that the message consists of its shortest key, which is replaced by its longest value each time.
    """
    merges = [person.merge for person in people if person.merge]
    markup = [*(person.substitutions for person in people), shared_keys]
    characters = _longest(markup)
    longest = max(UTF8_BYTES * characters, ESCAPED_BYTES * _longest(merges))
    if may_have_tags("\0".join(chain.from_iterable([values.values() for values in markup]))):
        longest += link * (characters // SHORTEST_TAG)
    personal = [sum(map(len, _personal_texts(person))) for person in people if person.subject or person.headers]
    characters = sum(map(len, texts)) + max(personal, default=0)
    if characters * (UTF8_BYTES + longest) <= settings.MAX_MESSAGE_BYTES // 2:
        return characters * (UTF8_BYTES + longest)  # small enough even if each key had a single character
    keys = set(shared_keys).union(*(person.substitutions for person in people), *merges)
    shortest = min((len(key) for key in keys if key), default=characters + 1)
    return UTF8_BYTES * characters + characters // shortest * longest


def _longest(mappings: Iterable[Mapping[str, str]]) -> int:
    return max(map(len, chain.from_iterable([values.values() for values in mappings])), default=0)


def _sizes_of(person: Personalization, link: int) -> Sizes:
    merge = {key: len(escape(value).encode()) for key, value in person.merge.items()}
    return {**merge, **{key: _size(value, link) for key, value in person.substitutions.items()}}


def _personal_texts(person: Personalization) -> list[str]:
    return [person.subject or "", *person.headers.values()] if person.subject or person.headers else []


Loc = tuple[str | int, ...]
Fault = tuple[Loc, str]
"""The path of a value, and why it cannot be sent."""

LONGEST_ADDRESS: Final = 320
"""The most bytes of an address: RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.2 allow 64, 1 and 255."""
MAYBE_TOO_LONG: Final = LONGEST_ADDRESS // 4
"""An address of up to this many characters always fits into `LONGEST_ADDRESS` bytes."""
SEARCH_LIMIT: Final = 200_000_000
"""The most characters that all searches for keys in the headers of one draft read."""
FILLING: Final = 40
"""The cost of filling in a character, as a multiple of the cost of searching one."""

NOT_A_TYPE: Final = "it is not a MIME type such as text/plain"
NOT_A_TEXT: Final = "a text cannot be of a type that has parts"
BAD_CONTENT_ID: Final = (
    f"a content ID needs 1 to {LONGEST_CONTENT_ID} characters, percent-encoded if they are not ASCII"
)
TOO_LONG_ADDRESS: Final = f"the address has more than {LONGEST_ADDRESS} bytes"
BAD_HEADER: Final = "{} can only have ASCII, or a URL between angle brackets, with a space at least every {} characters"


def check_expressible(draft: MailDraft) -> None:
    """Accept a draft whose messages can be written. Its characters and its size were checked before.

    Raises Inexpressible, whose `field` is the path of the value, and MessageTooLarge if it would take too long to find
    out.
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
    # Nearly all of a thousand personalizations need no check of their recipients.
    people = draft.personalizations
    for number, person in enumerate(people):
        if person.cc or person.bcc or person.sender or len(person.to) > 1 or len(person.to[0].email) > MAYBE_TOO_LONG:
            yield from _recipient_faults(("personalizations", number), person)
    if draft.headers or any(person.headers for person in people):
        yield from _header_faults(draft)


def _header_faults(draft: MailDraft) -> Iterator[Fault]:
    people = draft.personalizations
    effort, link = Effort(), link_size(draft.unsubscribe_url)
    shared = StructuredHeaders(draft.headers, _keys_of(people), link, effort)
    for number, person in enumerate(people):
        if (number == 0 or shared.is_personal) and not shared.has_room_for(person):
            yield from shared.find_faults(("headers",), person)
        if person.headers:
            personal = StructuredHeaders(person.headers, _keys_of((person,)), link, effort)
            if not personal.has_room_for(person):
                yield from personal.find_faults(("personalizations", number, "headers"), person)


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


def _recipient_faults(at: Loc, person: Personalization) -> Iterator[Fault]:
    for kind, addresses in (("to", person.to), ("cc", person.cc), ("bcc", person.bcc)):
        yield from _address_faults((*at, kind), addresses)
    if person.sender:
        yield from _address_faults((*at, "sender"), (person.sender,))


def _address_faults(loc: Loc, addresses: Iterable[Address]) -> Iterator[Fault]:
    for email, _ in addresses:
        if len(email) > MAYBE_TOO_LONG and len(wire_address(email).encode()) > LONGEST_ADDRESS:
            yield loc, TOO_LONG_ADDRESS


def _keys_of(people: Iterable[Personalization]) -> set[str]:
    """Return the keys of all substitutions. Personalizations rarely differ in their keys."""
    mappings = (values for person in people for values in (person.substitutions, person.merge) if values)
    return set(chain.from_iterable(mappings))


class Effort:
    """A limit for the searches that one draft may cost."""

    def __init__(self) -> None:
        self._left = SEARCH_LIMIT

    def spend(self, characters: int) -> None:
        """Count a search before it is done. Raises MessageTooLarge if all searches together are too much."""
        self._left -= characters
        if self._left < 0:
            raise MessageTooLarge(field="headers")


class StructuredHeaders:
    """The headers with a structure of a mail or a personalization, and the keys that are in them."""

    def __init__(self, headers: Mapping[str, str], keys: Collection[str], link: int, effort: Effort) -> None:
        self._headers = {name: value for name, value in headers.items() if is_structured(name)}
        self._effort = effort
        text = "\0".join(self._headers.values())
        tags = {tag.text for tag in find_system_tags(text)}
        effort.spend(len(text) * (len(keys) + len(tags)))
        self._counts = {key: text.count(key) for key in (*keys, *tags) if key and key in text}
        """The number of occurrences of each key in all of them."""
        # A link is ASCII; its token is not known yet.
        self._links = dict.fromkeys(tags, "x" * link)
        self._longest = max((len(f"{name}: {value}") for name, value in self._headers.items()), default=0)
        self._is_ascii = text.isascii()

    @property
    def is_personal(self) -> bool:
        """Return whether the headers can differ between personalizations."""
        return bool(self._counts)

    def has_room_for(self, person: Personalization) -> bool:
        """Return whether, with the values of a personalization, every header is ASCII and surely fits in a line."""
        values, size, is_ascii = _values_of(person), self._longest, self._is_ascii
        for key, count in self._counts.items():
            value = values.get(key) or self._links.get(key, "")
            size += count * len(value)
            is_ascii = is_ascii and value.isascii()
        return is_ascii and size <= LONGEST_LINE

    def find_faults(self, loc: Loc, person: Personalization) -> Iterator[Fault]:
        """Fill in the headers with the values of a personalization, and yield their faults."""
        personal = _values_of(person)
        values = {**self._links, **{key: personal[key] for key in self._counts if key in personal}}
        longest = self._longest + sum(self._counts[key] * len(value) for key, value in values.items())
        for name, value in self._headers.items():
            self._effort.spend(FILLING * (longest + sum(map(len, values))))
            if structured_line(name, one_line(substitute(value, values))) is None:
                yield loc, BAD_HEADER.format(name, LONGEST_LINE)


def _values_of(person: Personalization) -> Mapping[str, str]:
    return {**person.merge, **person.substitutions} if person.merge else person.substitutions
