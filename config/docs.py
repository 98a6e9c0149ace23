"""The OpenAPI document and the page that shows it. Both are public: they say what can be asked, not what is there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.document import document_text
from api.native import errors, outputs
from foundation.responses import accept_methods

# Swagger UI writes styles into its elements and has small images as data. Everything else is a file of this site, so
# the page needs no network, and could run nothing from there.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


@accept_methods("GET", refuse=lambda: outputs.refused(errors.plain_refusal(405)))
def show_document(_: HttpRequest) -> HttpResponse:
    """GET /sluice/v1/openapi.json. Refuses as the native API does, below whose prefix it is."""
    return HttpResponse(document_text(), content_type="application/json")


@accept_methods("GET")
def show_docs(request: HttpRequest) -> HttpResponse:
    """GET /docs/: Swagger UI, in which a holder of a key can try every call."""
    page = render(request, "config/docs.html")
    page["Content-Security-Policy"] = POLICY
    return page
