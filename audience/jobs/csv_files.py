"""Read and write CSV files (RFC 4180): find out the format of a file from its first bytes, then read its rows.

The encoding is UTF-8, or UTF-16 where a byte order mark says so. The delimiter is the one that the first line names
(`sep=;`, as spreadsheets write it), or the one of the header. Other encodings are not guessed: a file in one of them
has rows that are not UTF-8, and these are rejected.

Rows are read from blocks of bytes. Each row comes with the position of the byte that follows it, where a later reader
can continue. Lines may end in LF, CR LF or CR, and may go on in the next block. A row that cannot be read is returned
with the reason, and reading continues after its first line: a quote that is never closed costs one row, not the rest of
the file.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula. `protect` puts an
apostrophe before such a cell, and `restore` takes it away again.
"""

from __future__ import annotations

import codecs
import csv
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain, islice
from typing import Final, NamedTuple

from audience.jobs.unpacking import UnreadableFile, skip

HEAD_BYTES: Final = 2**18
"""The format is found from this number of bytes, whatever the size of the blocks, so the result never varies."""
SAMPLE_ROWS: Final = 20

UTF_8: Final = "utf-8"
MARKS: Final = {codecs.BOM_UTF8: UTF_8, codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
BROKEN: Final = b"\xff"
"""A byte that no text in UTF-8 contains."""

DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
DECLARED: Final = re.compile(
    r"""("?)sep=(?P<delimiter>[^\w"\s\0\ufffd]|\t)\1(?P=delimiter)*+(?:\r\n|\r|\n|\Z)""", re.IGNORECASE
)
"""The line with which a file names its delimiter.

A program that saved the file again may have quoted the line, and written delimiters after it.
"""
QUOTED: Final = re.compile(r'(?<![^,;\t|\r\n])"(?:[^"]++|"")*+"')
"""A quoted cell, with any of the delimiters."""
LINE_ENDS: Final = re.compile(r"[\r\n]+")

CONTINUATIONS: Final = bytes(range(0x80, 0xC0))
NOT_OF_FOUR: Final = bytes(byte for byte in range(256) if not 0xF0 <= byte <= 0xF4)


class CsvFormat(NamedTuple):
    """The format of a CSV file is its encoding, its delimiter, and the byte at which its first row begins (`start`)."""

    encoding: str = UTF_8
    delimiter: str = ","
    start: int = 0

    def to_utf8(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of a file, from the beginning of a row, in UTF-8. Broken characters stay broken."""
        return iter(blocks) if self.encoding == UTF_8 else _to_utf8(blocks, self.encoding)

    def measure(self, data: bytes) -> int:
        """Return the number of bytes that a piece of UTF-8 has in the file."""
        if self.encoding == UTF_8:
            return len(data)
        # In UTF-16 a character takes two bytes, or four if it takes four in UTF-8.
        return 2 * (len(data.translate(None, CONTINUATIONS)) + len(data.translate(None, NOT_OF_FOUR)))

    @property
    def delimiters(self) -> str:
        """Return the name of the delimiter in the plural."""
        return DELIMITERS.get(self.delimiter, f"“{self.delimiter}”")


def find_format(blocks: Iterable[bytes]) -> tuple[CsvFormat, Iterator[bytes]]:
    """Return the format of a file, and its blocks from the first row on.

    If the file is damaged, the iterator yields the blocks before the damage, and then raises UnreadableFile.
    """
    head, all_blocks = _peek(blocks)
    mark, encoding = next((each for each in MARKS.items() if head.startswith(each[0])), (b"", UTF_8))
    text = head[len(mark) : HEAD_BYTES].decode(encoding, errors="replace")
    start, declared = len(mark), DECLARED.match(text)
    if declared:
        start += len(declared[0].encode(encoding))
    delimiter = declared["delimiter"] if declared else _find_delimiter(text)
    return CsvFormat(encoding, delimiter, start), skip(all_blocks, start)


def _find_delimiter(text: str) -> str:
    """Return the delimiter of the header.

    If its unquoted cells contain several delimiters, the first rows decide: most of them have as many cells as the
    header.
    """
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
    """Convert to UTF-8. Lone surrogates are kept, so that their rows are not valid UTF-8 and are rejected."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for block in blocks:
        yield decoder.decode(block).encode(errors="surrogatepass")
    half, _ = decoder.getstate()
    if half:
        yield BROKEN


LINE_END = "\r\n"
LONGEST_ROW = 2**17
"""The longest row, in bytes of UTF-8."""
RESCUES = 10_000
"""The number of times that a reader goes back to the second line of a broken row.

Each time up to `LONGEST_ROW` is read again. After that, all lines that a broken row seems to have are rejected with it.
"""
LONGEST_SHOWN = 1000
"""The number of characters of a rejected row that are stored."""

SPACES: Final = "".join(filter(str.isspace, map(chr, range(sys.maxunicode + 1))))
"""The characters that `str.strip` removes."""
PROTECTED: Final = rf"\A'*[=+\-@\uff1d\uff0b\uff0d\uff20{SPACES}]|[{SPACES}]\Z"
"""The values whose cells get an apostrophe, in the syntax that Python and PostgreSQL share.

A value that begins with apostrophes before such a character gets one more. So the first apostrophe of a written cell is
never a part of the value. Values with spaces around them are protected, too, because the importer strips the spaces of
other cells.
"""
_PROTECTED: Final = re.compile(PROTECTED)

NOT_UTF8 = "The row is not UTF-8."
NOT_UTF16 = "The row is not UTF-16."
NUL = "The row has a NUL character. A file in UTF-16 needs a byte order mark."
TOO_LONG = f"The row is longer than {LONGEST_ROW} bytes, or one of its quoted cells is not closed."
BAD_QUOTES = "A quoted cell is not closed, or has text after its closing quote."


class Row(NamedTuple):
    """A row has its cells, or the problem for which it is rejected.

    `number` counts from 1 and includes the header and empty lines, as spreadsheets do; `end` is the position of the
    byte after the row. `cells` is empty for an empty line. If there is a `problem`, it holds the beginning of the row
    in its original text.
    """

    number: int
    end: int
    cells: list[str]
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether the line is empty, or has delimiters and spaces only."""
        return not self.problem and not any(map(str.strip, self.cells))


class _BrokenLine(csv.Error):
    """The line cannot be a part of a row."""


class CsvRows(Iterator[Row]):
    """Iterate over the rows of a file, in the format that its first bytes show.

    If the format is given, iterate over the rows from the byte `position` on. The first of them has the number `row` +
    1.
    """

    def __init__(
        self, blocks: Iterable[bytes], *, csv_format: CsvFormat | None = None, position: int = 0, row: int = 0
    ) -> None:
        if csv_format is None:
            csv_format, blocks = find_format(blocks)
            position = csv_format.start
        self.csv_format = csv_format
        self._lines = _Lines(blocks, csv_format, position)
        self._reader = csv.reader(self._lines, delimiter=csv_format.delimiter, strict=True)
        self._row = row
        self._rescues = 0

    def __next__(self) -> Row:
        self._lines.begin_row()
        self._row += 1
        try:
            cells = next(self._reader)
        except _BrokenLine as error:
            return self._reject(str(error))
        except csv.Error:
            return self._reject(BAD_QUOTES)
        return Row(self._row, self._lines.position, cells)

    def _reject(self, problem: str) -> Row:
        if self._rescues < RESCUES and self._lines.give_back():
            self._rescues += 1
        return Row(self._row, self._lines.position, [self._lines.show()], problem)


def read_header(blocks: Iterable[bytes]) -> tuple[Row | None, CsvFormat]:
    """Return the first row of a file that is not empty, or None, and the format of the file. Raises UnreadableFile."""
    rows = CsvRows(blocks)
    return next((row for row in rows if not row.is_empty), None), rows.csv_format


class _Lines(Iterator[str]):
    """Iterate over decoded lines with their ends. After an error the next line follows, unlike with a generator."""

    def __init__(self, blocks: Iterable[bytes], csv_format: CsvFormat, position: int) -> None:
        self.position = position
        """In bytes of the file. All other sizes are in bytes of UTF-8."""
        self._measure = csv_format.measure
        self._not_text = NOT_UTF8 if csv_format.encoding == UTF_8 else NOT_UTF16
        self._blocks = csv_format.to_utf8(blocks)
        self._ready: deque[bytes] = deque()
        self._taken: list[bytes] = []
        """The lines of the current row."""
        self._size = 0
        """The size of these lines in bytes."""
        self._rest = b""
        """A line whose end has not been read yet."""
        self._left_out = 0
        """The number of bytes of that line in the file that are not kept, because it is too long already."""

    def begin_row(self) -> None:
        self._taken.clear()
        self._size = 0

    def give_back(self) -> bool:
        """Give back all lines of the row but the first, to be read again. Return whether there were any."""
        first_line, *next_lines = self._taken
        self._ready.extendleft(reversed(next_lines))
        self.position -= sum(map(self._measure, next_lines))
        self._taken = [first_line]
        return bool(next_lines)

    def show(self) -> str:
        """Return the original text of the row, shortened if it is long."""
        text = b"".join(self._taken)[: 4 * LONGEST_SHOWN].decode(errors="replace").replace("\0", "\ufffd")
        return text.rstrip("\r\n")[:LONGEST_SHOWN]

    def __next__(self) -> str:
        if not self._ready:
            self._fill()
        line = self._ready[0]
        if self._taken and self._size + len(line) > LONGEST_ROW:
            raise _BrokenLine(TOO_LONG)
        self._ready.popleft()
        self._taken.append(line)
        self._size += len(line)
        self.position += self._measure(line)
        if len(line) > LONGEST_ROW:
            self.position += self._left_out
            self._left_out = 0
            raise _BrokenLine(TOO_LONG)
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise _BrokenLine(self._not_text) from error
        if "\0" in text:
            raise _BrokenLine(NUL)
        return text

    def _fill(self) -> None:
        """Read the lines up to the last end of a line in the next blocks. Raises StopIteration after the last line."""
        while not self._ready:
            block = next(self._blocks, None)
            if block is None:
                if not self._rest:
                    raise StopIteration
                self._ready.append(self._rest)
                self._rest = b""
                return
            lines = (self._rest + block).splitlines(keepends=True)
            # A CR at the end may be the first half of CR LF.
            self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            self._ready.extend(lines)
            if not lines and len(self._rest) > LONGEST_ROW + 2:
                # Keep two bytes more than the limit: the last of them may be that CR.
                self._left_out += self._measure(self._rest[LONGEST_ROW + 1 : -1])
                self._rest = self._rest[: LONGEST_ROW + 1] + self._rest[-1:]


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Return lines of CSV, as they are stored and sent."""
    return "".join(f"{write_row(row)}\r\n" for row in rows).encode()


def write_row(cells: Sequence[str], *, delimiter: str = ",") -> str:
    """Return one row as CSV, without the end of its line."""
    text = StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=LINE_END).writerow(cells)
    return text.getvalue().removesuffix(LINE_END)


def protect(value: str) -> str:
    """Return the value as a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if _PROTECTED.search(value) else value


def restore(cell: str) -> str:
    """Return the value of a cell: exactly what `protect` was given, or a foreign cell without the spaces around it."""
    return cell[1:] if cell.startswith("'") and _PROTECTED.search(cell[1:]) else cell.strip()
