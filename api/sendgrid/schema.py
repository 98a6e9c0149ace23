"""What the OpenAPI document says of SendGrid's calls (`api/openapi.py` has the words).

To add a call: one value at the end of this file, and `@schema.its_name` above its view. `POST mail/send` is no REST
framework view, so it is written down whole, in `PATHS`; the types of its body are those that check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from pydantic.json_schema import GenerateJsonSchema

from accounts.keys import NAME_LENGTH
from api import openapi
from api.openapi import (
    IDEMPOTENCY_KEY,
    JSON,
    NUMBER,
    RECEIPT_HEADERS,
    REPLAYED,
    TEXT,
    Describe,
    Piece,
    Reply,
    component,
    list_of,
    nullable,
    one_of,
    record,
)
from api.sendgrid import errors
from api.sendgrid.inputs.resources import STATUSES
from api.sendgrid.inputs.schema import MAIL

ALWAYS = (401, 403, 414, 429, 500, 503)
WITH_BODY = (400, 413, 415)
REPEATABLE = (400, 409, 413, 415)
"""What an Idempotency-Key may be answered: it makes the body be read even where nothing is expected of it."""
MAIL_REFUSALS = (400, 401, 409, 413, 415, 429, 500, 503)
REFUSALS = errors.HTTP_ANSWERS | {409: "a request with this Idempotency-Key is under way"}
BATCHES, SCHEDULED_SENDS, API_KEYS = "SendGrid: mail", "SendGrid: scheduled sends", "SendGrid: API keys"

STATUS = one_of(STATUSES)
SCHEDULED_SEND = record(batch_id=TEXT, status=STATUS)
NAME: Piece = {**TEXT, "minLength": 1, "maxLength": NAME_LENGTH}
SCOPES = list_of(TEXT)
KEY = record(api_key_id=TEXT, name=TEXT)
KEY_DETAILS = record(api_key_id=TEXT, name=TEXT, scopes=SCOPES)
LIMIT = OpenApiParameter("limit", {**NUMBER, "minimum": 1, "maximum": 999_999}, description="At most so many.")


class Untitled(GenerateJsonSchema):
    """Without a title for each field, which only says its name again."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


MAIL_BODY = MAIL.json_schema(ref_template="#/components/schemas/{model}", schema_generator=Untitled)
COMPONENTS: dict[str, Piece] = {
    **MAIL_BODY.pop("$defs"),
    "Mail": MAIL_BODY,
    "ScheduledSend": SCHEDULED_SEND,
    "Errors": record(errors=list_of(record(field=nullable(TEXT), message=TEXT))),
    "MailErrors": record(errors=list_of(record(message=TEXT, field=nullable(TEXT), help=nullable(TEXT)))),
}

PATHS: dict[str, Piece] = {
    "/v3/mail/send": {
        "post": {
            "operationId": "send_mail",
            "summary": "Accept a mail, to be sent at once or at its time",
            "description": "Fields that are not named here are ignored. The body may come gzipped.",
            "tags": [BATCHES],
            "security": [{openapi.BearerKey.name: []}],
            "parameters": [IDEMPOTENCY_KEY.to_piece()],
            "requestBody": {"content": {JSON: {"schema": component("Mail")}}, "required": True},
            "responses": {
                "202": {
                    "description": "Accepted and committed.",
                    "headers": {
                        "X-Message-Id": {"schema": TEXT, "description": "The mail's id.", "required": True},
                        REPLAYED.name: {"schema": TEXT, "description": REPLAYED.description},
                    },
                },
                "200": {"description": "In sandbox mode: it would have been accepted. Nothing was stored."},
            }
            | {
                str(status): {
                    "description": REFUSALS[status],
                    "content": {JSON: {"schema": component("MailErrors")}},
                }
                for status in MAIL_REFUSALS
            },
        }
    }
}


