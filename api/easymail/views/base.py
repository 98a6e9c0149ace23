"""Define the base of Easymail's views, and answer requests that reach no endpoint."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.response import Response

from accounts.rates import Allowance
from api.bodies import UUID_TEXT
from api.caller import KeyEndpoint, seconds_to_wait
from api.easymail import errors
from api.easymail.proposed import TRANSITION_RETRY_SECONDS
from api.errors import error_view


class Endpoint(KeyEndpoint):
    """An endpoint whose refusals and headers about the rate have the form of Easymail's API."""

    @property
    def default_response_headers(self) -> dict[str, Any]:
        """Return the headers of every answer: the framework's, and the rate limit."""
        return {**super().default_response_headers, **rate_headers()}

    def headers_of_rate(self, allowance: Allowance) -> dict[str, str]:
        """Return no headers: an answer shows the limit alone, unless the limit is exceeded."""
        return {}

    def handle_exception(self, exc: Exception) -> Response:
        """Return the refusal for an exception. A fault of ours is raised again."""
        refusal = errors.answer_for(exc, self.call, **self.kwargs, seconds=seconds_to_wait(self.allowance))
        if refusal is None:
            raise exc
        headers = self.headers_of_refusal(refusal.status)
        if refusal.status == 429:
            headers["X-RateLimit-Remaining"] = "0"
        if refusal.code == errors.IN_PROGRESS:
            headers["Retry-After"] = str(TRANSITION_RETRY_SECONDS)
        return Response(refusal.envelope(), status=refusal.status, headers=headers)


def rate_headers() -> dict[str, str]:
    """Return the headers of every answer, which are empty where the installation has no rate."""
    limit = settings.RATE_LIMIT_PER_MINUTE
    return {"X-RateLimit-Limit": str(limit)} if limit else {}


def path_uuid(text: str, unknown: type[Exception]) -> UUID:
    """Return the id of a path. Raises `unknown` for a text that is not a UUID, as for an id that does not exist."""
    if not UUID_TEXT.fullmatch(text):
        raise unknown
    return UUID(text)


def refuse(request: HttpRequest, status: int) -> HttpResponseBase:
    """Answer a request below /api/v1 outside of the framework's views."""
    text = json.dumps(errors.plain_refusal(status).envelope(), separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(text, status=status, content_type="application/json", headers=rate_headers())


not_found = error_view(refuse, 404)
"""The view for every path that does not exist below /api/v1, and the site's handler404 there."""
bad_request = error_view(refuse, 400)
server_error = error_view(refuse, 500)
busy = error_view(refuse, 503)
"""The view for a request that finds no free thread."""
