"""Bodies of mail/send to start from."""

from __future__ import annotations

from typing import Any


def mail_body(**changes: Any) -> dict[str, Any]:
    """The smallest mail that is accepted, with changes; a value of None takes the key away."""
    body = {
        "personalizations": [{"to": [{"email": "john@example.com"}]}],
        "from": {"email": "from_address@example.com"},
        "subject": "Hello, World!",
        "content": [{"type": "text/plain", "value": "Hello, World!"}],
    } | changes
    return {key: value for key, value in body.items() if value is not None}


def personalized(**changes: Any) -> dict[str, Any]:
    """The smallest mail, its one personalization changed."""
    one = {"to": [{"email": "john@example.com"}]} | changes
    return mail_body(personalizations=[{key: value for key, value in one.items() if value is not None}])
