"""Make single calls of an HTTP API; http_load.py makes many."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

KEPT_SECONDS = 1.0
"""The time for which an idle connection is used again, shorter than any server's limit."""


class Caller:
    """One connection for one thread, which stays open while calls follow each other closely."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self.connection = HTTPConnection(urlsplit(base_url).netloc, timeout=120)
        self.headers = {"Content-Type": "application/json", **headers}
        self.used_at = 0.0

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[Mapping[str, str], Any]:
        """Return headers and JSON body of a 2xx answer; raise RuntimeError for any other."""
        if time.monotonic() - self.used_at > KEPT_SECONDS:
            self.connection.close()
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.used_at = time.monotonic()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500].decode(errors='replace')}")
        return dict(answer.headers), json.loads(content) if content else None

    def close(self) -> None:
        self.connection.close()
