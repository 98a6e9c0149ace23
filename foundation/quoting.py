"""Read the quoted texts of query languages."""

from __future__ import annotations

import re


def unquote(text: str) -> str:
    """Return the text without its quotes, and with its escape sequences replaced."""
    quote = text[:1]
    if quote == "`":
        return text[1:-1]
    if quote not in ("'", '"'):
        return text
    return re.sub(rf"\\(['\"\\])|{quote}{quote}", lambda match: match[1] or quote, text[1:-1])
