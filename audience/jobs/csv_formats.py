"""How a CSV file is written: its encoding and its delimiter, from its first bytes.

The encoding is UTF-8, or UTF-16 where a byte order mark says so. The delimiter is the one that the first line names
(`sep=;`, as spreadsheets have it), or the one of the header. Other encodings are not guessed: a file in one of them has
rows that are not UTF-8, and these are rejected.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final, NamedTuple

from audience.jobs.unpacking import UnreadableFile, skip

HEAD_BYTES: Final = 2**18
"""From so many bytes the format is found, whatever the size of the blocks: the same file always has the same one."""
SAMPLE_ROWS: Final = 20

UTF_8: Final = "utf-8"
MARKS: Final = {codecs.BOM_UTF8: UTF_8, codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
BROKEN: Final = b"\xff"
"""A byte that no text in UTF-8 has."""

DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
DECLARED: Final = re.compile(
    r"""("?)sep=(?P<delimiter>[^\w"\s\0\ufffd]|\t)\1(?P=delimiter)*+(?:\r\n|\r|\n|\Z)""", re.IGNORECASE
)
"""The line with which a file names its delimiter. A program that has saved the file again may have quoted the line, and
written delimiters behind it."""
QUOTED: Final = re.compile(r'(?<![^,;\t|\r\n])"(?:[^"]++|"")*+"')
"""A quoted cell, whichever the delimiter."""
LINE_ENDS: Final = re.compile(r"[\r\n]+")

CONTINUATIONS: Final = bytes(range(0x80, 0xC0))
NOT_OF_FOUR: Final = bytes(byte for byte in range(256) if not 0xF0 <= byte <= 0xF4)


class CsvFormat(NamedTuple):
    """`start` is the byte of the file at which its first row begins."""

    encoding: str = UTF_8
    delimiter: str = ","
    start: int = 0

    def to_utf8(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Return the bytes of a file, from the beginning of a row, in UTF-8; what is broken in them stays broken."""
        return iter(blocks) if self.encoding == UTF_8 else _to_utf8(blocks, self.encoding)

    def measure(self, data: bytes) -> int:
        """Return how many bytes of the file a piece of its UTF-8 stands for."""
        if self.encoding == UTF_8:
            return len(data)
        # UTF-16 has two bytes for each character, and four where UTF-8 has four.
        return 2 * (len(data.translate(None, CONTINUATIONS)) + len(data.translate(None, NOT_OF_FOUR)))

    @property
    def delimiters(self) -> str:
        """The delimiter in words, in the plural."""
        return DELIMITERS.get(self.delimiter, f"“{self.delimiter}”")


def find_format(blocks: Iterable[bytes]) -> tuple[CsvFormat, Iterator[bytes]]:
    """Return the format of a file, and its blocks from the first row on. If the file is damaged, the blocks before the
    damage come first, and then their UnreadableFile."""
    head, whole = _peek(blocks)
    mark, encoding = next((each for each in MARKS.items() if head.startswith(each[0])), (b"", UTF_8))
    text = head[len(mark) : HEAD_BYTES].decode(encoding, errors="replace")
    start, declared = len(mark), DECLARED.match(text)
    if declared:
        start += len(declared[0].encode(encoding))
    delimiter = declared["delimiter"] if declared else _find_delimiter(text)
    return CsvFormat(encoding, delimiter, start), skip(whole, start)


def _find_delimiter(text: str) -> str:
    """Return the delimiter of the header. If unquoted cells of it hold others, too, the first rows decide: most of them
    have as many cells as the header."""
    lines = filter(None, LINE_ENDS.split(QUOTED.sub("x", text)))
    header, *rows = [*islice(lines, SAMPLE_ROWS)] or [""]

    def rank(delimiter: str) -> tuple[int, int]:
        count = header.count(delimiter)
        return sum(row.count(delimiter) == count for row in rows), count

    return max(filter(header.__contains__, DELIMITERS), key=rank, default=",")


def _peek(blocks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the beginning of a file, and all of it."""
    waiting = iter(blocks)
    head = bytearray()
    try:
        for block in waiting:
            head += block
            if len(head) >= HEAD_BYTES:
                break
    except UnreadableFile as error:
        waiting = _fail(error)
    return bytes(head), chain([bytes(head)], waiting)


def _fail(error: Exception) -> Iterator[bytes]:
    raise error
    yield


def _to_utf8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Keep surrogates without their other half, so that their rows are no UTF-8 either."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for block in blocks:
        yield decoder.decode(block).encode(errors="surrogatepass")
    half, _ = decoder.getstate()
    if half:
        yield BROKEN
