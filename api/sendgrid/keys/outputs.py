"""Write API keys."""

from __future__ import annotations

from typing import Any

from accounts.keys import spell_out
from accounts.models import ApiKey


def line(row: ApiKey) -> dict[str, str]:
    """Return a key as an entry of the list."""
    return {"name": row.name, "api_key_id": row.key_id}


def name(row: ApiKey) -> dict[str, str]:
    """Return the name of a key."""
    return {"api_key_id": row.key_id, "name": row.name}


def key(row: ApiKey) -> dict[str, Any]:
    """Return a key with its scopes."""
    return {"api_key_id": row.key_id, "name": row.name, "scopes": spell_out(row.scopes)}


def new_key(row: ApiKey, text: str) -> dict[str, Any]:
    """Return a new key. No other answer shows the key itself."""
    return {"api_key": text, **key(row)}
