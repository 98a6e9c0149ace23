"""Provide bodies of mail/send for tests to start from."""

from __future__ import annotations

from typing import Any


def mail_body(**changes: Any) -> dict[str, Any]:
    """Return the smallest accepted mail with changes; a value of None removes the key."""
    body = {
        "personalizations": [{"to": [{"email": "john@example.com"}]}],
        "from": {"email": "from_address@example.com"},
        "subject": "Hello, World!",
        "content": [{"type": "text/plain", "value": "Hello, World!"}],
    } | changes
    return {key: value for key, value in body.items() if value is not None}


def personalized(**changes: Any) -> dict[str, Any]:
    """Return the smallest accepted mail with changes to its one personalization."""
    personalization = {"to": [{"email": "john@example.com"}]} | changes
    return mail_body(personalizations=[{key: value for key, value in personalization.items() if value is not None}])
