"""Clients of an HTTP API: a few connections that post as fast as they are answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


class Caller:
    """One connection, kept open; not for two threads."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self.connection = HTTPConnection(urlsplit(base_url).netloc, timeout=120)
        self.headers = {"Content-Type": "application/json", **headers}

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[Mapping[str, str], Any]:
        """Headers and JSON body of an answer that is 2xx; RuntimeError for another."""
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        told = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {told[:500].decode(errors='replace')}")
        return dict(answer.headers), json.loads(told) if told else None

    def close(self) -> None:
        self.connection.close()


def post_all(base_url: str, headers: Mapping[str, str], path: str, bodies: Iterator[bytes], *, callers: int) -> None:
    """By so many callers at a time; the first failure is raised when all of them have ended."""
    lock = threading.Lock()
    failures: list[Exception] = []

    def post() -> None:
        caller = Caller(base_url, headers)
        try:
            while not failures:
                with lock:
                    body = next(bodies, None)
                if body is None:
                    return
                caller.ask("POST", path, body)
        except Exception as error:
            failures.append(error)
        finally:
            caller.close()

    threads = [threading.Thread(target=post, daemon=True) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
