"""Read the parameters of the Email Activity API."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request

from api.sendgrid.reading import read_number
from mailer.activity.conditions import Condition
from mailer.activity.language import read_query

LIMIT: Final = 10
HIGHEST_LIMIT: Final = 1000


def read_text(request: Request) -> str:
    """Return the query as it was written. An empty query selects all messages."""
    return str(request.query_params.get("query", ""))


def read_condition(request: Request) -> Condition:
    """Return the condition of `query`. Raises InvalidActivityQuery."""
    return read_query(read_text(request))


def read_limit(request: Request) -> int:
    """Return the number of messages of an answer. Raises Refusal."""
    limit = read_number(request, "limit", lowest=1, highest=HIGHEST_LIMIT)
    return LIMIT if limit is None else limit
