"""Write legacy exports. They are the exports of the newer API, whose values that are null are left out here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from api.sendgrid.contact_files.outputs import EXPORT_STATUS
from audience.models import Job, JobStatus
from foundation.clock import moment

Names = Mapping[str, Mapping[int, str]]
"""The names of the account's `lists` and `segments`, by id."""


def address_of(request: Request, job: Job) -> dict[str, str]:
    """Return the address of an export."""
    return {"self": request.build_absolute_uri(f"/v3/contactdb/exports/{job.uuid}")}


def export(request: Request, job: Job, urls: Sequence[str]) -> dict[str, Any]:
    """Return an export with its progress."""
    return {
        **_progress(request, job, urls),
        "updated_at": moment(job.finished_at or job.started_at or job.created_at),
        "message": job.message,
        "recipient_count": job.requested_count,
    }


def export_line(request: Request, job: Job, urls: Sequence[str], names: Names) -> dict[str, Any]:
    """Return an export as an entry of a list."""
    return {
        **_progress(request, job, urls),
        "user_id": str(job.account_id),
        "export_type": _type_of(job),
        "lists": _named(job.options["lists"], names["lists"]),
        "segments": _named(job.options["segments"], names["segments"]),
    }


def _progress(request: Request, job: Job, urls: Sequence[str]) -> dict[str, Any]:
    # An export that has not ended is kept for this time at least.
    expires_at = job.expires_at or job.created_at + dt.timedelta(days=settings.JOB_DAYS)
    return {
        "id": str(job.uuid),
        "status": EXPORT_STATUS[JobStatus(job.status)],
        "created_at": moment(job.created_at),
        **({"completed_at": moment(job.finished_at)} if job.finished_at else {}),
        "expires_at": moment(expires_at),
        "urls": list(urls),
        "_metadata": address_of(request, job),
    }


def _type_of(job: Job) -> str:
    if job.options["lists"]:
        return "list_export"
    return "segment_export" if job.options["segments"] else "contacts_export"


def _named(numbers: Collection[int], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return those lists or segments that still exist."""
    return [{"ID": number, "Name": names[number]} for number in numbers if number in names]
