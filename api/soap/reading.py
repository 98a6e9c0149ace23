"""Reading: bytes become an envelope, and elements become texts.

The input is hostile. The parser fetches nothing, resolves no entity and loads no DTD; a document that has one is
refused. libxml2 itself refuses more than 256 levels, characters that XML does not have, and bytes that are not of the
encoding. Requests are not validated against the schema, since clients that are in use send ones that
would not pass: text between elements is skipped, a header may come behind the body, what is nil counts as absent.
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
BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
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
    """The root of a document that has no DOCTYPE. Raises NotSoap."""
    parser = etree.XMLParser(
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
        # A byte order mark and blanks before the declaration come with what was pasted.
        root = etree.fromstring(raw.lstrip(BLANKS), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotSoap from error
    # Entities are not resolved: their text would be missing without a word.
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotSoap
    return root


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
    """The wire's type that an element says it has, whatever its prefix; None if it says none, or one of others'."""
    said = element.get(f"{{{XSI}}}type", "").strip()
    prefix, colon, name = said.rpartition(":")
    if colon and element.nsmap.get(prefix) != PARTNER:
        return None
    return name or None
