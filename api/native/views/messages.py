"""Messages: one by one, those of a batch, those in a person's hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once_in_steps
from api.native import errors, inputs, outputs, schema
from api.native.views.base import Endpoint, answer_with
from batches.handles import find_batch
from batches.models import Receipt
from mailer.in_hand import drop, list_in_hand, replay
from mailer.one_message import reschedule_message, stop_message
from mailer.queries import find_trace, list_messages


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


@schema.messages_in_hand
class MessagesInHand(Endpoint):
    """Held, or in doubt: what waits for a person of this account."""

    resource = "message"
    scopes = {"GET": "messages.read"}

    def get(self, request: Request) -> Response:
        asked = inputs.read_in_hand_query(request)
        batch = None if asked.batch_id is None else find_batch(self.account, asked.batch_id)
        traces, place = list_in_hand(self.account, asked.why, batch=batch, after=asked.after, limit=asked.limit)
        return Response(outputs.page(map(outputs.message, traces), limit=asked.limit, next_after=outputs.place(place)))


@schema.replay_messages
class ReplayMessages(Endpoint):
    resource = "message"
    scopes = {"POST": "user.scheduled_sends.update"}
    carry_out: ClassVar[Callable[..., Receipt]] = staticmethod(replay)

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        asked = inputs.read_selection(request)
        return answer_with(self.carry_out(self.account, asked.selection, actor=self.actor, reason=asked.reason))


@schema.drop_messages
class DropMessages(ReplayMessages):
    carry_out = staticmethod(drop)


@schema.cancel_message
class CancelMessage(Endpoint):
    """Also of a message that has left: the receipt says so."""

    resource = "message"
    scopes = {"POST": "user.scheduled_sends.create"}

    @done_once_in_steps
    def post(self, request: Request, message_id: str) -> Response:
        reason = inputs.read_reason(request)
        return answer_with(stop_message(self.account, int(message_id), actor=self.actor, reason=reason))


@schema.reschedule_message
class RescheduleMessage(Endpoint):
    resource = "message"
    scopes = {"POST": "user.scheduled_sends.update"}

    @done_once_in_steps
    def post(self, request: Request, message_id: str) -> Response:
        asked = inputs.read_one_reschedule(request)
        receipt = reschedule_message(
            self.account, int(message_id), asked.send_at, actor=self.actor, reason=asked.reason
        )
        return answer_with(receipt)
