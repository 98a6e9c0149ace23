"""Call the native API of a running Sluice: that of `--url` and `--key`, of the environment, or of the local stack.

It needs only the standard library. Failures become a StackError that says what to do.
"""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from stack import StackError

TIMEOUT_SECONDS = 30
API = "/sluice/v1"


class Refused(StackError):
    """An answer with an error: its HTTP status, and the code of the API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follow no redirect, because the key would be sent to another address."""

    def redirect_request(self, *_: Any) -> None:
        """Return None, so that the redirect is an error."""


@dataclass(frozen=True)
class Remote:
    """An installation of Sluice, and the key that is used there."""

    url: str
    key: str

    def get(self, path: str, *, account: str | None = None, **query: str) -> Any:
        """Return the `data` of an answer to GET. `account` is a subuser. Raises Refused and StackError."""
        return self._ask("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path, None, account)

    def post(self, path: str, body: Mapping[str, object], *, account: str | None = None) -> Any:
        """Return the `data` of an answer to POST. Raises Refused and StackError."""
        return self._ask("POST", path, json.dumps(body).encode(), account)

    def find(self, path: str, *, account: str | None = None) -> Any:
        """Return the `data` of an answer to GET, or None after a 404. Raises Refused and StackError."""
        try:
            return self.get(path, account=account)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def _ask(self, method: str, path: str, body: bytes | None, account: str | None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "User-Agent": "sluice"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if account is not None:
            headers["On-Behalf-Of"] = account
        try:
            request = urllib.request.Request(f"{self.url}{API}{path}", data=body, headers=headers, method=method)
            with self._opener().open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            reason = getattr(error, "reason", error)
            raise StackError(
                f"{self.url} did not answer as a Sluice does ({reason}). "
                "Start the local stack with ./sluice up, or name another installation with --url and --key."
            ) from None

    def _opener(self) -> urllib.request.OpenerDirector:
        host = urllib.parse.urlsplit(self.url).hostname
        # The proxy that the environment may name does not reach this machine.
        local = [urllib.request.ProxyHandler({})] if host in {"127.0.0.1", "localhost", "::1"} else []
        return urllib.request.build_opener(NoRedirects, *local)

    def _refusal(self, error: urllib.error.HTTPError) -> Refused:
        try:
            fields = json.load(error)["error"]
            code, message = str(fields["code"]), str(fields["message"])
            details = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.get("details", {}).items())
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            code, message, details = "", f"{self.url} answered {error.code}, and not as a Sluice does.", ""
        hint = HINTS.get(error.code, "")
        return Refused(error.code, code, " ".join(part for part in (message, details, hint) if part))


HINTS = {
    401: "Check the key: --key, SLUICE_KEY, or the ready.json of the local stack.",
    429: "Wait a minute and try again.",
    503: "Try again in a moment.",
}
"""Advice for the caller, by the status of a response."""


def find_remote(options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Remote:
    """Return the installation that the arguments name, else that of the environment, else the local stack.

    Raises StackError.
    """
    url, key = options.url or environ.get("SLUICE_URL"), options.key or environ.get("SLUICE_KEY")
    if url and key:
        return Remote(checked(url), checked_key(key))
    if url or key:
        missing = "a key: --key or SLUICE_KEY" if url else "an address: --url or SLUICE_URL"
        raise StackError(f"An installation needs an address and a key. Add {missing}.")
    return read_local(options.state)


def checked(url: str) -> str:
    """Return the address without a slash at its end. Raises StackError unless it is one of HTTP."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StackError(f"{url!r} is not an address. Write it as https://mail.example.com.")
    return url.rstrip("/")


def checked_key(key: str) -> str:
    """Return the key without blanks around it, such as the line end of its file. Raises StackError without the key."""
    key = key.strip()
    if not key.isascii() or not key.isprintable():
        raise StackError("The key has characters that no key has. Copy it again: it begins with SG.")
    return key


def read_local(state: Path) -> Remote:
    """Return the stack that runs, or has run, in this folder. Raises StackError."""
    try:
        facts = json.loads((state / "ready.json").read_text())
        return Remote(checked(facts["base_url"]), facts["api_key"])
    except (OSError, ValueError, KeyError, TypeError):
        raise StackError(
            f"No stack has run in {state}. Start one with ./sluice up, name its folder with --state, "
            "or name an installation with --url and --key."
        ) from None
