"""Draw tables, bars and figures for a terminal. Colours are for terminals only, and never with NO_COLOR.

Callers write the labels, so control characters, which a terminal would obey, are replaced.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TextIO

COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}
SHORTEST_LABEL = 12
BAR_WIDTH = 10


def is_coloured(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether colours may be written (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return the text in a colour, or unchanged if the stream (stdout) is not for colours."""
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if is_coloured(stream or sys.stdout) else text


def clean(text: str) -> str:
    """Return a text of one line without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def width_of(text: str) -> int:
    """Return the columns that a text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def cut(text: str, width: int) -> str:
    """Return the text, or its beginning with an ellipsis, in at most this number of columns."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "", width: int | None = None) -> str:
    """Return a table whose first column is cut so that a row fits into the width of the terminal.

    `right` names the columns that are aligned to the right, by their letters a, b, c and so on.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(width_of(row[n]) for row in [headers, *cells]) for n in range(len(headers))]
    most = shutil.get_terminal_size((120, 24)).columns if width is None else width
    excess = sum(widths) + 2 * len(widths) - most
    widths[0] = max(min(widths[0], SHORTEST_LABEL), widths[0] - max(0, excess))
    lines = [[cut(row[0], widths[0]), *row[1:]] for row in cells]
    is_right = [chr(ord("a") + n) in right for n in range(len(headers))]
    head = paint(aligned(headers, widths, is_right), "dim")
    return "\n".join([head, *(aligned(line, widths, is_right) for line in lines)])


def aligned(cells: Sequence[str], widths: Sequence[int], is_right: Sequence[bool]) -> str:
    parts = []
    for cell, width, at_right in zip(cells, widths, is_right, strict=True):
        blanks = " " * (width - width_of(cell))
        parts.append(blanks + cell if at_right else cell + blanks)
    return "  " + "  ".join(parts).rstrip()


def bar(done: int, total: int) -> str:
    """Return a bar with the share that is done."""
    full = BAR_WIDTH * done // total if total else 0
    return "#" * full + "." * (BAR_WIDTH - full)


def number(value: int | None) -> str:
    """Return a number with separators of thousands; a dash if it is not known."""
    return "-" if value is None else f"{value:,}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as `2 messages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}{'es' if noun.endswith('h') else 's'}"


def span(seconds: int | None) -> str:
    """Return a span of time, such as 1:05:09; a dash if it is not known."""
    if seconds is None:
        return "-"
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}" if minutes >= 60 else f"{minutes}:{second:02}"


def clock(moment: str) -> str:
    """Return the hours, minutes and seconds of a time of the API, which is in UTC."""
    return f"{dt.datetime.fromisoformat(moment):%H:%M:%S}"
