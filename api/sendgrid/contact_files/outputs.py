"""Write imports and exports, and other jobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from rest_framework.request import Request

from api.sendgrid.outputs import metadata_of, moment
from audience.models import Job, JobKind, JobStatus

EXPORT_STATUS: Final = {
    JobStatus.PENDING: "pending",
    JobStatus.COMPLETED: "ready",
    JobStatus.ERRORED: "failure",
    JobStatus.FAILED: "failure",
}


# --- jobs -------------------------------------------------------------------------------------------------------------


def job(found: Job, errors_url: str) -> dict[str, Any]:
    """Return the progress of an upsert, an import or a deletion. `message`, which is ours, says why it failed."""
    return {
        "id": str(found.uuid),
        "status": found.status,
        "job_type": "delete" if found.kind == JobKind.DELETE else "upsert",
        "results": {
            "requested_count": found.requested_count,
            "created_count": found.created_count,
            "updated_count": found.updated_count,
            "deleted_count": found.deleted_count,
            "errored_count": found.errored_count,
            "errors_url": errors_url,
        },
        "started_at": moment(found.started_at),
        "finished_at": moment(found.finished_at),
        "message": found.message,
    }


def export(request: Request, found: Job, urls: Sequence[str]) -> dict[str, Any]:
    return {
        "id": str(found.uuid),
        "status": EXPORT_STATUS[JobStatus(found.status)],
        "created_at": moment(found.created_at),
        "updated_at": moment(found.finished_at or found.started_at or found.created_at),
        "completed_at": moment(found.finished_at),
        "expires_at": moment(found.expires_at),
        "urls": list(urls),
        "message": found.message,
        "contact_count": found.requested_count,
        "_metadata": metadata_of(request, f"contacts/exports/{found.uuid}"),
    }


def export_line(request: Request, found: Job, urls: Sequence[str], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return an export as an entry of a list. `names` holds the names of lists and segments by their numbers."""
    whole = export(request, found, urls)
    told = ("id", "status", "created_at", "completed_at", "expires_at", "urls", "_metadata")
    return {
        **{name: whole[name] for name in told},
        "user_id": str(found.account_id),
        "export_type": "contacts_export",
        "lists": named(found.options["lists"], names["lists"]),
        "segments": named(found.options["segments"], names["segments"]),
    }


def named(numbers: Collection[int], names: Mapping[int, tuple[str, str]]) -> list[dict[str, str]]:
    """Return those lists or segments that still exist."""
    return [dict(zip(("ID", "Name"), names[number], strict=True)) for number in numbers if number in names]
