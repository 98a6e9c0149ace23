"""Describe the calls of `keys/views.py` in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from accounts.keys import NAME_LENGTH
from api.openapi import NUMBER, TEXT, Piece, Reply, list_of, record
from api.sendgrid.words import call

API_KEYS = "SendGrid: API keys"
NAME: Piece = {**TEXT, "minLength": 1, "maxLength": NAME_LENGTH}
SCOPES = list_of(TEXT)
KEY = record(api_key_id=TEXT, name=TEXT)
KEY_DETAILS = record(api_key_id=TEXT, name=TEXT, scopes=SCOPES)
LIMIT = OpenApiParameter(
    "limit", {**NUMBER, "minimum": 1, "maximum": 999_999}, description="The largest number of entries in the response."
)

api_keys = extend_schema_view(
    get=call(
        "list_api_keys",
        "List the account's API keys",
        tag=API_KEYS,
        query=[LIMIT],
        replies={200: Reply("The keys.", record(result=list_of(KEY)))},
        refusals=[400],
    ),
    post=call(
        "create_api_key",
        "Create an API key; without scopes it gets those of the calling key",
        tag=API_KEYS,
        body={**record(name=NAME), "properties": {"name": NAME, "scopes": SCOPES}},
        replies={
            201: Reply("The new key, which is never shown again.", record(api_key=TEXT, **KEY_DETAILS["properties"])),
        },
    ),
)
one_api_key = extend_schema_view(
    get=call(
        "get_api_key",
        "Get an API key",
        tag=API_KEYS,
        replies={200: Reply("The key.", KEY_DETAILS)},
        refusals=[404],
    ),
    put=call(
        "replace_api_key",
        "Replace the name and the scopes of a key",
        tag=API_KEYS,
        body=record(name=NAME, scopes={**SCOPES, "minItems": 1}),
        replies={200: Reply("The key.", KEY_DETAILS)},
        refusals=[404],
    ),
    patch=call(
        "rename_api_key",
        "Rename a key",
        tag=API_KEYS,
        body=record(name=NAME),
        replies={200: Reply("The key.", KEY)},
        refusals=[404],
    ),
    delete=call(
        "revoke_api_key",
        "Revoke a key; the next request with it is refused",
        tag=API_KEYS,
        replies={204: Reply("The key is revoked.")},
        refusals=[404],
    ),
)
scopes = extend_schema_view(
    get=call(
        "list_scopes",
        "List the scopes of the calling key",
        tag=API_KEYS,
        replies={200: Reply("The scopes of the calling key.", record(scopes=SCOPES))},
    ),
)
