"""Run a self-checking demonstration on the real stack, through the official `sendgrid` client.

Five batches are due at one moment: one is left alone, one is paused and resumed, one is cancelled, one is paused for
too long, and one of 2,000 messages is cancelled while it is being sent. The mail in the inbox is compared with the
expected mail; the exit code is 0 only if all of it agrees.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack import parsers
from stack.folders import temporary_folder
from stack.received import Received
from stack.running import RunningStack, running_stack
from stack.say import say, show

SMALL, LARGE = 40, 2000
REQUEST_SIZE = 1000
AHEAD_SECONDS = 3
RETENTION_SECONDS = 4
INBOX_DELAY_SECONDS = 0.03
STOP_AFTER = 300
WATCH_SECONDS = 5
"""The time for which the inbox is watched after the stop has answered."""


@dataclass
class Story:
    """One batch of the demo: the moves that are made with it, and the expected result."""

    name: str
    title: str
    messages: int
    batch_id: str = ""
    expected: int = 0
    received: int = 0
    end_state: str = "sent"
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def is_as_expected(self) -> bool:
        """Return whether the inbox has exactly the expected mail and the service reports the same states."""
        unsent = self.messages - self.expected
        is_reported = self.counts.get("sent") == self.expected and (
            not unsent or self.counts.get(self.end_state) == unsent
        )
        return self.received == self.expected and is_reported


def main(arguments: list[str]) -> int:
    """Run the demo; return 0 when everything is as expected, and 1 otherwise."""
    options = parsers.demo().parse_args(arguments)
    started = time.monotonic()
    with temporary_folder("sluice-demo-") as (folder, _):
        environment = {"RETENTION_SECONDS": str(RETENTION_SECONDS)}
        with running_stack(state=folder / "state", environment=environment, durable=False) as stack:
            result = Demo(stack).play()
    result["seconds"] = round(time.monotonic() - started, 1)
    show(json.dumps(result, indent=2) if options.json else table(result))
    return 0 if result["ok"] else 1


class Demo:
    """The five batches on a running stack."""

    def __init__(self, stack: RunningStack) -> None:
        from sendgrid import SendGridAPIClient

        self.stack = stack
        self.client: Any = SendGridAPIClient(api_key=stack.logins.api_key, host=stack.base_url).client
        assert stack.inbox is not None, "the demo needs the local inbox to count its mail"
        self.inbox = Received(Path(stack.inbox))
        self.alone = Story("alone", "left alone", SMALL, expected=SMALL)
        self.resumed = Story("resumed", "paused, then resumed after its time", SMALL, expected=SMALL)
        self.cancelled = Story("cancelled", "cancelled before its time", SMALL, end_state="discarded")
        self.expired = Story("expired", f"paused past its retention ({RETENTION_SECONDS} s here)", SMALL)
        self.expired.end_state = "expired"
        self.stopped = Story("stopped", "cancelled while it was being sent", LARGE, end_state="discarded")
        self.stories = [self.alone, self.resumed, self.cancelled, self.expired, self.stopped]
        self.send_at = 0

    def play(self) -> dict[str, Any]:
        """Play the demo, from the first request to the last count."""
        self.stack.slow_inbox_down(INBOX_DELAY_SECONDS)
        self.send_at = math.ceil(time.time()) + AHEAD_SECONDS
        self.schedule_all()
        self.hold(self.resumed, "pause")
        self.hold(self.cancelled, "cancel")
        self.hold(self.expired, "pause")
        self.wait_for(lambda: self.count(self.stopped) >= STOP_AFTER, "the first messages of the big batch")
        stop = self.stop_in_the_middle()
        self.wait_for(lambda: self.now() >= 2, "the time of the paused batch to pass")
        retained = self.count(self.resumed) == 0
        self.say(f"'{self.resumed.name}' is due and retained: {self.count(self.resumed)} received; resuming it")
        self.client.user.scheduled_sends._(self.resumed.batch_id).delete()
        self.wait_for(lambda: self.count(self.resumed) >= SMALL, "the resumed batch")
        self.say(f"'{self.resumed.name}' was delivered: {self.count(self.resumed)} received")
        self.wait_for(lambda: self.now() > RETENTION_SECONDS + 2, "the retention to end")
        self.client.user.scheduled_sends._(self.expired.batch_id).delete()
        self.say(f"'{self.expired.name}' was resumed after the end of its retention")
        self.watch_after_stop(stop)
        return self.result(stop, retained)

    def schedule_all(self) -> None:
        """Make the batches and schedule their mail, all for the same moment."""
        for story in self.stories:
            story.batch_id = json.loads(self.client.mail.batch.post().body)["batch_id"]
            for first in range(0, story.messages, REQUEST_SIZE):
                self.client.mail.send.post(request_body=self.mail(story, first))
            self.say(f"'{story.name}': {story.messages} messages accepted for T")

    def mail(self, story: Story, first: int) -> dict[str, Any]:
        """Return a request with up to `REQUEST_SIZE` messages with personal content."""
        numbers = range(first, min(first + REQUEST_SIZE, story.messages))
        return {
            "personalizations": [
                {"to": [{"email": f"{story.name}-{n}@demo.example"}], "substitutions": {"-n-": str(n)}} for n in numbers
            ],
            "from": {"email": "demo@sluice.example", "name": "The demo"},
            "subject": f"{story.title} (-n-)",
            "content": [{"type": "text/plain", "value": "You are recipient -n-.\n"}],
            "send_at": self.send_at,
            "batch_id": story.batch_id,
        }

    def hold(self, story: Story, status: str) -> None:
        """Pause or cancel a batch before its time."""
        self.client.user.scheduled_sends.post(request_body={"batch_id": story.batch_id, "status": status})
        self.say(f"'{story.name}': {status} request answered")

    def stop_in_the_middle(self) -> dict[str, Any]:
        """Cancel the big batch while it is being sent, and return the answer beside the inbox's count."""
        began_at = time.monotonic()
        answer = self.client.user.scheduled_sends.post(
            request_body={"batch_id": self.stopped.batch_id, "status": "cancel"}
        )
        took = time.monotonic() - began_at
        received = self.count(self.stopped)
        headers = answer.headers
        stop = {
            "settled": headers["X-Sluice-Settled"] == "true",
            "sent": int(headers["X-Sluice-Sent"]),
            "receipt": headers["X-Sluice-Receipt"],
            "answered_after_ms": round(took * 1000),
            "received_when_answered": received,
        }
        self.stopped.expected = stop["sent"]
        self.say(
            f"'{self.stopped.name}': cancel answered after {stop['answered_after_ms']} ms, settled {stop['settled']}: "
            f"{stop['sent']} of {LARGE} were sent; the inbox has {received}"
        )
        self.stopped_at = time.monotonic()
        return stop

    def watch_after_stop(self, stop: dict[str, Any]) -> None:
        """Check for some seconds that no more mail of the stopped batch arrives."""
        self.wait_for(lambda: time.monotonic() - self.stopped_at >= WATCH_SECONDS, "the watch after the stop")
        stop["received_5_seconds_later"] = self.count(self.stopped)
        self.say(f"'{self.stopped.name}': five seconds after the stop the inbox has {self.count(self.stopped)}")

    def result(self, stop: dict[str, Any], retained: bool) -> dict[str, Any]:
        """Return the result: the expected and the received counts of each batch, and the stop."""
        output = self.stack.manage("show_batch", "--json", "--", *(story.batch_id for story in self.stories))
        for story in self.stories:
            story.received = self.count(story)
            story.counts = json.loads(output)[story.batch_id]["counts"]
        exact = stop["settled"] and 0 < stop["sent"] < LARGE
        exact = exact and stop["sent"] == stop["received_when_answered"] == stop["received_5_seconds_later"]
        ok = exact and retained and not self.inbox.doubled and all(story.is_as_expected for story in self.stories)
        return {
            "ok": ok,
            "batches": [
                {
                    "name": story.name,
                    "what": story.title,
                    "accepted": story.messages,
                    "expected": story.expected,
                    "received": story.received,
                    "counts": {name: number for name, number in story.counts.items() if number},
                    "ok": story.is_as_expected,
                }
                for story in self.stories
            ],
            "stop": stop,
            "retained_while_paused": retained,
            "doubled": self.inbox.doubled,
        }

    def count(self, story: Story) -> int:
        """Return how many messages of a batch are in the inbox."""
        return self.inbox.of(story.name)

    def now(self) -> float:
        """Return the seconds since T."""
        return time.time() - self.send_at

    def say(self, text: str) -> None:
        """Print a line of the timeline."""
        say(f"  T{self.now():+6.1f} s  {text}")

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition, and print arrivals twice a second."""
        last, next_look = sum(map(self.count, self.stories)), 0.0

        def look() -> object:
            nonlocal last, next_look
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + 0.5
                counts = {story.name: self.count(story) for story in self.stories}
                if sum(counts.values()) != last:
                    last = sum(counts.values())
                    self.say("inbox: " + ", ".join(f"{number} {name}" for name, number in counts.items() if number))
            return condition()

        self.stack.wait_until(look, seconds=30, what=what)


def table(result: dict[str, Any]) -> str:
    """Return the result for people."""
    lines = ["", f"  {'batch':<10} {'what was done':<38} {'accepted':>8} {'expected':>8} {'received':>8}"]
    for row in result["batches"]:
        verdict = "ok" if row["ok"] else "WRONG"
        lines.append(
            f"  {row['name']:<10} {row['what']:<38} {row['accepted']:>8} {row['expected']:>8} {row['received']:>8}"
            f"  {verdict}"
        )
    stop = result["stop"]
    lines += [
        "",
        f"  The stop answered after {stop['answered_after_ms']} ms, receipt {stop['receipt']}.",
        f"  {stop['sent']} were sent; the inbox had {stop['received_when_answered']} then, and five seconds later "
        f"{stop['received_5_seconds_later']}.",
        f"  {'All counts are as expected' if result['ok'] else 'NOT ALL COUNTS ARE AS EXPECTED'}"
        f" ({result['seconds']} s).",
    ]
    return "\n".join(lines)
