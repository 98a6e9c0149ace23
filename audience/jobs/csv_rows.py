"""Rows of a CSV file (RFC 4180) from blocks of bytes, each with the place behind it, where a later reader can go on.

The file is in any format of `csv_formats.py`; lines may end in LF, CR LF or CR, and go on in the next block. A row
that cannot be read is told with its reason, and the reading goes on behind its first line: a quote that is never closed
costs one row, and not the rest of the file.

A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula. `protect` puts an
apostrophe before such a cell, and `restore` takes it away again.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Final, NamedTuple

from audience.jobs.csv_formats import UTF_8, CsvFormat, find_format

LINE_END = "\r\n"
LONGEST_ROW = 2**17
"""Bytes in UTF-8."""
RESCUES = 10_000
"""How often a reader goes back to the second line of a broken row: each time up to `LONGEST_ROW` is read again. Later
ones cost all lines that they seemed to have."""
LONGEST_SHOWN = 1000
"""Characters of a rejected row that are kept."""

SPACES: Final = "".join(filter(str.isspace, map(chr, range(sys.maxunicode + 1))))
"""The characters that `str.strip` removes."""
PROTECTED: Final = rf"\A'*[=+\-@\uff1d\uff0b\uff0d\uff20{SPACES}]|[{SPACES}]\Z"
"""The values whose cells get an apostrophe, in the syntax that Python and PostgreSQL share. Apostrophes before such a
value do not matter: it gets one more, so the first one of a written cell is never a part of the value. Values with
spaces around them are among these, since the importer takes the spaces of other cells away."""
_PROTECTED: Final = re.compile(PROTECTED)

NOT_UTF8 = "The row is not UTF-8."
NOT_UTF16 = "The row is not UTF-16."
NUL = "The row has a NUL character. A file in UTF-16 needs a byte order mark."
TOO_LONG = f"The row is longer than {LONGEST_ROW} bytes, or a quoted cell of it is not closed."
BAD_QUOTES = "A quoted cell is not closed, or goes on behind its closing quote."


class Row(NamedTuple):
    """`number` is from 1, the header and empty lines included, as a spreadsheet has it; `end` is the byte behind it.

    `cells` is empty for a line without a character. If there is a `problem`, it has the beginning of the row as it was
    written.
    """

    number: int
    end: int
    cells: list[str]
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the line is empty, or has delimiters and spaces only."""
        return not self.problem and not any(map(str.strip, self.cells))


class _BrokenLine(csv.Error):
    """A line that cannot be a part of a row."""


class CsvRows(Iterator[Row]):
    """The rows of a file, in the format that its first bytes show. With its format: the rows behind the byte
    `position`, the first of which is number `row` + 1."""

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
    """Lines with their ends, decoded. After an error the next one follows, which a generator could not do."""

    def __init__(self, blocks: Iterable[bytes], csv_format: CsvFormat, position: int) -> None:
        self.position = position
        """In bytes of the file. All other sizes are of its UTF-8."""
        self._measure = csv_format.measure
        self._not_text = NOT_UTF8 if csv_format.encoding == UTF_8 else NOT_UTF16
        self._blocks = csv_format.to_utf8(blocks)
        self._ready: deque[bytes] = deque()
        self._taken: list[bytes] = []
        """Of the row that is being read."""
        self._size = 0
        """In bytes, of these."""
        self._rest = b""
        """A line whose end has not come."""
        self._left_out = 0
        """Bytes in the file of what is not kept of it, since it is too long already."""

    def begin_row(self) -> None:
        self._taken.clear()
        self._size = 0

    def give_back(self) -> bool:
        """All lines of the row but the first, to be read again; whether there were any."""
        first, *others = self._taken
        self._ready.extendleft(reversed(others))
        self.position -= sum(map(self._measure, others))
        self._taken = [first]
        return bool(others)

    def show(self) -> str:
        """The row as it was written, in part if it is long."""
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
        """The lines up to the last end of a line in the next blocks. Raises StopIteration behind the last line."""
        while not self._ready:
            block = next(self._blocks, None)
            if block is None:
                if not self._rest:
                    raise StopIteration
                self._ready.append(self._rest)
                self._rest = b""
                return
            lines = (self._rest + block).splitlines(keepends=True)
            # A CR at the end may be one half of CR LF.
            self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            self._ready.extend(lines)
            if not lines and len(self._rest) > LONGEST_ROW + 2:
                # Two bytes too many, the last of which may be that CR.
                self._left_out += self._measure(self._rest[LONGEST_ROW + 1 : -1])
                self._rest = self._rest[: LONGEST_ROW + 1] + self._rest[-1:]


def write_row(cells: Sequence[str], *, delimiter: str = ",") -> str:
    """One row as CSV, without the end of its line."""
    text = StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=LINE_END).writerow(cells)
    return text.getvalue().removesuffix(LINE_END)


def protect(value: str) -> str:
    """Return the value as a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if _PROTECTED.search(value) else value


def restore(cell: str) -> str:
    """Return the value of a cell: exactly what `protect` was given, or a foreign cell without the spaces around it."""
    return cell[1:] if cell.startswith("'") and _PROTECTED.search(cell[1:]) else cell.strip()
