"""Tell which provider receives the mail of a domain."""

from __future__ import annotations

from typing import Final

REST: Final = "rest"
GROUPS: Final[dict[str, str]] = {
    "gmail.com": "google",
    "googlemail.com": "google",
}
"""The provider group by domain, in lower case."""


def group_of(recipient: str) -> str:
    """Return the provider group of an address."""
    return GROUPS.get(recipient[recipient.rfind("@") + 1 :].lower(), REST)
