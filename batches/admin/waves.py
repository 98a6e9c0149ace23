"""The page of waves: mail that is sent next, and mail that was sent last, of all batches."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from batches.admin.figures import tabulate_waves
from batches.waves import WAVES_SHOWN, coming_waves, recent_waves
from foundation.clock import database_now


def show_waves(request: HttpRequest) -> HttpResponse:
    """Show the coming and the recent waves of the installation."""
    if not request.user.has_perm("batches.view_batch"):
        raise PermissionDenied
    now = database_now()
    context = {
        **admin.site.each_context(request),
        "title": "Waves",
        "coming": tabulate_waves(coming_waves(), now, with_batch=True),
        "recent": tabulate_waves(recent_waves(), now, with_batch=True),
        "shown": WAVES_SHOWN,
    }
    return TemplateResponse(request, "batches/waves.html", context)
