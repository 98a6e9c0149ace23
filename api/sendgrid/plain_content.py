"""Decide whether the plain text of some content is the caller's or is generated from the HTML."""

from __future__ import annotations

from typing import Any


def with_plain_content(changes: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    """Return the changes without a plain text where one is generated.

    A plain text of the caller turns the generation off, unless the request says otherwise.
    """
    html, plain = (changes.get(name, "").strip() for name in ("html_content", "plain_content"))
    generates = changes.get("generates_plain", True if is_new and html else None)
    if generates and (html or not is_new):
        changes["plain_content"] = ""
    elif generates is None and plain:
        changes["generates_plain"] = False
    return changes
