"""The pages behind the link in a mail. To look at one changes nothing, since programs follow links, too; a button does.

Mail programs that know RFC 8058 post to the link themselves, and have unsubscribed with that. They bring no cookie, and
nobody has to be logged in: the link is what allows it, so there is no token against forgery.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mailer.suppressions import leaving
from mailer.suppressions.leaving import Holder, NotARecipient
from mailer.suppressions.links import BadLink, unseal

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_leaving(request: HttpRequest, token: str, *, everything: bool) -> HttpResponse:
    """Leave the group of the mail, or everything."""
    try:
        holder = _holder(request, token)
    except BadLink:
        return _bad_link(request)
    except NotARecipient:
        return _ask_address(request)
    if request.method == "POST" and "look" not in request.POST:
        is_back = "return" in request.POST
        (leaving.come_back if is_back else leaving.leave)(holder, everything=everything)
        step = "back" if is_back else "left"
    else:
        step = "ask"
    is_everything = everything or holder.group is None
    return _page(request, "leave", token, holder, step=step, group=None if is_everything else holder.group)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Choose among groups."""
    try:
        holder = _holder(request, token)
    except BadLink:
        return _bad_link(request)
    except NotARecipient:
        return _ask_address(request)
    is_saved = request.method == "POST" and "save" in request.POST
    if is_saved:
        shown, wanted = _ids(request, "shown"), _ids(request, "group")
        leaving.choose(holder, shown, wanted, everything="everything" in request.POST)
    left = holder.groups_left
    return _page(
        request,
        "preferences",
        token,
        holder,
        is_saved=is_saved,
        groups=[(group, group.pk not in left) for group in leaving.groups_on_offer(holder)],
        has_left_everything=holder.has_left_everything,
    )


def _holder(request: HttpRequest, token: str) -> Holder:
    return leaving.find_holder(unseal(token), request.POST.get("address", ""))


def _ids(request: HttpRequest, name: str) -> set[int]:
    """Only ever compared with the ids of groups."""
    return {int(each) for each in request.POST.getlist(name) if each.isdecimal() and len(each) <= 10}


def _bad_link(request: HttpRequest) -> HttpResponse:
    return _render(request, "bad_link", status=404)


def _ask_address(request: HttpRequest) -> HttpResponse:
    """Of a message to several. A program that posts cannot say who it is, so nothing is done."""
    is_wrong = request.method == "POST"
    return _render(request, "ask_address", status=400 if is_wrong else 200, is_wrong=is_wrong)


def _page(request: HttpRequest, name: str, token: str, holder: Holder, **context: Any) -> HttpResponse:
    # Whoever had to say an address says it again with each step.
    said = "" if holder.link.address else holder.address
    base = f"{settings.PUBLIC_URL}/u/{token}"
    return _render(request, name, holder=holder, said=said, base=base, **context)


def _render(request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    page = render(request, f"mailer/unsubscribe/{name}.html", context, status=status)
    page["Content-Security-Policy"] = POLICY
    page["Referrer-Policy"] = "no-referrer"
    page["X-Robots-Tag"] = "noindex"
    return page
