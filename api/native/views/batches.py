"""Batches: made, looked at, stopped, resumed."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from api.native import inputs, outputs
from api.native.views.base import Endpoint, answer_with
from batches.control import STOPPED, create_batch, find_batch, resume_batch, stop_batch
from batches.dry_run import rehearse
from batches.listing import list_batches
from batches.models import Receipt
from batches.states import BatchStatus
from batches.waves import overview_of


class Batches(Endpoint):
    resource = "batch"
    scopes = {"GET": "mail.batch.read", "POST": "mail.batch.create"}

    def get(self, request: Request) -> Response:
        asked = inputs.read_batches_query(request)
        found, next_after = list_batches(self.account, status=asked.status, after=asked.after, limit=asked.limit)
        return Response(outputs.page(map(outputs.batch_line, found), limit=asked.limit, next_after=next_after))

    def post(self, request: Request) -> Response:
        inputs.read_nothing(request)
        return Response(outputs.one(outputs.batch_line(create_batch(self.account))), status=201)


class OneBatch(Endpoint):
    resource = "batch"
    scopes = {"GET": "mail.batch.read"}

    def get(self, request: Request, batch_id: str) -> Response:
        return Response(outputs.one(outputs.batch_details(overview_of(find_batch(self.account, batch_id)))))


class Move(Endpoint):
    """A stop or a resume of one batch. There is no cut-off and no limit on how many may be stopped at a time."""

    resource = "batch"
    action: ClassVar[Receipt.Action]
    to: ClassVar[BatchStatus]
    allowed_from: ClassVar[frozenset[BatchStatus]]

    def post(self, request: Request, batch_id: str) -> Response:
        asked = inputs.read_move(request)
        if asked.is_dry_run:
            rehearsed = rehearse(self.account, batch_id, allowed_from=self.allowed_from)
            return Response(outputs.one(outputs.rehearsal(rehearsed, self.action)))
        return answer_with(self.carry_out(batch_id, asked.reason))

    def carry_out(self, batch_id: str, reason: str) -> Receipt:
        if self.to == BatchStatus.OPEN:
            return resume_batch(self.account, batch_id, actor=self.actor, reason=reason, allowed_from=self.allowed_from)
        return stop_batch(
            self.account, batch_id, self.to, actor=self.actor, reason=reason, allowed_from=self.allowed_from
        )


class PauseBatch(Move):
    scopes = {"POST": "user.scheduled_sends.create"}
    action = Receipt.Action.PAUSE
    to = BatchStatus.PAUSED
    allowed_from = frozenset({BatchStatus.OPEN, BatchStatus.CANCELLED})


class CancelBatch(Move):
    scopes = {"POST": "user.scheduled_sends.create"}
    action = Receipt.Action.CANCEL
    to = BatchStatus.CANCELLED
    allowed_from = frozenset({BatchStatus.OPEN, BatchStatus.PAUSED})


class ResumeBatch(Move):
    scopes = {"POST": "user.scheduled_sends.delete"}
    action = Receipt.Action.RESUME
    to = BatchStatus.OPEN
    allowed_from = STOPPED
