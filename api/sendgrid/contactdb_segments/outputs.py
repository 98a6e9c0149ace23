"""Write legacy segments."""

from __future__ import annotations

from typing import Any

from audience.models import Segment


def segment(row: Segment) -> dict[str, Any]:
    """Return a segment. A segment that was written as a query has no conditions that could be shown here."""
    return {
        "id": row.pk,
        "name": row.name,
        **({} if row.list_id is None else {"list_id": row.list_id}),
        "conditions": row.written if isinstance(row.written, list) else [],
        "recipient_count": row.contact_count or 0,
    }
