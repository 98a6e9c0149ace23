"""Serve the OpenAPI document and the page that shows it. Both are public, since they contain no data."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.document import document_text
from api.native import errors, outputs
from foundation.responses import accept_methods

# Swagger UI sets inline styles and has small images as data URLs. Everything else is a file of this site, so the page
# loads and runs nothing from other sites.
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
    """Serve GET /sluice/v1/openapi.json. Errors have the form of the native API, since its path is one of that API."""
    return HttpResponse(document_text(), content_type="application/json")


@accept_methods("GET")
def show_docs(request: HttpRequest) -> HttpResponse:
    """Serve GET /docs/: Swagger UI, in which the holder of a key can try every call."""
    page = render(request, "config/docs.html")
    page["Content-Security-Policy"] = POLICY
    return page