def call(
    name: str,
    summary: str,
    *,
    tag: str,
    replies: dict[int, Reply],
    refusals: Iterable[int] = (),
    query: Sequence[OpenApiParameter] = (),
    body: Piece | None = None,
) -> Describe:
    """A call that answers `replies`, or refuses with one of `refusals`, or as every call may."""
    statuses = {*refusals, *ALWAYS, *(WITH_BODY if body else ())}
    refused = {status: Reply(REFUSALS[status], component("Errors")) for status in sorted(statuses)}
    return openapi.call(name, summary, tag=tag, replies=replies | refused, query=query, body=body)


# --- the calls, each above its view in views.py -----------------------------------------------------------------------

mail_batches = extend_schema_view(
    post=call(
        "create_mail_batch",
        "A new batch id",
        tag=BATCHES,
        replies={201: Reply("It.", record(batch_id=TEXT))},
        refusals=REPEATABLE,
    ),
)
mail_batch = extend_schema_view(
    get=call(
        "validate_mail_batch",
        "Whether a batch id can be used",
        tag=BATCHES,
        replies={200: Reply("It can.", record(batch_id=TEXT))},
        refusals=[400, 404],
    ),
)
scheduled_sends = extend_schema_view(
    get=call(
        "list_scheduled_sends",
        "The paused and cancelled batches",
        tag=SCHEDULED_SENDS,
        replies={200: Reply("All of them.", list_of(component("ScheduledSend")))},
    ),
    post=call(
        "stop_scheduled_send",
        "Pause or cancel an open batch",
        tag=SCHEDULED_SENDS,
        body=component("ScheduledSend"),
        replies={201: Reply("Stopped.", component("ScheduledSend"), RECEIPT_HEADERS)},
        refusals=REPEATABLE,
    ),
)
scheduled_send = extend_schema_view(
    get=call(
        "get_scheduled_send",
        "The status of a batch",
        tag=SCHEDULED_SENDS,
        replies={200: Reply("A list of one, or of none when it has no status.", list_of(component("ScheduledSend")))},
        refusals=[404],
    ),
    patch=call(
        "change_scheduled_send",
        "Pause what is cancelled, cancel what is paused",
        tag=SCHEDULED_SENDS,
        body=record(status=STATUS),
        replies={204: Reply("Changed.", headers=RECEIPT_HEADERS)},
        refusals=[404],
    ),
    delete=call(
        "resume_scheduled_send",
        "Resume a batch",
        tag=SCHEDULED_SENDS,
        replies={204: Reply("Resumed.", headers=RECEIPT_HEADERS)},
        refusals=[404],
    ),
)
api_keys = extend_schema_view(
    get=call(
        "list_api_keys",
        "The account's API keys",
        tag=API_KEYS,
        query=[LIMIT],
        replies={200: Reply("The keys.", record(result=list_of(KEY)))},
        refusals=[400],
    ),
    post=call(
        "create_api_key",
        "A new API key; without scopes it holds all that the asking key holds",
        tag=API_KEYS,
        body={**record(name=NAME), "properties": {"name": NAME, "scopes": SCOPES}},
        replies={
            201: Reply("The only answer that shows the key.", record(api_key=TEXT, **KEY_DETAILS["properties"])),
        },
    ),
)
one_api_key = extend_schema_view(
    get=call(
        "get_api_key",
        "An API key",
        tag=API_KEYS,
        replies={200: Reply("The key.", KEY_DETAILS)},
        refusals=[404],
    ),
    put=call(
        "replace_api_key",
        "Give a key another name and exactly these scopes",
        tag=API_KEYS,
        body=record(name=NAME, scopes={**SCOPES, "minItems": 1}),
        replies={200: Reply("The key.", KEY_DETAILS)},
        refusals=[404],
    ),
    patch=call(
        "rename_api_key",
        "Give a key another name",
        tag=API_KEYS,
        body=record(name=NAME),
        replies={200: Reply("The key.", KEY)},
        refusals=[404],
    ),
    delete=call(
        "revoke_api_key",
        "Revoke a key, from the next request on",
        tag=API_KEYS,
        replies={204: Reply("Revoked.")},
        refusals=[404],
    ),
)
scopes = extend_schema_view(
    get=call(
        "list_scopes",
        "What the asking key may do",
        tag=API_KEYS,
        replies={200: Reply("Its scopes.", record(scopes=SCOPES))},
    ),
)
