"""Answer the calls for batches: create, show, stop, resume and reschedule them."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once, done_once_in_steps
from api.native import inputs, outputs
from api.native.schema import batches as schema
from api.native.views.base import Endpoint, answer_with
from batches.handles import create_batch, find_batch
from batches.listing import list_batches
from batches.models import Receipt
from batches.states import STOPPED, BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.dry_run import rehearse, rehearse_reschedule
from batches.stop.reschedule import reschedule_batch
from batches.waves import overview_of
from monitoring.waiting import why_waiting


@schema.batches
class Batches(Endpoint):
    resource = "batch"
    scopes = {"GET": "mail.batch.read", "POST": "mail.batch.create"}

    def get(self, request: Request) -> Response:
        query = inputs.read_batches_query(request)
        rows, next_after = list_batches(
            self.account, search=query.search, status=query.status, after=query.after, limit=query.limit
        )
        return Response(outputs.page(map(outputs.batch_line, rows), limit=query.limit, next_after=next_after))

    @done_once
    def post(self, request: Request) -> Response:
        inputs.read_nothing(request)
        return Response(outputs.envelope(outputs.batch_line(create_batch(self.account, key=self.key))), status=201)


@schema.one_batch
class OneBatch(Endpoint):
    resource = "batch"
    scopes = {"GET": "mail.batch.read"}

    def get(self, request: Request, batch_id: str) -> Response:
        batch = find_batch(self.account, batch_id)
        reason = why_waiting([batch]).get(batch.pk)
        return Response(outputs.envelope(outputs.batch_details(overview_of(batch), reason)))


class Move(Endpoint):
    """Stop or resume one batch. There is no cut-off, and no limit on the number of stopped batches."""

    resource = "batch"
    action: ClassVar[Receipt.Action]
    to: ClassVar[BatchStatus]
    allowed_from: ClassVar[frozenset[BatchStatus]]

    @done_once_in_steps
    def post(self, request: Request, batch_id: str) -> Response:
        change = self.read(request)
        if change.is_dry_run:
            rehearsed = rehearse(self.account, batch_id, allowed_from=self.sources_of(change), terms=change.terms)
            return Response(outputs.envelope(outputs.rehearsal(rehearsed, self.action)))
        return answer_with(self.carry_out(batch_id, change))

    def read(self, request: Request) -> inputs.MoveRequest:
        """Return the change that the body asks for."""
        return inputs.read_move(request)

    def sources_of(self, change: inputs.MoveRequest) -> frozenset[BatchStatus]:
        """Return the statuses from which the move is allowed.

        A pause with terms changes the terms of a paused batch, too.
        """
        return self.allowed_from | {self.to} if change.sets_terms else self.allowed_from

    def carry_out(self, batch_id: str, change: inputs.MoveRequest) -> Receipt:
        return stop_batch(
            self.account,
            batch_id,
            self.to,
            actor=self.actor,
            reason=change.reason,
            allowed_from=self.sources_of(change),
            terms=change.terms,
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

    def carry_out(self, batch_id: str, change: inputs.MoveRequest) -> Receipt:
        return resume_batch(
            self.account, batch_id, actor=self.actor, reason=change.reason, allowed_from=self.allowed_from
        )


@schema.reschedule_batch
class RescheduleBatch(Endpoint):
    resource = "batch"
    scopes = {"POST": "user.scheduled_sends.update"}

    @done_once_in_steps
    def post(self, request: Request, batch_id: str) -> Response:
        change = inputs.read_reschedule(request)
        if change.is_dry_run:
            rehearsed = rehearse_reschedule(self.account, batch_id)
            return Response(outputs.envelope(outputs.rehearsal(rehearsed, Receipt.Action.RESCHEDULE)))
        receipt = reschedule_batch(self.account, batch_id, change.send_at, actor=self.actor, reason=change.reason)
        return answer_with(receipt)
