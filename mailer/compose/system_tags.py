"""Find the system tags in a text or in a draft: the tags that delivery replaces by links or by the sender of the mail.

A tag may be written in any case, with any blanks between its brackets.
Sources: SendGrid's names for the tags of unsubscribe groups, of marketing campaigns and of designs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from re import Match
from typing import Final, NamedTuple

from mailer.draft import MailDraft, Personalization, Rendering

UNSUBSCRIBE: Final = "unsubscribe"
PREFERENCES: Final = "unsubscribe_preferences"
WEBLINK: Final = "weblink"
LINK_NAMES: Final = frozenset({UNSUBSCRIBE, PREFERENCES, WEBLINK})
SENDER_NAMES: Final = frozenset(
    {"sender_name", "sender_email", "sender_address", "sender_address_2", "sender_city", "sender_state"}
    | {"sender_zip", "sender_country"}
)
GROUP_NAMES: Final = frozenset({"asm_group_unsubscribe_url", "asm_group_unsubscribe_raw_url"})
GLOBAL_NAMES: Final = frozenset({"asm_global_unsubscribe_url", "asm_global_unsubscribe_raw_url"})
PREFERENCES_NAMES: Final = frozenset({"asm_preferences_url", "asm_preferences_raw_url"})
UNSUBSCRIBE_NAMES: Final = GROUP_NAMES | GLOBAL_NAMES | PREFERENCES_NAMES | {UNSUBSCRIBE, PREFERENCES}
"""The names of the tags by which a recipient can unsubscribe."""
SYSTEM_NAMES: Final = LINK_NAMES | SENDER_NAMES
"""The names, in lower case, of the tags that can be written as `[name]`, `{{name}}` or `{{{name}}}`."""
MAIL_NAMES: Final = LINK_NAMES | {"sender_name", "sender_email"}
"""The names for which every mail has a value. Only a campaign has the postal address of its sender."""

BLANKS: Final = r"[\s\xa0]{0,100}+"
NAME: Final = rf"{BLANKS}(?:{'|'.join(sorted(SYSTEM_NAMES))}){BLANKS}"
ASM_NAME: Final = rf"{BLANKS}(?:{'|'.join(sorted(GROUP_NAMES | GLOBAL_NAMES | PREFERENCES_NAMES))}){BLANKS}"
TAGS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("[", re.compile(rf"(?ai)\[{NAME}\]")),
    ("{", re.compile(rf"(?ai)\{{\{{(?:\{{{NAME}\}}|{NAME})\}}\}}")),
    ("%", re.compile(rf"(?ai)<%{ASM_NAME}%>")),
)
"""A character of each kind of tag, and its pattern. Three patterns that begin with a literal are found much faster than
one with alternatives. Possessive quantifiers never backtrack, so an unfinished tag is read only once."""
FAMILY: Final = r"[\s\xa0]*+(?P<{}>(?:sender|unsubscribe|weblink)_\w++)[\s\xa0]*+"
SYSTEM_LIKE: Final = re.compile(
    rf"(?ai)\[{FAMILY.format('bracketed')}\]|\{{\{{\{{?+{FAMILY.format('braced')}\}}?\}}\}}"
    r"|<%[\s\xa0]*+(?P<asm>asm_\w++)[\s\xa0]*+%>"
)
"""A tag whose name begins like the names of a family of system tags."""
MARKS: Final = "<%>[]{} \t\n\r\f\v\xa0"
"""The characters around the name of a tag."""


class SystemTag(NamedTuple):
    """A tag as it was written, its name in lower case, and its place in the text."""

    text: str
    name: str
    start: int


class UnknownTag(NamedTuple):
    """A tag of a family of system tags with a name that the family does not have. A field may have the name."""

    text: str
    start: int
    field: str
    """The name, if the tag can be the tag of a field, else empty."""


def may_have_tags(text: str) -> bool:
    """Return whether a text has characters with which a tag begins. This is much faster than to search for tags."""
    return "[" in text or ("{" in text and "{{" in text) or ("%" in text and "<%" in text)


def find_system_tags(text: str) -> Iterator[SystemTag]:
    """Yield the system tags of a text, in order."""
    matches = [match for mark, pattern in TAGS if mark in text for match in pattern.finditer(text)]
    matches.sort(key=Match.start)
    for match in matches:
        yield SystemTag(match[0], name_of(match[0]), match.start())


def find_unknown_tags(text: str) -> Iterator[UnknownTag]:
    """Yield the tags that belong to a family of system tags by their names, but are not known."""
    known_starts = {tag.start for tag in find_system_tags(text)}
    for match in SYSTEM_LIKE.finditer(text):
        if match.start() not in known_starts:
            yield UnknownTag(match[0], match.start(), match["braced"] or "")


def name_of(tag: str) -> str:
    """Return the name of a system tag, in lower case."""
    return tag.strip(MARKS).lower()


def has_unsubscribe_tag(text: str) -> bool:
    """Return whether a text has a tag by which its recipient can unsubscribe."""
    return any(tag.name in UNSUBSCRIBE_NAMES for tag in find_system_tags(text))


def find_draft_tags(draft: MailDraft) -> list[tuple[str, SystemTag]]:
    """Return the system tags in all texts of a draft, in order, each behind the name of the part that has it."""
    return [(part, tag) for part, text in _parts_of(draft) if may_have_tags(text) for tag in find_system_tags(text)]


def _parts_of(draft: MailDraft) -> Iterator[tuple[str, str]]:
    yield "subject", draft.subject
    for part in draft.content:
        yield part.type, part.value
    for value in draft.headers.values():
        yield "headers", value
    rendering: Rendering = draft.rendering or {}
    for text in (rendering.get("sections") or {}).values():
        yield "sections", text
    if footer := rendering.get("footer"):
        yield "footer", footer["text"]
        yield "footer", footer["html"]
    people = draft.personalizations
    yield "substitutions", "\0".join(chain.from_iterable([person.substitutions.values() for person in people]))
    for person in people:
        if person.subject or person.headers:
            yield "personalizations", "\0".join((person.subject or "", *person.headers.values()))


def brings_tags(people: Sequence[Personalization]) -> bool:
    """Return whether a value, a header or a subject of one of the messages may have a tag.

    Such tags are not among the texts that the messages of a mail share. A mail is examined once, when it is accepted,
    so that composing the messages of other mail costs nothing more.
    """
    texts = [text for person in people if person.substitutions for text in person.substitutions.values()]
    for person in people:
        if person.subject or person.headers:
            texts += (person.subject or "", *person.headers.values())
    return may_bring_tags("\0".join(texts))


def may_bring_tags(text: str) -> bool:
    """Return whether a text has the beginning of a tag, or markup that decides about a footer.

    `</body>` moves the footer, and a comment hides the tags in it.
    """
    return may_have_tags(text) or "</" in text or "<!--" in text or "-->" in text


def personal_texts(personal: Mapping[str, object]) -> Iterator[str]:
    """Yield the texts of a stored personalization in which a tag is replaced."""
    for name in ("substitutions", "headers"):
        yield from (personal.get(name) or {}).values()  # type: ignore[attr-defined]
    if subject := personal.get("subject"):
        yield str(subject)


def line_and_column(text: str, start: int) -> tuple[int, int]:
    """Return the line and the column, both counted from 1, of a place in a text. Lines end with LF, CR or CRLF."""
    text_before = text[:start].replace("\r\n", "\n").replace("\r", "\n")
    return text_before.count("\n") + 1, len(text_before) - (text_before.rfind("\n") + 1) + 1
