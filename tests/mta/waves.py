"""Run Sluice in front of a mail server, and send waves of mail through both."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

from chaos.api import Answer, Api
from stack.folders import temporary_folder
from stack.running import EMBEDDED, RunningStack, running_stack
from stack.services import supervised
from tests.mta.servers import DOMAIN, Server, url_of

MESSAGES = 500
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Site:
    """A mail server and a complete Sluice that delivers to it."""

    server: Server
    version: str
    stack: RunningStack
    api: Api

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Return the answer to a request, which must be 2xx."""
        answer = self.api.ask(method, path, body)
        assert 200 <= answer.status < 300, (answer.status, answer.body)
        return answer

    def start_wave(self, name: str) -> Wave:
        """Have MESSAGES messages sent, to a recipient each."""
        return self.send([[f"{name}-{number}@{DOMAIN}"] for number in range(MESSAGES)])

    def send(self, messages: list[list[str]]) -> Wave:
        """Accept a message to each of these lists of recipients, in one batch, due at once."""
        batch_id = json.loads(self.ask("POST", "/v3/mail/batch").body)["batch_id"]
        wave = Wave(self, batch_id, frozenset(chain.from_iterable(messages)), self.server.count())
        body = {
            "personalizations": [{"to": [{"email": recipient} for recipient in recipients]} for recipients in messages],
            "from": {"email": "sluice@example.com"},
            "subject": "Hello",
            "content": [{"type": "text/plain", "value": "One of many."}],
            "send_at": int(time.time()),
            "batch_id": batch_id,
        }
        self.ask("POST", "/v3/mail/send", body)
        return wave


@dataclass(frozen=True)
class Wave:
    """The messages of one batch, on their way to the server."""

    site: Site
    batch_id: str
    recipients: frozenset[str]
    base: int
    """The number of messages that the server had taken before."""

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        self.site.stack.wait_until(condition, seconds=PATIENCE_SECONDS, what=what)

    def taken(self) -> int:
        """Return how many messages of this wave the server has taken."""
        return self.site.server.count() - self.base

    def wait_for(self, messages: int) -> None:
        """Wait until the server has taken this many, and make sure that there is more to come."""
        self.wait_until(lambda: self.taken() >= messages, f"{messages} messages at {self.site.server.name}")
        assert self.taken() < MESSAGES, "the whole wave was delivered before it could be interrupted"

    def arrived(self) -> Counter[str]:
        """Return how many copies of each message the server has taken, by recipient."""
        return Counter(recipient for recipient in self.site.server.recipients() if recipient in self.recipients)

    def counts(self) -> Mapping[str, int]:
        """Return the batch's messages by state, without states that no message is in."""
        data = json.loads(self.site.ask("GET", f"/sluice/v1/batches/{self.batch_id}").body)["data"]
        return {state: count for state, count in data["counts"].items() if count}

    def wait_for_end(self) -> None:
        """Wait until every message is sent, refused or in doubt."""
        ends = {"sent", "refused", "in_doubt"}
        self.wait_until(lambda: self.counts().keys() <= ends, "every message of the wave to have ended")

    def doubtful(self) -> frozenset[str]:
        """Return the recipients of the messages that Sluice reports as in doubt."""
        path = f"/sluice/v1/messages?state=in_doubt&limit={MESSAGES}&batch_id={self.batch_id}"
        return frozenset(row["recipient"] for row in json.loads(self.site.ask("GET", path).body)["data"])

    def replay(self, doubtful: frozenset[str]) -> None:
        """Have the messages in doubt sent again, if there are any."""
        if doubtful:
            body = {"state": "in_doubt", "batch_id": self.batch_id, "reason": "they may be missing"}
            self.site.ask("POST", "/sluice/v1/messages/replay", body)


@contextmanager
def running_server(kind: type[Server], port: int) -> Iterator[Server]:
    """Start a mail server in a folder that is thrown away. Raises Unavailable."""
    with temporary_folder("sluice-mta-") as (folder, lock), supervised(folder, lock) as processes:
        (folder / kind.name).mkdir()
        server = kind(processes, folder / kind.name, port)
        with closing(server):
            server.start()
            yield server


@contextmanager
def running_sluice(smtp_port: int) -> Iterator[RunningStack]:
    """Start all programs of Sluice, which deliver to whichever server has the port."""
    environment = {**EMBEDDED, "SMTP_URL": url_of(smtp_port)}
    impatient = {"RETRY_FIRST_SECONDS": "1", "RETRY_LONGEST_SECONDS": "1"}
    with (
        temporary_folder("sluice-mta-") as (folder, _),
        running_stack(state=folder / "sluice", environment={**environment, **impatient}, durable=False) as stack,
    ):
        yield stack
