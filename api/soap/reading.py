"""Read requests: bytes become an envelope, and elements become texts.

The input is hostile. Before its caller is known, a document longer than `OPENING_BYTES` is not parsed, but for its
first bytes and, where these have no header with the credentials, its last ones. A document with a DOCTYPE is refused
before it is parsed, since declarations alone can keep a parser busy for minutes; also, the parser fetches nothing,
resolves no entity and loads no DTD. libxml2 itself refuses more than 256 levels, characters that XML does not have, and
bytes that are not UTF-8. Requests are not validated against the schema, since clients that are in use send ones that
would not pass: text between elements is skipped, a header may come behind the body, a nil element counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from xml.sax.saxutils import quoteattr

from lxml import etree

from api.http import BadBody
from api.soap.names import PARTNER, WSA, XSI, Version

Element: TypeAlias = etree._Element

MAX_BYTES: Final = 2 * 2**20
OPENING_BYTES: Final = 64 * 2**10
"""The bytes at the beginning of a document, and at its end, that may be parsed before its caller is known."""
PIECE_BYTES: Final = 4096
MOST_HEADERS: Final = 100
"""The most elements of a header. WS-Security, WS-Addressing and their like have a dozen."""
MOST_PREFIXES: Final = 1000
"""The largest number of prefixes that may be declared at one place."""
BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
TYPE_NAME: Final = re.compile(r"(?:([^\W\d][\w.-]*):)?([^\W\d][\w.-]*)")
"""A QName (Namespaces in XML 1.0, section 4): a prefix, or None, and a local name."""
RESERVED_PREFIXES: Final = {"xml", "xmlns"}
MISCELLANEOUS: Final = {b"<?": b"?>", b"<!--": b"-->"}
"""The constructs that may precede a DOCTYPE or the root. The end of each is keyed by its beginning."""
OPTIONS: Final[dict[str, Any]] = {
    # Whatever the document says: in other encodings a DOCTYPE looks different.
    "encoding": "utf-8",
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
    "collect_ids": False,
}
"""The options of every XML parser here: nothing is fetched, expanded or repaired."""
MESSAGE_ID: Final = re.compile(r"[!-~]{1,200}")


class NotSoap(BadBody):
    """The bytes are not a SOAP envelope with an element in its body, or they have a DOCTYPE."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a request: its version, and the elements of its header."""

    version: Version
    headers: list[Element]

    @property
    def action(self) -> str | None:
        """Return the action of WS-Addressing, or None."""
        return next((each.text for each in self.headers if each.tag.endswith("}Action")), None)

    @property
    def message_id(self) -> str | None:
        """Return the message id of WS-Addressing, to which the reply relates, or None."""
        text = next((each.text for each in self.headers if each.tag == f"{{{WSA}}}MessageID"), None)
        return text if text and MESSAGE_ID.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Envelope(Opening):
    """A whole request: `payload` is the first element of its body."""

    payload: Element


def read_document(raw: bytes) -> bytes:
    """Return a document in UTF-8 that has no DOCTYPE, from bytes in UTF-8, or in UTF-16 with its mark.

    The caller has limited the bytes to `MAX_BYTES`. Raises NotSoap.
    """
    try:
        document = raw.decode("utf-16").encode() if raw.startswith(UTF_16_MARKS) else raw
    except ValueError as error:
        raise NotSoap from error
    # A byte order mark and blanks may precede the declaration if the document was pasted.
    document = document.lstrip(BLANKS)
    if has_doctype(document):
        raise NotSoap
    return document


def read_opening(document: bytes) -> Opening:
    """Read the header of a long document. Raises NotSoap.

    The header ends within the first `OPENING_BYTES`, or it is the last element and begins within the last
    `OPENING_BYTES`.
    """
    parser = etree.XMLPullParser(
        ("start", "end"),
        tag=[f"{{{each.value}}}{part}" for each in Version for part in ("Envelope", "Header")],
        **OPTIONS,
    )
    root: Element | None = None
    try:
        for at in range(0, OPENING_BYTES, PIECE_BYTES):
            parser.feed(document[at : at + PIECE_BYTES])
            for event, element in parser.read_events():
                if not isinstance(element, etree._Element):
                    continue
                if root is None:
                    root = element.getroottree().getroot()
                elif event == "end" and element.getparent() is root and element.tag.endswith("}Header"):
                    return Opening(_version_of(root), _children(element))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotSoap from error
    if root is None:
        raise NotSoap
    return Opening(_version_of(root), _read_last_headers(root, document[-OPENING_BYTES:]))


