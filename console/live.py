"""Serve pages that refresh themselves: the header of every page, and the live part of a page.

One element of every page polls: `#health`, every 3 seconds while the tab is visible (`console.js`). Its response is the
header, and on a live page also the new live part, out of band. Each of the two is a fragment (`fragments.py`). A
response has a strong ETag, so that a page that has not changed costs a 304.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from console.fragments import Fragment, fetch_fragment

Rights = frozenset[str]
"""The permissions of the viewer that change what is drawn."""
SUPERUSER = "superuser"
"""The entry of `rights` for superusers, who may freeze everything."""


@dataclass(frozen=True, slots=True)
class Part:
    """A live part of a page.

    `build` returns the context of the template for viewers with these rights; the further arguments say which object
    is shown. A page that has read the object passes it as `row`, so that `build` does not read it again. A context with
    `is_final` true says that the part will not change by itself, or is read rarely. Viewers who differ in `rights` get
    different fragments, and all others share one.
    """

    name: str
    template: str
    build: Callable[..., dict[str, Any]]
    rights: tuple[str, ...] = ()
    is_loose: bool = False
    """Whether its elements are at several places of the page. Each has `hx-swap-oob`, and replaces that with its id."""

    def fetch(self, request: HttpRequest, *subject: int | str, is_opened: bool = False, **row: Model) -> Fragment:
        """Return the fragment for the viewer of this request, which opens a page or is a poll."""
        granted = frozenset(right for right in self.rights if has_right(request, right))
        bits = "".join("1" if right in granted else "0" for right in self.rights)
        key = ":".join(map(str, [self.name, *subject, bits]))
        return fetch_fragment(key, lambda: self._make(granted, *subject, **row), is_opened=is_opened)

    def _make(self, granted: Rights, *subject: int | str, **row: Model) -> tuple[str, bool]:
        context = self.build(granted, *subject, **row)
        return render_to_string(self.template, context), bool(context.get("is_final"))


def has_right(request: HttpRequest, right: str) -> bool:
    """Return whether the operator has a permission, or is a superuser."""
    if right == SUPERUSER:
        return bool(request.user.is_active and request.user.is_superuser)
    return request.user.has_perm(right)


def embed(request: HttpRequest, part: Part, *subject: int | str, **row: Model) -> dict[str, Any]:
    """Return the context of `console/live.html` for a page that shows a part.

    The address of the page is polled with `live=1` in the query. Its view has to return `answer_poll` then.
    """
    query = request.GET.copy()
    query["live"] = "1"
    html = safe(part.fetch(request, *subject, is_opened=True, **row))
    return {"live_html": html, "live_url": f"{request.path}?{query.urlencode()}"}


def is_poll(request: HttpRequest) -> bool:
    """Return whether a request asks only for what has changed on a page."""
    return request.GET.get("live") == "1"


def answer_poll(
    request: HttpRequest, header: Fragment, part: Fragment | None = None, *, is_loose: bool = False
) -> HttpResponse:
    """Answer a poll: the header, and the live part out of band."""
    fragments = [header] if part is None else [header, part]
    tag = '"' + "-".join(fragment.tag for fragment in fragments) + '"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        context = {"header": safe(header), "part": part and safe(part), "is_loose": is_loose}
        response = HttpResponse(render_to_string("console/poll.html", context))
    response["ETag"] = tag
    response["Cache-Control"] = "no-store"
    # A final part does not change, so its age says nothing about how fresh the page is.
    changing = [fragment for fragment in fragments if not fragment.is_final]
    response["X-Sluice-Age"] = f"{max(fragment.age for fragment in changing):.1f}"
    return response


def safe(fragment: Fragment) -> SafeString:
    """Return the HTML, which a template has escaped."""
    return mark_safe(fragment.html)
