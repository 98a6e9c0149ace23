"""Answer the call for the present: what is running, what comes next, what needs a person, and what was stopped."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.native import inputs, outputs
from api.native.schema import now as schema
from api.native.views.base import Endpoint
from monitoring.now import read_now
from monitoring.scope import scope_of


@schema.now
class Now(Endpoint):
    resource = "account"
    scopes = {"GET": "sluice.account.read"}

    def get(self, request: Request) -> Response:
        inputs.read_no_query(request)
        return Response(outputs.envelope(outputs.now(read_now(scope_of(self.account)))))
