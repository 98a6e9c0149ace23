"""Define the only route, that of the empty view."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from benchmarks.ceilings import queries
from config.health import healthz


@csrf_exempt
def commit_one(_: HttpRequest) -> HttpResponse:
    """Commit one row and answer."""
    with connection.cursor() as cursor:
        cursor.execute(queries.COMMIT_ONE)
    return HttpResponse(status=202)


urlpatterns = [path("healthz", healthz), path("commit", commit_one)]
