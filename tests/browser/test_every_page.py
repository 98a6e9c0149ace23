"""Every page of the console is accessible, in light and dark, and fits on a phone."""

from __future__ import annotations

from collections import deque

import pytest

from tests.browser.axe import find_faults
from tests.browser.pages import PARAMETER, Desk, admin_routes, route_of

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
NOT_PAGES = {
    "health": "a fragment",
    "autocomplete": "JSON",
    "jsi18n": "a script",
    "logout": "takes POST only",
    "view_on_site": "a redirect, which no model has",
    "search": "the results in the search of the sidebar",
    "audience_job_rejected": "a file",
    "campaigns_campaign_progress": "a fragment",
    "app_list": "models that the sidebar has, too",
}
SEVERAL = {"campaigns_campaign_change": 4, "batches_batch_change": 3, "mailer_message_change": 2}
"""Pages that look different for objects in different states, and how many of each are opened."""


def test_every_page_is_accessible_and_fits_on_a_phone(desk: Desk, mailings: None) -> None:
    walk = Walk(desk)
    walk.run()
    assert walk.faults == []
    assert walk.missing == set()


class Walk:
    """A walk over the pages of the admin, along the links that they have."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.routes = {name: path for name, path in admin_routes().items() if name not in NOT_PAGES}
        self.waiting = deque(["/admin/"])
        self.seen: dict[str, set[str]] = {}
        self.faults: list[str] = []

    @property
    def missing(self) -> set[str]:
        """Return the names of the routes of which no page was opened."""
        return self.routes.keys() - self.seen.keys()

    def run(self) -> None:
        """Open every page once: first along links, then those to which no page has a link in its present state."""
        self._follow()
        for name in sorted(self.missing):
            if path := self._fill_in(self.routes[name]):
                self.waiting.append(path)
        self._follow()

    def _follow(self) -> None:
        while self.waiting:
            path = self.waiting.popleft()
            name = route_of(path)
            bare = path.partition("?")[0]
            pages = self.seen.get(name or "", set())
            if name in self.routes and bare not in pages and len(pages) < SEVERAL.get(name, 1):
                self.seen.setdefault(name, set()).add(bare)
                self._look_at(path)
                self.waiting.extend(self.desk.links())

    def _look_at(self, path: str) -> None:
        page = self.desk.page
        status = self.desk.open(path)
        faults = [] if status in {200, 403, 404, 405} else [f"status {status}"]
        faults += find_faults(page)
        self.desk.switch_theme("dark")
        faults += find_faults(page, only_colours=True)
        self.desk.switch_theme("light")
        page.set_viewport_size(PHONE)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            faults.append("wider than a phone")
        page.set_viewport_size(DESKTOP)
        self.faults += [f"{path}: {fault}" for fault in faults]

    def _fill_in(self, template: str) -> str | None:
        """Return the path of a route with the parameter of another page below the same folder, or None."""
        folder = PARAMETER.split(template)[0]
        paths = [path for pages in self.seen.values() for path in pages if path.startswith(folder)]
        values = [path.removeprefix(folder).partition("/")[0] for path in paths]
        return next((PARAMETER.sub(value, template) for value in values if value.isdigit()), None)
