"""Issue the ids of batches; pause, cancel and resume batches."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import receipt_headers
from api.idempotency import done_once, done_once_in_steps
from api.sendgrid.batches import inputs, outputs, schema
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers
from batches.errors import UnknownBatch
from batches.handles import create_batch, find_batch, is_usable, stopped_batches
from batches.states import BatchStatus
from batches.stop.control import StopLimits, resume_batch, stop_batch

# SendGrid's documents say only that a late stop is impossible: the text is ours.
ANSWERS: Final[Answers] = {
    "unknown_batch": Answer(404, None, "batch id not found"),
    "POST unknown_batch": Answer(400, "batch_id", "invalid batch id"),
    "status_conflict": Answer(404, None, "batch id not found"),
    "POST status_conflict": Answer(
        400, "batch_id", "a status for this batch id exists, try PATCH to update the status"
    ),
    "no_stop_place_left": Answer(400, None, "max limit reached"),
    "stop_too_late": Answer(400, "batch_id", "too late to pause or cancel: the batch is about to be sent"),
}


@schema.mail_batches
class MailBatches(Endpoint):
    scopes = {"POST": "mail.batch.create"}

    @done_once
    def post(self, request: Request) -> Response:
        return Response(outputs.batch(create_batch(self.account, key=self.key)), status=201)


@schema.mail_batch
class MailBatch(Endpoint):
    answers = {"unknown_batch": Answer(400, None, "invalid batch id")}
    scopes = {"GET": "mail.batch.read"}

    def get(self, request: Request, batch_id: str) -> Response:
        batch = find_batch(self.account, batch_id)
        if not is_usable(batch):
            raise UnknownBatch
        return Response(outputs.batch(batch))


# The statuses from which SendGrid allows a change. The core allows more: here an entry is made once, then changed or
# deleted.
MAY_BE_ENTERED = frozenset({BatchStatus.OPEN})
HAS_ENTRY = frozenset({BatchStatus.PAUSED, BatchStatus.CANCELLED})


@schema.scheduled_sends
class ScheduledSends(Endpoint):
    answers = ANSWERS
    scopes = {"POST": "user.scheduled_sends.create", "GET": "user.scheduled_sends.read"}

    def get(self, request: Request) -> Response:
        return Response([outputs.scheduled_send(each.public_id, each.status) for each in stopped_batches(self.account)])

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        stop = inputs.read_stop(request)
        receipt = stop_batch(
            self.account,
            stop.batch_id,
            stop.status,
            actor=self.actor,
            allowed_from=MAY_BE_ENTERED,
            limits=StopLimits(
                places=settings.STOPPED_BATCHES_LIMIT, cutoff_seconds=settings.STOP_CUTOFF_SECONDS or None
            ),
        )
        body = outputs.scheduled_send(stop.batch_id, stop.status)
        return Response(body, status=201, headers=receipt_headers(receipt))


@schema.scheduled_send
class ScheduledSend(Endpoint):
    answers = ANSWERS
    scopes = {
        "GET": "user.scheduled_sends.read",
        "PATCH": "user.scheduled_sends.update",
        "DELETE": "user.scheduled_sends.delete",
    }

    def get(self, request: Request, batch_id: str) -> Response:
        """Answer with a list of one entry, or with an empty list for a batch without a status."""
        batches = stopped_batches(self.account).filter(public_id=batch_id)
        return Response([outputs.scheduled_send(each.public_id, each.status) for each in batches])

    def patch(self, request: Request, batch_id: str) -> Response:
        status = inputs.read_status(request)
        receipt = stop_batch(self.account, batch_id, status, actor=self.actor, allowed_from=HAS_ENTRY)
        return Response(status=204, headers=receipt_headers(receipt))

    def delete(self, request: Request, batch_id: str) -> Response:
        receipt = resume_batch(self.account, batch_id, actor=self.actor, allowed_from=HAS_ENTRY)
        return Response(status=204, headers=receipt_headers(receipt))


BATCH_ID = r"(?P<batch_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^mail/batch/?$", MailBatches.as_view()),
    re_path(rf"^mail/batch/{BATCH_ID}/?$", MailBatch.as_view()),
    re_path(r"^user/scheduled_sends/?$", ScheduledSends.as_view()),
    re_path(rf"^user/scheduled_sends/{BATCH_ID}/?$", ScheduledSend.as_view()),
]
