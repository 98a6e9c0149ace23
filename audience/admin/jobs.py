"""Show imports, upserts, deletions and exports with their progress and the rows that were rejected."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from audience.admin.importing import MAY_IMPORT, import_file
from audience.jobs.files import write_rejected
from audience.models import Job, JobKind, JobStatus, RejectedRow
from batches.admin.asking import Figure, require
from batches.admin.batches import AccountFilter
from batches.admin.figures import BAR_COLOURS
from foundation.admin import ReadOnlyAdmin, coloured, write_time

MAY_SEE = "audience.view_job"
STATUS_COLOURS: dict[str, str] = {
    "waiting for its file": "",
    "pending": "info",
    "under way": "primary",
    "completed": "success",
    "errored": "warning",
    "failed": "danger",
}
REFRESH_SECONDS = 2
ROWS_SHOWN = 50


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin[Job]):
    """Show jobs. They are started by the APIs, and by the import of a file here."""

    list_display = ("__str__", "shown_status", "shown_account", "made", "progress", "message")
    list_select_related = ("account",)
    list_filter = ("kind", "status", AccountFilter)
    ordering = ("-pk",)
    change_form_template = "audience/job.html"
    change_list_template = "audience/jobs.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("import/", view(import_file), name="audience_job_import"),
            path("<int:job_id>/rejected.csv", view(download_rejected), name="audience_job_rejected"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        may_import = {"may_import": request.user.has_perm(MAY_IMPORT)}
        return super().changelist_view(request, {**(extra_context or {}), **may_import})

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context.update(show_job(kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)

    @coloured(STATUS_COLOURS)
    @admin.display(description="status")
    def shown_status(self, job: Job) -> str:
        return describe_status(job)

    @admin.display(description="account")
    def shown_account(self, job: Job) -> str:
        return job.account.username

    @admin.display(description="created (UTC)")
    def made(self, job: Job) -> str:
        return write_time(job.created_at)

    @admin.display(description="progress")
    def progress(self, job: Job) -> SafeString:
        return draw_progress(job)


def describe_status(job: Job) -> str:
    """Return the status of a job in words, which distinguish the steps of a pending job."""
    if job.status != JobStatus.PENDING:
        return job.status
    if job.uploaded_at is None:
        return "waiting for its file"
    return "under way" if job.started_at else "pending"


def draw_progress(job: Job) -> SafeString:
    """Draw a bar of the results of a job's rows so far. Their total number is not known before the end."""
    counts = [
        ("created", job.created_count, BAR_COLOURS["sent"]),
        ("updated", job.updated_count, BAR_COLOURS["due"]),
        ("deleted", job.deleted_count, BAR_COLOURS["discarded"]),
        ("rejected", job.errored_count, BAR_COLOURS["refused"]),
    ]
    total = sum(count for _, count, _ in counts)
    shares = [
        {"name": state, "state": state, "messages": count, "percent": f"{100 * count / total:.2f}", "colour": colour}
        for state, count, colour in counts
        if count
    ]
    return render_to_string("audience/job_bar.html", {"shares": shares, "about": f"job:{job.pk}"})


def show_job(job: Job) -> dict[str, Any]:
    """Return the context of a job's page. The page reloads itself while the job is under way."""
    rows = RejectedRow.objects.filter(job=job).order_by("number")[:ROWS_SHOWN] if job.errored_count else []
    status, key = describe_status(job), f"job:{job.pk}"
    return {
        "job": job,
        "status": status,
        "status_colour": STATUS_COLOURS[status],
        "progress": draw_progress(job),
        "figures": [
            Figure("Processed", job.requested_count, key=f"{key}:processed"),
            Figure("Created", job.created_count, key=f"{key}:created"),
            Figure("Deleted", job.deleted_count, key=f"{key}:deleted")
            if job.kind == JobKind.DELETE
            else Figure("Updated or unchanged", job.updated_count, key=f"{key}:updated"),
            Figure("Rejected", job.errored_count, key=f"{key}:rejected"),
        ],
        "rejected": {
            "headers": ["Row", "Reason", "Original text"],
            "rows": [[f"{row.number:,}", row.reason, row.text] for row in rows],
        },
        "rejected_link": reverse("admin:audience_job_rejected", args=[job.pk]) if job.errored_count else "",
        "shown": ROWS_SHOWN,
        "refresh_seconds": REFRESH_SECONDS if job.status == JobStatus.PENDING and job.uploaded_at else None,
    }


def download_rejected(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """Stream the rejected rows of a job as a CSV file."""
    require(request, MAY_SEE)
    job = get_object_or_404(Job, pk=job_id)
    return StreamingHttpResponse(
        write_rejected(job),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="rejected-{job.uuid}.csv"'},
    )
