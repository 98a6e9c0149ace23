"""Describe how an endpoint's events become a body: one form for each dialect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from events.log.reading import Happened
from events.models import Endpoint
from events.native import write_event, write_time
from events.webhooks.kinds import native_bit
from events.webhooks.secrets import decrypt
from events.webhooks.signing import sign_with_secrets

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Form(Protocol):
    """The form of a dialect. `kinds` is the mask of the kinds that an endpoint gets."""

    def write(self, event: Happened, kinds: int) -> list[Mapping[str, Any]]:
        """Return the text of an event in the body; empty if the endpoint does not get the event."""
        ...

    def join(self, events: Sequence[bytes], last_at: float) -> bytes:
        """Return the body of some texts, each with one or two events in JSON. `last_at` is the time of the last one."""
        ...

    def sign(self, endpoint: Endpoint, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """Return the headers of an attempt that the receiver verifies. Raises LostSecret."""
        ...


class NativeForm:
    """The native events in one object, signed as Standard Webhooks describes."""

    def write(self, event: Happened, kinds: int) -> list[Mapping[str, Any]]:
        return [write_event(event)] if kinds & native_bit(event.kind) else []

    def join(self, events: Sequence[bytes], last_at: float) -> bytes:
        return b'{"type":"events","timestamp":"%b","data":[%b]}' % (write_time(last_at).encode(), b",".join(events))

    def sign(self, endpoint: Endpoint, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        secrets = [endpoint.secret, endpoint.valid_previous_secret(timestamp)]
        return sign_with_secrets([decrypt(secret) for secret in secrets if secret], delivery_id, timestamp, body)
