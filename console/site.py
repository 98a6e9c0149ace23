"""Define the admin site of the console."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest
from django.core.paginator import EmptyPage
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from console.fragments import note_act
from console.header import add_header
from console.viewers import remember_viewer
from foundation.responses import SAFE

# Unfold's class has no types.
if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

    class UnfoldAdminSite(AdminSite):
        def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse: ...

else:
    from unfold.sites import UnfoldAdminSite


PAGE = re.compile(r"[0-9]{1,6}")


class Site(UnfoldAdminSite):
    """An admin site whose pages have the console's header, and only list the models of all apps if they show them.

    The sidebar has fixed entries (`config/admin.py`), so hardly any page needs the list, which takes a fifth of the
    time of a page that is otherwise empty.
    """

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Return the view for operators only. It remembers for some seconds who polls, and notes POSTs as acts."""
        admin_view = super().admin_view(view, cacheable)

        @wraps(admin_view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            remember_viewer(request)
            if request.method in SAFE:
                return admin_view(request, *args, **kwargs)
            try:
                return admin_view(request, *args, **kwargs)
            finally:
                # The form of a stranger changes nothing, so the fragments of pages stay valid.
                if self.has_permission(request):
                    note_act()

        return answer

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the command palette. Results are not cached (`CACHES`), because they show the status of mailings."""
        if not PAGE.fullmatch(request.GET.get("page", "1")):
            raise Http404
        try:
            return super().search(request, extra_context)
        except EmptyPage as error:
            raise Http404 from error

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Return the rows that can be chosen in a field."""
        if "\0" in request.GET.get("term", ""):
            raise BadRequest("Null characters are in no name.")
        response: HttpResponse = super().autocomplete_view(request)
        return response

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context of every page.

        The header comes first: if its health is read for this page, the sidebar takes the mail in hand from there.
        """
        header = add_header(request)
        return super().each_context(request) | header

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return the list of the apps, which is made when it is used."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))
