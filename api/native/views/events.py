"""Answer the call for the log of an account, page by page."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.native import inputs, outputs
from api.native.schema import events as schema
from api.native.views.base import Endpoint
from events.native import write_event
from events.pull import read_page


@schema.events
class Events(Endpoint):
    """The events of all messages. They show recipients, so the scope is that of messages."""

    resource = "event"
    scopes = {"GET": "messages.read"}

    def get(self, request: Request) -> Response:
        query = inputs.read_events_query(request)
        page = read_page(self.account, query.after, limit=query.limit)
        position = outputs.position(page.position)
        return Response(outputs.page(map(write_event, page.events), limit=query.limit, next_after=position))
