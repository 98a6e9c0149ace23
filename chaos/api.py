"""Call the SendGrid API with a plain client, and record requests without an answer, too."""

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
    """An answer. Status 0 means that no answer came: the request may have been carried out or not."""

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
    """A client of one account. Every request opens a new connection, so that none is found broken."""

    def __init__(self, base_url: str, key: str) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.answers: list[tuple[float, float]] = []
        """The time of each request, and the milliseconds until its answer or the end of waiting."""
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request once."""
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

    def call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """Send a request while nothing is broken, and return the answer. Raises ValueError for a refusal."""
        answer = self.ask(method, path, body)
        if not 200 <= answer.status < 300:
            raise ValueError(f"{method} {path} was answered {answer.status}: {answer.body[:200]!r}")
        return dict(json.loads(answer.body or b"{}"))
