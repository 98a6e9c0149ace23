"""Rows of CSV files, however their bytes come."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.audience import csv_rows
from campaigns.audience.csv_rows import (
    BAD_QUOTES,
    LONGEST_ROW,
    NOT_UTF8,
    NUL,
    TOO_LONG,
    CsvRows,
    Row,
    protect,
    restore,
    write_row,
)

cells = st.text(st.sampled_from('ab,"\r\n ;ä€😀\ufeff\u2028\x1c'), max_size=6)
tables = st.lists(st.lists(cells, max_size=4), max_size=8)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])
cuts = st.lists(st.integers(0, 400), max_size=12)


def blocks_of(data: bytes, at: list[int]) -> Iterator[bytes]:
    """The bytes, cut at these places."""
    places = sorted({0, *(min(place, len(data)) for place in at), len(data)})
    return (data[begin:end] for begin, end in pairwise(places))


def rows_of(data: bytes) -> list[Row]:
    return list(CsvRows([data]))


def problems_of(data: bytes) -> list[tuple[int, str]]:
    return [(row.number, row.problem) for row in rows_of(data) if row.problem]


@given(tables, line_ends, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), cuts, st.booleans())
def test_any_cut_gives_the_rows_of_the_whole(
    table: list[list[str]], line_end: str, quoting: int, at: list[int], has_mark: bool
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    data = text.getvalue().encode("utf-8-sig" if has_mark else "utf-8")
    # What is no mark in the middle of a file, is one at its beginning.
    whole = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row.cells for row in CsvRows(blocks_of(data, at))] == whole


@given(st.text(st.sampled_from('ab,"\r\nä'), max_size=60), cuts)
@settings(max_examples=100)
def test_text_that_is_no_csv_gives_the_same_rows_however_it_is_cut(text: str, at: list[int]) -> None:
    data = text.encode()
    whole = rows_of(data)
    assert list(CsvRows(blocks_of(data, at))) == whole
    if not any(row.problem for row in whole):
        assert [row.cells for row in whole] == list(csv.reader(io.StringIO(text, newline="")))


@given(st.text(st.sampled_from('ab,"\r\nä'), max_size=60), st.data())
@settings(max_examples=100)
def test_a_later_reader_goes_on_behind_any_row(text: str, data: st.DataObject) -> None:
    file = b"\xef\xbb\xbf" + text.encode()
    whole = rows_of(file)
    done = data.draw(st.integers(0, len(whole)))
    last = whole[done - 1] if done else Row(0, 0, [])
    assert list(CsvRows([file[last.end :]], position=last.end, row=last.number)) == whole[done:]


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


def test_a_quote_that_is_never_closed_is_not_waited_for_until_the_end_of_the_file() -> None:
    good = b"".join(b"%d,x\n" % number for number in range(LONGEST_ROW))
    rows = CsvRows(iter([b'"open,1\n', good]))
    assert next(rows).problem == TOO_LONG
    assert [row.cells[0] for row in rows] == [str(number) for number in range(LONGEST_ROW)]


def test_going_back_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "RESCUES", 1)
    rows = rows_of(b'"a\n1\n"x"y\n"b\n2\n"x"y\n3\n')
    # Of the first only its own line is lost; of the second all that it seemed to have.
    assert [row.cells[0] for row in rows if not row.problem] == ["1", "3"]


def test_broken_bytes_cost_their_row() -> None:
    assert problems_of(b"a\nM\xfcller\nb\nx\0y\n") == [(2, NOT_UTF8), (4, NUL)]
    assert rows_of(b"M\xfcller\n")[0].cells == ["M\ufffdller"]
    assert problems_of(b'"a\n\xff"\nb\n') == [(1, NOT_UTF8), (2, NOT_UTF8)]


def test_a_line_without_an_end_costs_no_memory() -> None:
    def file() -> Iterator[bytes]:
        yield b"before\n"
        for _ in range(100):
            yield b"x" * 2**20
        yield b"y\r"
        yield b"\nafter\n"

    before, long, after = CsvRows(file())
    assert (before.cells, after.cells) == (["before"], ["after"])
    assert long.problem == TOO_LONG
    assert len(long.cells[0]) <= 1000
    assert long.end == len("before\n") + 100 * 2**20 + len("y\r\n")
    assert after.end == long.end + len("after\n")


def test_a_row_of_the_greatest_length_is_read() -> None:
    longest = b"x" * (LONGEST_ROW - 1)
    assert [len(row.cells[0]) for row in CsvRows([longest, b"\nb\n"])] == [LONGEST_ROW - 1, 1]
    assert problems_of(longest + b"x\nb\n") == [(1, TOO_LONG)]


@given(st.lists(cells, min_size=1, max_size=4))
def test_a_row_that_was_written_is_read_as_it_was(row: list[str]) -> None:
    assert next(csv.reader(io.StringIO(write_row(row), newline=""))) == row


FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet takes for a formula, in its full-width forms, too."""


@given(st.text() | st.text("'=+-@\t\r\n \uff1d\xa0a", max_size=6))
@example("'=1+1")
@example("''")
@example("' ")
def test_any_value_is_no_formula_and_comes_back_as_it_was(value: str) -> None:
    cell = protect(value)
    assert not cell.startswith(FORMULAS)
    assert restore(cell) == value


def test_cells_of_other_programs_lose_only_the_spaces_around_them_and_the_protection() -> None:
    """Many programs protect cells in the same way."""
    assert [restore(cell) for cell in (" Ann ", "'Ann'", "'", "", "'tis", "'=1", "''=1", "-5")] == [
        *("Ann", "'Ann'", "'", "", "'tis", "=1", "'=1", "-5")
    ]
