"""Write envelopes, faults and results as elements, in the order of the API's schema.

Some clients look for the exact text `soap:Envelope` and for a payload without a prefix, so prefixes are part of the
API. Nothing is ever concatenated as text.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from api.soap.codes import ERROR, HAS_ERRORS, OK
from api.soap.errors import Fault, FaultKind, Problem
from api.soap.names import ANONYMOUS, FAULT, FAULT_ACTION, PARTNER, WSA, WSSE, WSU, XSD, XSI, Version
from api.soap.reading import Element

DECLARATION: Final = b'<?xml version="1.0" encoding="utf-8"?>'
TIMESTAMP_MINUTES: Final = 5
UNFIT: Final = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""Characters that XML 1.0 does not allow."""
PREFIXES: Final = {"xsi": XSI, "xsd": XSD, "wsa": WSA, "wsse": WSSE, "wsu": WSU}
UNPREFIXED: Final[dict[Any, str]] = {None: PARTNER}
UNPREFIXED_FAULT: Final[dict[Any, str]] = {None: FAULT}
SOAP_12_CODES: Final = {FaultKind.SECURITY: "Sender", FaultKind.CLIENT: "Sender", FaultKind.SERVER: "Receiver"}


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one object of a call. `send` is the ID of the send that it is about."""

    ordinal: int
    message: str
    problem: Problem | None = None
    send: int | None = None
    uuid: uuid.UUID | None = None

    @classmethod
    def refused(cls, ordinal: int, problem: Problem, *, send: int | None = None) -> Result:
        """Make the result of an object with a problem."""
        return cls(ordinal, problem.text, problem, send)


def overall(results: Iterable[Result]) -> str:
    """Return the overall status: OK if all objects succeeded, Error if none did."""
    failed = [result.problem is not None for result in results]
    if not any(failed):
        return OK
    return ERROR if all(failed) else HAS_ERRORS


# --- elements ---------------------------------------------------------------------------------------------------------


def add(parent: Element, name: str, text: object = None) -> Element:
    """Add a child in the API's namespace, and return it."""
    element = etree.SubElement(parent, f"{{{PARTNER}}}{name}")
    if text is not None:
        element.text = clean(str(text))
    return element


def add_nil(parent: Element, name: str) -> None:
    """Add a child that is nil."""
    add(parent, name).set(f"{{{XSI}}}nil", "true")


def add_typed(parent: Element, name: str, kind: str) -> Element:
    """Add a child with an `xsi:type`, and return it."""
    element = add(parent, name)
    element.set(f"{{{XSI}}}type", kind)
    return element


def add_result(parent: Element, name: str, result: Result, *, new_id: bool = False) -> None:
    """Add a result. With `new_id` it has the form of a Create's result."""
    element = add(parent, name)
    add(element, "StatusCode", OK if result.problem is None else ERROR)
    add(element, "StatusMessage", result.message)
    if result.problem is not None:
        add(element, "OrdinalID", result.ordinal)
        add(element, "ErrorCode", int(result.problem.code))
    if new_id:
        add(element, "NewID", result.send if result.problem is None else 0)
        if result.uuid is not None:
            add(element, "NewObjectID", result.uuid)
    if result.send is not None:
        send = add_typed(element, "Object", "Send")
        add_nil(send, "PartnerKey")
        add(send, "ID", result.send)
        if result.uuid is None:
            add_nil(send, "ObjectID")
        else:
            add(send, "ObjectID", result.uuid)


def payload(name: str) -> Element:
    """Return the root of a reply's body."""
    return etree.Element(f"{{{PARTNER}}}{name}", nsmap=UNPREFIXED)


def clean(text: str) -> str:
    """Return a text without the characters that XML does not allow."""
    return UNFIT.sub("", text)


