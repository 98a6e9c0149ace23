"""Define the namespaces of the SOAP API. All of them are names; nothing is ever fetched from them."""

from __future__ import annotations

import enum
from typing import Final

PARTNER: Final = "http://exacttarget.com/wsdl/partnerAPI"
FAULT: Final = "urn:fault.partner.exacttarget.com"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
WSA: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

ANONYMOUS: Final = f"{WSA}/role/anonymous"
FAULT_ACTION: Final = f"{WSA}/fault"


class Version(enum.Enum):
    """The SOAP version of an envelope, by its namespace."""

    SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
    SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
