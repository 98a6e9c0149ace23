"""Test rows of CSV files, whatever the blocks in which their bytes arrive."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audience.jobs import csv_files
from audience.jobs.csv_files import (
    BAD_QUOTES,
    LONGEST_ROW,
    NOT_UTF8,
    NOT_UTF16,
    NUL,
    TOO_LONG,
    CsvRows,
    Row,
    protect,
    restore,
    write_row,
)
from tests.audience.jobs.formulas import FORMULAS
from tests.examples import examples, further

cells = st.text(st.sampled_from('ab,"\r\n ;\t|ä€😀\ufeff\u2028\x1c'), max_size=6)
tables = st.lists(st.lists(cells, max_size=4), max_size=8)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])
cuts = st.lists(st.integers(0, 400), max_size=12)


def blocks_of(data: bytes, at: list[int]) -> Iterator[bytes]:
    """Split bytes at these positions."""
    places = sorted({0, *(min(place, len(data)) for place in at), len(data)})
    return (data[begin:end] for begin, end in pairwise(places))


def rows_of(data: bytes) -> list[Row]:
    return list(CsvRows([data]))


def problems_of(data: bytes) -> list[tuple[int, str]]:
    return [(row.number, row.problem) for row in rows_of(data) if row.problem]


ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
}
"""Encodings, each with the byte order mark that Python does not write."""
encodings = st.sampled_from(list(ENCODINGS))


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, list[list[str]]]:
    """Generate a file in any format, written by Python, and the rows that Python reads from it."""
    delimiter, quoting = draw(st.sampled_from(",;\t|")), draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    # In quotes, the cells of a header may have any text.
    names = cells if quoting == csv.QUOTE_ALL else st.text('ab\u20ac\U0001f600 "\r\n', max_size=6)
    header = ["email", *draw(st.lists(names, min_size=1, max_size=3))]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw(line_ends), quoting=quoting)
    writer.writerows([header, *draw(tables)])
    encoding = draw(encodings)
    rows = list(csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter))
    return ENCODINGS[encoding] + text.getvalue().encode(encoding), rows


@further
@given(files(), cuts)
@settings(deadline=None)
def test_files_of_any_format_yield_their_cells_in_any_blocks(
    file: tuple[bytes, list[list[str]]], at: list[int]
) -> None:
    data, rows = file
    assert [row.cells for row in CsvRows(blocks_of(data, at))] == rows


@given(st.text(st.sampled_from('ab,"\r\nä'), max_size=60), encodings, cuts)
@settings(max_examples=examples(100))
def test_text_that_is_not_csv_yields_the_same_rows_in_any_blocks(text: str, encoding: str, at: list[int]) -> None:
    data = ENCODINGS[encoding] + text.encode(encoding)
    whole = rows_of(data)
    assert list(CsvRows(blocks_of(data, at))) == whole
    if not any(row.problem for row in whole):
        assert [row.cells for row in whole] == list(csv.reader(io.StringIO(text, newline="")))


@given(
    st.text(st.sampled_from('ab,;"\r\nä€😀\0'), max_size=60)
    | st.just("x" * (LONGEST_ROW // 2) + "😀" * 40_000 + "\nb"),
    encodings,
    st.data(),
)
@settings(deadline=None)
def test_a_later_reader_continues_after_any_row(text: str, encoding: str, data: st.DataObject) -> None:
    file = ENCODINGS[encoding] + text.encode(encoding)
    rows = CsvRows([file])
    whole = list(rows)
    last = data.draw(st.sampled_from([Row(0, rows.csv_format.start, []), *whole]))
    later = CsvRows([file[last.end :]], csv_format=rows.csv_format, position=last.end, row=last.number)
    assert list(later) == whole[last.number :]


def test_rows_are_numbered_as_a_spreadsheet_does() -> None:
    assert [(row.number, row.cells) for row in rows_of(b'a,b\n\n"1\n2",x\n3,y')] == [
        (1, ["a", "b"]),
        (2, []),
        (3, ["1\n2", "x"]),
        (4, ["3", "y"]),
    ]


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    rows = rows_of(b'one,1\n"two,2\nthree,3\n"four",4\nfive,5\n')
    assert [row.cells for row in rows] == [["one", "1"], ['"two,2'], ["three", "3"], ["four", "4"], ["five", "5"]]
    assert [(row.number, row.problem) for row in rows if row.problem] == [(2, BAD_QUOTES)]


@further
def test_a_quote_that_is_never_closed_is_not_waited_for_until_the_end_of_the_file() -> None:
    good = b"".join(b"%d,x\n" % number for number in range(LONGEST_ROW))
    rows = CsvRows(iter([b'"open,1\n', good]))
    assert next(rows).problem == TOO_LONG
    assert [row.cells[0] for row in rows] == [str(number) for number in range(LONGEST_ROW)]


def test_going_back_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "RESCUES", 1)
    rows = rows_of(b'"a\n1\n"x"y\n"b\n2\n"x"y\n3\n')
    # Of the first row only one line is lost; of the second, everything that it seemed to have.
    assert [row.cells[0] for row in rows if not row.problem] == ["1", "3"]


def test_broken_bytes_cost_their_row() -> None:
    assert problems_of(b"a\nM\xfcller\nb\nx\0y\n") == [(2, NOT_UTF8), (4, NUL)]
    assert rows_of(b"M\xfcller\n")[0].cells == ["M\ufffdller"]
    assert problems_of(b'"a\n\xff"\nb\n') == [(1, NOT_UTF8), (2, NOT_UTF8)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_broken_characters_of_utf16_cost_their_row(encoding: str) -> None:
    """The broken characters are surrogates without their other half, and half a character at the end."""
    text = "a;b\nx;\udc00\ny;\ud800y\nz;1\nu;\0\nq"
    rows = rows_of(ENCODINGS[encoding] + text.encode(encoding, "surrogatepass") + b"r")
    assert [(row.number, row.problem) for row in rows if row.problem] == [
        *((2, NOT_UTF16), (3, NOT_UTF16), (5, NUL), (6, NOT_UTF16))
    ]
    assert [row.cells for row in rows if not row.problem] == [["a", "b"], ["z", "1"]]


@further
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_line_without_an_end_costs_no_memory(encoding: str) -> None:
    block = ("é" * 2**19).encode(encoding)

    def file() -> Iterator[bytes]:
        yield ENCODINGS[encoding] + "before\n".encode(encoding)
        for _ in range(50):
            yield block
        yield "y\r".encode(encoding)
        yield "\nafter\n".encode(encoding)

    tracemalloc.start()
    try:
        before, long, after = CsvRows(file())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (before.cells, after.cells) == (["before"], ["after"])
    assert long.problem == TOO_LONG
    assert len(long.cells[0]) <= 1000
    assert long.end == before.end + 50 * len(block) + len("y\r\n".encode(encoding))
    assert after.end == long.end + len("after\n".encode(encoding))
    assert peak < 16 * len(block)


def test_a_row_of_the_greatest_length_is_read() -> None:
    longest = b"x" * (LONGEST_ROW - 1)
    assert [len(row.cells[0]) for row in CsvRows([longest, b"\nb\n"])] == [LONGEST_ROW - 1, 1]
    assert problems_of(longest + b"x\nb\n") == [(1, TOO_LONG)]


@given(st.lists(cells, min_size=1, max_size=4))
def test_a_row_that_was_written_is_read_as_it_was(row: list[str]) -> None:
    assert next(csv.reader(io.StringIO(write_row(row), newline=""))) == row


@given(st.text() | st.text("'=+-@\t\r\n \uff1d\xa0a", max_size=6))
@example("'=1+1")
@example("''")
@example("' ")
def test_any_value_is_protected_from_being_a_formula_and_restored_unchanged(value: str) -> None:
    cell = protect(value)
    assert not cell.startswith(FORMULAS)
    assert restore(cell) == value


def test_cells_of_other_programs_lose_only_outer_spaces_and_their_protection() -> None:
    """Many programs protect cells in the same way."""
    assert [restore(cell) for cell in (" Ann ", "'Ann'", "'", "", "'tis", "'=1", "''=1", "-5")] == [
        *("Ann", "'Ann'", "'", "", "'tis", "=1", "'=1", "-5")
    ]
