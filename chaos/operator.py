"""Read the pages of the console over HTTP, as an operator."""

from __future__ import annotations

import re
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener

PATIENCE_SECONDS = 30.0
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Operator:
    """A session of the console, which begins with the login."""

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._base_url = base_url
        self._opener: OpenerDirector = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        token = TOKEN.search(self.read("/admin/login/"))
        if token is None:
            raise ValueError("The login page has no form.")
        form = {"csrfmiddlewaretoken": token[1], "username": username, "password": password, "next": "/admin/"}
        if TOKEN.search(body := self._open("/admin/login/", urlencode(form).encode())) and 'name="password"' in body:
            raise ValueError("The login of the operator was refused.")

    def read(self, path: str) -> str:
        """Return the body of a page. Raises HTTPError for a page that fails."""
        return self._open(path, None)

    def send(self, path: str, form: dict[str, str]) -> str:
        """Confirm the question of a page, and return the body of the page that follows."""
        token = TOKEN.search(self.read(path))
        if token is None:
            raise ValueError(f"The page {path} asks nothing.")
        return self._open(path, urlencode({"csrfmiddlewaretoken": token[1], **form}).encode())

    def _open(self, path: str, form: bytes | None) -> str:
        with self._opener.open(f"{self._base_url}{path}", form, timeout=PATIENCE_SECONDS) as response:
            return str(response.read().decode())
