"""Write the jobs of imports and exports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from rest_framework.request import Request

from api.sendgrid.outputs import metadata_of
from audience.models import Job, JobKind, JobStatus
from foundation.clock import moment

EXPORT_STATUS: Final = {
    JobStatus.PENDING: "pending",
    JobStatus.COMPLETED: "ready",
    JobStatus.ERRORED: "failure",
    JobStatus.FAILED: "failure",
}


def job(row: Job, errors_url: str) -> dict[str, Any]:
    """Return the progress of an upsert, an import or a deletion. `message`, which is ours, says why it failed."""
    return {
        "id": str(row.uuid),
        "status": row.status,
        "job_type": "delete" if row.kind == JobKind.DELETE else "upsert",
        "results": {
            "requested_count": row.requested_count,
            "created_count": row.created_count,
            "updated_count": row.updated_count,
            "deleted_count": row.deleted_count,
            "errored_count": row.errored_count,
            "errors_url": errors_url,
        },
        "started_at": moment(row.started_at),
        "finished_at": moment(row.finished_at),
        "message": row.message,
    }


def export(request: Request, row: Job, urls: Sequence[str]) -> dict[str, Any]:
    """Return an export with its progress. `message`, which is ours, says why it failed."""
    return {
        "id": str(row.uuid),
        "status": EXPORT_STATUS[JobStatus(row.status)],
        "created_at": moment(row.created_at),
        "updated_at": moment(row.finished_at or row.started_at or row.created_at),
        "completed_at": moment(row.finished_at),
        "expires_at": moment(row.expires_at),
        "urls": list(urls),
        "message": row.message,
        "contact_count": row.requested_count,
        "_metadata": metadata_of(request, f"contacts/exports/{row.uuid}"),
    }


def export_line(request: Request, row: Job, urls: Sequence[str], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return an export as an entry of a list. `names` holds the names of lists and segments by their numbers."""
    whole = export(request, row, urls)
    names_shown = ("id", "status", "created_at", "completed_at", "expires_at", "urls", "_metadata")
    return {
        **{name: whole[name] for name in names_shown},
        "user_id": str(row.account_id),
        "export_type": "contacts_export",
        "lists": _named(row.options["lists"], names["lists"]),
        "segments": _named(row.options["segments"], names["segments"]),
    }


def _named(numbers: Collection[int], names: Mapping[int, tuple[str, str]]) -> list[dict[str, str]]:
    """Return those lists or segments that still exist."""
    return [dict(zip(("ID", "Name"), names[number], strict=True)) for number in numbers if number in names]
