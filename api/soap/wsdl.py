"""Serve the WSDL: a file, into which the address of this installation is written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date
from lxml import etree

from api.soap.addresses import base_url
from foundation.responses import accept_methods

FILE: Final = Path(__file__).with_name("etframework.wsdl")
ADDRESS: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}address"


@accept_methods("GET")
def show_wsdl(request: HttpRequest) -> HttpResponse:
    """Return the WSDL to everyone: it contains no secrets."""
    root = etree.fromstring(FILE.read_bytes())
    for address in root.iter(ADDRESS):
        address.set("location", f"{base_url(request)}/Service.asmx")
    document = etree.tostring(root, encoding="us-ascii", xml_declaration=True)
    headers = {"Last-Modified": http_date(FILE.stat().st_mtime)}
    return HttpResponse(document, content_type="text/xml; charset=us-ascii", headers=headers)
