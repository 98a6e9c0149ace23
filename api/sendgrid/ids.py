"""Read the ids that requests and paths hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from api.sendgrid.errors import Problem, Refusal


def to_uuids(given: Sequence[str], name: str = "ids") -> list[UUID]:
    if not all(map(UUID_TEXT.fullmatch, given)):
        raise Refusal(400, Problem(f"{name} must be UUIDs", name))
    return [UUID(each) for each in given]


HIGHEST_ID: Final = 2**31 - 1
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def find_uuid(text: str) -> UUID | None:
    """The UUID of that text in its one usual form; None if it is none."""
    return UUID(text) if UUID_TEXT.fullmatch(text) else None
