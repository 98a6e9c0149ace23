"""The base of the REST APIs' views: the gate for callers before a call, JSON after it, and the headers of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.http import HttpRequest, HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Account, ApiKey
from accounts.rates import Allowance
from api.caller import (
    Needed,
    acting_account,
    actor_of,
    check_rate,
    check_scopes,
    count_call,
    find_by_bearer,
    seconds_to_wait,
)
from batches.models import Receipt
from foundation.responses import answer_options, list_methods

MAX_QUERY_BYTES = 4000
"""The longest query string in characters: ten times the need of any call, and less than the web server reads."""


class QueryTooLong(APIException):
    """The query string is longer than `MAX_QUERY_BYTES`."""

    status_code = 414


class KeyAuthentication(BaseAuthentication):
    """Bearer keys: `request.user` becomes the key's account, `request.auth` the key."""

    def authenticate(self, request: Request) -> tuple[Account, ApiKey]:
        """Return the account and the key. Raises NoCredentials and UnknownCredentials."""
        key = find_by_bearer(request)
        return key.account, key

    def authenticate_header(self, request: Request) -> str:
        """Return the WWW-Authenticate header of a refusal."""
        return "Bearer"


def key_of(request: Request) -> ApiKey:
    """Return the key of a request that KeyAuthentication let in."""
    return cast("ApiKey", request.auth)


class AnyAccept(BaseContentNegotiation):
    """Every answer is JSON, whatever the Accept header asks for."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Return the first parser."""
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the first renderer and its media type."""
        return renderers[0], renderers[0].media_type


class KeyEndpoint(APIView):
    """A resource for holders of keys: its name in the API's table of errors, and the scope that each method needs."""

    authentication_classes = [KeyAuthentication]
    # `check_permissions` decides.
    permission_classes = []
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
        """Answer OPTIONS before the caller is let in: a browser's preflight carries no key."""
        if request.method == "OPTIONS":
            return answer_options(self.scopes)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the caller in, or raise. A query string that is too long is refused before the key is looked up."""
        if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_BYTES:
            raise QueryTooLong
        super().initial(request, *args, **kwargs)
        self.account = acting_account(key_of(request), request)

    def perform_authentication(self, request: Request) -> None:
        """Find the key, and count the request. Every request with a living key counts, even if it is refused later."""
        super().perform_authentication(request)
        self.allowance = count_call(key_of(request))
        if self.allowance is not None:
            # `headers` goes into every answer, refusals included.
            self.headers |= self.headers_of_rate(self.allowance)
        check_rate(self.allowance)

    def check_permissions(self, request: Request) -> None:
        """Check that the endpoint has the method and the key a scope for it. HEAD needs the scope of GET."""
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method not in self.scopes:
            raise MethodNotAllowed(method)
        needed = self.scopes[method]
        check_scopes(key_of(request), *((needed,) if isinstance(needed, str) else needed or ()))

    @property
    def call(self) -> str:
        """Return the name of this request in the table of errors, such as `POST cancel`."""
        return f"{self.request.method} {self.resource}"

    def headers_of_rate(self, allowance: Allowance) -> dict[str, str]:
        """Return the headers about the rate that every answer has."""
        return rate_headers(allowance)

    def headers_of_refusal(self, status: int) -> dict[str, str]:
        """Return the headers that a refusal has in addition: how to authenticate, or when to ask again."""
        if status == 401:
            return {"WWW-Authenticate": "Bearer"}
        return {"Retry-After": str(seconds_to_wait(self.allowance))} if status == 429 else {}

    @property
    def key(self) -> ApiKey:
        """Return the key of the caller."""
        return key_of(self.request)

    @property
    def actor(self) -> str:
        """Return how receipts name the caller."""
        return actor_of(self.key)


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """Return SendGrid's headers about the rate. The reset is in seconds since 1970."""
    return {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(allowance.remaining),
        "X-RateLimit-Reset": str(allowance.reset_at),
    }


def receipt_headers(receipt: Receipt) -> dict[str, str]:
    """Return the headers of an answer to a stop or a resume."""
    return {
        "X-Sluice-Settled": "true" if receipt.is_settled else "false",
        "X-Sluice-Sent": str(receipt.sent),
        "X-Sluice-Receipt": receipt.public_id,
    }


def headers_of_receipts(receipts: Sequence[Receipt]) -> dict[str, str]:
    """Return the headers of an answer to several stops: settled if all are, and the sum of the sent messages."""
    if not receipts:
        return {}
    return {
        "X-Sluice-Settled": "true" if all(receipt.is_settled for receipt in receipts) else "false",
        "X-Sluice-Sent": str(sum(receipt.sent for receipt in receipts)),
        "X-Sluice-Receipt": ", ".join(receipt.public_id for receipt in receipts),
    }
