"""Pause, cancel and resume of batches."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from api.http import receipt_headers
from api.idempotency import done_once_in_steps
from api.sendgrid import outputs
from api.sendgrid.inputs import resources
from api.sendgrid.schema import scheduled_sends as schema
from api.sendgrid.views.base import Endpoint
from batches.handles import stopped_batches
from batches.states import BatchStatus
from batches.stop.begin import StopLimits, resume_batch, stop_batch

# From where this dialect allows a move. The core allows more; here an entry is made once, then changed or deleted.
MAY_BE_ENTERED = frozenset({BatchStatus.OPEN})
HAS_ENTRY = frozenset({BatchStatus.PAUSED, BatchStatus.CANCELLED})


@schema.scheduled_sends
class ScheduledSends(Endpoint):
    resource = "scheduled_sends"
    scopes = {"POST": "user.scheduled_sends.create", "GET": "user.scheduled_sends.read"}

    def get(self, request: Request) -> Response:
        return Response([outputs.scheduled_send(each.public_id, each.status) for each in stopped_batches(self.account)])

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        asked = resources.read_stop(request)
        receipt = stop_batch(
            self.account,
            asked.batch_id,
            asked.status,
            actor=self.actor,
            allowed_from=MAY_BE_ENTERED,
            limits=StopLimits(
                places=settings.STOPPED_BATCHES_LIMIT, cutoff_seconds=settings.STOP_CUTOFF_SECONDS or None
            ),
        )
        body = outputs.scheduled_send(asked.batch_id, asked.status)
        return Response(body, status=201, headers=receipt_headers(receipt))


@schema.scheduled_send
class ScheduledSend(Endpoint):
    resource = "scheduled_sends"
    scopes = {
        "GET": "user.scheduled_sends.read",
        "PATCH": "user.scheduled_sends.update",
        "DELETE": "user.scheduled_sends.delete",
    }

    def get(self, request: Request, batch_id: str) -> Response:
        """A list of one, or of none when the batch has no status."""
        found = stopped_batches(self.account).filter(public_id=batch_id)
        return Response([outputs.scheduled_send(each.public_id, each.status) for each in found])

    def patch(self, request: Request, batch_id: str) -> Response:
        status = resources.read_status(request)
        receipt = stop_batch(self.account, batch_id, status, actor=self.actor, allowed_from=HAS_ENTRY)
        return Response(status=204, headers=receipt_headers(receipt))

    def delete(self, request: Request, batch_id: str) -> Response:
        receipt = resume_batch(self.account, batch_id, actor=self.actor, allowed_from=HAS_ENTRY)
        return Response(status=204, headers=receipt_headers(receipt))
