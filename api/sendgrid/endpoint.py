"""Define the base classes of SendGrid's views, and answer requests that reach no view."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response

from api.caller import KeyEndpoint
from api.sendgrid import errors
from api.sendgrid.outputs import envelope, json_response, marketing_envelope


class Endpoint(KeyEndpoint):
    """An endpoint that writes refusals in SendGrid's words. `answers` has the refusals of its family."""

    answers: ClassVar[errors.Answers] = {}
    bad_json: ClassVar[str] = errors.BAD_JSON

    def refusal_of(self, error: Exception) -> errors.Refusal | None:
        """Return the refusal that answers an exception, or None for a fault of ours."""
        return errors.answer_for(error, self.answers, method=self.request.method or "", bad_json=self.bad_json)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception in the envelope of the family."""
        refusal = self.refusal_of(exc)
        if refusal is None:
            raise exc
        headers = self.headers_of_refusal(refusal.status)
        return Response(self.envelope(refusal), status=refusal.status, headers=headers)

    def envelope(self, refusal: errors.Refusal) -> dict[str, Any]:
        """Return the body of a refusal, as the family of the endpoint writes it."""
        return envelope(refusal)


class MarketingEndpoint(Endpoint):
    """An endpoint below /v3/marketing."""

    def envelope(self, refusal: errors.Refusal) -> dict[str, Any]:
        return marketing_envelope(refusal)


@csrf_exempt
def not_found(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Answer 404 for unknown paths below /v3. The site's handler404 uses this function there, too."""
    return refuse(request, 404)


def bad_request(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Answer 400 below /v3, as the site's handler400."""
    return refuse(request, 400)


def server_error(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Answer 500 below /v3, as the site's handler500."""
    return refuse(request, 500)


def busy(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Return the 503 for a request below /v3 that finds no free thread."""
    return refuse(request, 503)


def refuse(request: HttpRequest, status: int) -> HttpResponseBase:
    """Answer with a plain refusal, in the envelope of the family that the path belongs to."""
    refusal = errors.plain_refusal(status)
    is_marketing = request.path_info.startswith("/v3/marketing/")
    return json_response(status, marketing_envelope(refusal) if is_marketing else envelope(refusal))