def _read_last_headers(root: Element, ending: bytes) -> list[Element]:
    """Return the elements of the header in the last bytes of a document with this root, if it is the last element.

    sfmc-sdk and fuel-soap write the header behind the body. Put into a separate envelope it must be well-formed, so
    neither a text nor a part of the body can be taken for it.
    """
    prefix = f"{root.prefix}:" if root.prefix else ""
    begin = ending.rfind(f"<{prefix}Header".encode())
    if begin < 0:
        return []
    declarations = (f" xmlns{f':{each}' if each else ''}={quoteattr(name)}" for each, name in root.nsmap.items())
    try:
        envelope = parse(f"<{prefix}Envelope{''.join(declarations)}>".encode() + ending[begin:])
    except NotSoap:
        return []
    header = envelope.find(f"{{{_version_of(root).value}}}Header")
    return _children(header) if header is not None else []


def read_envelope(document: bytes) -> Envelope:
    """Read a whole document. Raises NotSoap."""
    root = parse(document)
    version = _version_of(root)
    body = root.find(f"{{{version.value}}}Body")
    payload = next(elements(body), None) if body is not None else None
    if payload is None:
        raise NotSoap
    header = root.find(f"{{{version.value}}}Header")
    return Envelope(version, _children(header) if header is not None else [], payload)


def parse(document: bytes) -> Element:
    """Return the root of a document that `read_document` has let through. Raises NotSoap."""
    try:
        return etree.fromstring(document, etree.XMLParser(**OPTIONS))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotSoap from error


def _version_of(root: Element) -> Version:
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in {version.value for version in Version}:
        raise NotSoap
    return Version(name.namespace)


def _children(header: Element) -> list[Element]:
    if len(header) > MOST_HEADERS:
        raise NotSoap
    return list(elements(header))


def has_doctype(raw: bytes) -> bool:
    """Return whether a declaration precedes the root; in any other place it would not be XML.

    Whatever precedes the root has to end within `OPENING_BYTES`, or the document counts as having a DOCTYPE.
    """
    at = raw.find(b"<")
    while begin := next((mark for mark in MISCELLANEOUS if raw.startswith(mark, at)), None):
        end = raw.find(MISCELLANEOUS[begin], at + len(begin))
        if end < 0:
            return False
        if end > OPENING_BYTES:
            return True
        at = raw.find(b"<", end)
    return raw.startswith(b"<!", at)


def elements(parent: Element, name: str | None = None) -> Iterator[Element]:
    """Return the child elements; with a name, those with that name in the API's namespace or in none."""
    tags = None if name is None else {name, f"{{{PARTNER}}}{name}"}
    return (each for each in parent if isinstance(each.tag, str) and (tags is None or each.tag in tags))


def is_nil(element: Element) -> bool:
    """Return whether an element is nil."""
    return element.get(f"{{{XSI}}}nil", "").strip() in {"true", "1"}


def child(parent: Element, *path: str) -> Element | None:
    """Return the first child with this name that is not nil, or None; several names lead from one level to the next."""
    element: Element | None = parent
    for name in path:
        element = (
            None if element is None else next((each for each in elements(element, name) if not is_nil(each)), None)
        )
    return element


def text_of(element: Element | None) -> str | None:
    """Return the text of an element without the white space around it, or None if it is empty."""
    return None if element is None else (element.text or "").strip() or None


def text(parent: Element, *path: str) -> str | None:
    """Return the text of a child, or None if it is missing or empty."""
    return text_of(child(parent, *path))


def type_of(element: Element) -> str | None:
    """Return the local name of an element's `xsi:type`, or None if it has none or names a type of another namespace.

    A name without a prefix, or with one that the document does not declare, is taken for one of the API: node-soap
    writes `tns:Send` and declares `tns` only for a WSDL that does. Raises NotSoap if the document has too many prefixes
    to look one up quickly.
    """
    name = TYPE_NAME.fullmatch(element.get(f"{{{XSI}}}type", "").strip())
    if name is None:
        return None
    prefix, local_name = name.groups()
    if prefix is None:
        return local_name
    prefixes = element.nsmap
    if len(prefixes) > MOST_PREFIXES:
        raise NotSoap
    # The two reserved prefixes are bound without a declaration (Namespaces in XML 1.0, section 3).
    is_foreign = prefix in RESERVED_PREFIXES or prefixes.get(prefix, PARTNER) != PARTNER
    return None if is_foreign else local_name
