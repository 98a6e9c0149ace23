"""Export the messages of a list as CSV, written while it is read.

The file has what the list shows and the last outcome of each message. It is bounded by a number of rows and by a time:
a last line then says where to go on. A cell that a spreadsheet could take for a formula gets an apostrophe.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from audience.jobs.csv_files import protect, write_rows
from batches.admin.asking import refuse, require
from foundation.clock import moment
from mailer.admin.filtering import ListForm
from mailer.admin.message_list import MAY_SEE, read_place
from mailer.listing.filters import Filters
from mailer.listing.finding import find_messages
from mailer.listing.parcels import Place
from mailer.listing.rows import Row, read_rows
from mailer.models import Classification, Event, EventKind
from mailer.outcomes.reading import OUTCOMES, read_events

CSV: Final = "text/csv; charset=utf-8"
MOST_ROWS: Final = 100_000
MOST_SECONDS: Final = 60.0
PAGE: Final = 500
COLUMNS: Final = (
    *("message_id", "x_message_id", "recipient", "state", "account", "batch_id", "label", "send_at", "subject"),
    *("last_outcome", "last_outcome_at", "class", "classification", "reply"),
)
OF_OTHERS: Final = frozenset({"recipient", "label", "subject", "reply"})
"""The columns whose values come from outside. An id may begin with a hyphen; it is not changed."""


@require_safe
def export_messages(request: HttpRequest) -> HttpResponseBase:
    """Answer with a file of the messages that the filters of the address select, from a place of the list on."""
    require(request, MAY_SEE)
    form = ListForm(request.GET)
    if not form.is_valid():
        return refuse(
            request, "Nothing was exported: a filter is not valid.", reverse("admin:mailer_message_changelist")
        )
    headers = {"Content-Disposition": 'attachment; filename="messages.csv"', "Cache-Control": "no-store"}
    if request.method == "HEAD":
        return HttpResponse(content_type=CSV, headers=headers)
    place = read_place(request.GET)
    rows = write_file(form.filters, place._replace(is_upward=False), request.build_absolute_uri)
    return StreamingHttpResponse(rows, content_type=CSV, headers=headers)


def write_file(filters: Filters, place: Place, absolute: Callable[[str], str]) -> Iterator[bytes]:
    """Yield the file, a page at a time. `absolute` makes an address absolute."""
    yield write_rows([COLUMNS])
    written, until = 0, time.monotonic() + MOST_SECONDS
    while True:
        page = find_messages(filters, place, limit=min(PAGE, MOST_ROWS - written))
        yield write_rows(_rows(read_rows(page.ids, page.standings)))
        written += len(page.ids)
        if page.end is None:
            return
        place = Place(page.end)
        if written >= MOST_ROWS or time.monotonic() >= until:
            query = {**filters.as_query(), "before": str(page.end)}
            address = absolute(reverse("export_messages", query=query))
            yield write_rows([["incomplete", f"The file ends after {written:,} messages. It goes on at {address}"]])
            return


def _rows(rows: Sequence[Row]) -> list[list[str]]:
    events = read_events([row.message.pk for row in rows], kinds=OUTCOMES)
    return [_cells(row, events.get(row.message.pk, [])) for row in rows]


def _cells(row: Row, events: Sequence[Event]) -> list[str]:
    """Return the cells of a message, in the order of the columns."""
    mail, last = row.mail, events[-1] if events else None
    number = last.classification if last else None
    classification = None if number is None else Classification(number)
    cells = {
        "message_id": str(row.message.pk),
        "x_message_id": mail.public_id if mail else "",
        "recipient": row.message.recipient,
        "state": row.state,
        "account": mail.account.username if mail else "",
        "batch_id": mail.batch.public_id if mail and not mail.batch.is_default else "",
        "label": mail.batch.label if mail else "",
        "send_at": moment(row.send_at) or "",
        "subject": row.subject,
        "last_outcome": EventKind(last.kind).label if last else "",
        "last_outcome_at": (moment(last.at) or "") if last else "",
        "class": classification.reply_class.label if classification else "",
        "classification": classification.label if classification else "",
        "reply": (last.reply or "") if last else "",
    }
    return [protect(cells[name]) if name in OF_OTHERS else cells[name] for name in COLUMNS]
