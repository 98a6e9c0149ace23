"""Take the screenshot of the console that the README shows: a batch that was cancelled while it was being sent.

Run `./sluice up --port 8025 --state /tmp/sluice-try --ready-file /tmp/sluice-try.json` on an empty state folder. Then
run this file in another environment that has playwright (`pip install playwright`) and with Chromium installed:

    python docs/screenshots/take.py /tmp/sluice-try.json /usr/bin/chromium
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent
MESSAGES, REQUEST_SIZE, STOP_AFTER = 30_000, 1000, 5000


class Service:
    """The APIs of a running stack."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the JSON of the response."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, content, self.headers, method=method)
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read() or b"null")

    def schedule(self, messages: int, send_at: float) -> str:
        """Schedule a batch and return its id."""
        batch_id = str(self.call("POST", "/v3/mail/batch")["batch_id"])
        for first in range(0, messages, REQUEST_SIZE):
            recipients = range(first, min(first + REQUEST_SIZE, messages))
            mail = {
                "personalizations": [{"to": [{"email": f"reader-{number}@example.com"}]} for number in recipients],
                "from": {"email": "news@example.com", "name": "News"},
                "subject": "This week",
                "content": [{"type": "text/plain", "value": "Hello!"}],
                "send_at": int(send_at),
                "batch_id": batch_id,
            }
            self.call("POST", "/v3/mail/send", mail)
        return batch_id

    def count_sent(self, batch_id: str) -> int:
        """Return how many messages of a batch were sent."""
        return int(self.call("GET", f"/sluice/v1/batches/{batch_id}")["data"]["counts"]["sent"])


def main(ready_file: str, chromium: str) -> None:
    """Schedule a batch, cancel it while it is being sent, and take the picture."""
    facts = json.loads(Path(ready_file).read_text())
    service = Service(facts["base_url"], facts["api_key"])
    batch_id = service.schedule(MESSAGES, time.time() + 30)
    while service.count_sent(batch_id) < STOP_AFTER:
        time.sleep(0.05)
    service.call("POST", f"/sluice/v1/batches/{batch_id}/cancel", {"reason": "Wrong price in the subject"})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 730})
        page.goto(facts["admin_url"])
        page.fill("#id_username", facts["admin_username"])
        page.fill("#id_password", facts["admin_password"])
        page.click("button[type=submit]")
        page.wait_for_load_state()
        page.goto(f"{facts['admin_url']}batches/batch/?q={batch_id}")
        page.click(f"text={batch_id}")
        page.wait_for_load_state()
        page.screenshot(path=FOLDER / "stopped-batch.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
