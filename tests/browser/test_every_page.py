"""Every page of the console is accessible, in light and dark, and fits on a phone."""

from __future__ import annotations

from collections import deque

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser.axe import find_faults
from tests.browser.pages import Desk, route_of
from tests.browser.site import PATIENCE_MS, Site
from tests.urls import PARAMETER, admin_routes

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
NOT_PAGES = {
    "app_list": "models that the sidebar has, too",
    "audience_job_rejected": "a file",
    "audience_segment_count": "takes POST only",
    "autocomplete": "JSON",
    "campaigns_campaign_progress": "a fragment",
    "campaigns_campaign_reach": "a fragment",
    "content_design_preview": "takes POST only",
    "content_templateversion_preview": "takes POST only",
    "export_messages": "a file",
    "health": "a fragment",
    "index": "Django's index, in whose place is the page Now",
    "jsi18n": "a script",
    "login": "what an operator sees who is not signed in",
    "logout": "takes POST only",
    "search": "the results in the search of the sidebar",
    "view_on_site": "a redirect, which no model has",
}
ELSEWHERE = {"stop_receipts", "bulk_action", "mailer_bulk_action_end"}
"""Pages that are only there after something was done. Tests that do it look at them."""
STARTS = ("/admin/", "/admin/stop/?q=news", "/admin/mailer/message/?state=scheduled")
SHARED = ("_history", "_delete")
"""The ends of the names of routes whose pages look the same for every model."""
EXAMPLES = ("auth_group", "content_template")
"""The models whose pages of these kinds are opened."""
SEVERAL = {"campaigns_campaign_change": 4, "batches_batch_change": 3, "mailer_message_change": 2}
"""Pages that look different for objects in different states, and how many of each are opened."""


def test_every_page_is_accessible_and_fits_on_a_phone(desk: Desk, mailings: None) -> None:
    walk = Walk(desk)
    walk.run()
    assert walk.faults == []
    assert walk.missing == set()


def test_the_pages_before_the_login_are_accessible(chromium: Browser, site: Site) -> None:
    for scheme in ("light", "dark"):
        page = chromium.new_page(color_scheme=scheme)
        page.set_default_timeout(PATIENCE_MS)
        for path in ("/admin/login/", "/nowhere", f"/u/{'x' * 60}/", "/docs/"):
            page.goto(site.url(path))
            if path == "/docs/":
                page.locator(".opblock-summary-control").first.click()
                page.get_by_text("Responses").first.wait_for()
            faults = [fault for fault in find_faults(page) if path != "/docs/" or "(moderate)" not in fault]
            assert faults == [], (path, scheme)
            page.set_viewport_size(PHONE)
            assert not is_wider_than_window(page), path
            page.set_viewport_size(DESKTOP)
        page.close()


def is_wider_than_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


class Walk:
    """A walk over the pages of the admin, along the links that they have."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.routes = {name: path for name, path in admin_routes().items() if is_opened(name)}
        self.waiting = deque(STARTS)
        self.seen: dict[str, set[str]] = {}
        self.refused: set[int] = set()
        """The statuses other than 200 whose page was looked at."""
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
            name, bare = route_of(path), path.partition("?")[0]
            pages = self.seen.setdefault(name, set()) if name in self.routes else None
            if pages is not None and bare not in pages and len(pages) < SEVERAL.get(name or "", 1):
                pages.add(bare)
                self.faults += [f"{path}: {fault}" for fault in self._look_at(path)]
                self.waiting.extend(self.desk.links())

    def _look_at(self, path: str) -> list[str]:
        status = self.desk.open(path)
        if status in self.refused:
            return []
        if status in {403, 404, 405}:
            self.refused.add(status)
        faults = [f"status {status}"] if status >= 500 else []
        page = self.desk.page
        faults += find_faults(page)
        self.desk.switch_theme("dark")
        faults += [f"dark: {fault}" for fault in find_faults(page, only_colours=True)]
        self.desk.switch_theme("light")
        page.set_viewport_size(PHONE)
        if is_wider_than_window(page):
            faults.append("wider than a phone")
        page.set_viewport_size(DESKTOP)
        return faults

    def _fill_in(self, template: str) -> str | None:
        """Return the path of a route with the parameter of another page below the same folder, or None."""
        folder, *others = PARAMETER.split(template)
        if not others:
            return template
        paths = [path for pages in self.seen.values() for path in pages if path.startswith(folder)]
        values = [path.removeprefix(folder).partition("/")[0] for path in paths]
        return next((PARAMETER.sub(value, template) for value in values if value.isdigit()), None)


def is_opened(name: str) -> bool:
    """Return whether a page of this route is opened."""
    return name not in NOT_PAGES.keys() | ELSEWHERE and (not name.endswith(SHARED) or name.startswith(EXAMPLES))
