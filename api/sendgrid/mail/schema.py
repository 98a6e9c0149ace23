"""Describe the call of `mail/views.py` in the OpenAPI document.

`POST mail/send` is not a REST framework view, so `PATHS` has its whole description. The types that check its body also
describe it.
"""

from __future__ import annotations

from typing import Final

from pydantic.json_schema import GenerateJsonSchema

from api import openapi
from api.openapi import IDEMPOTENCY_KEY, JSON, REPLAYED, TEXT, Piece, component, list_of, nullable, record
from api.sendgrid.mail.types import MAIL
from api.sendgrid.words import NO_POOL, REFUSALS
from api.without_effect import WithoutEffect

BATCHES = "SendGrid: mail"
MAIL_REFUSALS = (400, 401, 409, 413, 415, 429, 500, 503)

MAIL_DESCRIPTION = (
    "Fields that this document does not name are ignored, in the body and in every object within it. A field whose "
    'description begins with "Has no effect" is checked, and does not change what is sent. The body may be compressed '
    "with gzip."
)


class Untitled(GenerateJsonSchema):
    """Generate no titles for fields, which would only repeat their names."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


MAIL_BODY = MAIL.json_schema(ref_template="#/components/schemas/{model}", schema_generator=Untitled)
COMPONENTS: dict[str, Piece] = {
    **MAIL_BODY.pop("$defs"),
    "Mail": MAIL_BODY,
    "MailErrors": record(errors=list_of(record(message=TEXT, field=nullable(TEXT), help=nullable(TEXT)))),
}

SEND: Final = ("send_mail",)
WITHOUT_EFFECT: Final = (
    WithoutEffect(SEND, ("mail_settings.spam_check",), "Messages are not checked for spam."),
    WithoutEffect(SEND, ("ip_pool_name",), NO_POOL),
    WithoutEffect(SEND, ("categories",), "The statistics of a category count the mail.", is_kept=True),
    WithoutEffect(
        SEND,
        ("custom_args", "personalizations[].custom_args"),
        "The admin and the events of the mail show the arguments.",
        is_kept=True,
    ),
)

PATHS: dict[str, Piece] = {
    "/v3/mail/send": {
        "post": {
            "operationId": "send_mail",
            "summary": "Accept a mail, which is sent at once or at its time",
            "description": MAIL_DESCRIPTION,
            "tags": [BATCHES],
            "security": [{openapi.BearerKey.name: []}],
            "parameters": [IDEMPOTENCY_KEY.to_piece()],
            "requestBody": {"content": {JSON: {"schema": component("Mail")}}, "required": True},
            "responses": {
                "202": {
                    "description": "The mail is accepted and committed.",
                    "headers": {
                        "X-Message-Id": {"schema": TEXT, "description": "The mail's id.", "required": True},
                        "X-Sluice-Warning": {
                            "schema": TEXT,
                            "description": "The system tags that are sent as written, and the parts that have them.",
                        },
                        REPLAYED.name: {"schema": TEXT, "description": REPLAYED.description},
                    },
                },
                "200": {"description": "In sandbox mode: the mail would have been accepted. Nothing was stored."},
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
