"""Folding of header lines (RFC 5322 section 2.2.3) and encoded words (RFC 2047).

A line is broken before white space and nowhere else. The standard library's `email.header` breaks a value wherever
`str.splitlines()` does, so with it a VT or FF of a long value began a header line of its own.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

CRLF = "\r\n"
LINE = 76
"""RFC 2047 section 2: the longest line that may hold an encoded word."""
LONGEST_LINE = 998
"""RFC 5322 section 2.1.1."""
ENCODED_WORD = 75
"""RFC 2047 section 2."""
OVERHEAD = 12
"""Characters around the text of an encoded word: `=?utf-8?q?` and `?=`."""

WORD = re.compile(r"[ \t]+[^ \t]*")
"""White space and the word behind it. It matches white space at the end of a line as well: otherwise the search would
begin again at each space of it."""
BEGIN_OF_WORD = re.compile(r"=\?[^ ?]++\?[BbQq]\?")
"""The characters that a reader can take for the beginning of an encoded word."""
SPACES = re.compile(r"\n[ \t]{2}")
"""Several spaces where a line was broken: some programs read a single one."""
Piece = TypeVar("Piece", str, bytes)
UNCHANGED = frozenset(b"!*+-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""Bytes that the Q encoding leaves unchanged, in a phrase too (RFC 2047 section 5 rule 3)."""
QUOTED = [chr(byte) if byte in UNCHANGED else "_" if byte == ord(" ") else f"={byte:02X}" for byte in range(256)]


def fold(line: str) -> str:
    """Break a header line, which has no line break yet, into lines of at most 76 characters where its words allow that.

    Each further line begins with white space and holds a word. Without the line breaks it is the same line again. The
    first word stays behind the name of the field if SMTP allows that: some programs would read a space before it.
    """
    if len(line) <= LINE:
        return line
    lines, start = [], 0
    for word in WORD.finditer(line):
        begin, end = word.span()
        if end - start > LINE and begin > start and line[end - 1] not in " \t" and not _is_first(line, begin, end):
            lines.append(line[start:begin])
            start = begin
    return CRLF.join([*lines, line[start:]])


def _is_first(line: str, begin: int, end: int) -> bool:
    """Return whether this is the first word of a field and can stay behind its name."""
    return line.find(":", 0, begin) == begin - 1 and end <= LONGEST_LINE and "=?" not in line[begin:end]


def is_within_limits(folded: str) -> bool:
    """Return whether every reader joins the lines to the same value: no line is longer than SMTP allows, nor, with what
    can be taken for an encoded word, than RFC 2047 allows, and none begins with several spaces."""
    if len(folded) <= LINE:
        return True
    if CRLF in folded and SPACES.search(folded):
        return False
    return has_room(folded) and (
        "=?" not in folded or all(len(line) <= LINE or not BEGIN_OF_WORD.search(line) for line in folded.split(CRLF))
    )


def has_room(folded: str) -> bool:
    """Return whether no line is longer than SMTP allows."""
    return len(folded) <= LONGEST_LINE or max(map(len, folded.split(CRLF))) <= LONGEST_LINE


def encode_words(text: str, *, first: int) -> str:
    """Return the text as encoded words with a space between them, in whichever encoding is shorter.

    The first has at most `first` characters, if that leaves room for some text; no word has more than 75. No character
    is divided between two words.
    """
    if first < ENCODED_WORD // 2:
        first = ENCODED_WORD
    characters = [character.encode() for character in text]
    quoted = ["".join([QUOTED[byte] for byte in character]) for character in characters]
    if sum(map(len, quoted)) <= (sum(map(len, characters)) + 2) // 3 * 4:
        words = ["".join(word) for word in pack(quoted, ENCODED_WORD - OVERHEAD, first=first - OVERHEAD)]
        return " ".join(f"=?utf-8?q?{word}?=" for word in words)
    full, begin = ((length - OVERHEAD) // 4 * 3 for length in (ENCODED_WORD, first))
    encoded = (binascii.b2a_base64(b"".join(word), newline=False) for word in pack(characters, full, first=begin))
    return " ".join(f"=?utf-8?b?{word.decode()}?=" for word in encoded)


def pack(pieces: Sequence[Piece], size: int, *, first: int) -> Iterator[Sequence[Piece]]:
    """Yield the pieces in groups that together have at most `size` characters, the first group at most `first`."""
    begin, room = 0, first
    for place, piece in enumerate(pieces):
        if len(piece) > room and place > begin:
            yield pieces[begin:place]
            begin, room = place, size
        room -= len(piece)
    yield pieces[begin:]
