"""Run Sluice with a counting peer, as the tests in a browser see it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.api import Api
from stack.folders import temporary_folder
from stack.processes import Program
from stack.programs import product_programs
from stack.running import EMBEDDED, RunningStack, running_stack
from tests.peer import CountingPeer

PATIENCE_SECONDS = 90.0
"""How long a test waits; the machine may be busy with other tests."""
PATIENCE_MS = 1000 * PATIENCE_SECONDS
LETTER = b"X-Envelope-To: ann@example.com\nFrom: shop@example.com\nTo: ann@example.com\nSubject: Hello\n\nHello!\n"


@dataclass(frozen=True)
class Site:
    """The stack, the peer that takes its mail, and the API of the account `shop`."""

    stack: RunningStack
    peer: CountingPeer
    api: Api

    def url(self, path: str) -> str:
        return self.stack.base_url + path

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the JSON of a response, which must be a success."""
        answer = self.api.ask(method, path, body)
        assert 200 <= answer.status < 300, (answer.status, answer.body)
        return json.loads(answer.body or b"null")

    def send(self, subject: str, recipients: list[str], *, seconds: float = 0) -> str:
        """Schedule a mailing of one message to each recipient, and return the id of its batch."""
        batch_id = str(self.call("POST", "/v3/mail/batch")["batch_id"])
        mail = {
            "personalizations": [{"to": [{"email": recipient}]} for recipient in recipients],
            "from": {"email": "shop@example.com", "name": "Shop"},
            "subject": subject,
            "content": [{"type": "text/plain", "value": "Hello!"}],
            "categories": ["offers"],
            "send_at": int(time.time() + seconds),
            "batch_id": batch_id,
        }
        self.call("POST", "/v3/mail/send", mail)
        return batch_id

    def status(self, batch_id: str) -> str:
        """Return the status of a batch."""
        return str(self.call("GET", f"/sluice/v1/batches/{batch_id}")["data"]["status"])

    def counts(self, batch_id: str) -> dict[str, int]:
        """Return the messages of a batch by state, without states that no message is in."""
        counts = self.call("GET", f"/sluice/v1/batches/{batch_id}")["data"]["counts"]
        return {state: count for state, count in counts.items() if count}

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        self.stack.wait_until(condition, seconds=PATIENCE_SECONDS, what=what)


@contextmanager
def running_site() -> Iterator[Site]:
    """Start everything, with an object of each kind."""
    with temporary_folder("sluice-browser-") as (folder, _), CountingPeer() as peer:
        inbox = make_inbox(folder)

        def programs(state: Path, port: int, environment: Mapping[str, str]) -> list[Program]:
            # The peer takes the mail, and the page of the inbox still has something to show.
            return product_programs(state, port, {**environment, "LOCAL_INBOX": str(inbox)})

        environment = {**EMBEDDED, "SMTP_URL": peer.url, "RETRY_FIRST_SECONDS": "300"}
        with running_stack(state=folder / "sluice", environment=environment, durable=False, programs=programs) as stack:
            filled = stack.manage("shell", "-c", "from tests.browser.stage import fill; fill()")
            key = json.loads(filled.splitlines()[-1])["api_key"]
            yield Site(stack, peer, Api(stack.base_url, key))


def make_inbox(folder: Path) -> Path:
    """Create a Maildir with one message."""
    inbox = folder / "inbox"
    for name in ("new", "cur", "tmp"):
        (inbox / name).mkdir(parents=True)
    (inbox / "new" / "1.letter").write_bytes(LETTER)
    return inbox
