"""Make the OpenAPI document of the native API, SendGrid's and Easymail's, and serve it and the page that shows it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator

from api.easymail import schema as easymail
from api.easymail.schema.without_effect import WITHOUT_EFFECT as EASYMAIL_WITHOUT_EFFECT
from api.native import schema as native
from api.openapi import Piece
from api.sendgrid import document as sendgrid
from api.without_effect import describe_fields

WITHOUT_EFFECT = {"SendGrid": sendgrid.WITHOUT_EFFECT, "Easymail": EASYMAIL_WITHOUT_EFFECT}
"""The fields that are accepted and have no effect on mail, by the API. The native API has none."""


class Routes(EndpointEnumerator):
    """The routes without a trailing slash, which is accepted everywhere and required nowhere."""

    def get_path_from_regex(self, path_regex: str) -> str:
        path: str = super().get_path_from_regex(path_regex)
        return path.rstrip("/")


class Document(SchemaGenerator):
    """The document of drf-spectacular, with the components of the APIs and with calls that are plain functions."""

    endpoint_inspector_cls = Routes

    def get_schema(self, request: Any = None, public: bool = True) -> Piece:
        document: Piece = super().get_schema(request=request, public=public)
        document["paths"] = dict(sorted({**document["paths"], **sendgrid.PATHS}.items()))
        document["components"]["schemas"] |= native.COMPONENTS | sendgrid.COMPONENTS | easymail.COMPONENTS
        return document


def make_document() -> Piece:
    """Return the whole document, with the fields that have no effect described."""
    document = Document().get_schema()
    describe_fields(document, [declared for declarations in WITHOUT_EFFECT.values() for declared in declarations])
    return document


@cache
def document_text() -> str:
    """Return the document as JSON. A process makes it once, because it depends on the code alone."""
    return json.dumps(make_document(), separators=(",", ":"))
