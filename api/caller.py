"""Let callers of every API in: decide who a caller is, how often it may ask, what it may do, and for which account.

A view takes four steps: find the key, count the request, check the key's scopes, find the account that the request acts
for. A step that does not let the caller in raises `CallerRefused`, or UnknownSubuser for the last one. Each API has
separate texts for these errors.

`KeyEndpoint` takes the steps for the REST APIs' views, and has the headers of their answers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import guessing, keys
from accounts.keys import allows
from accounts.models import Account, ApiKey
from accounts.rates import Allowance, count_request
from accounts.subusers import find_subuser
from batches.models import Receipt
from foundation.responses import answer_options, list_methods

Needed = dict[str, str | tuple[str, ...] | None]
"""The scope that each method needs, by method; several scopes of which one is enough; or None, if any key will do."""

RETRY_SECONDS = 10
"""The Retry-After of a 429 that has no better value: a full queue does not empty within a second."""

MAX_QUERY_BYTES = 4000
"""The longest query string in characters: ten times the need of any call, and less than the web server reads."""


class CallerRefused(Exception):
    """Raised when the caller is refused. `status` is the HTTP status that most APIs answer with."""

    status: ClassVar[int]


class NoCredentials(CallerRefused):
    """Raised when the request has no credentials in the form that the API expects."""

    status = 401


class UnknownCredentials(CallerRefused):
    """Raised when the credentials of the request do not belong to a valid key."""

    status = 401


class RateExceeded(CallerRefused):
    """Raised when the key has made too many requests in this minute."""

    status = 429

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(allowance)
        self.allowance = allowance


class ScopeMissing(CallerRefused):
    """Raised when the key has none of the scopes that allow the call."""

    status = 403

    def __init__(self, *scopes: str) -> None:
        super().__init__(*scopes)
        self.scopes = scopes


def bearer_text(request: HttpRequest | Request) -> str | None:
    """Return the token of a Bearer authorization (RFC 6750, section 2.1), or None if the request has none."""
    # From META: the mapping `headers` is built of all headers, which costs as much as to read a small body.
    kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    return text.strip() or None if kind.lower() == "bearer" else None


def find_by_bearer(request: HttpRequest | Request) -> ApiKey:
    """Return the key of a Bearer authorization. Raises NoCredentials and UnknownCredentials."""
    text = bearer_text(request)
    if text is None:
        raise NoCredentials
    return find_by_text(text)


def find_by_text(text: str) -> ApiKey:
    """Return the valid key with this text. Raises UnknownCredentials."""
    return require_key(keys.find_key(text))


def find_by_id(key_id: str) -> ApiKey:
    """Return the valid key with this id, for a caller with a signed token or link that names it.

    Raises UnknownCredentials.
    """
    return require_key(keys.find_living(key_id))


def find_by_name(request: HttpRequest, name: str, secret: str) -> ApiKey:
    """Return the valid key with this secret if `name` is the key's id or its account's username.

    The secret is the whole text of the key, or its secret part alone. Raises UnknownCredentials, also for a caller that
    has given too many wrong secrets in this minute.
    """
    caller = guessing.identify_caller(request, name)
    if guessing.is_locked(caller):
        raise UnknownCredentials
    is_whole = keys.KEY_SHAPE.fullmatch(secret) is not None
    key = keys.find_key(secret if is_whole else keys.key_text(name, secret))
    if key is None and not is_whole:
        key = keys.find_key_of(name, secret)
    if key is None or name not in {key.key_id, key.account.username}:
        guessing.note_wrong(caller)
        raise UnknownCredentials
    return key


def find_sender(text: str) -> ApiKey:
    """Return the key with this text if it may send mail now. A request without the scope is not counted.

    Raises UnknownCredentials, ScopeMissing, RateExceeded.
    """
    key = find_by_text(text)
    check_scopes(key, "mail.send")
    check_rate(count_request(key, kind="send", limit=settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE))
    return key


def check_rare_call(key: ApiKey, kind: str, *, limit: int) -> None:
    """Count a call that has a separate limit for each minute. Raises RateExceeded."""
    check_rate(count_request(key, kind=kind, limit=limit))


def recall_sender(text: str) -> keys.RecalledKey | None:
    """Return the key with this text as this process found it within the last second, without a statement.

    The statement that stores the mail has to check that the key is still valid and still has the scope. Return None
    where requests are counted, because then each of them has to be let in by `find_sender`.
    """
    return None if settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE else keys.recall_key(text)


def require_key(key: ApiKey | None) -> ApiKey:
    """Return the key. Raises UnknownCredentials if it is None."""
    if key is None:
        raise UnknownCredentials
    return key


def count_call(key: ApiKey) -> Allowance | None:
    """Count a request of the key and return how many it may still make, or None if the installation sets no limit."""
    return count_request(key, kind="api", limit=settings.RATE_LIMIT_PER_MINUTE)


def check_rate(allowance: Allowance | None) -> None:
    """Raise RateExceeded if the request is one too many."""
    if allowance is not None and allowance.is_exceeded:
        raise RateExceeded(allowance)


def check_scopes(key: ApiKey, *scopes: str) -> None:
    """Raise ScopeMissing unless the key has one of these scopes, or the call needs none."""
    if scopes and not any(allows(key.scopes, scope) for scope in scopes):
        raise ScopeMissing(*scopes)


def acting_account(key: ApiKey, request: HttpRequest | Request) -> Account:
    """Return the account that a request acts for: the key's, or the subuser that `On-Behalf-Of` names.

    Raises UnknownSubuser.
    """
    subuser = request.META.get("HTTP_ON_BEHALF_OF", "").strip()
    return find_subuser(key.account, subuser) if subuser else key.account


def actor_of(key: ApiKey) -> str:
    """Return how receipts name a caller with this key."""
    return f"key {key.key_id} ({key.name})"


def seconds_to_wait(allowance: Allowance | None) -> int:
    """Return the Retry-After of a 429: the rest of the minute if the rate is exceeded, else `RETRY_SECONDS`."""
    is_rate = allowance is not None and allowance.is_exceeded
    return max(1, allowance.reset_at - int(time.time())) if allowance and is_rate else RETRY_SECONDS


def campaign_scopes(verb: str) -> tuple[str, str]:
    """Return the two names that SendGrid has for the scope of a call about campaigns. One of them is enough."""
    return f"marketing_campaigns.{verb}", f"marketing.{verb}"


def needing(**verbs: str) -> Needed:
    """Return the scopes that the methods of an endpoint of campaigns need, from a verb for each method."""
    return {method: campaign_scopes(verb) for method, verb in verbs.items()}


# --- REST views -------------------------------------------------------------------------------------------------------


class QueryTooLong(APIException):
    """Raised when the query string is longer than `MAX_QUERY_BYTES`."""

    status_code = 414


class KeyAuthentication(BaseAuthentication):
    """Authenticate bearer keys: `request.user` becomes the key's account, and `request.auth` the key."""

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
    """Answer with JSON, whatever the Accept header asks for."""

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
        """Find the key, and count the request. Every request with a valid key counts, even if it is refused later."""
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
        """Return the additional headers of a refusal: how to authenticate, or when to try again."""
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
