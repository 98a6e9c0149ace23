"""Describe the calls of `views/endpoints.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import call, envelope_of, page_of
from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, list_of, nullable, one_of, record
from events.models import Dialect

UUID: Piece = {"type": "string", "format": "uuid"}
ENDPOINT: dict[str, Piece] = {
    "id": UUID,
    "dialect": one_of(Dialect.values),
    "url": TEXT,
    "name": TEXT,
    "kinds": nullable(list_of(one_of(inputs.KINDS))),
    "enabled": FLAG,
    "disabled_at": nullable(TIME),
    "disabled_reason": TEXT,
    "failing_since": nullable(TIME),
    "failures": NUMBER,
    "retry_at": nullable(TIME),
    "previous_secret_expires_at": nullable(TIME),
    **dict.fromkeys(("public_key", "oauth_client_id", "oauth_token_url"), TEXT),
    "created_at": TIME,
    "updated_at": TIME,
}
DELIVERY: dict[str, Piece] = {
    "id": UUID,
    "state": one_of(inputs.DELIVERY_STATES),
    "events": NUMBER,
    "attempts": NUMBER,
    "status_code": nullable(NUMBER),
    "error": TEXT,
    "reply": TEXT,
    "seconds": nullable({"type": "number"}),
    "created_at": TIME,
    "attempted_at": nullable(TIME),
    "next_attempt_at": nullable(TIME),
}
COMPONENTS: dict[str, Piece] = {
    "Endpoint": record(**ENDPOINT),
    "EndpointWithSecret": record(**ENDPOINT, secret={**TEXT, "example": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}),
    "Delivery": record(**DELIVERY),
    "DeliveryDetails": record(**DELIVERY, body=TEXT),
}

endpoints = extend_schema_view(
    get=call(
        "list_endpoints",
        "List the endpoints of webhooks of the account in both dialects, oldest first",
        tag="webhooks",
        refusals=[422],
        replies={200: Reply("All endpoints, on one page.", page_of("Endpoint"))},
    ),
    post=call(
        "create_endpoint",
        "Create an endpoint of the native dialect, which gets the events from now on",
        tag="webhooks",
        body=inputs.NewEndpointForm,
        replies={
            201: Reply("The endpoint with its secret, which is never shown again.", envelope_of("EndpointWithSecret"))
        },
    ),
)
one_endpoint = extend_schema_view(
    get=call(
        "get_endpoint",
        "Get an endpoint",
        tag="webhooks",
        replies={200: Reply("The endpoint.", envelope_of("Endpoint"))},
        refusals=[404],
    ),
    patch=call(
        "change_endpoint",
        "Change an endpoint; its `kinds` are those of its dialect",
        tag="webhooks",
        body=inputs.EndpointForm,
        replies={200: Reply("The changed endpoint.", envelope_of("Endpoint"))},
        refusals=[404],
    ),
    delete=call(
        "delete_endpoint",
        "Delete an endpoint with its deliveries",
        tag="webhooks",
        replies={204: Reply("The endpoint is deleted.")},
        refusals=[404],
    ),
)
rotate_secret = extend_schema_view(
    post=call(
        "rotate_secret",
        "Rotate the secret of an endpoint; the previous secret also signs for 24 hours",
        tag="webhooks",
        body=inputs.NothingForm,
        replies={
            200: Reply("The endpoint with its secret, which is never shown again.", envelope_of("EndpointWithSecret"))
        },
        refusals=[404],
    ),
)
enable_endpoint = extend_schema_view(
    post=call(
        "enable_endpoint",
        "Enable an endpoint, and try its failed deliveries again at once",
        tag="webhooks",
        body=inputs.NothingForm,
        replies={200: Reply("The endpoint.", envelope_of("Endpoint"))},
        refusals=[404],
    ),
)
replay_events = extend_schema_view(
    post=call(
        "replay_events",
        "Deliver all events since a time to an endpoint again",
        tag="webhooks",
        body=inputs.SinceForm,
        replies={200: Reply("The endpoint. Its deliveries begin within seconds.", envelope_of("Endpoint"))},
        refusals=[404],
    ),
)
deliveries = extend_schema_view(
    get=call(
        "list_deliveries",
        "List the deliveries of an endpoint, newest first, all or those in one state",
        tag="webhooks",
        query=inputs.DeliveriesForm,
        replies={200: Reply("A page of deliveries.", page_of("Delivery"))},
        refusals=[404],
    ),
)
one_delivery = extend_schema_view(
    get=call(
        "get_delivery",
        "Get a delivery with its body",
        tag="webhooks",
        replies={
            200: Reply(
                "The delivery. Its body has fewer events once the history of some messages is over.",
                envelope_of("DeliveryDetails"),
            )
        },
        refusals=[404],
    ),
)
replay_delivery = extend_schema_view(
    post=call(
        "replay_delivery",
        "Post an accepted delivery again with the same id",
        tag="webhooks",
        body=inputs.NothingForm,
        replies={200: Reply("The delivery with this attempt, which may have failed.", envelope_of("Delivery"))},
        refusals=[404],
    ),
)
