"""Read HTML as a browser's tokenizer does (WHATWG HTML, section 13.2.5), in one pass and in linear time.

Callers write this HTML, so it may be hostile. Every search either moves on or ends the reading: if a comment, a
tag or a quoted value is not closed, no browser shows the text behind it. The available parsers are not linear:
`html.parser` takes 11 s for 36 KB of `<a `, and libxml2 compares each end tag with every open element, 14 s for 80,000
unclosed tags and as many other end tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from html.entities import html5
from typing import Final, NamedTuple

MARKUP: Final = re.compile(r"<(?:(?P<end>/)?(?P<name>[A-Za-z][^\s/>]*+)|[!?/])")
"""The beginning of a tag, or of something else that is not text."""
ATTRIBUTE: Final = re.compile(
    r"[\s/]*+(?P<name>[^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:(?P<quote>[\"'])|(?P<value>[^\s>]*+)))?"
)
"""An attribute, up to its opening quote if it has one."""
LONG_NUMBER: Final = re.compile(r"&#[0-9]{9,}+;?")
"""A character reference that is no character. Python refuses to read very long numbers."""
REFERENCE: Final = re.compile(r"&(?:#(?:[0-9]++|[Xx][0-9A-Fa-f]++);?|(?P<name>[A-Za-z][A-Za-z0-9]*+(?:;|(?!=))))")
"""A character reference in the value of an attribute. Before `=`, a name without its semicolon is not a reference."""
RAW: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
"""Elements that only their end tag ends, each with the beginning of that tag."""
NOTHING_SKIPPED: Final = re.compile("")
NOTHING: Final[Mapping[str, str]] = {}


class Text(NamedTuple):
    """A piece of text, with its character references resolved. `inside` is the raw element that it is in, if any."""

    text: str
    inside: str = ""


class StartTag(NamedTuple):
    """A start tag by its name in lower case; the first attribute of a name counts."""

    name: str
    attributes: Mapping[str, str]


class EndTag(NamedTuple):
    """An end tag by its name in lower case."""

    name: str


class Attribute(NamedTuple):
    """An attribute by its name in lower case, with its places in the HTML. Its value is without the quotes."""

    name: str
    start: int
    end: int
    value_start: int
    value_end: int
    is_quoted: bool


class Markup(NamedTuple):
    """A tag by its name in lower case, or a comment or declaration without a name, with its place in the HTML."""

    start: int
    end: int
    name: str
    is_end: bool
    attributes: list[Attribute]


def read_html(html: str) -> Iterator[Text | StartTag | EndTag]:
    """Yield the texts and tags of HTML in their order. Comments and declarations are left out."""
    at = 0
    for markup in read_markup(html):
        if markup.start > at:
            yield Text(resolve(html[at : markup.start]))
        at = markup.end
        if markup.is_end:
            yield EndTag(markup.name)
        elif markup.name:
            yield StartTag(markup.name, _values(html, markup.attributes))
            if markup.name in RAW:
                at = _end_of_raw(html, markup)
                yield Text(resolve(html[markup.end : at]), inside=markup.name)
    if at < len(html):
        yield Text(resolve(html[at:]))


def read_markup(html: str, skipped: re.Pattern[str] = NOTHING_SKIPPED) -> Iterator[Markup]:
    """Yield the tags, comments and declarations of HTML with their places; the rest is text.

    If the last one is not closed, it reaches to the end. A pattern can skip text and entire tags that need not be read.
    """
    at = 0
    while match := MARKUP.search(html, skipped.match(html, at).end()):  # type: ignore[union-attr]
        start, end, name = match.start(), match.end(), match["name"] or ""
        attributes: list[Attribute] = []
        if not name:
            end = _skip_other(html, start)
        elif html.startswith(">", end):
            end += 1
        else:
            end, attributes = _read_attributes(html, end)
        if end < 0:
            yield Markup(start, len(html), "", is_end=False, attributes=[])
            return
        markup = Markup(start, end, name.lower(), is_end=bool(match["end"]), attributes=attributes)
        yield markup
        at = _end_of_raw(html, markup) if markup.name in RAW and not markup.is_end else end


def _end_of_raw(html: str, markup: Markup) -> int:
    """Return the end of the content of an element that only its end tag ends."""
    end = RAW[markup.name].search(html, markup.end)
    return end.start() if end else len(html)


def resolve(text: str) -> str:
    """Return a text with its character references resolved."""
    return unescape(LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text


def resolve_value(value: str) -> str:
    """Return the value of an attribute with its character references resolved.

    A name without its semicolon is only a reference there if no letter, digit or `=` follows it (WHATWG HTML, section
    13.2.5.73). So `&region=eu` in an address is a parameter, although `&reg` alone is a reference.
    """
    return REFERENCE.sub(_resolve_reference, value) if "&" in value else value


def _resolve_reference(match: re.Match[str]) -> str:
    name = match["name"]
    return resolve(match[0]) if name is None else html5.get(name, match[0])


def _skip_other(html: str, begin: int) -> int:
    """Return the place behind a comment, a declaration or an instruction that begins there, -1 if it does not end."""
    is_comment = html.startswith("<!--", begin)
    mark = "-->" if is_comment else ">"
    end = html.find(mark, begin + 2)
    return end + len(mark) if end >= 0 else -1


def _read_attributes(html: str, at: int) -> tuple[int, list[Attribute]]:
    """Return the place behind a tag, -1 if it does not end, and its attributes."""
    attributes: list[Attribute] = []
    while match := ATTRIBUTE.match(html, at):
        begin, (start, end) = match.start("name"), match.span("value")
        quote, at = match["quote"], match.end()
        if quote:
            start, end = at, html.find(quote, at)
            if end < 0:
                return -1, attributes
            at = end + 1
        elif start < 0:
            start = end = at
        attributes.append(Attribute(match["name"].lower(), begin, at, start, end, is_quoted=bool(quote)))
    at = html.find(">", at)
    return (at + 1 if at >= 0 else -1), attributes


def _values(html: str, attributes: list[Attribute]) -> Mapping[str, str]:
    """Return the values of attributes by name."""
    values: dict[str, str] = {}
    for attribute in attributes:
        values.setdefault(attribute.name, resolve_value(html[attribute.value_start : attribute.value_end]))
    return values or NOTHING
