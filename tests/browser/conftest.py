"""Provide one running Sluice and one Chromium for all tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from stack.chromium import running_chromium
from stack.downloads import Unavailable
from tests.browser.axe import axe_source
from tests.browser.pages import Desk
from tests.browser.site import PATIENCE_MS, Site, running_site

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start Chromium; skip the tests where it or axe-core cannot be had.

    It ends with the last test of this folder, and not with the process: as long as Playwright runs, its event loop
    makes Django refuse every query.
    """
    try:
        axe_source()
        with running_chromium() as browser:
            yield browser
    except Unavailable as reason:
        pytest.skip(f"No browser here: {reason}")


@pytest.fixture(scope="package")
def site(chromium: Browser) -> Iterator[Site]:
    """Start all programs of Sluice once: that takes longer than most of the tests."""
    with running_site() as running:
        yield running


@pytest.fixture(scope="package")
def signed_in(chromium: Browser, site: Site) -> Iterator[BrowserContext]:
    """Return a window of an operator who may do everything and is signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(site.url("/admin/login/?next=/admin/"))
    page.fill("input[name=username]", site.stack.logins.admin_username)
    page.fill("input[name=password]", site.stack.logins.admin_password)
    page.keyboard.press("Enter")
    page.wait_for_url(site.url("/admin/"))
    page.close()
    yield context
    context.close()


def shorten_transitions(page: Page) -> None:
    """Let animations and transitions run 100 times as fast. Their ends, which tests wait for, are the same."""
    session = page.context.new_cdp_session(page)
    session.send("Animation.enable")
    session.send("Animation.setPlaybackRate", {"playbackRate": 100})


@pytest.fixture
def desk(signed_in: BrowserContext, site: Site) -> Iterator[Desk]:
    """Return an operator's page. A test fails if the browser reports an error on it."""
    page = signed_in.new_page()
    shorten_transitions(page)
    desk = Desk(page, site)
    yield desk
    page.close()
    assert desk.errors == []


@pytest.fixture(scope="package")
def mailings(site: Site) -> None:
    """Send mail that was taken, refused or deferred, and schedule mail for later."""
    site.peer.replies |= {
        "unknown@example.com": "550 5.1.1 no such user",
        "full@example.com": "452 4.2.2 the mailbox is full",
    }
    sent = site.send("Your order", ["ann@example.com", "unknown@example.com", "full@example.com"])
    site.send("Offers of the week", [f"reader-{number}@example.com" for number in range(20)], seconds=1800)
    paused = site.send("A wrong price", ["ann@example.com"], seconds=1800)
    site.call("POST", f"/sluice/v1/batches/{paused}/pause", {"reason": "The price is wrong"})
    site.wait_until(lambda: site.counts(sent).get("sent") == 1, "the first mailing to be sent")