def moment(at: dt.datetime) -> str:
    """Return a time as the API writes it, always in UTC."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- envelopes --------------------------------------------------------------------------------------------------------


def reply(version: Version, operation: str, body: Element, *, relates_to: str) -> bytes:
    """Return the answer to a call that was understood."""
    root, parent = _envelope(version, f"{operation}Response", relates_to=relates_to)
    parent.append(body)
    return _written(root)


def fault(version: Version, error: Fault, *, actor: str, relates_to: str) -> bytes:
    """Return the answer to a call that is not carried out. `actor` is the address of the request."""
    root, parent = _envelope(version, FAULT_ACTION, relates_to=relates_to)
    # The fault is made in its final place. When lxml moves an element, it removes the prefix q0 in favour of another.
    if version is Version.SOAP_12:
        _add_fault_12(parent, error)
    else:
        _add_fault_11(parent, error, actor)
    return _written(root)


def _add_fault_11(parent: Element, error: Fault, actor: str) -> None:
    element = etree.SubElement(parent, f"{{{Version.SOAP_11.value}}}Fault")
    if error.kind is FaultKind.SECURITY:
        etree.SubElement(element, "faultcode", nsmap={"q0": WSSE}).text = "q0:Security"
    else:
        etree.SubElement(element, "faultcode").text = f"soap:{error.kind.value}"
    etree.SubElement(element, "faultstring").text = clean(error.text)
    if error.kind is FaultKind.SECURITY:
        etree.SubElement(element, "faultactor").text = clean(actor)
    else:
        _add_details(etree.SubElement(element, "detail"), error)


def _add_fault_12(parent: Element, error: Fault) -> None:
    name = f"{{{Version.SOAP_12.value}}}"
    element = etree.SubElement(parent, f"{name}Fault")
    code = etree.SubElement(element, f"{name}Code")
    etree.SubElement(code, f"{name}Value").text = f"soap:{SOAP_12_CODES[error.kind]}"
    if error.kind is FaultKind.SECURITY:
        within = etree.SubElement(code, f"{name}Subcode")
        etree.SubElement(within, f"{name}Value", nsmap={"q0": WSSE}).text = "q0:Security"
    text = etree.SubElement(etree.SubElement(element, f"{name}Reason"), f"{name}Text")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    text.text = clean(error.text)
    if error.code is not None:
        _add_details(etree.SubElement(element, f"{name}Detail"), error)


def _add_details(parent: Element, error: Fault) -> None:
    if error.code is None:
        return
    element = etree.SubElement(parent, f"{{{FAULT}}}apifault", nsmap=UNPREFIXED_FAULT)
    etree.SubElement(element, f"{{{FAULT}}}Code").text = str(int(error.code))
    etree.SubElement(element, f"{{{FAULT}}}Message").text = clean(error.text)


def _envelope(version: Version, action: str, *, relates_to: str) -> tuple[Element, Element]:
    """Return an envelope with its header, and its body, which is empty."""
    name = f"{{{version.value}}}"
    root = etree.Element(f"{name}Envelope", nsmap={"soap": version.value, **PREFIXES})
    header = etree.SubElement(root, f"{name}Header")
    etree.SubElement(header, f"{{{WSA}}}Action").text = action
    etree.SubElement(header, f"{{{WSA}}}MessageID").text = f"urn:uuid:{uuid.uuid4()}"
    etree.SubElement(header, f"{{{WSA}}}RelatesTo").text = relates_to
    etree.SubElement(header, f"{{{WSA}}}To").text = ANONYMOUS
    # Clients of .NET require this header, and read only its times.
    security = etree.SubElement(header, f"{{{WSSE}}}Security")
    timestamp = etree.SubElement(security, f"{{{WSU}}}Timestamp")
    timestamp.set(f"{{{WSU}}}Id", f"Timestamp-{uuid.uuid4()}")
    for name_of_time, text in _timestamp():
        etree.SubElement(timestamp, f"{{{WSU}}}{name_of_time}").text = text
    return root, etree.SubElement(root, f"{name}Body")


def _written(root: Element) -> bytes:
    return DECLARATION + etree.tostring(root, encoding="utf-8", xml_declaration=False)


def _timestamp() -> Iterator[tuple[str, str]]:
    now = dt.datetime.now(dt.UTC)
    for name, at in (("Created", now), ("Expires", now + dt.timedelta(minutes=TIMESTAMP_MINUTES))):
        yield name, at.isoformat(timespec="seconds").replace("+00:00", "Z")
