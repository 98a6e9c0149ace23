"""Take the pictures in docs/screenshots/ again: the command `./sluice screenshots`.

It starts a stack with an inbox that is slow, schedules some mailings, and cancels one of them while it is being sent.
The pictures show the page Now meanwhile, and the receipt.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stack import ROOT, StackError
from stack.chromium import running_chromium
from stack.downloads import Unavailable
from stack.folders import temporary_folder
from stack.parsers import screenshots
from stack.running import RunningStack, running_stack
from stack.say import say

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = ROOT / "docs" / "screenshots"
SIZE = {"width": 1280, "height": 860}
REQUEST_SIZE = 1000
INBOX_DELAY_SECONDS = 0.02
AHEAD_SECONDS = 30
STOP_AFTER = 3000
"""The number of sent messages at which the wrong mailing is cancelled."""
RUNNING, WRONG = "Offers of the week", "Half price on everything"
COMING = (("Your invoice of November", 350, 20), ("News of December", 12_000, 35), ("Your appointment", 80, 50))
"""Subjects, messages and the minutes until their time."""
REASON = "Wrong price in the subject"
PATIENCE_SECONDS = 300.0


def main(arguments: list[str]) -> int:
    """Take the pictures."""
    screenshots().parse_args(arguments)
    try:
        with running_chromium() as browser, running_site() as stack:
            take(browser, stack)
    except Unavailable as reason:
        raise StackError(f"Chromium is not available: {reason}") from reason
    return 0


@contextmanager
def running_site() -> Iterator[RunningStack]:
    """Start a stack with one mailing under way, one that was cancelled, and three to come."""
    with (
        temporary_folder("sluice-screenshots-") as (folder, _),
        running_stack(state=folder / "state", environment={"SMTP_URL": ""}, durable=False) as stack,
    ):
        stack.slow_inbox_down(INBOX_DELAY_SECONDS)
        service = Service(stack)
        for subject, messages, minutes in COMING:
            service.schedule(subject, messages, time.time() + 60 * minutes)
        at = time.time() + AHEAD_SECONDS
        running, wrong = (service.schedule(subject, 20_000, at) for subject in (RUNNING, WRONG))
        stack.wait_until(
            lambda: service.count_sent(wrong) >= STOP_AFTER, seconds=PATIENCE_SECONDS, what="the mailing to be stopped"
        )
        service.call("POST", f"/sluice/v1/batches/{wrong}/cancel", {"reason": REASON})
        sent = service.count_sent(running)
        stack.wait_until(
            lambda: service.count_sent(running) >= sent + STOP_AFTER, seconds=PATIENCE_SECONDS, what="more mail"
        )
        yield stack


def take(browser: Browser, stack: RunningStack) -> None:
    """Sign in, and store a picture of each page."""
    page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]  # A dict of two numbers, as the package says.
    page.goto(f"{stack.base_url}/admin/")
    page.fill("#id_username", stack.logins.admin_username)
    page.fill("#id_password", stack.logins.admin_password)
    page.keyboard.press("Enter")
    page.get_by_text(RUNNING).first.wait_for()
    shoot(page, "now.png")
    page.goto(f"{stack.base_url}/admin/batches/receipt/")
    page.locator("#result_list a").filter(has_text=re.compile(r"\S")).first.click()
    page.get_by_text(REASON).first.wait_for()
    shoot(page, "receipt.png")


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / name)
    say(f"Took {(FOLDER / name).relative_to(ROOT)}.")


class Service:
    """The APIs of a running stack."""

    def __init__(self, stack: RunningStack) -> None:
        self.base_url = stack.base_url
        self.headers = {"Authorization": f"Bearer {stack.logins.api_key}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the JSON of the response."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, content, self.headers, method=method)
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read() or b"null")

    def schedule(self, subject: str, messages: int, send_at: float) -> str:
        """Schedule a mailing and return the id of its batch."""
        batch_id = str(self.call("POST", "/v3/mail/batch")["batch_id"])
        for first in range(0, messages, REQUEST_SIZE):
            recipients = range(first, min(first + REQUEST_SIZE, messages))
            mail = {
                "personalizations": [{"to": [{"email": f"reader-{number}@example.com"}]} for number in recipients],
                "from": {"email": "shop@example.com", "name": "Shop"},
                "subject": subject,
                "content": [{"type": "text/plain", "value": "Hello!"}],
                "send_at": int(send_at),
                "batch_id": batch_id,
            }
            self.call("POST", "/v3/mail/send", mail)
        return batch_id

    def count_sent(self, batch_id: str) -> int:
        """Return how many messages of a batch were sent."""
        return int(self.call("GET", f"/sluice/v1/batches/{batch_id}")["data"]["counts"]["sent"])
