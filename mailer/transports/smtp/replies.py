"""Read the replies of a peer (RFC 5321 section 4.2) from bytes, which come in arbitrary pieces.

A reply is kept as bytes, such as `250 2.1.0 Ok`, because most replies are never read as text. The lines of a longer
reply are separated by LF, with the code only before the first line.
"""

from __future__ import annotations

import re

LINE_LIMIT = 2_000
"""RFC 5321 allows 512 bytes; a peer beyond this is not speaking SMTP."""
REPLY_LIMIT = 100_000
TEXT_LIMIT = 500
SUCCESS = ord("2")
"""The first byte of a positive reply."""

SHORT_REPLIES = re.compile(rb"(?:(?!421)[2-5][0-9][0-9] [^\r\n]{0,1000}\r\n)++")
CLOSING = b"421"
"""The code with which the peer closes the connection, whatever the command was (RFC 5321 section 3.8)."""
LINE = re.compile(rb"([2-5][0-9][0-9])([ -]|$)(.*)", re.DOTALL)
CONTROLS = dict.fromkeys((*range(32), 127), "�") | {ord("\n"): " "}
"""The control characters. PostgreSQL cannot store a NUL, and an escape sequence must not reach a terminal."""


def code_of(reply: bytes) -> int:
    return int(reply[:3])


def text_of(reply: bytes) -> str:
    """Return the text of a reply: code, enhanced code and words in one line, cut to 500 characters."""
    text = reply.decode(errors="replace")[:TEXT_LIMIT]
    return text if text.isprintable() else text.translate(CONTROLS)


class ReplyReader:
    """Cut the bytes of one connection into replies."""

    __slots__ = ("_lines", "_rest", "broken", "is_closing")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        """The lines of a reply whose last line is still to come."""
        self.broken = ""
        """The reason why nothing more can be read from this peer. Earlier replies are valid."""
        self.is_closing = False
        """True once a 421 has come."""

    @property
    def has_rest(self) -> bool:
        """Return whether a reply has begun to arrive."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the replies that these bytes complete."""
        if self.broken:
            return []
        if not self._rest and not self._lines and SHORT_REPLIES.fullmatch(data):  # nearly always
            return data[:-2].split(b"\r\n")
        replies: list[bytes] = []
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self.broken:
                self._add_line(line.removesuffix(b"\r"), replies)
        if len(self._rest) > LINE_LIMIT:
            self.broken = "the peer sent a reply without a line end"
        return replies

    def _add_line(self, line: bytes, replies: list[bytes]) -> None:
        """Add a line. `250-` begins all lines of a reply but the last, with the same code in each."""
        match = LINE.fullmatch(line)
        if match is None or len(line) > LINE_LIMIT or (self._lines and match[1] != self._lines[0][:3]):
            self.broken = "the peer answered something that is not SMTP"
            return
        self._lines.append(match[3] if self._lines else b"%b %b" % (match[1], match[3]))
        if len(self._lines) * 8 + sum(map(len, self._lines)) > REPLY_LIMIT:
            self.broken = "the peer answered without an end"
        elif match[2] != b"-":
            self.is_closing |= match[1] == CLOSING
            replies.append(b"\n".join(self._lines))
            self._lines = []
