"""Batches: made, looked at, stopped, resumed, given another time."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once, done_once_in_steps
from api.native import inputs, outputs, schema
from api.native.views.base import Endpoint, answer_with
from batches.handles import create_batch, find_batch
from batches.listing import list_batches
from batches.models import Receipt
from batches.states import STOPPED, BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.dry_run import rehearse, rehearse_reschedule
from batches.stop.reschedule import reschedule_batch
from batches.waves import overview_of


@schema.batches
class Batches(Endpoint):
    resource = "batch"
    scopes = {"GET": "mail.batch.read", "POST": "mail.batch.create"}

    def get(self, request: Request) -> Response:
        asked = inputs.read_batches_query(request)
        found, next_after = list_batches(self.account, status=asked.status, after=asked.after, limit=asked.limit)
        return Response(outputs.page(map(outputs.batch_line, found), limit=asked.limit, next_after=next_after))

    @done_once
    def post(self, request: Request) -> Response:
        inputs.read_nothing(request)
        return Response(outputs.one(outputs.batch_line(create_batch(self.account))), status=201)


@schema.one_batch
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

    @done_once_in_steps
    def post(self, request: Request, batch_id: str) -> Response:
        asked = self.read(request)
        if asked.is_dry_run:
            rehearsed = rehearse(self.account, batch_id, allowed_from=self.sources_of(asked), terms=asked.terms)
            return Response(outputs.one(outputs.rehearsal(rehearsed, self.action)))
        return answer_with(self.carry_out(batch_id, asked))

    def read(self, request: Request) -> inputs.MoveRequest:
        return inputs.read_move(request)

    def sources_of(self, asked: inputs.MoveRequest) -> frozenset[BatchStatus]:
        """A pause that says something of its terms changes those of a batch that is paused already."""
        return self.allowed_from | {self.to} if asked.sets_terms else self.allowed_from

    def carry_out(self, batch_id: str, asked: inputs.MoveRequest) -> Receipt:
        return stop_batch(
            self.account,
            batch_id,
            self.to,
            actor=self.actor,
            reason=asked.reason,
            allowed_from=self.sources_of(asked),
            terms=asked.terms,
        )


@schema.pause_batch
class PauseBatch(Move):
    scopes = {"POST": "user.scheduled_sends.create"}
    action = Receipt.Action.PAUSE
    to = BatchStatus.PAUSED
    allowed_from = frozenset({BatchStatus.OPEN, BatchStatus.CANCELLED})

    def read(self, request: Request) -> inputs.MoveRequest:
        return inputs.read_pause(request)


@schema.cancel_batch
class CancelBatch(Move):
    scopes = {"POST": "user.scheduled_sends.create"}
    action = Receipt.Action.CANCEL
    to = BatchStatus.CANCELLED
    allowed_from = frozenset({BatchStatus.OPEN, BatchStatus.PAUSED})


@schema.resume_batch
class ResumeBatch(Move):
    scopes = {"POST": "user.scheduled_sends.delete"}
    action = Receipt.Action.RESUME
    to = BatchStatus.OPEN
    allowed_from = STOPPED

    def carry_out(self, batch_id: str, asked: inputs.MoveRequest) -> Receipt:
        return resume_batch(
            self.account, batch_id, actor=self.actor, reason=asked.reason, allowed_from=self.allowed_from
        )


@schema.reschedule_batch
class RescheduleBatch(Endpoint):
    resource = "batch"
    scopes = {"POST": "user.scheduled_sends.update"}

    @done_once_in_steps
    def post(self, request: Request, batch_id: str) -> Response:
        asked = inputs.read_reschedule(request)
        if asked.is_dry_run:
            rehearsed = rehearse_reschedule(self.account, batch_id)
            return Response(outputs.one(outputs.rehearsal(rehearsed, Receipt.Action.RESCHEDULE)))
        receipt = reschedule_batch(self.account, batch_id, asked.send_at, actor=self.actor, reason=asked.reason)
        return answer_with(receipt)
