"""MIME types with their parameters, as callers write them (RFC 2045 section 5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import quote
from functools import lru_cache
from typing import Final, NamedTuple

from mailer.compose.folding import CRLF, LINE

LONGEST: Final = 900
"""Characters of a type with its parameters: each of them then has room in a line."""
TOKEN: Final = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]++"
NAME: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
"""RFC 6838 section 4.2."""
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
        """Return the type with these parameters in addition; one that it has already is replaced."""
        return MimeType(self.name, {**self.parameters, **parameters})


OCTET_STREAM: Final = MimeType("application/octet-stream", {})
PLAIN_TEXT: Final = MimeType("text/plain", {})


def parse_mime_type(text: str) -> MimeType | None:
    """Return the type that a text is, None if it is no MIME type.

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
        found = PARAMETER.match(text, place)
        if found is None or found["name"].lower() in parameters:
            return None
        quoted = found["quoted"]
        parameters[found["name"].lower()] = found["token"] if quoted is None else QUOTED_PAIR.sub(r"\1", quoted)
        place = found.end()
    return MimeType(name[0].lower(), parameters)


def type_field(type: MimeType) -> bytes:
    """Return the Content-Type field. No parameter is divided between two lines."""
    lines = [f"Content-Type: {type.name}"]
    for name, value in type.parameters.items():
        written = value if WHOLE_TOKEN.fullmatch(value) else f'"{quote(value)}"'
        parameter = f"{name}={written}"
        # Room for the semicolon that may follow.
        if len(lines[-1]) + len(parameter) + len("; ;") > LINE:
            lines[-1] += ";"
            lines.append(f" {parameter}")
        else:
            lines[-1] += f"; {parameter}"
    return f"{CRLF.join(lines)}\r\n".encode("ascii")
