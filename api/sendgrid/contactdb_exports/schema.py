"""Describe the calls of `contactdb_exports/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import extend_schema_view

from api.openapi import NUMBER, TEXT, TIME, Piece, Reply, component, list_of, one_of, record
from api.sendgrid.contact_files.schema import EXPORT_FILES, STATUS
from api.sendgrid.contacts.inputs import MAX_LISTS
from api.sendgrid.words import PAGE, REPEATABLE, SELF, UUID, call

EXPORTS: Final = "SendGrid: legacy exports of contacts"
IDS: Piece = {**list_of(NUMBER), "maxItems": MAX_LISTS}
NAMED = list_of(record(ID=NUMBER, Name=TEXT))
PROGRESS: dict[str, Piece] = {
    "id": UUID,
    "status": STATUS,
    "created_at": TIME,
    "completed_at": TIME,
    "expires_at": TIME,
    "urls": list_of(TEXT),
    "_metadata": SELF,
}


def maybe_completed(**properties: Piece) -> Piece:
    """Return the piece of an export, which has `completed_at` once it has ended."""
    piece = record(**PROGRESS, **properties)
    return {**piece, "required": [name for name in piece["required"] if name != "completed_at"]}


COMPONENTS: dict[str, Piece] = {
    "NewLegacyExport": {
        "type": "object",
        "properties": {"list_ids": IDS, "segment_ids": IDS, **EXPORT_FILES},
    },
    "LegacyExport": maybe_completed(updated_at=TIME, message=TEXT, recipient_count=NUMBER),
    "LegacyExportLine": maybe_completed(
        user_id=TEXT,
        export_type=one_of(("contacts_export", "list_export", "segment_export")),
        lists=NAMED,
        segments=NAMED,
    ),
}

exports = extend_schema_view(
    get=call(
        "list_legacy_exports",
        "List the exports of the account, the newest first",
        tag=EXPORTS,
        query=PAGE,
        replies={
            200: Reply(
                "A page of the list.",
                record(
                    result=list_of(component("LegacyExportLine")),
                    _metadata={**record(self=TEXT), "properties": {"self": TEXT, "prev": TEXT, "next": TEXT}},
                ),
            )
        },
        refusals=[400],
    ),
    post=call(
        "export_recipients",
        "Export the recipients of lists and segments, or all, in a job",
        tag=EXPORTS,
        body=component("NewLegacyExport"),
        replies={202: Reply("The job.", record(id=UUID, _metadata=SELF))},
        refusals=[*REPEATABLE, 404],
    ),
)
one_export = extend_schema_view(
    get=call(
        "get_legacy_export",
        "Get the progress of an export, and the addresses of its files",
        tag=EXPORTS,
        replies={200: Reply("The export.", component("LegacyExport"))},
        refusals=[404],
    ),
)
