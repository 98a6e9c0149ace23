"""Fill in texts: replace keys by values, and encode a text once with places for the values of each message.

Each key that a personalization has a value for is replaced by it. All keys are replaced in one pass, the longest first,
so a value that happens to contain another key stays unchanged. A key has a value as a legacy substitution, which may be
markup (SendGrid v3 mail/send, `personalizations[].substitutions`); as a merge value, which is data, and escaped in
HTML; or as a system tag (`rendering.py`). The values of the caller come first.

Encoding a text again takes tens of microseconds for each message, filling a template one or two. A text in ASCII stays
7bit as long as the values are ASCII. Any other text is quoted-printable, and each value is on separate lines between
soft line breaks (RFC 2045 section 6.7), so that no value moves the line breaks of the text around it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape
from operator import itemgetter
from typing import Any, Final, NamedTuple, cast

from content.handlebars import escape as escape_handlebars
from foundation.caches import Cache
from mailer.compose.headers import LONGEST_LINE, is_html
from mailer.compose.part_heads import CALENDAR, text_type_field

LONGEST = 40_000_000
"""The most characters of a text: a third more than a request can hold. A short value in many places makes it longer."""
CACHED = 200_000
"""Texts of up to this many characters are cached in pieces."""


class Values(NamedTuple):
    """The values of keys, for most texts and for HTML: the same keys in the same order, or the same mapping."""

    plain: Mapping[str, str]
    html: Mapping[str, str]

    def over(self, defaults: Values) -> Values:
        """Return these values, and the defaults for keys that these do not have."""
        plain = {**defaults.plain, **self.plain}
        is_twofold = self.plain is not self.html or defaults.plain is not defaults.html
        return Values(plain, {**defaults.html, **self.html} if is_twofold else plain)


class TextTooLong(ValueError):
    """Raised when a text with its values would be longer than `LONGEST`."""

    def __init__(self) -> None:
        super().__init__(f"a text of the message has more than {LONGEST:,} characters with its values")


def values_of(personal: Mapping[str, Any]) -> Values:
    """Return the values of one stored personalization."""
    substitutions: Mapping[str, str] = personal.get("substitutions") or {}
    if "merge" not in personal:
        return Values(substitutions, substitutions)
    merged = merge_values(personal["merge"])
    return Values(substitutions, substitutions).over(merged) if substitutions else merged


def merge_values(merge: Mapping[str, str]) -> Values:
    """Return merge values, for most texts and for HTML.

    A tag of Handlebars escapes its value everywhere, or nowhere if it is `{{{tag}}}` or `{{&tag}}`. The value of any
    other key is escaped in HTML.
    """
    everywhere, in_html = escaping_keys(tuple(merge))
    plain = {**merge, **{key: escape_handlebars(merge[key]) for key in everywhere}} if everywhere else merge
    return Values(plain, {**plain, **{key: escape(merge[key]) for key in in_html}} if in_html else plain)


@lru_cache(maxsize=256)
def escaping_keys(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys of merge values that are escaped everywhere, and those that are escaped in HTML."""
    tags = [key for key in keys if key.startswith("{{") and not key.startswith(("{{{", "{{&"))]
    return tuple(tags), tuple([key for key in keys if not key.startswith("{{")])


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with every key of `values` replaced. Raises TextTooLong."""
    pieces = (cut if len(text) <= CACHED else cut.__wrapped__)(text, tuple(values)) if values else ()
    return text if len(pieces) < 2 else _replace(pieces, values)


def substitute_once(text: str, values: Mapping[str, str]) -> str:
    """Return what `substitute` does, for a text that no other message has: its pieces are not cached."""
    pieces = cut.__wrapped__(text, tuple(values)) if values else ()
    return text if len(pieces) < 2 else _replace(pieces, values)


def _replace(pieces: Sequence[str], values: Mapping[str, str]) -> str:
    replaced = list(pieces)
    for place in range(1, len(pieces), 2):
        replaced[place] = values[pieces[place]]
    if sum(map(len, replaced)) > LONGEST:
        raise TextTooLong
    return "".join(replaced)


def substitute_within(text: str, values: Mapping[str, str], *, longest: int) -> str | None:
    """Return `text` with every key of `values` replaced, or None if that has more than `longest` characters.

    Only the keys that occur are searched together, so that many keys cost little, and no longer text is made.
    """
    keys = tuple([key for key in values if key and key in text]) if len(text) <= longest else ()
    if not keys:
        return text if len(text) <= longest else None
    replaced = list(cut(text, keys))
    replaced[1::2] = [values[key] for key in replaced[1::2]]
    return "".join(replaced) if sum(map(len, replaced)) <= longest else None


@lru_cache(maxsize=256)
def cut(text: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the text cut at its keys: text, key, text, key … text.

    Cached, since the messages of a mail share texts and keys.
    """
    ordered = sorted((key for key in keys if key), key=len, reverse=True)
    return tuple(re.split(f"({'|'.join(map(re.escape, ordered))})", text)) if ordered else (text,)


