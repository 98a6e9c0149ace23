"""The OpenAPI document and the page that shows it. Both are public: they say what can be asked, not what is there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from api.document import document_text
from api.native import errors, outputs

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


@csrf_exempt
def show_document(request: HttpRequest) -> HttpResponse:
    """GET /sluice/v1/openapi.json. Refuses as the native API does, below whose prefix it is."""
    if request.method not in {"GET", "HEAD"}:
        return outputs.refused(errors.plain_refusal(405))
    return HttpResponse(document_text(), content_type="application/json")


@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    """GET /docs/: Swagger UI, in which a holder of a key can try every call."""
    page = render(request, "config/docs.html")
    page["Content-Security-Policy"] = POLICY
    return page
