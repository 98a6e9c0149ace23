"""Export the events of messages that a query selects as a CSV file with SendGrid's columns.

Messages are read from the newest on, a page of them at a time. The events of a page become one chunk, packed with gzip,
in the transaction that moves the cursor. An export ends after a number of events, or of messages looked at.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Final

from django.conf import settings

from accounts.models import Account
from audience.jobs.csv_files import protect, write_rows
from audience.jobs.files import read_chunks
from audience.jobs.lifecycle import keep_lease, open_job, write_page
from audience.locks import time_limit
from audience.models import Job, JobChunk, JobKind
from foundation.clock import moment
from mailer.activity.finding import read_page
from mailer.activity.language import read_query
from mailer.activity.records import Activity, Happening, Name

MOST_EVENTS: Final = 1_000_000
"""SendGrid's limit of an export."""
MOST_LOOKED_AT: Final = 5_000_000
COLUMNS: Final = (
    *("processed", "message_id", "event", "api_key_id", "recv_message_id", "credential_id", "subject", "from"),
    *("email", "asm_group_id", "template_id", "originating_ip", "reason", "outbound_ip", "outbound_ip_type", "mx"),
    *("attempt", "url", "user_agent", "type", "is_unique", "username", "categories", "marketing_campaign_id"),
    *("marketing_campaign_name", "marketing_campaign_split_id", "marketing_campaign_version", "unique_args"),
)
"""The columns of SendGrid's file. The values that are not recorded here are empty."""
OF_OTHERS: Final = frozenset({"subject", "from", "email", "reason", "user_agent"})
"""The columns whose values a spreadsheet could take for formulas. An id may begin with a hyphen; it is not changed."""


def begin_event_export(account: Account, query: str) -> Job:
    """Start a job that exports the events of the messages that a query selects. Raises InvalidActivityQuery."""
    read_query(query)
    return open_job(account, JobKind.EVENTS, {"query": query})


def event_export_pages(job: Job) -> Iterator[None]:
    """Write the remaining events, one page of messages per step.

    `cursor` is the id of the oldest message looked at, or 0; `row` the number of the next chunk; `requested_count` the
    number of recipients looked at; `created_count` the number of events so far. Raises LeaseLost.
    """
    condition = read_query(job.options["query"])
    while job.created_count < MOST_EVENTS and job.requested_count < MOST_LOOKED_AT:
        keep_lease(job)
        with time_limit(settings.JOB_STATEMENT_SECONDS):
            page = read_page(job.account, condition, before=job.cursor or None)
        if page.before is None:
            return
        rows = [_cells(job.account, activity, event) for activity in page.activities for event in activity.events]
        rows = rows[: MOST_EVENTS - job.created_count]
        with write_page(job):
            if rows:
                JobChunk.objects.create(job=job, number=job.row, data=gzip.compress(write_rows(rows), mtime=0))
                job.row += 1
            job.cursor = page.before
            job.requested_count += page.looked_at
            job.created_count += len(rows)
        yield


def read_event_export(job: Job) -> Iterator[bytes]:
    """Yield the file of a finished export."""
    yield write_rows([list(COLUMNS)])
    yield from map(gzip.decompress, read_chunks(job))


def _cells(account: Account, activity: Activity, event: Happening) -> list[str]:
    """Return the cells of an event, in the order of the columns."""
    cells = {
        "processed": moment(event.at),
        "message_id": activity.msg_id,
        "event": event.name,
        "subject": activity.subject,
        "from": activity.from_email,
        "email": activity.to_email,
        "asm_group_id": activity.asm_group_id,
        "template_id": activity.template_id,
        "reason": event.reason,
        "attempt": event.attempt,
        "type": ("bounce" if event.is_hard else "blocked") if event.name is Name.BOUNCED else None,
        "user_agent": event.user_agent,
        "username": account.username,
        "categories": json.dumps(activity.mail.categories, ensure_ascii=False),
        "unique_args": json.dumps(activity.custom_args, ensure_ascii=False),
    }
    texts = {name: "" if cells.get(name) is None else str(cells[name]) for name in COLUMNS}
    return [protect(text) if name in OF_OTHERS else text for name, text in texts.items()]
