"""Methods of a URL: the answer to OPTIONS and the refusal of what is not supported (RFC 9110, 9.3.7 and 15.5.6).

`Allow` lists exactly what the URL supports: the methods of its view, HEAD where there is GET, and OPTIONS. Plain views
are decorated with `accept_methods`; the views of the REST framework use `list_methods` and `answer_options`
(`api/endpoint.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def list_methods(methods: Iterable[str]) -> list[str]:
    """Return the methods of a URL whose view has `methods`, with HEAD where there is GET, and OPTIONS."""
    own = list(methods)
    return [*own, *(["HEAD"] if "GET" in own and "HEAD" not in own else []), "OPTIONS"]


def write_allow(methods: Iterable[str]) -> str:
    """Return the value of `Allow` for a URL whose view has `methods`."""
    return ", ".join(list_methods(methods))


def answer_options(methods: Iterable[str]) -> HttpResponse:
    """Answer OPTIONS for a URL whose view has `methods`. Nobody needs to be known for it, and nothing is counted."""
    response = HttpResponse(headers={"Allow": write_allow(methods), "Content-Length": "0"})
    del response["Content-Type"]
    return response


def refuse_plainly() -> HttpResponse:
    """Return a 405 without a body."""
    response = HttpResponse(status=405)
    del response["Content-Type"]
    return response


def accept_methods(*methods: str, refuse: Callable[[], HttpResponse] = refuse_plainly) -> Callable[[View[P]], View[P]]:
    """Decorate a view that has `methods`; `refuse` makes the 405 for all others, to which `Allow` is added.

    A view that changes nothing is exempt from the check against forged requests, which would otherwise answer first.
    """
    allow = write_allow(methods)
    passed = frozenset(list_methods(methods)) - {"OPTIONS"}

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method in passed:
                return view(request, *args, **kwargs)
            if request.method == "OPTIONS":
                return answer_options(methods)
            response = refuse()
            response["Allow"] = allow
            return response

        return csrf_exempt(answer) if passed <= SAFE else answer

    return decorate
