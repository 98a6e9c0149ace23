"""Show the pages behind the link in a mail. Opening a page changes nothing, since programs follow links; a button does.

Mail programs that know RFC 8058 post to the link themselves, and that unsubscribes. They send no cookie, and nobody has
to be logged in: the link gives the permission, so there is no token against forgery.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from foundation.addresses import is_visible
from foundation.responses import accept_methods, render_public_page
from mailer.sealing import BadLink
from mailer.suppressions import leaving, own_link
from mailer.suppressions.leaving import LinkHolder
from mailer.suppressions.links import Link, unseal
from mailer.transports.checking import is_safe_address

LONGEST_ADDRESS: Final = 320


@csrf_exempt
@never_cache
@accept_methods("GET", "POST")
def show_leaving(request: HttpRequest, token: str, *, everything: bool) -> HttpResponse:
    """Show the page on which the holder of a link unsubscribes from the group of the mail, or from everything."""
    try:
        link = unseal(token)
        if not link.address:
            return _ask_address(request, link, page="/all" if everything else "")
        holder = leaving.find_link_holder(link)
    except BadLink:
        return _bad_link(request)
    if request.method == "POST":
        is_back = "return" in request.POST
        (leaving.come_back if is_back else leaving.leave)(holder, everything=everything)
        step = "back" if is_back else "left"
    else:
        step = "ask"
    is_everything = everything or holder.group is None
    return _page(request, "leave", token, holder, step=step, group=None if is_everything else holder.group)


@csrf_exempt
@never_cache
@accept_methods("GET", "POST")
def show_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page on which the holder of a link chooses among groups."""
    try:
        link = unseal(token)
        if not link.address:
            return _ask_address(request, link, page="/preferences")
        holder = leaving.find_link_holder(link)
    except BadLink:
        return _bad_link(request)
    is_saved = request.method == "POST" and "save" in request.POST
    if is_saved:
        offered_ids, chosen_ids = _ids(request, "shown"), _ids(request, "group")
        leaving.choose(holder, offered_ids, chosen_ids, everything="everything" in request.POST)
    unsubscribed_ids = holder.groups_left
    return _page(
        request,
        "preferences",
        token,
        holder,
        is_saved=is_saved,
        groups=[(group, group.pk not in unsubscribed_ids) for group in leaving.groups_on_offer(holder)],
        has_left_everything=holder.has_left_everything,
    )


def _ids(request: HttpRequest, name: str) -> set[int]:
    """Return the ids in a field of the form. They are only ever compared with the ids of groups."""
    return {int(text) for text in request.POST.getlist(name) if text.isdecimal() and len(text) <= 10}


def _bad_link(request: HttpRequest) -> HttpResponse:
    return _render(request, "bad_link", status=404)


def _ask_address(request: HttpRequest, link: Link, *, page: str) -> HttpResponse:
    """Ask a recipient of a message to several for their address, and have a personal link mailed there.

    A program that posts cannot tell who it is, so for it nothing is done.
    """
    if request.method != "POST":
        return _render(request, "ask_address")
    email = request.POST.get("address", "").strip()
    if not (3 <= len(email) <= LONGEST_ADDRESS and "@" in email and is_safe_address(email) and is_visible(email)):
        return _render(request, "ask_address", status=400, is_wrong=True)
    if not own_link.request_own_link(link, email, page):
        return _render(request, "ask_address", status=429, is_too_often=True)
    return _render(request, "own_link_mailed", email=email)


def _page(request: HttpRequest, name: str, token: str, holder: LinkHolder, **context: Any) -> HttpResponse:
    return _render(request, name, holder=holder, base=f"{settings.PUBLIC_URL}/u/{token}", **context)


def _render(request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    return render_public_page(request, f"mailer/unsubscribe/{name}.html", context, status=status)
