"""Find the links in the texts of a mail, and the places in which a value cannot begin, end or change one.

HTML is read as a browser's tokenizer reads it (`mailer/compose/html_tags.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from mailer.compose.html_tags import RAW, Markup, read_markup

LINKS: Final = frozenset({"a", "area"})
"""The elements with links that a reader opens. `link` and `base` have an `href` as well, but load or change others."""
ATTRIBUTES: Final = (
    r"(?:[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\s>]*+)|(?!\s*+=)))*+[\s/]*+>"
)
"""The attributes of a tag up to its end, as `html_tags.ATTRIBUTE` reads them."""
SKIPPED: Final = re.compile(
    rf"(?i)(?:[^<]++|</[a-z][^\s/>]*+{ATTRIBUTES}"
    rf"|<(?!(?:{'|'.join([*LINKS, *RAW])})[\s/>])[a-z][^\s/>]*+{ATTRIBUTES})*+"
)
"""Text and whole tags without a link. It is a few times as fast to skip them as to read them."""
WEB: Final = re.compile(r"https?://.", re.IGNORECASE)
MARK: Final = "clicktracking"
"""The attribute that a link has with the value `off` if it must not be tracked."""
AFTER_ATTRIBUTE: Final = " \t\n\r\f/>"
URL_IN_TEXT: Final = re.compile(r"(?i)\bhttps?://[^\s<>\"'\x00-\x20]+")
"""A URL in plain text, with the punctuation behind it."""
PUNCTUATION: Final = ".,;:!?)]}"
BRACKETS: Final = {")": "(", "]": "[", "}": "{"}
WORD: Final = re.compile(r"\S+")

Span = tuple[int, int]


def without_punctuation(url: str) -> str:
    """Return a URL of plain text without the punctuation behind it.

    A closing bracket at its end belongs to the URL if it is opened there, as mail programs read it.
    """
    unopened = {closing: url.count(closing) - url.count(opening) for closing, opening in BRACKETS.items()}
    end = len(url)
    while (last := url[end - 1]) in PUNCTUATION:
        if last in unopened:
            if unopened[last] <= 0:
                break
            unopened[last] -= 1
        end -= 1
    return url[:end]


class LinkPlace(NamedTuple):
    """The places of a link's address, and of the attribute that says that it is not tracked, if it has one."""

    address: Span
    mark: Span | None


def find_links(html: str, keys: Collection[str] = ()) -> Iterator[LinkPlace]:
    """Yield the links of HTML with a quoted address that starts with http:// or https://, or has one of the keys."""
    for markup in read_markup(html, SKIPPED):
        if markup.name in LINKS and not markup.is_end:
            href = next((attribute for attribute in markup.attributes if attribute.name == "href"), None)
            if href and href.is_quoted:
                start, end = href.value_start, href.value_end
                if WEB.match(html, start, end) or any(html.find(key, start, end) >= 0 for key in keys):
                    yield LinkPlace((start, end), _find_mark(html, markup))


def _find_mark(html: str, tag: Markup) -> Span | None:
    """Return the place of `clicktracking=off` in a tag, with the white space before it unless that is still needed."""
    for attribute in tag.attributes:
        if attribute.name == MARK and html[attribute.value_start : attribute.value_end].lower() == "off":
            start = attribute.start
            while html[start - 1].isspace() and html[attribute.end] in AFTER_ATTRIBUTE:
                start -= 1
            return start, attribute.end
    return None


class SafePlaces(NamedTuple):
    """The places in a text whose keys can be replaced by values without markup and change no link.

    `texts` are outside of tags. `values` are values of attributes without their quotes. `addresses` are those of links,
    which are only safe for a tag that is replaced by a whole address.
    """

    texts: list[Span]
    values: list[Span]
    addresses: list[Span]


def find_safe_places(html: str) -> SafePlaces:
    """Return the safe places of HTML."""
    texts: list[Span] = []
    values: list[Span] = []
    addresses: list[Span] = []
    at = 0
    for markup in read_markup(html):
        texts.append((at, markup.start))
        at = markup.end
        for attribute in markup.attributes:
            if attribute.is_quoted and attribute.name != MARK:
                is_address = attribute.name == "href" and markup.name in LINKS
                (addresses if is_address else values).append((attribute.value_start, attribute.value_end))
    texts.append((at, len(html)))
    return SafePlaces([span for attribute in texts for span in _without_brackets(html, attribute)], values, addresses)


def _without_brackets(html: str, span: Span) -> Iterator[Span]:
    """Yield the parts of a text between its brackets.

    They begin after the character that follows a bracket: the value of a key in that place could begin a tag.
    """
    start, end = span
    while (bracket := html.find("<", start, end)) >= 0:
        yield start, bracket
        start = bracket + 2
    yield start, end


def find_safe_words(text: str) -> SafePlaces:
    """Return the safe places of plain text: white space, and words that are no part of a URL."""
    spans, at = [], 0
    for word in WORD.finditer(text):
        lowered = word[0].lower()
        if "http" in lowered or "://" in lowered:
            spans.append((at, word.start()))
            at = word.end()
    return SafePlaces([*spans, (at, len(text))], [], [])