CRLF = b"\r\n"
SOFT_BREAK = b"=\r\n"
LINE = 76
"""The characters of a quoted-printable line, including the soft break."""
UNCHANGED_TEXT = re.compile(r"(?:[!-<>-~](?:[ -<>-~]{0,70}[!-<>-~])?)?")
"""Text that quoted-printable leaves unchanged and that fits in one line. It may have a dot, since SMTP doubles it."""


class Text(NamedTuple):
    """A body part that substitutions may change, and its encoded form when they do not."""

    type: str
    value: str
    encoded: bytes

    @property
    def is_html(self) -> bool:
        return is_html(self.type)

    @property
    def is_quoted(self) -> bool:
        """Return whether the text is quoted-printable."""
        return not is_plain(unify_breaks(self.value))


Piece = bytes | Text


class Template:
    """Pieces of a body, filled in for each message that has values for the same keys."""

    def __init__(self, pieces: Sequence[Piece], keys: tuple[str, ...], *, is_twofold: bool = False) -> None:
        """Make the template of pieces that are `is_fillable`.

        In a twofold template an HTML text takes the second half of the values, which are those of the keys in HTML.
        """
        format: list[bytes] = []
        places: list[tuple[bool, int]] = []
        """The values in the format, in its order: whether each is quoted-printable, and its number."""
        self._longest = LONGEST
        """The longest value that leaves every 7bit line, and every text, as short as it has to be."""
        for piece in pieces:
            if isinstance(piece, bytes):
                format.append(_escape(piece))
                continue
            head, _, _ = piece.encoded.partition(CRLF + CRLF)
            format += [_escape(head), CRLF, CRLF]
            statics, numbers = _cut_at(piece.value, keys)
            if numbers:
                self._longest = min(self._longest, (LONGEST - len(piece.value)) // len(numbers))
            first_number, is_quoted = len(keys) if is_twofold and piece.is_html else 0, piece.is_quoted
            places += [(is_quoted, first_number + place) for place in numbers]
            if is_quoted:
                format += _join_quoted(statics)
            else:
                self._longest = min(self._longest, _room_in_lines(statics))
                format += [b"%b".join(_escape(static.encode("ascii").replace(b"\n", CRLF)) for static in statics)]
        self._format = b"".join(format)
        plain = sorted({number for is_quoted, number in places if not is_quoted})
        quoted = sorted({number for is_quoted, number in places if is_quoted})
        order = [(False, number) for number in plain] + [(True, number) for number in quoted]
        self._pick_plain, self._pick_quoted = _picker(plain), _picker(quoted)
        """Functions that pick the values in 7bit texts, and in quoted-printable ones."""
        self._has_quoted = bool(quoted)
        self._pick = _picker([order.index(place) for place in places])

    def fill(self, values: Sequence[str]) -> bytes | None:
        """Return the pieces with these values, which are in the order of the keys.

        Return None when the values need the texts encoded again.
        """
        if max(map(len, values)) > self._longest:
            return None
        plain_values = self._pick_plain(values)
        together = "".join(plain_values)
        if not together.isascii() or "\r" in together or "\n" in together:
            return None
        encoded = [value.encode("ascii") for value in plain_values]
        if self._has_quoted:
            encoded += [quote(value) for value in self._pick_quoted(values)]
        filled: bytes = self._format % self._pick(encoded)
        return filled


class Line:
    """A header field, filled in for each message that has values for the same keys."""

    def __init__(self, name: str, text: str, keys: tuple[str, ...]) -> None:
        pieces = cut(text, keys)
        self._format = "%s".join([piece.replace("%", "%%") for piece in (f"{name}: {pieces[0]}", *pieces[2::2])])
        self._pick = _picker(pieces[1::2])

    def fill(self, values: Mapping[str, str]) -> bytes | None:
        """Return the field with these values; None if it has to be folded or encoded (`headers.field`)."""
        picked = self._pick(values)
        if sum(map(len, picked)) > LINE:
            return None
        line = self._format % picked
        return f"{line}\r\n".encode("ascii") if len(line) <= LINE and line.isascii() and line.isprintable() else None


def _picker(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that takes the items with these keys or numbers out of a mapping or sequence."""
    if not keys:
        return lambda _: ()
    if len(keys) == 1:
        (only,) = keys
        return lambda items: (items[only],)
    return itemgetter(*keys)


def is_fillable(pieces: Sequence[Piece], keys: Sequence[str]) -> bool:
    """Return whether a template can be made: the texts are worth the memory, and no key has a line break.

    The head of a calendar depends on its text, so there is no template with one.
    """
    texts = [piece for piece in pieces if isinstance(piece, Text)]
    if any(piece.type.lower().startswith(CALENDAR) for piece in texts):
        return False
    return sum(len(piece.value) for piece in texts) <= CACHED and not any("\r" in key or "\n" in key for key in keys)


def encode_text(type: str, value: str, *, is_one_of_many: bool = False) -> bytes:
    """Return a text part with its headers: 7bit if possible, otherwise quoted-printable (RFC 2045 section 6.7).

    A text that `is_one_of_many` has lines in common with others, which are encoded once.
    """
    text = unify_breaks(value)
    lines = text.split("\n")
    if are_plain(lines):
        encoding, data = b"7bit", text.encode("ascii").replace(b"\n", CRLF)
    elif is_one_of_many:
        encoding, data = b"quoted-printable", CRLF.join(QUOTED_LINES.quote(lines))
    else:
        encoding, data = b"quoted-printable", _quote(text).replace(b"\n", CRLF)
    head = text_type_field(type, text)
    return b"%bContent-Transfer-Encoding: %b\r\n\r\n%b" % (head, encoding, data)


def unify_breaks(text: str) -> str:
    """Return the text with every line ended by LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def is_plain(text: str) -> bool:
    """Return whether a text needs no encoding, with every line ended by LF."""
    return are_plain(text.split("\n"))


def are_plain(lines: Sequence[str]) -> bool:
    """Return whether lines need no encoding: they are ASCII and short enough (RFC 5322 section 2.1.1)."""
    return max(map(len, lines)) <= LONGEST_LINE and all(map(str.isascii, lines))


def quote(value: str) -> bytes:
    """Return a value on separate lines of a quoted-printable text, with room for a soft break behind it."""
    if UNCHANGED_TEXT.fullmatch(value):
        return value.encode("ascii")
    *lines, last_line = _quote(unify_breaks(value)).split(b"\n")
    if len(last_line) == LINE:
        place = next(place for place in (70, 69, 68) if b"=" not in last_line[place - 2 : place])
        last_line = last_line[:place] + SOFT_BREAK + last_line[place:]
    return CRLF.join([*lines, last_line])


def _quote(text: str) -> bytes:
    return binascii.b2a_qp(text.encode("utf-8"), istext=True)


class QuotedLines:
    """Quote lines, and remember them: the messages of a template have most of their lines in common.

    Each line is encoded separately, since no line depends on another one.
    """

    MOST: Final = 4096
    LONGEST: Final = 2_000
    """The most lines that are remembered, and the most characters of such a line."""

    def __init__(self) -> None:
        self._quoted: Cache[str, bytes] = Cache(self.MOST)

    def quote(self, lines: Sequence[str]) -> list[bytes]:
        """Return each line in quoted-printable, with CRLF in its soft breaks."""
        quoted = list(map(self._quoted.get, lines))
        at = -1
        for _ in range(quoted.count(None)):
            at = quoted.index(None, at + 1)
            quoted[at] = self._quote_line(lines[at])
        return cast("list[bytes]", quoted)

    def _quote_line(self, line: str) -> bytes:
        quoted = _quote(line).replace(b"\n", CRLF)
        if len(line) <= self.LONGEST:
            self._quoted[line] = quoted
        return quoted


QUOTED_LINES: Final = QuotedLines()


def _cut_at(text: str, keys: tuple[str, ...]) -> tuple[list[str], list[int]]:
    """Return the texts between the keys of a text, and the places of these keys in `keys`."""
    pieces = cut(unify_breaks(text), keys)
    numbers = {key: place for place, key in enumerate(keys)}
    return list(pieces[::2]), [numbers[key] for key in pieces[1::2]]


def _join_quoted(statics: Sequence[str]) -> list[bytes]:
    """Return the format of a quoted-printable text.

    It has a soft break wherever a value shares its line with something else.
    """
    *first_statics, last_static = statics
    format: list[bytes] = []
    for place, static in enumerate(first_statics):
        if place and not static.startswith("\n"):
            format.append(SOFT_BREAK)
        # The x reserves room for the break, and keeps a space from being taken for the end of a line.
        encoded = _quote(f"{static}x")[:-1]
        format.append(_escape(encoded.replace(b"\n", CRLF)))
        if static and not encoded.endswith(b"\n"):
            format.append(SOFT_BREAK)
        format.append(b"%b")
    if first_statics and last_static and not last_static.startswith("\n"):
        format.append(SOFT_BREAK)
    return [*format, _escape(_quote(last_static).replace(b"\n", CRLF))]


def _room_in_lines(statics: Sequence[str]) -> int:
    """Return how long each value may be so that no line becomes too long."""
    room, length, values = LONGEST, 0, 0
    for place, static in enumerate(statics):
        if place:
            values += 1
        for number, part in enumerate(static.split("\n")):
            if number:
                length = values = 0
            length += len(part)
            if values:
                room = min(room, (LONGEST_LINE - length) // values)
    return room


def _escape(data: bytes) -> bytes:
    return data.replace(b"%", b"%%")
