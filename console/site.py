"""Define the admin site of the console."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from console.header import add_header
from console.viewers import remember_viewer

# Unfold's class has no types.
if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as UnfoldAdminSite
else:
    from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    """An admin site whose pages have the console's header, and only list the models of all apps if they show them.

    The sidebar has its own entries (`config/admin.py`), so hardly any page does. The list takes a fifth of the time of
    a page that is otherwise empty.
    """

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Return the view for operators only. Who polls it is remembered for some seconds."""
        admin_view = super().admin_view(view, cacheable)

        @wraps(admin_view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            remember_viewer(request)
            return admin_view(request, *args, **kwargs)

        return answer

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context of every page.

        The header comes first: if its health is read for this page, the sidebar takes the mail in hand from there.
        """
        header = add_header(request)
        return super().each_context(request) | header

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return the list of the apps, which is made when it is used."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))
