"""Limit the texts of templates and designs, whichever API or page they come from."""

from __future__ import annotations

from typing import Final

from content.errors import InvalidTemplate
from foundation.texts import check_line

TEMPLATES: Final = 300
VERSIONS: Final = 300
"""The most versions of one template."""
DESIGNS: Final = 1000
NAME_LENGTH: Final = 100
SUBJECT_LENGTH: Final = 255
DESIGN_SUBJECT_LENGTH: Final = 5000
CONTENT_BYTES: Final = 2**20
"""The most bytes of an HTML or plain text in UTF-8."""


def check_name(name: str) -> None:
    """Accept a name of a template, a version or a design. Raises InvalidTemplate and UnfitCharacter."""
    check_line(name, field="name")
    if not name.strip() or len(name) > NAME_LENGTH:
        raise InvalidTemplate(f"a name has 1 to {NAME_LENGTH} characters", field="name")


def check_subject(subject: str, *, longest: int = SUBJECT_LENGTH) -> None:
    """Accept a subject, which becomes a header. Raises InvalidTemplate and UnfitCharacter."""
    check_line(subject, field="subject")
    if len(subject) > longest:
        raise InvalidTemplate(f"a subject has at most {longest} characters", field="subject")


def check_content(text: str, *, field: str) -> None:
    """Accept an HTML or plain text. Raises InvalidTemplate."""
    if len(text) > CONTENT_BYTES or len(text.encode()) > CONTENT_BYTES:
        raise InvalidTemplate(f"{field} exceeds the 1MB limit", field=field)
