"""Answer the calls for endpoints of webhooks and their deliveries.

The native API creates endpoints of the native dialect, and shows endpoints of both dialects.
"""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import check_rare_call
from api.idempotency import HEADER, done_once, done_once_in_steps
from api.native import errors, inputs, outputs
from api.native.schema import endpoints as schema
from api.native.views.base import Endpoint
from events.models import Delivery, Dialect
from events.models import Endpoint as Receiver
from events.webhooks import deliveries, editing
from events.webhooks.replay import replay_delivery
from events.webhooks.rewind import replay_since

SCOPE: Final = "user.webhooks.event.settings"
REPLAYS_PER_MINUTE: Final = 60
"""The replays of a key."""


class ReceiverEndpoint(Endpoint):
    """An endpoint about the endpoints of webhooks."""

    resource = "endpoint"

    def find(self, endpoint_id: str) -> Receiver:
        """Return an endpoint of the account. Raises UnknownEndpoint."""
        return editing.find_endpoint(self.account, inputs.read_endpoint_id(endpoint_id))


@schema.endpoints
class Endpoints(ReceiverEndpoint):
    scopes = {"GET": f"{SCOPE}.read", "POST": f"{SCOPE}.create"}

    def get(self, request: Request) -> Response:
        inputs.read_no_query(request)
        # ENDPOINTS_LIMIT bounds the list.
        rows = list(editing.list_endpoints(self.account))
        return Response(outputs.page(map(outputs.endpoint, rows), limit=len(rows), next_after=None))

    def post(self, request: Request) -> Response:
        refuse_idempotency_key(request)
        receiver = editing.add_endpoint(self.account, Dialect.NATIVE, inputs.read_new_endpoint(request))
        body = outputs.endpoint_with_secret(receiver, editing.read_new_secret(receiver))
        return Response(outputs.envelope(body), status=201)


@schema.one_endpoint
class OneEndpoint(ReceiverEndpoint):
    scopes = {"GET": f"{SCOPE}.read", "PATCH": f"{SCOPE}.update", "DELETE": f"{SCOPE}.delete"}

    def get(self, request: Request, endpoint_id: str) -> Response:
        return Response(outputs.envelope(outputs.endpoint(self.find(endpoint_id))))

    def patch(self, request: Request, endpoint_id: str) -> Response:
        receiver = self.find(endpoint_id)
        changes = inputs.read_endpoint_change(request, receiver.dialect)
        return Response(outputs.envelope(outputs.endpoint(editing.change_endpoint(receiver, changes))))

    def delete(self, request: Request, endpoint_id: str) -> Response:
        editing.delete_endpoint(self.find(endpoint_id))
        return Response(status=204)


@schema.rotate_secret
class RotateSecret(ReceiverEndpoint):
    scopes = {"POST": f"{SCOPE}.update"}

    def post(self, request: Request, endpoint_id: str) -> Response:
        refuse_idempotency_key(request)
        inputs.read_nothing(request)
        receiver, secret = editing.renew_secret(self.find(endpoint_id))
        return Response(outputs.envelope(outputs.endpoint_with_secret(receiver, secret)))


@schema.enable_endpoint
class EnableEndpoint(ReceiverEndpoint):
    scopes = {"POST": f"{SCOPE}.update"}

    @done_once
    def post(self, request: Request, endpoint_id: str) -> Response:
        inputs.read_nothing(request)
        return Response(outputs.envelope(outputs.endpoint(editing.enable_again(self.find(endpoint_id)))))


class DeliveryEndpoint(ReceiverEndpoint):
    """An endpoint about one delivery."""

    def find_delivery(self, endpoint_id: str, delivery_id: str) -> Delivery:
        """Return a delivery of an endpoint of the account. Raises UnknownEndpoint and UnknownDelivery."""
        return deliveries.find_delivery(self.find(endpoint_id), inputs.read_delivery_id(delivery_id))


@schema.replay_events
class ReplayEvents(ReceiverEndpoint):
    scopes = {"POST": f"{SCOPE}.update"}

    @done_once
    def post(self, request: Request, endpoint_id: str) -> Response:
        since = inputs.read_since(request)
        receiver = self.find(endpoint_id)
        replay_since(receiver, since)
        return Response(outputs.envelope(outputs.endpoint(self.find(endpoint_id))))


@schema.deliveries
class Deliveries(ReceiverEndpoint):
    scopes = {"GET": f"{SCOPE}.read"}

    def get(self, request: Request, endpoint_id: str) -> Response:
        query = inputs.read_deliveries_query(request)
        receiver = self.find(endpoint_id)
        rows, next_after = deliveries.list_deliveries(receiver, state=query.state, after=query.after, limit=query.limit)
        times = deliveries.next_attempts(receiver)
        lines = (outputs.delivery(each, times) for each in rows)
        return Response(outputs.page(lines, limit=query.limit, next_after=next_after))


@schema.one_delivery
class OneDelivery(DeliveryEndpoint):
    """A delivery with its body. It shows recipients, so the scope is that of messages."""

    scopes = {"GET": "messages.read"}

    def get(self, request: Request, endpoint_id: str, delivery_id: str) -> Response:
        delivery = self.find_delivery(endpoint_id, delivery_id)
        times = deliveries.next_attempts(delivery.endpoint)
        return Response(outputs.envelope(outputs.delivery_with_body(delivery, times, deliveries.read_body(delivery))))


@schema.replay_delivery
class ReplayDelivery(DeliveryEndpoint):
    """Post a delivery again while the caller waits, which takes a thread for some seconds at most."""

    scopes = {"POST": f"{SCOPE}.update"}

    @done_once_in_steps
    def post(self, request: Request, endpoint_id: str, delivery_id: str) -> Response:
        inputs.read_nothing(request)
        delivery = self.find_delivery(endpoint_id, delivery_id)
        check_rare_call(self.key, "webhook replay", limit=REPLAYS_PER_MINUTE)
        replay_delivery(delivery)
        return Response(outputs.envelope(outputs.delivery(delivery, {})))


def refuse_idempotency_key(request: Request) -> None:
    """Refuse an Idempotency-Key: the answer holds a secret, and cannot be kept for a repetition. Raises Refusal."""
    if HEADER in request.META:
        raise errors.Refusal(
            400,
            "IDEMPOTENCY_KEY_INVALID",
            "A secret is shown once and never again, so this call takes no Idempotency-Key.",
        )
