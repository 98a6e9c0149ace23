"""Do in a browser what operators do in the console: campaigns, the freeze, imports, failures."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import find_faults
from tests.browser.pages import Desk
from tests.browser.site import Site
from tests.browser.stage import ACCOUNT

pytestmark = pytest.mark.browser

CAMPAIGNS = "/admin/campaigns/campaign/"


def row_of(page: Page, title: str) -> Locator:
    return page.locator("#result_list tbody").filter(has_text=title)


def test_a_campaign_goes_from_draft_to_cancelled_by_its_red_cross(desk: Desk) -> None:
    page, title = desk.page, "News of the harbour"
    desk.open(f"{CAMPAIGNS}add/")
    page.locator("#id_account").select_option(label=ACCOUNT)
    page.locator("#id_title").fill(title)
    page.get_by_role("button", name="Save", exact=True).click()

    page.locator("#id_subject").fill("The harbour is open")
    page.locator("#id_html_content").fill("<p>It is.</p><p><a href='[unsubscribe]'>leave</a></p>")
    for field in ("sender", "suppression_group"):
        page.locator(f"#id_{field}").select_option(index=1)
    # The script of Select2 draws another field over it.
    page.locator("#id_lists").select_option(index=0, force=True)
    page.locator("#id_spread_seconds").fill("3600")
    page.get_by_role("button", name="Send Campaign").click()
    expect(page.locator("#reach")).to_contain_text("3 recipients will get it")
    page.get_by_role("button", name="Send").click()

    desk.open(CAMPAIGNS)
    row = row_of(page, title)
    cross = row.get_by_role("link", name=f"Cancel {title}")
    cross.focus()
    page.keyboard.press("Enter")
    window = page.get_by_role("dialog")
    expect(window.get_by_role("button", name="Confirm")).to_be_visible()
    assert page.evaluate("document.getElementById('modal').contains(document.activeElement)")
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || document.activeElement.closest('#modal')")
    page.keyboard.press("Escape")
    expect(window).to_be_hidden()
    expect(cross).to_be_focused()

    page.keyboard.press("Enter")
    window.get_by_label("Reason").fill("The harbour is closed")
    window.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("is cancelled").first).to_be_visible()
    expect(row_of(page, title).get_by_text("cancelled", exact=False).first).to_be_visible()


@pytest.fixture
def thawed_afterwards(site: Site) -> Iterator[None]:
    """Thaw the installation, whatever becomes of a test."""
    yield
    site.stack.manage("shell", "-v0", "-c", THAW)


THAW = "from batches.stop.freeze import *; is_installation_frozen() and thaw_installation(actor='a test')"


def test_the_freeze_holds_all_mail_until_the_thaw(desk: Desk, thawed_afterwards: None) -> None:
    page, site = desk.page, desk.site
    desk.open("/admin/")
    page.locator("#freeze-everything").click()
    page.get_by_label("Reason").fill("A drill")
    page.get_by_role("button", name=re.compile("Freeze")).click()
    expect(page.locator("#health").get_by_text(re.compile("Frozen"))).to_be_visible()

    batch_id = site.send("During the freeze", ["frozen@example.com"])
    site.wait_until(lambda: site.counts(batch_id) == {"retained": 1}, "the mail to be retained")
    desk.open("/admin/batches/batch/")
    page.locator("#thaw-everything").click()
    page.get_by_role("button", name=re.compile("Thaw")).click()
    expect(page.locator("#health").get_by_text(re.compile("Frozen"))).to_be_hidden()
    site.wait_until(lambda: site.counts(batch_id) == {"sent": 1}, "the mail to be sent after the thaw")


def test_a_file_of_contacts_is_imported_and_its_faults_are_shown(desk: Desk) -> None:
    page = desk.page
    desk.open("/admin/audience/job/")
    page.get_by_role("link", name="Import a file").click()
    page.locator("#id_account").select_option(label=ACCOUNT)
    page.get_by_role("button", name="Continue").click()
    file = {"name": "c.csv", "mimeType": "text/csv", "buffer": b"email\nnew@example.com\nnot an address\n"}
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("errored").first).to_be_visible()
    expect(page.get_by_text("not an address").first).to_be_visible()


def test_failures_are_shown_by_their_reason(desk: Desk, mailings: None) -> None:
    page = desk.page
    desk.open("/admin/")
    page.get_by_role("link", name="Failures", exact=True).first.click()
    reason = page.get_by_role("row").filter(has_text="no such user")
    expect(reason).to_be_visible()
    reason.get_by_role("link").first.click()
    expect(page.get_by_text("unknown@example.com").first).to_be_visible()


def test_all_messages_that_filters_select_are_stopped(desk: Desk) -> None:
    page, site = desk.page, desk.site
    batch_id = site.send("Umbrellas for all", [f"wet-{number}@example.com" for number in range(12)], seconds=1800)
    desk.open(f"/admin/mailer/message/?batch={batch_id}&state=scheduled")
    page.get_by_role("group", name="Everything that matches").get_by_role("link", name="Stop").click()
    expect(page.get_by_role("heading", name="Stop 12 messages?")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page).to_have_url(re.compile("/actions/"))
    site.wait_until(lambda: site.counts(batch_id) == {"stopped": 12}, "the messages to be stopped")
    assert find_faults(page) == []
