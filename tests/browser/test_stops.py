"""A mailing of the API is stopped by a word of its subject, from the start page to its receipt."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import find_faults
from tests.browser.pages import Desk

pytestmark = pytest.mark.browser

RECIPIENTS = [f"reader-{number}@example.com" for number in range(30)]
MOST_KEYS = 10
LATER = 1800.0


class Keyboard:
    """A keyboard that counts its keys, apart from typed text."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keys = 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1


def test_a_mailing_is_stopped_by_its_subject_without_a_mouse(desk: Desk) -> None:
    page, site = desk.page, desk.site
    batch_id = site.send("Yesterday's price of the umbrella", RECIPIENTS, seconds=LATER)
    desk.open("/admin/")
    keyboard = Keyboard(page)

    keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find mailings to stop")).to_be_focused()
    page.keyboard.type("umbrella")
    keyboard.press("Enter")
    expect(page.get_by_role("link", name="Cancel Yesterday's price of the umbrella")).to_be_focused()
    keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("The price is wrong")
    keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/receipt"))
    expect(page.get_by_text("umbrella").first).to_be_visible()
    assert keyboard.keys <= MOST_KEYS
    assert site.status(batch_id) == "cancelled"


def test_several_mailings_are_stopped_with_one_confirmation(desk: Desk) -> None:
    page, site = desk.page, desk.site
    subjects = ["Gloves at half the price", "Gloves again", "Gloves for all"]
    first, second, third = (site.send(subject, RECIPIENTS, seconds=LATER) for subject in subjects)
    desk.open("/admin/stop/?q=gloves")
    for subject in subjects[:2]:
        page.get_by_role("checkbox", name=f"Select {subject}").check()
    page.get_by_role("button", name="Cancel selected").click()
    expect(page.get_by_role("heading", name="Cancel 2 mailings?")).to_be_visible()
    page.get_by_role("button", name="Cancel 2 mailings").click()

    for subject in subjects[:2]:
        expect(page.get_by_role("row").filter(has_text=subject).get_by_text("settled", exact=True)).to_be_visible()
    expect(page.get_by_text("60 were stopped")).to_be_visible()
    assert find_faults(page) == []
    assert [site.status(batch_id) for batch_id in (first, second, third)] == ["cancelled", "cancelled", "open"]
