"""The calls of `views/mail.py`. `POST mail/send` is no REST framework view, so it is written down whole, in `PATHS`;
the types of its body are those that check it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view
from pydantic.json_schema import GenerateJsonSchema

from api import openapi
from api.openapi import IDEMPOTENCY_KEY, JSON, REPLAYED, TEXT, Piece, Reply, component, list_of, nullable, record
from api.sendgrid.inputs.schema import MAIL
from api.sendgrid.schema.words import REFUSALS, REPEATABLE, call

BATCHES = "SendGrid: mail"
MAIL_REFUSALS = (400, 401, 409, 413, 415, 429, 500, 503)

MAIL_DESCRIPTION = (
    "Fields that this document does not name are ignored, in the body and in every object within it. A field whose "
    'description begins with "Has no effect" is checked, and does not change what is sent. The body may be compressed '
    "with gzip."
)


class Untitled(GenerateJsonSchema):
    """Without a title for each field, which only says its name again."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


MAIL_BODY = MAIL.json_schema(ref_template="#/components/schemas/{model}", schema_generator=Untitled)
COMPONENTS: dict[str, Piece] = {
    **MAIL_BODY.pop("$defs"),
    "Mail": MAIL_BODY,
    "MailErrors": record(errors=list_of(record(message=TEXT, field=nullable(TEXT), help=nullable(TEXT)))),
}

PATHS: dict[str, Piece] = {
    "/v3/mail/send": {
        "post": {
            "operationId": "send_mail",
            "summary": "Accept a mail, to be sent at once or at its time",
            "description": MAIL_DESCRIPTION,
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

mail_batches = extend_schema_view(
    post=call(
        "create_mail_batch",
        "A new batch id",
        tag=BATCHES,
        replies={201: Reply("The id of the new batch.", record(batch_id=TEXT))},
        refusals=REPEATABLE,
    ),
)
mail_batch = extend_schema_view(
    get=call(
        "validate_mail_batch",
        "Whether a batch id can be used",
        tag=BATCHES,
        replies={200: Reply("The id can be used.", record(batch_id=TEXT))},
        refusals=[400, 404],
    ),
)
