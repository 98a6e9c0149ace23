"""Describe the calls of `views/keys.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import ID, call, envelope_of, page_of
from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, component, list_of, nullable, record

KEY: dict[str, Piece] = {
    "id": ID,
    "name": TEXT,
    "account": TEXT,
    "created_at": TIME,
    "revoked_at": nullable(TIME),
}
COMPONENTS: dict[str, Piece] = {
    "Key": record(**KEY),
    "RevokedKey": record(
        **KEY,
        stopped=nullable(
            record(
                settled=FLAG,
                **dict.fromkeys(("campaigns", "batches", "messages"), NUMBER),
                receipts=list_of(component("Receipt")),
            )
        ),
    ),
    "RevocationDryRun": record(
        dry_run=FLAG, **KEY, **dict.fromkeys(("campaigns", "batches", "messages"), NUMBER), exact=FLAG
    ),
}

keys = extend_schema_view(
    get=call(
        "list_keys",
        "List the valid keys of the account, oldest first",
        tag="keys",
        refusals=[422],
        replies={200: Reply("All keys, on one page.", page_of("Key"))},
    ),
)
revoke_key = extend_schema_view(
    post=call(
        "revoke_key",
        "Revoke a key of the account or a subuser, and stop what it scheduled if `stop_scheduled` is true",
        tag="keys",
        body=inputs.RevokeForm,
        replies={
            200: Reply(
                "The revoked key. A dry run changes nothing, and its response has the counts instead.",
                {"oneOf": [envelope_of("RevokedKey"), envelope_of("RevocationDryRun")]},
            )
        },
        refusals=[404],
    ),
)
key_revocation = extend_schema_view(
    get=call(
        "get_key_revocation",
        "Get a revoked key, and what was stopped with it so far",
        tag="keys",
        replies={200: Reply("The revoked key.", envelope_of("RevokedKey"))},
        refusals=[404, 422],
    ),
)
