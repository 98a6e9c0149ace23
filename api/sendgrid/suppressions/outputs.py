"""Write suppression lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from typing import Any

from django.http import HttpRequest

from api.sendgrid.outputs import seconds_of
from api.sendgrid.statistics.outputs import as_text
from mailer.models import Suppression, SuppressionKind
from mailer.outcomes.refusals import Refusals


def suppression(row: Suppression) -> dict[str, Any]:
    """Return an entry of a suppression list. The fields differ between the kinds of lists."""
    entry: dict[str, Any] = {"created": seconds_of(row.created_at), "email": row.email}
    if row.kind in WITH_REASON:
        entry["reason"] = row.reason
    if row.kind in WITH_STATUS:
        entry["status"] = row.status
    if row.kind == SuppressionKind.SPAM:
        entry["ip"] = ""  # the address of the sending server is not known
    return entry


WITH_REASON = {SuppressionKind.BOUNCE, SuppressionKind.BLOCK, SuppressionKind.INVALID}
WITH_STATUS = {SuppressionKind.BOUNCE, SuppressionKind.BLOCK}


RELATIONS = ("next", "prev", "first", "last")


def page_links(
    request: HttpRequest, *, limit: int, offset: int, total: int, relations: Collection[str] = RELATIONS
) -> dict[str, str]:
    """Return the Link header of a part of a list, with links to its other parts."""
    last = max(0, total - 1) // limit
    page = offset // limit
    pages = {"next": min(page + 1, last), "prev": max(page - 1, 0), "first": 0, "last": last}
    links = []
    for rel in relations:
        number = pages[rel]
        query = request.GET.copy()
        query["limit"], query["offset"] = str(limit), str(number * limit)
        address = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        links.append(f'<{address}>; rel="{rel}"; title="{number + 1}"')
    return {"Link": ", ".join(links)}


def refusals(days: Refusals, column: str) -> dict[str, Any]:
    """Return the refusals of each day by the names in a column."""
    return {
        "result": [
            {"date": day.isoformat(), "stats": [{column: name, "count": number} for name, number in rows]}
            for day, rows in days.items()
        ]
    }


def refusals_csv(days: Refusals, column: str) -> str:
    """Return the same as lines of CSV, one for each day and name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["date", column, "count"])
    for day, rows in days.items():
        writer.writerows([day.isoformat(), as_text(name), number] for name, number in rows)
    return text.getvalue()
