"""What the REST dialects' views share: keys, rates and scopes before, JSON after, and who asked."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import APIException, Throttled
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Account, ApiKey
from accounts.rates import Allowance, count_request
from api.auth import HoldsScope, KeyAuthentication, Needed, acting_account, key_of
from foundation.responses import answer_options, list_methods

MAX_QUERY_BYTES = 4000
"""The longest query string in characters: ten times what any call needs, and less than the web server reads."""
RETRY_SECONDS = 10
"""What a 429 advises that knows no better: a queue that is full does not empty in a second."""


class QueryTooLong(APIException):
    """More than `MAX_QUERY_BYTES`."""

    status_code = 414


class AnyAccept(BaseContentNegotiation):
    """Everything is answered in JSON, whatever the Accept header says."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class KeyEndpoint(APIView):
    """A resource for holders of keys: its name in the dialect's table of errors, and the scope each method needs."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HoldsScope]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AnyAccept
    metadata_class = None
    resource: ClassVar[str]
    scopes: ClassVar[Needed]
    account: Account
    allowance: Allowance | None = None

    @property
    def allowed_methods(self) -> list[str]:
        """Return what `Allow` lists in every answer: the methods with an entry in `scopes`, HEAD and OPTIONS."""
        return list_methods(self.scopes)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer OPTIONS before anything is asked of the caller. A browser's preflight carries no key."""
        if request.method == "OPTIONS":
            return answer_options(self.scopes)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_BYTES:
            raise QueryTooLong
        super().initial(request, *args, **kwargs)
        self.account = acting_account(request)

    def perform_authentication(self, request: Request) -> None:
        """Every request with a living key counts, whatever becomes of it."""
        super().perform_authentication(request)
        self.allowance = count_request(key_of(request), kind="api", limit=settings.RATE_LIMIT_PER_MINUTE)
        if self.allowance is None:
            return
        # `headers` goes into every answer, refusals included.
        self.headers |= self.headers_of_rate(self.allowance)
        if self.allowance.is_exceeded:
            raise Throttled

    def headers_of_rate(self, allowance: Allowance) -> dict[str, str]:
        """What every answer says of the rate."""
        return rate_headers(allowance)

    def headers_of_refusal(self, status: int) -> dict[str, str]:
        """What a refusal says besides its body: how to authenticate, when to come again."""
        if status == 401:
            return {"WWW-Authenticate": "Bearer"}
        return {"Retry-After": str(seconds_to_wait(self.allowance))} if status == 429 else {}

    @property
    def key(self) -> ApiKey:
        """The key that asks."""
        return key_of(self.request)

    @property
    def actor(self) -> str:
        """Who asks, for a receipt."""
        return f"key {self.key.key_id} ({self.key.name})"


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """As SendGrid has them; the reset is in seconds since 1970."""
    return {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(allowance.remaining),
        "X-RateLimit-Reset": str(allowance.reset_at),
    }


def seconds_to_wait(allowance: Allowance | None) -> int:
    """For Retry-After: until the next minute when it is the rate that was exceeded."""
    is_rate = allowance is not None and allowance.is_exceeded
    return max(1, allowance.reset_at - int(time.time())) if allowance and is_rate else RETRY_SECONDS
