"""Idempotency-Key: a POST that is repeated with the same key is done once, and answered again with the same answer.

`accounts/idempotency.py` knows what is kept and for how long; here the key is read from a request, and the answer is
made of what was kept. Without the header all this costs one look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import KeptAnswer, KeyedRequest, Reservation, free_key, identify_request, keep_answer, reserve
from accounts.models import Account
from api.endpoint import KeyEndpoint
from api.http import keep_body

HEADER: Final = "HTTP_IDEMPOTENCY_KEY"
"""Where a request's META has the key."""

View = TypeVar("View", bound=KeyEndpoint)
P = ParamSpec("P")
Post = Callable[Concatenate[View, Request, P], HttpResponse]


def done_once(post: Post[View, P]) -> Post[View, P]:
    """For a `post` that only writes rows: the key, the work and the answer are committed together, or none of them."""
    return _repeatable(post, do_in_one_transaction)


def done_once_in_steps(post: Post[View, P]) -> Post[View, P]:
    """For a `post` that commits by itself and then waits: the key is reserved before, and the answer kept after it.

    If the process dies in between, the request may be done again a minute later; `accounts/idempotency.py` says why
    that is harmless.
    """
    return _repeatable(post, do_in_steps)


def has_key(request: HttpRequest | Request) -> bool:
    """Whether a request comes with an Idempotency-Key."""
    return HEADER in request.META


def _repeatable(
    post: Post[View, P], do: Callable[[KeyedRequest, Callable[[], HttpResponse]], HttpResponse]
) -> Post[View, P]:
    @wraps(post)
    def answer(view: View, request: Request, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not has_key(request):
            return post(view, request, *args, **kwargs)
        return do(asked_by(request._request, view.account), lambda: post(view, request, *args, **kwargs))

    answer.is_repeatable = True  # type: ignore[attr-defined]
    return cast("Post[View, P]", answer)


def asked_by(request: HttpRequest, account: Account) -> KeyedRequest:
    """The request by its key. A trailing slash makes no other path. Raises BadIdempotencyKey and BadBody."""
    path = request.path.rstrip("/")
    return identify_request(
        request.META[HEADER], account, method=request.method or "", path=path, body=keep_body(request)
    )


def do_in_one_transaction(asked: KeyedRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Reserve, work, keep the answer, commit. Whatever `work` raises undoes all of it, the key included."""
    with transaction.atomic():
        found = reserve(asked)
        if isinstance(found, KeptAnswer):
            return replay(found)
        response = work()
        keep_answer(found, kept(response))
    return response


def do_in_steps(asked: KeyedRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Reserve and commit; work; keep the answer. Whatever `work` raises frees the key."""
    found = reserve(asked)
    if isinstance(found, KeptAnswer):
        return replay(found)
    try:
        response = work()
    except Exception:
        _free(found)
        raise
    keep_answer(found, kept(response))
    return response


def _free(reservation: Reservation) -> None:
    # With the database away the key frees itself in a minute; what went wrong first is what the caller hears.
    with suppress(DatabaseError):
        free_key(reservation)


def kept(response: HttpResponse) -> KeptAnswer:
    """What is repeated of an answer."""
    if isinstance(response, Response):
        # REST framework renders its own only after the view.
        body, kind = JSONRenderer().render(response.data), JSONRenderer.media_type
    else:
        body, kind = response.content, response.headers["Content-Type"]
    told = {name: value for name, value in response.items() if is_told_again(name)}
    return KeptAnswer(response.status_code, {"Content-Type": kind, **told}, body.decode())


def is_told_again(header: str) -> bool:
    """Whether a header is about what was done."""
    return header == "X-Message-Id" or header.startswith("X-Sluice-")


def replay(answer: KeptAnswer) -> HttpResponse:
    """The answer once more, marked as such."""
    headers = {**answer.headers, "Content-Length": str(len(answer.body.encode())), "Idempotency-Replayed": "true"}
    return HttpResponse(answer.body, status=answer.status, headers=headers)
