"""Read the test data of a version: the JSON object that fills previews and test mail."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import from_json

from content.errors import InvalidTemplate
from content.limits import check_content
from foundation.json_values import has_infinity
from foundation.texts import has_nul

RULE: Final = "test_data must be a JSON object in text form"


def read_test_data(text: str) -> dict[str, Any]:
    """Return the object that a text holds; an empty one for an empty text. Raises InvalidTemplate."""
    if not text.strip():
        return {}
    check_content(text, field="test_data")
    if has_nul(text.encode()):
        raise InvalidTemplate(RULE, field="test_data")
    try:
        data = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise InvalidTemplate(RULE, field="test_data") from None
    if not isinstance(data, dict) or has_infinity(data):
        raise InvalidTemplate(RULE, field="test_data")
    return data


def check_test_data(text: str) -> None:
    """Accept a text that `read_test_data` can read. Raises InvalidTemplate."""
    read_test_data(text)
