"""What the native API's views share, and its answers to what is no endpoint."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response

from api.endpoint import KeyEndpoint
from api.http import receipt_headers
from api.native import errors, outputs
from batches.models import Receipt


class Endpoint(KeyEndpoint):
    """An endpoint that refuses in this dialect's words."""

    def handle_exception(self, exc: Exception) -> Response:
        refusal = errors.answer_for(exc, self.resource)
        if refusal is None:
            raise exc
        headers = self.headers_of_refusal(refusal.status)
        return Response(outputs.envelope(refusal), status=refusal.status, headers=headers)


def answer_with(receipt: Receipt) -> Response:
    """The receipt of what was done, in the body and in the headers."""
    return Response(outputs.one(outputs.receipt_details(receipt)), headers=receipt_headers(receipt))


@csrf_exempt
def not_found(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Every path below /sluice that is none; serves as the site's handler404 there too."""
    return outputs.refused(errors.plain_refusal(404))


def bad_request(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler400 below /sluice."""
    return outputs.refused(errors.plain_refusal(400))


def server_error(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler500 below /sluice."""
    return outputs.refused(errors.plain_refusal(500))


def busy(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Return the 503 for a request below /sluice that finds no free thread."""
    return outputs.refused(errors.plain_refusal(503))
