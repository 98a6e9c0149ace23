"""Write lists of contacts."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from api.sendgrid.outputs import metadata_of
from audience.models import ContactList


def contact_list(request: Request, row: ContactList) -> dict[str, Any]:
    """Return a list with the count of its contacts."""
    return {
        "id": str(row.uuid),
        "name": row.name,
        "contact_count": row.contact_count,
        "_metadata": metadata_of(request, f"lists/{row.uuid}"),
    }
