"""Describe the calls of `contact_files/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, component, list_of, nullable, one_of, record
from api.sendgrid.contact_files.inputs import FILE_MEGABYTES, MAX_COLUMNS
from api.sendgrid.contacts.schema import LIST_IDS
from api.sendgrid.words import PAGE, REPEATABLE, SELF, UUID, marketing_call
from api.without_effect import WithoutEffect
from audience.jobs.exports import FileFormat
from audience.models import JobStatus

FILES = "SendGrid: imports and exports of contacts"
COUNTS = ("requested_count", "created_count", "updated_count", "deleted_count", "errored_count")
NAMED = list_of(record(ID=UUID, Name=TEXT))
STATUS = one_of(("pending", "ready", "failure"))
EXPORT: dict[str, Piece] = {
    "id": UUID,
    "status": STATUS,
    "created_at": TIME,
    "completed_at": nullable(TIME),
    "expires_at": nullable(TIME),
    "urls": list_of(TEXT),
    "_metadata": SELF,
}
EXPORT_FILES: dict[str, Piece] = {
    "notifications": {"type": "object", "properties": {"email": FLAG}},
    "file_type": one_of(FileFormat),
    "max_file_size": {
        **NUMBER,
        "minimum": 1,
        "maximum": FILE_MEGABYTES,
        "description": "The largest size of one packed file, in megabytes.",
    },
}

COMPONENTS: dict[str, Piece] = {
    "NewImport": {
        "type": "object",
        "properties": {
            "list_ids": LIST_IDS,
            "file_type": one_of(["csv"]),
            "field_mappings": {
                **list_of(nullable({**TEXT, "example": "_rf2_T"})),
                "minItems": 1,
                "maxItems": MAX_COLUMNS,
                "description": "The id of the field for each column, or null to skip the column.",
            },
        },
        "required": ["file_type", "field_mappings"],
    },
    "Import": record(
        job_id=UUID,
        upload_uri={**TEXT, "description": "The address to which the file is uploaded, plain or packed with gzip."},
        upload_headers=list_of(record(header=TEXT, value=TEXT)),
    ),
    "ContactJob": record(
        id=UUID,
        status=one_of(JobStatus),
        job_type=one_of(("upsert", "delete")),
        results=record(**dict.fromkeys(COUNTS, NUMBER), errors_url=TEXT),
        started_at=nullable(TIME),
        finished_at=nullable(TIME),
        message=TEXT,
    ),
    "NewExport": {
        "type": "object",
        "properties": {
            "list_ids": LIST_IDS,
            "segment_ids": LIST_IDS,
            **EXPORT_FILES,
        },
    },
    "Export": record(**EXPORT, updated_at=TIME, message=TEXT, contact_count=NUMBER),
    "ExportLine": record(**EXPORT, user_id=TEXT, export_type=TEXT, lists=NAMED, segments=NAMED),
}

WITHOUT_EFFECT: Final = (
    WithoutEffect(
        ("export_contacts", "export_recipients"), ("notifications",), "Nobody is mailed when an export is ready."
    ),
)

imports = extend_schema_view(
    put=marketing_call(
        "import_contacts",
        "Import contacts from a file in a job",
        tag=FILES,
        body=component("NewImport"),
        replies={200: Reply("The job, which waits for the file.", component("Import"))},
        refusals=[404],
    ),
)
one_import = extend_schema_view(
    get=marketing_call(
        "get_contact_job",
        "Get the progress of an import, an upsert or a deletion",
        tag=FILES,
        replies={200: Reply("The job.", component("ContactJob"))},
        refusals=[404],
    ),
)
exports = extend_schema_view(
    get=marketing_call(
        "list_exports",
        "List the account's exports, the newest first",
        tag=FILES,
        query=PAGE,
        replies={
            200: Reply(
                "A page of the list.",
                record(result=list_of(component("ExportLine")), _metadata=component("PageMetadata")),
            )
        },
        refusals=[400],
    ),
    post=marketing_call(
        "export_contacts",
        "Export the contacts of lists and segments, or all, in a job",
        tag=FILES,
        body=component("NewExport"),
        replies={202: Reply("The job.", record(id=UUID, _metadata=SELF))},
        refusals=[*REPEATABLE, 404],
    ),
)
one_export = extend_schema_view(
    get=marketing_call(
        "get_export",
        "Get the progress of an export, and the addresses of its files",
        tag=FILES,
        replies={200: Reply("The export.", component("Export"))},
        refusals=[404],
    ),
)
