"""Write designs."""

from __future__ import annotations

from typing import Any

from content.models import Design
from foundation.clock import moment


def line(design: Design) -> dict[str, Any]:
    """Return a design as an entry of a list."""
    return {
        "id": str(design.uuid),
        "name": design.name,
        "generate_plain_content": design.generates_plain,
        # There are no pictures of designs.
        "thumbnail_url": "",
        "subject": design.subject,
        "created_at": moment(design.created_at),
        "updated_at": moment(design.updated_at),
        "editor": design.editor,
        "categories": design.categories,
    }


def design(row: Design) -> dict[str, Any]:
    """Return a whole design, with the content as it was saved."""
    return {**line(row), "html_content": row.html_content, "plain_content": row.plain_content}
