"""Read the test data of a version: the JSON object that fills previews and test mail."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic_core import from_json

from content.errors import InvalidTemplate
from content.limits import CONTENT_BYTES

RULE: Final = "test_data must be a JSON object in text form"
NUL: Final = "\\u0000"
"""An escape of JSON for a character that PostgreSQL cannot store."""


def read_test_data(text: str) -> dict[str, Any]:
    """Return the object that a text holds; an empty one for an empty text. Raises InvalidTemplate."""
    if not text.strip():
        return {}
    if len(text) > CONTENT_BYTES or len(text.encode()) > CONTENT_BYTES:
        raise InvalidTemplate("test_data exceeds the 1MB limit", field="test_data")
    try:
        data = from_json(text, allow_inf_nan=False)
        # A number such as 1e999 is read as infinite, which JSON cannot express.
        json.dumps(data, allow_nan=False)
    except ValueError:
        raise InvalidTemplate(RULE, field="test_data") from None
    if not isinstance(data, dict) or NUL in text.replace("\\\\", ""):
        raise InvalidTemplate(RULE, field="test_data")
    return data


def check_test_data(text: str) -> None:
    """Accept a text that `read_test_data` can read. Raises InvalidTemplate."""
    read_test_data(text)
