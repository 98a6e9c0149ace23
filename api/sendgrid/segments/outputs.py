"""Write segments that are written as queries."""

from __future__ import annotations

from typing import Any, Final

from audience.models import Segment
from audience.segments import FRESH
from foundation.clock import moment

VALID: Final = {"query_validation": "VALID", "error_message": ""}
"""Every stored segment is valid: an invalid query is refused at once."""


def line(row: Segment) -> dict[str, Any]:
    """Return a segment as an entry of a list."""
    counted_at = row.counted_at
    is_of_list = row.list is not None and row.list.deleted_at is None
    return {
        "id": str(row.uuid),
        "name": row.name,
        "contacts_count": row.contact_count or 0,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "sample_updated_at": moment(counted_at),
        "next_sample_update": moment(counted_at and counted_at + FRESH),
        "parent_list_ids": [str(row.list.uuid)] if row.list and is_of_list else [],
        "query_version": "2",
        "status": VALID,
    }


def segment(row: Segment, sample: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a whole segment. A segment that was written in legacy conditions has no query that could be shown."""
    return {
        **line(row),
        "query_dsl": row.written if isinstance(row.written, str) else "",
        "contacts_sample": sample,
        "last_refreshed_at": moment(row.counted_at),
    }
