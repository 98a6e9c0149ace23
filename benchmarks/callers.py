"""A client of an HTTP API, for single calls; a load of them comes from http_load.py."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

KEPT_SECONDS = 1.0
"""Shorter than any server keeps an idle connection."""


class Caller:
    """One connection, kept open while calls follow each other closely; not for two threads."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self.connection = HTTPConnection(urlsplit(base_url).netloc, timeout=120)
        self.headers = {"Content-Type": "application/json", **headers}
        self.used_at = 0.0

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[Mapping[str, str], Any]:
        """Headers and JSON body of an answer that is 2xx; RuntimeError for another."""
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
