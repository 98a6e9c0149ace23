"""Tell a load balancer whether this web process reaches its database."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from foundation.responses import accept_methods


@accept_methods("GET")
def healthz(_: HttpRequest) -> JsonResponse:
    """Answer 200 when the database responds, and 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return JsonResponse({"status": "the database is away"}, status=503)
    return JsonResponse({"status": "ok"})
