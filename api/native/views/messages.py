"""Answer the calls for messages: those of a batch, single messages, and messages in hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once_in_steps
from api.native import errors, inputs, outputs
from api.native.schema import messages as schema
from api.native.views.base import Endpoint, answer_with
from batches.handles import find_batch
from batches.models import Receipt
from mailer.in_hand import drop, list_in_hand, replay
from mailer.one_message import reschedule_message, stop_message
from mailer.queries import find_trace, list_messages


@schema.batch_messages
class BatchMessages(Endpoint):
    """The messages of a batch. They show recipients, so the scope is that of messages."""

    resource = "batch"
    scopes = {"GET": "messages.read"}

    def get(self, request: Request, batch_id: str) -> Response:
        query = inputs.read_messages_query(request)
        batch = find_batch(self.account, batch_id)
        page = list_messages(batch.pk, state=query.state, after=query.after, limit=query.limit)
        return Response(outputs.page(map(outputs.message, page.traces), limit=query.limit, next_after=page.next_after))


@schema.one_message
class OneMessage(Endpoint):
    resource = "message"
    scopes = {"GET": "messages.read"}

    def get(self, request: Request, message_id: str) -> Response:
        trace = find_trace(self.account, int(message_id))
        if trace is None:
            raise errors.not_found("Message")
        return Response(outputs.envelope(outputs.message(trace)))


@schema.messages_in_hand
class MessagesInHand(Endpoint):
    """The messages that are held or in doubt, and wait for a person of this account."""

    resource = "message"
    scopes = {"GET": "messages.read"}

    def get(self, request: Request) -> Response:
        query = inputs.read_in_hand_query(request)
        batch = None if query.batch_id is None else find_batch(self.account, query.batch_id)
        traces, place = list_in_hand(self.account, query.why, batch=batch, after=query.after, limit=query.limit)
        return Response(outputs.page(map(outputs.message, traces), limit=query.limit, next_after=outputs.place(place)))


@schema.replay_messages
class ReplayMessages(Endpoint):
    resource = "message"
    scopes = {"POST": "user.scheduled_sends.update"}
    carry_out: ClassVar[Callable[..., Receipt]] = staticmethod(replay)

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        change = inputs.read_selection(request)
        return answer_with(self.carry_out(self.account, change.selection, actor=self.actor, reason=change.reason))


@schema.drop_messages
class DropMessages(ReplayMessages):
    carry_out = staticmethod(drop)


@schema.cancel_message
class CancelMessage(Endpoint):
    """Stop one message. The receipt of a message that was sent says so."""

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
        change = inputs.read_one_reschedule(request)
        receipt = reschedule_message(
            self.account, int(message_id), change.send_at, actor=self.actor, reason=change.reason
        )
        return answer_with(receipt)
