"""The native API's endpoints: who asks, what is asked, one call of the core, the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from api.endpoint import KeyEndpoint
from api.http import receipt_headers
from api.idempotency import done_once, done_once_in_steps
from api.native import errors, inputs, outputs, schema
from batches.control import STOPPED, create_batch, find_batch, resume_batch, stop_batch
from batches.dry_run import rehearse
from batches.freeze import freeze_account, thaw_account
from batches.listing import find_receipt, list_batches, list_receipts
from batches.models import Receipt
from batches.states import BatchStatus
from batches.waves import overview_of
from mailer.queries import find_trace, list_messages


class Endpoint(KeyEndpoint):
    """An endpoint that refuses in this dialect's words."""

    def handle_exception(self, exc: Exception) -> Response:
        refusal = errors.answer_for(exc, self.resource)
        if refusal is None:
            raise exc
        headers = self.headers_of_refusal(refusal.status)
        return Response(outputs.envelope(refusal), status=refusal.status, headers=headers)


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


@schema.batch_messages
class BatchMessages(Endpoint):
    """Recipients are told here, so the scope is that of messages."""

    resource = "batch"
    scopes = {"GET": "messages.read"}

    def get(self, request: Request, batch_id: str) -> Response:
        asked = inputs.read_messages_query(request)
        batch = find_batch(self.account, batch_id)
        found = list_messages(batch.pk, state=asked.state, after=asked.after, limit=asked.limit)
        return Response(
            outputs.page(map(outputs.message, found.traces), limit=asked.limit, next_after=found.next_after)
        )


@schema.one_message
class OneMessage(Endpoint):
    resource = "message"
    scopes = {"GET": "messages.read"}

    def get(self, request: Request, message_id: str) -> Response:
        found = find_trace(self.account, int(message_id))
        if found is None:
            raise errors.not_found("Message")
        return Response(outputs.one(outputs.message(found)))


class Move(Endpoint):
    """A stop or a resume of one batch. There is no cut-off and no limit on how many may be stopped at a time."""

    resource = "batch"
    action: ClassVar[Receipt.Action]
    to: ClassVar[BatchStatus]
    allowed_from: ClassVar[frozenset[BatchStatus]]

    @done_once_in_steps
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


@schema.pause_batch
class PauseBatch(Move):
    scopes = {"POST": "user.scheduled_sends.create"}
    action = Receipt.Action.PAUSE
    to = BatchStatus.PAUSED
    allowed_from = frozenset({BatchStatus.OPEN, BatchStatus.CANCELLED})


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


@schema.receipts
class Receipts(Endpoint):
    resource = "receipt"
    scopes = {"GET": "sluice.receipts.read"}

    def get(self, request: Request) -> Response:
        asked = inputs.read_receipts_query(request)
        found, next_after = list_receipts(self.account, batch_id=asked.batch_id, after=asked.after, limit=asked.limit)
        return Response(outputs.page(map(outputs.receipt_line, found), limit=asked.limit, next_after=next_after))


@schema.one_receipt
class OneReceipt(Endpoint):
    resource = "receipt"
    scopes = {"GET": "sluice.receipts.read"}

    def get(self, request: Request, receipt_id: str) -> Response:
        receipt = find_receipt(self.account, receipt_id)
        if receipt is None:
            raise errors.not_found("Receipt")
        return Response(outputs.one(outputs.receipt_details(receipt)))


@schema.one_account
class OneAccount(Endpoint):
    resource = "account"
    scopes = {"GET": "sluice.account.read"}

    def get(self, request: Request) -> Response:
        return Response(outputs.one(outputs.account_details(self.account)))


@schema.freeze_account
class FreezeAccount(Endpoint):
    resource = "account"
    scopes = {"POST": "sluice.account.update"}
    carry_out: ClassVar[Callable[..., Receipt]] = staticmethod(freeze_account)

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        reason = inputs.read_reason(request)
        return answer_with(self.carry_out(self.account, actor=self.actor, reason=reason))


@schema.thaw_account
class ThawAccount(FreezeAccount):
    carry_out = staticmethod(thaw_account)


def answer_with(receipt: Receipt) -> Response:
    """The receipt of what was done, in the body and in the headers."""
    return Response(outputs.one(outputs.receipt_details(receipt)), headers=receipt_headers(receipt))


@csrf_exempt
def not_found(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Every path below /sluice that is none; serves as the site's handler404 there too."""
    return outputs.refused(errors.plain_refusal(404))


def bad_request(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler400 below /sluice."""
    return outputs.refused(errors.plain_refusal(400))


def server_error(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler500 below /sluice."""
    return outputs.refused(errors.plain_refusal(500))
