"""Write the header fields of body parts from the values of a caller.

These are Content-Type (RFC 2045 section 5.1), Content-Disposition (RFC 2183) and Content-ID. The type of an iCalendar
object gets the parameters that it must have (RFC 6047 section 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import quote
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote as percent_encode

from mailer.compose.headers import CRLF, LINE, LONGEST_LINE, one_line, pack

LONGEST: Final = 900
"""The most characters of a type with its parameters, so that each of them has room in a line."""
TOKEN: Final = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]++"
NAME: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
"""The syntax of a type or subtype (RFC 6838 section 4.2)."""
PARAMETER: Final = re.compile(
    rf"[ \t]*+;[ \t]*+(?P<name>{TOKEN})[ \t]*+=[ \t]*+"
    rf'(?:(?P<token>{TOKEN})|"(?P<quoted>(?:[ !#-\[\]-~\t]|\\[ -~\t])*+)")'
)
WHOLE_TOKEN: Final = re.compile(TOKEN)
QUOTED_PAIR: Final = re.compile(r"\\(.)")


class MimeType(NamedTuple):
    """A MIME type such as `text/calendar`, in lower case, and its parameters by their names in lower case."""

    name: str
    parameters: Mapping[str, str]

    @property
    def main(self) -> str:
        """Return the part before the slash."""
        return self.name.partition("/")[0]

    @property
    def is_composite(self) -> bool:
        """Return whether content of this type has parts (RFC 2046 section 5)."""
        return self.main in {"message", "multipart"}

    def with_parameters(self, **parameters: str) -> MimeType:
        """Return the type with these parameters, which replace those of the same name."""
        return MimeType(self.name, {**self.parameters, **parameters})


OCTET_STREAM: Final = MimeType("application/octet-stream", {})
PLAIN_TEXT: Final = MimeType("text/plain", {})


def parse_mime_type(text: str) -> MimeType | None:
    """Return the MIME type that a text names, or None if the text is not a MIME type.

    White space around it is ignored. Comments and a parameter that comes twice are not allowed.
    """
    return _parse(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=256)
def _parse(text: str) -> MimeType | None:
    """Do what `parse_mime_type` does. Cached, since few types are in use."""
    text = text.strip(" \t")
    name = NAME.match(text)
    if name is None:
        return None
    parameters: dict[str, str] = {}
    place = name.end()
    while place < len(text):
        parameter = PARAMETER.match(text, place)
        if parameter is None or parameter["name"].lower() in parameters:
            return None
        quoted = parameter["quoted"]
        parameters[parameter["name"].lower()] = parameter["token"] if quoted is None else QUOTED_PAIR.sub(r"\1", quoted)
        place = parameter.end()
    return MimeType(name[0].lower(), parameters)


def type_field(type: MimeType) -> bytes:
    """Return the Content-Type field. No parameter is divided between two lines."""
    lines = [f"Content-Type: {type.name}"]
    for name, value in type.parameters.items():
        written = value if WHOLE_TOKEN.fullmatch(value) else f'"{quote(value)}"'
        parameter = f"{name}={written}"
        # A semicolon may follow.
        if len(lines[-1]) + len(parameter) + len("; ;") > LINE:
            lines[-1] += ";"
            lines.append(f" {parameter}")
        else:
            lines[-1] += f"; {parameter}"
    return f"{CRLF.join(lines)}\r\n".encode("ascii")


IN_CONTENT_ID = "!#$%&'*+/=?^`{|}@:;,()[]"
"""Characters that a Content-ID may have in addition to letters, digits and `-._~`."""
LONGEST_CONTENT_ID = LONGEST_LINE - len("Content-ID: <>")
REFERENCE = re.compile(r"""cid:(?:(?<=["']cid:)(?P<quoted>[^"'\r\n]++)(?=["'])|(?P<bare>[^\s"'<>()]++))""")
NEEDS_EXTENDED = re.compile(r'["\\;]|=\?|^<')
"""The characters of a file name that need the extended form.

Some programs leave a quoted pair unchanged, end the name at a semicolon in quotes, take away angle brackets around it,
or decode what looks like an encoded word.
"""


def text_type(type: str) -> MimeType:
    """Return the type of a text: `text/plain` if the caller's is not a MIME type, or one with parts."""
    parsed = parse_mime_type(one_line(type))
    return PLAIN_TEXT if parsed is None or parsed.is_composite else parsed


def text_type_field(type: str, text: str) -> bytes:
    """Return the Content-Type field of a text that is sent as UTF-8."""
    parsed = text_type(type).with_parameters(charset="utf-8")
    return type_field(add_method(parsed, text) if parsed.name == CALENDAR else parsed)


def bare_content_id(content_id: str) -> str:
    """Return a Content-ID without angle brackets of the caller's."""
    bare = one_line(content_id).strip(" \t")
    while bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1].strip(" \t")
    return bare


def written_content_id(content_id: str) -> str:
    """Return a Content-ID without angle brackets, percent-encoded as in a `cid:` URL (RFC 2392)."""
    return percent_encode(bare_content_id(content_id), safe=IN_CONTENT_ID)


def write_references(html: str, content_ids: Iterable[str]) -> str:
    """Return HTML in which the `cid:` URLs have these Content-IDs in the form in which they are written."""
    pairs = [(bare_content_id(content_id), written_content_id(content_id)) for content_id in content_ids]
    changed = {bare: written for bare, written in pairs if bare != written}
    if not changed:
        return html

    def write(reference: re.Match[str]) -> str:
        referenced = reference["quoted"] or reference["bare"]
        return f"cid:{changed[referenced]}" if referenced in changed else reference[0]

    return REFERENCE.sub(write, html)


def content_id_field(content_id: str) -> bytes:
    """Return the Content-ID field, or nothing if it is empty or does not fit in a line."""
    written = written_content_id(content_id)
    return f"Content-ID: <{written}>\r\n".encode("ascii") if 0 < len(written) <= LONGEST_CONTENT_ID else b""


def disposition_field(disposition: str, filename: str) -> bytes:
    """Return the Content-Disposition field with the name of the file (RFC 2183).

    The name has the extended form of RFC 2231 if it is not ASCII, too long for a line, or if a program could read
    another name.
    """
    name = one_line(filename)
    plain = f'filename="{quote(name)}"'
    is_plain = name.isascii() and len(plain) < LONGEST_LINE - 1 and not NEEDS_EXTENDED.search(name)
    parameters = [plain] if is_plain else _extended_name(name)
    kind = "inline" if disposition == "inline" else "attachment"
    return f"{f';{CRLF} '.join([f'Content-Disposition: {kind}', *parameters])}\r\n".encode("ascii")


def _extended_name(name: str) -> Iterator[str]:
    """Yield the `filename*` parameter, in several sections if it needs more than one line (RFC 2231 section 3)."""
    characters = [percent_encode(character, safe="") for character in name]
    room = LINE - len(" filename*999*=;")
    sections = list(pack(characters, room, first=room - len("utf-8''")))
    for number, section in enumerate(sections):
        charset = "" if number else "utf-8''"
        place = f"*{number}*" if len(sections) > 1 else "*"
        yield f"filename{place}={charset}{''.join(section)}"


CALENDAR: Final = "text/calendar"
FOLD: Final = re.compile(r"\r?\n[ \t]")
"""The fold of a long line (RFC 5545 section 3.1)."""
METHOD: Final = re.compile(r"^METHOD(?:;[^:\r\n]*+)?:[ \t]*+([^\r\n]*+)", re.IGNORECASE | re.MULTILINE)
METHOD_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
"""The syntax of a method: an `iana-token` (RFC 5545 section 3.7.2)."""


def find_method(calendar: str) -> str:
    """Return the method that an iCalendar text names; empty if it has none, or objects with different ones."""
    methods = {method.strip(" \t") for method in METHOD.findall(FOLD.sub("", calendar))}
    method = methods.pop() if len(methods) == 1 else ""
    return method if METHOD_NAME.fullmatch(method) else ""


def add_method(type: MimeType, calendar: str) -> MimeType:
    """Return the type with the calendar's method, unless it has one already."""
    method = "" if "method" in type.parameters else find_method(calendar)
    return type.with_parameters(method=method) if method else type


def describe_calendar(type: MimeType, content: bytes) -> MimeType:
    """Return the type of a calendar file with its method and, if it is UTF-8 and not ASCII, its charset."""
    try:
        calendar = content.decode()
    except UnicodeDecodeError:
        return add_method(type, content.decode("latin-1"))
    if "charset" not in type.parameters and not calendar.isascii():
        type = type.with_parameters(charset="utf-8")
    return add_method(type, calendar)
