"""Test the formats of CSV files."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import pytest

from audience.jobs.csv_files import HEAD_BYTES, LONGEST_ROW, CsvFormat, CsvRows, find_format, read_header
from audience.jobs.unpacking import UnreadableFile
from tests.examples import for_each


def delimiter_of(text: str) -> str:
    csv_format, _ = find_format([text.encode()])
    return csv_format.delimiter


@for_each(
    ("text", "delimiter"),
    [
        ("email,name\n", ","),
        ("email;name\n", ";"),
        ("email\tname\n", "\t"),
        ("email|name\n", "|"),
        ("email", ","),
        ("", ","),
        # A delimiter in quotes does not count.
        ('"email;x","name;y"\na@example.com,b\n', ","),
        ('"last, first";email\n', ";"),
        ('email;"last, first, ""middle, maiden"""\n', ";"),
        ('"a|b\tc";d\n', ";"),
        ('"E-\r\nMail, private";Name\r\n', ";"),
        ('"email"\n"a;b"\n', ","),
        ('"email"', ","),
        # A quotation mark inside a cell is a character such as the inch sign.
        ('email;size 5";city\n', ";"),
        ('5" disks;3" disks\n', ";"),
        # Some programs write cells with another delimiter without quotes.
        ("email;name;notes, if any\n", ";"),
        ("email,name,tags (a;b)\n", ","),
        ("Name, First name, Title;E-mail\nSmith, Ann;ann@example.com\nBob;bob@example.com\n", ";"),
        ("email,tags;labels\na@example.com,x;y;z\nb@example.com,x\n", ","),
        # Empty lines are not a header.
        ("\n\r\n;;;\nemail;name\n", ";"),
        ("\n\nemail;name\n", ";"),
        ("email;name\rx;y\r", ";"),
        # A delimiter in the rows alone does not count.
        ("email\na;b\nc;d\n", ","),
        ('"email"\na;b\nc;d\n', ","),
    ],
)
def test_the_delimiter_is_found_in_the_header(text: str, delimiter: str) -> None:
    assert delimiter_of(text) == delimiter


FIRST_LINES = [
    ("sep=;", ";"),
    ("sep=,", ","),
    ('"sep=,"', ","),
    ('"sep=;"', ";"),
    ("SEP=|", "|"),
    ("sep=\t", "\t"),
    ('"sep=\t"\t\t', "\t"),
    ("sep=;;;", ";"),
    ("sep=^", "^"),
    ("sep=\u00a7", "\u00a7"),
]


def test_a_first_line_names_the_delimiter_and_is_no_row(subtests: pytest.Subtests) -> None:
    for encoding in ["utf-8", "utf-8-sig", "utf-16"]:
        for line_end in ["\n", "\r\n", "\r"]:
            for line, delimiter in FIRST_LINES:
                with subtests.test(encoding=encoding, line_end=line_end, line=line, delimiter=delimiter):
                    header = f"email{delimiter}a;b,c"
                    text = line_end.join([line, header, f"x@example.com{delimiter}y", ""])
                    rows = [(row.number, row.cells) for row in CsvRows([text.encode(encoding)])]
                    assert rows == [(1, header.split(delimiter)), (2, ["x@example.com", "y"])]


@for_each("line", ["sep=", "sep=a", 'sep="', "sep=;x", "sep=;,", "separator=;", '"sep=;', "sep==x", "x sep=;"])
def test_any_other_first_line_is_the_header(line: str) -> None:
    row = next(CsvRows([f"{line}\n".encode()]))
    assert row.end == len(line) + 1


@for_each(
    ("file", "csv_format"),
    [
        (b"", CsvFormat("utf-8", ",", 0)),
        (codecs.BOM_UTF8, CsvFormat("utf-8", ",", 3)),
        (codecs.BOM_UTF8 + b"a;b", CsvFormat("utf-8", ";", 3)),
        (codecs.BOM_UTF8 + b"sep=;\r\na;b", CsvFormat("utf-8", ";", 10)),
        (codecs.BOM_UTF16_LE, CsvFormat("utf-16-le", ",", 2)),
        (codecs.BOM_UTF16_LE + "a\tb".encode("utf-16-le"), CsvFormat("utf-16-le", "\t", 2)),
        (codecs.BOM_UTF16_BE + "sep=;\na,b".encode("utf-16-be"), CsvFormat("utf-16-be", ";", 14)),
        (b"\xff", CsvFormat("utf-8", ",", 0)),
    ],
)
def test_the_byte_order_mark_selects_the_encoding_in_any_blocks(file: bytes, csv_format: CsvFormat) -> None:
    for blocks in ([file], [bytes([byte]) for byte in file]):
        found_format, content = find_format(blocks)
        assert (found_format, b"".join(content)) == (csv_format, file[csv_format.start :])


def test_the_size_of_the_blocks_does_not_matter() -> None:
    """The blocks of an upload have another size than the blocks of a job."""
    # One row ends after the bytes that are examined; it would select the semicolon.
    row = b'"%s"' % (b"x" * 100_000)
    file = b"\n".join([b"a,b;c", row, row, row + b";y", b"z" * 2**20])
    for size in (1000, HEAD_BYTES, 2**20):
        csv_format, _ = find_format(file[begin : begin + size] for begin in range(0, len(file), size))
        assert csv_format == CsvFormat("utf-8", ",", 0)


def test_a_damaged_file_gives_its_rows_before_the_damage() -> None:
    def file() -> Iterator[bytes]:
        yield b"email;name\n"
        raise UnreadableFile("It is damaged.")

    header, csv_format = read_header(file())
    assert (header and header.cells, csv_format.delimiter) == (["email", "name"], ";")
    rows = CsvRows(file())
    next(rows)
    with pytest.raises(UnreadableFile, match="damaged"):
        next(rows)


@for_each(
    "text",
    [
        '"' * HEAD_BYTES,
        ',"' * HEAD_BYTES,
        ',"""' * HEAD_BYTES,
        ',"x""' * HEAD_BYTES,
        '"x' + ',""' * HEAD_BYTES,
        '"x' + ';""""' * HEAD_BYTES,
        "\n" * HEAD_BYTES,
        '"\n' * HEAD_BYTES,
        "sep=" + ";" * HEAD_BYTES,
        "," * (LONGEST_ROW - 1),
    ],
    ids=range(10),
)
def test_no_text_costs_more_than_its_length(text: str) -> None:
    """A search that goes back would take hours for one of these."""
    assert delimiter_of(text) in ",;"
