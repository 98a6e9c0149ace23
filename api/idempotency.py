"""Carry out a POST with an Idempotency-Key once, and repeat its answer if the request is repeated.

The module `accounts/idempotency.py` says what is kept and for how long. Here the key is read from a request, and the
stored answer is given again. A request without the header costs one look into a dictionary.
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
from api.caller import KeyEndpoint
from api.http import keep_body

HEADER: Final = "HTTP_IDEMPOTENCY_KEY"
"""The name of the key in a request's META."""

View = TypeVar("View", bound=KeyEndpoint)
P = ParamSpec("P")
Post = Callable[Concatenate[View, Request, P], HttpResponse]


def done_once(post: Post[View, P]) -> Post[View, P]:
    """Decorate a `post` that only writes rows: key, work and answer are committed together, or not at all."""
    return _repeatable(post, do_in_one_transaction)


def done_once_in_steps(post: Post[View, P]) -> Post[View, P]:
    """Decorate a `post` that commits by itself and then waits: reserve the key before, and keep the answer after it.

    If the process dies in between, the request may be done again a minute later; `accounts/idempotency.py` says why
    that is harmless.
    """
    return _repeatable(post, do_in_steps)


def _repeatable(
    post: Post[View, P], do: Callable[[KeyedRequest, Callable[[], HttpResponse]], HttpResponse]
) -> Post[View, P]:
    @wraps(post)
    def answer(view: View, request: Request, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if HEADER not in request.META:
            return post(view, request, *args, **kwargs)
        return do(identity_of(request._request, view.account), lambda: post(view, request, *args, **kwargs))

    answer.is_repeatable = True  # type: ignore[attr-defined]
    return cast("Post[View, P]", answer)


def identity_of(request: HttpRequest, account: Account) -> KeyedRequest:
    """Return the identity of a request with an Idempotency-Key. A trailing slash makes no difference.

    Raises BadIdempotencyKey and BadBody.
    """
    path = request.path.rstrip("/")
    return identify_request(
        request.META[HEADER], account, method=request.method or "", path=path, body=keep_body(request)
    )


def do_in_one_transaction(keyed: KeyedRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Reserve, work, keep the answer, commit. An exception of `work` undoes everything, including the key."""
    with transaction.atomic():
        reservation = reserve(keyed)
        if isinstance(reservation, KeptAnswer):
            return replay(reservation)
        response = work()
        keep_answer(reservation, stored_parts(response))
    return response


def do_in_steps(keyed: KeyedRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Reserve and commit; work; keep the answer. An exception of `work` frees the key."""
    reservation = reserve(keyed)
    if isinstance(reservation, KeptAnswer):
        return replay(reservation)
    try:
        response = work()
    except Exception:
        _free(reservation)
        raise
    keep_answer(reservation, stored_parts(response))
    return response


def _free(reservation: Reservation) -> None:
    # If the database is away, the key is free in a minute anyway. The caller needs to know the first error.
    with suppress(DatabaseError):
        free_key(reservation)


def stored_parts(response: HttpResponse) -> KeptAnswer:
    """Return the parts of an answer that are stored for repetitions."""
    if isinstance(response, Response):
        # The REST framework renders its own responses only after the view.
        body, kind = JSONRenderer().render(response.data), JSONRenderer.media_type
    else:
        body, kind = response.content, response.headers["Content-Type"]
    headers = {name: value for name, value in response.items() if is_repeated(name)}
    return KeptAnswer(response.status_code, {"Content-Type": kind, **headers}, body.decode())


def is_repeated(header: str) -> bool:
    """Return whether a header describes the work, and so belongs to repeated answers, too."""
    return header == "X-Message-Id" or header.startswith("X-Sluice-")


def replay(answer: KeptAnswer) -> HttpResponse:
    """Return a stored answer again, marked as a repetition."""
    headers = {**answer.headers, "Content-Length": str(len(answer.body.encode())), "Idempotency-Replayed": "true"}
    return HttpResponse(answer.body, status=answer.status, headers=headers)
