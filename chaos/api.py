"""SendGrid's wire as a plain client speaks it, and what to make of no answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60.0
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status 0: none came, and what was asked may have been done or not."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked_at: float
    answered_at: float

    @property
    def is_unknown(self) -> bool:
        """Return whether the caller cannot know what became of the request."""
        return self.status == NO_ANSWER or self.status >= 500


class Api:
    """One account's view of the service. Every request has a connection of its own, so that none is found dead."""

    def __init__(self, base_url: str, key: str) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.answers: list[tuple[float, float]] = []
        """The moment of each request, and the milliseconds until its answer, or until it was given up."""
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Ask once."""
        asked_at = time.monotonic()
        connection = HTTPConnection(self._host, self._port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self._headers)
            response = connection.getresponse()
            content = response.read()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, content, asked_at, time.monotonic())
        except (OSError, HTTPException):
            return Answer(NO_ANSWER, {}, b"", asked_at, time.monotonic())
        finally:
            self.answers.append((asked_at, (time.monotonic() - asked_at) * 1000))
            connection.close()
