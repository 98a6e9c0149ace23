"""Define an operator's page in the browser, and find the pages that the admin has."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.urls import Resolver404, resolve
from playwright.sync_api import ConsoleMessage, Error, Page

from tests.browser.site import Site

LINKS = """() => [...document.querySelectorAll("a[href], [hx-get]")]
    .map(each => each.getAttribute("hx-get") || each.getAttribute("href"))
    .map(each => new URL(each, location.href)).filter(each => each.origin === location.origin)
    .map(each => each.pathname + each.search)"""
END_OF_TRANSITIONS = """async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const isMoving = each => each instanceof CSSTransition && each.playState === "running";
    while (document.getAnimations().some(isMoving)) await new Promise(resolve => setTimeout(resolve, 20));
}"""
"""Ends when no property of the page is on its way to another value. Two frames pass until all of them have begun.

The promise `finished` of a transition may stay open for good in Chromium, so it asks for the state again and again.
"""


@dataclass
class Desk:
    """A page of the console, and what the browser has complained about."""

    page: Page
    site: Site
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(f"{self.page.url}: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        # A page that a test opens on purpose may be missing; that is no error of a script.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.errors.append(f"{self.page.url}: {message.text}")

    def open(self, path: str) -> int:
        """Open a page of the site and return the status of the response."""
        try:
            response = self.page.goto(self.site.url(path), wait_until="load")
        except Error as error:
            if "ERR_HTTP_RESPONSE_CODE_FAILURE" not in str(error):
                raise
            return 405
        assert response is not None
        return response.status

    def switch_theme(self, name: str) -> None:
        """Show the page in light or dark, as the operator's menu does. Pages without that menu stay unchanged."""
        script = "name => window.Alpine && Alpine.$data(document.documentElement).switchTheme?.(name)"
        self.page.evaluate(script, name)
        # Until then, colours are between those of both.
        self.page.evaluate(END_OF_TRANSITIONS)

    def links(self) -> list[str]:
        """Return the pages of the site to which the page has links, with their queries."""
        return list(self.page.evaluate(LINKS))


def route_of(path: str) -> str | None:
    """Return the name of the route that a path belongs to, or None."""
    try:
        return resolve(path.partition("?")[0]).url_name
    except Resolver404:
        return None
