"""Reading: bytes become an envelope, and elements become texts.

The input is hostile. A document with a DOCTYPE is refused before it is parsed, since declarations alone can keep a
parser busy for minutes; besides, the parser fetches nothing, resolves no entity and loads no DTD. libxml2 itself
refuses more than 256 levels, characters that XML does not have, and bytes that are not UTF-8. Requests are not
validated against the schema, since clients that are in use send ones that would not pass: text between elements is
skipped, a header may come behind the body, what is nil counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from lxml import etree

from api.http import BadBody
from api.soap.names import PARTNER, WSA, XSI, Version

Element: TypeAlias = etree._Element

MAX_BYTES: Final = 2 * 2**20
MOST_PREFIXES: Final = 1000
"""In scope at one place."""
BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
MISCELLANEOUS: Final = {b"<?": b"?>", b"<!--": b"-->"}
"""What may stand before a DOCTYPE or the root, by how it begins and ends."""
MESSAGE_ID: Final = re.compile(r"[!-~]{1,200}")


class NotSoap(BadBody):
    """Bytes that are no SOAP envelope with something in its body, or that have a DOCTYPE."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request: the elements of its header, and the first one of its body."""

    version: Version
    headers: list[Element]
    payload: Element

    @property
    def action(self) -> str | None:
        """What WS-Addressing says is asked for."""
        return next((each.text for each in self.headers if each.tag.endswith("}Action")), None)

    @property
    def message_id(self) -> str | None:
        """What the reply relates to."""
        named = next((each.text for each in self.headers if each.tag == f"{{{WSA}}}MessageID"), None)
        return named if named and MESSAGE_ID.fullmatch(named) else None


def read_envelope(raw: bytes) -> Envelope:
    """Raises NotSoap. The caller has bounded the bytes by `MAX_BYTES`."""
    root = parse(raw)
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in {version.value for version in Version}:
        raise NotSoap
    version = Version(name.namespace)
    body = root.find(f"{{{version.value}}}Body")
    payload = next(elements(body), None) if body is not None else None
    if payload is None:
        raise NotSoap
    header = root.find(f"{{{version.value}}}Header")
    return Envelope(version, list(elements(header)) if header is not None else [], payload)


def parse(raw: bytes) -> Element:
    """The root of a document in UTF-8, or in UTF-16 with its mark, that has no DOCTYPE. Raises NotSoap."""
    parser = etree.XMLParser(
        # Whatever the document says: in other encodings a DOCTYPE looks different.
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        text = raw.decode("utf-16").encode() if raw.startswith(UTF_16_MARKS) else raw
        # A byte order mark and blanks before the declaration come with what was pasted.
        text = text.lstrip(BLANKS)
        if has_doctype(text):
            raise NotSoap
        return etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotSoap from error


def has_doctype(raw: bytes) -> bool:
    """Whether there is a declaration before the root; elsewhere it would be no XML."""
    at = raw.find(b"<")
    while begin := next((mark for mark in MISCELLANEOUS if raw.startswith(mark, at)), None):
        end = raw.find(MISCELLANEOUS[begin], at + len(begin))
        if end < 0:
            return False
        at = raw.find(b"<", end)
    return raw.startswith(b"<!", at)


def elements(parent: Element, name: str | None = None) -> Iterator[Element]:
    """The child elements, with a name those of the wire's namespace, or of none, that are called so."""
    wanted = None if name is None else {name, f"{{{PARTNER}}}{name}"}
    return (each for each in parent if isinstance(each.tag, str) and (wanted is None or each.tag in wanted))


def is_nil(element: Element) -> bool:
    """Whether an element says that it is not there."""
    return element.get(f"{{{XSI}}}nil", "").strip() in {"true", "1"}


def child(parent: Element, *path: str) -> Element | None:
    """The first of that name that is not nil; with several names, from one level to the next."""
    found: Element | None = parent
    for name in path:
        found = None if found is None else next((each for each in elements(found, name) if not is_nil(each)), None)
    return found


def text_of(element: Element | None) -> str | None:
    """The text without the blanks around it; None if there is none."""
    return None if element is None else (element.text or "").strip() or None


def text(parent: Element, *path: str) -> str | None:
    """The text of a child."""
    return text_of(child(parent, *path))


def type_of(element: Element) -> str | None:
    """The wire's type that an element says it has, whatever its prefix; None if it says none, or one of others'. Raises
    NotSoap for a document with so many prefixes that to look one up takes long."""
    said = element.get(f"{{{XSI}}}type", "").strip()
    prefix, colon, name = said.rpartition(":")
    if not colon:
        return name or None
    prefixes = element.nsmap
    if len(prefixes) > MOST_PREFIXES:
        raise NotSoap
    return name or None if prefixes.get(prefix) == PARTNER else None
