"""What Easymail's views share, and its answers to what is no endpoint."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response

from accounts.rates import Allowance
from api.caller import seconds_to_wait
from api.easymail import errors, outputs
from api.easymail.proposed import TRANSITION_RETRY_SECONDS
from api.endpoint import KeyEndpoint


class Endpoint(KeyEndpoint):
    """An endpoint that refuses in this dialect's words, and tells of the rate as it does."""

    @property
    def default_response_headers(self) -> dict[str, Any]:
        return {**super().default_response_headers, **outputs.rate_headers()}

    def headers_of_rate(self, allowance: Allowance) -> dict[str, str]:
        """Nothing but the limit, unless it is exceeded."""
        return {}

    def handle_exception(self, exc: Exception) -> Response:
        call = f"{self.request.method} {self.resource}"
        wait = seconds_to_wait(self.allowance)
        refusal = errors.answer_for(exc, call, **self.kwargs, seconds=wait)
        if refusal is None:
            raise exc
        headers = self.headers_of_refusal(refusal.status)
        if refusal.status == 429:
            headers["X-RateLimit-Remaining"] = "0"
        if refusal.code == errors.IN_PROGRESS:
            headers["Retry-After"] = str(TRANSITION_RETRY_SECONDS)
        return Response(outputs.envelope(refusal), status=refusal.status, headers=headers)


@csrf_exempt
def not_found(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Every path below /api/v1 that is none; serves as the site's handler404 there too."""
    return outputs.refused(errors.plain_refusal(404))


def bad_request(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler400 below /api/v1."""
    return outputs.refused(errors.plain_refusal(400))


def server_error(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler500 below /api/v1."""
    return outputs.refused(errors.plain_refusal(500))


def busy(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Return the 503 for a request below /api/v1 that finds no free thread."""
    return outputs.refused(errors.plain_refusal(503))
