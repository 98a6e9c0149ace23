"""Define the base of the native API's views, and answer requests that reach no endpoint."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from rest_framework.response import Response

from api.caller import KeyEndpoint, receipt_headers
from api.errors import error_view
from api.native import errors, outputs
from batches.models import Receipt


class Endpoint(KeyEndpoint):
    """An endpoint whose refusals have the form of the native API."""

    def handle_exception(self, exc: Exception) -> Response:
        """Return the refusal for an exception. A fault of ours is raised again."""
        refusal = errors.answer_for(exc, self.call)
        if refusal is None:
            raise exc
        headers = self.headers_of_refusal(refusal.status)
        return Response(refusal.envelope(), status=refusal.status, headers=headers)


def answer_with(receipt: Receipt) -> Response:
    """Return the answer to a stop or a resume: the receipt, in the body and in the headers."""
    return Response(outputs.envelope(outputs.receipt_details(receipt)), headers=receipt_headers(receipt))


def refuse(request: HttpRequest, status: int) -> HttpResponseBase:
    """Answer a request below /sluice outside of the framework's views."""
    return outputs.refused(errors.plain_refusal(status))


not_found = error_view(refuse, 404)
"""The view for every path that does not exist below /sluice, and the site's handler404 there."""
bad_request = error_view(refuse, 400)
server_error = error_view(refuse, 500)
busy = error_view(refuse, 503)
"""The view for a request that finds no free thread."""
