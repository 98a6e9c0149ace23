"""Make a steady load: callers schedule mail and stop or resume it, each in a thread, over HTTP."""

from __future__ import annotations

import json
import random
import threading
import time
from typing import Any

from chaos.api import Answer, Api
from chaos.journal import Journal, Request, Stop
from chaos.site import Site

STORIES = {
    ("left alone",): 8,
    ("pause", "resume"): 6,
    ("cancel",): 3,
    ("cancel", "resume"): 2,
    ("pause", "cancel"): 2,
    ("pause", "resume", "pause", "resume"): 2,
}
GIVE_UP_SECONDS = 90.0


class Caller(threading.Thread):
    """A caller that plays one story after the other until `end` is set, and then finishes the current one."""

    def __init__(self, site: Site, rng: random.Random, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self.site, self.api, self.journal, self.scale = site, site.api, site.journal, site.scale
        self.rng, self.end = rng, end

    def run(self) -> None:
        try:
            while not self.end.is_set():
                if self.site.is_swamped():
                    self.end.wait(0.5)
                else:
                    self.play()
        except Exception as error:
            self.journal.breaches.append(f"a caller failed: {error!r}")

    def play(self) -> None:
        """Create a batch and its mail, and make the moves of a story with it."""
        story = self.rng.choices(list(STORIES), list(STORIES.values()))[0]
        batch_id = self.new_batch() if self.rng.random() < 0.9 or len(story) > 1 else ""
        if batch_id is None:
            return
        send_at = int(time.time()) + self.rng.randint(1, self.scale.ahead_seconds)
        for _ in range(self.rng.randint(1, 3)):
            send_mail(self.api, self.journal, batch_id, self.rng.choice(self.scale.sizes), send_at)
        if story == ("left alone",) or not batch_id:
            self.end.wait(max(0.0, send_at - time.time()) + self.rng.uniform(0.0, 1.0))
            return
        time.sleep(max(0.0, send_at - time.time() + self.rng.uniform(-0.7, 1.5)))
        for move in story:
            if move == "resume":
                self.resume(batch_id)
            else:
                self.stop(batch_id, move)
            time.sleep(self.rng.uniform(*self.scale.thinking_seconds))

    def new_batch(self) -> str | None:
        answer = self.api.ask("POST", "/v3/mail/batch")
        if answer.status != 201:
            self.end.wait(0.5)
            return None
        return str(json.loads(answer.body)["batch_id"])

    def stop(self, batch_id: str, status: str) -> None:
        """Request a stop until it is answered. Make an entry, or change the entry that an earlier try has made."""
        self.journal.stopped_batches.add(batch_id)
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        is_entered = False
        while time.monotonic() < give_up_at:
            body = {"status": status} if is_entered else {"batch_id": batch_id, "status": status}
            method, path = ("PATCH", f"/{batch_id}") if is_entered else ("POST", "")
            answer = self.api.ask(method, f"/v3/user/scheduled_sends{path}", body)
            if answer.status in {201, 204}:
                self.journal.stops.append(read_stop(batch_id, answer))
                return
            if answer.is_unknown:
                time.sleep(1.0)
            else:
                is_entered = not is_entered
                time.sleep(0.05)
        self.journal.breaches.append(f"{status} of {batch_id} was never answered")

    def resume(self, batch_id: str) -> None:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            self.journal.resumes.append((batch_id, time.monotonic()))
            answer = self.api.ask("DELETE", f"/v3/user/scheduled_sends/{batch_id}")
            if not answer.is_unknown:  # 404: an earlier attempt succeeded
                return
            time.sleep(1.0)
        self.journal.breaches.append(f"resume of {batch_id} was never answered")


def read_stop(batch_id: str, answer: Answer) -> Stop:
    """Read a stop's receipt from the headers of the answer."""
    return Stop(
        batch_id=batch_id,
        receipt=answer.headers["x-sluice-receipt"],
        answered_at=answer.answered_at,
        is_settled=answer.headers["x-sluice-settled"] == "true",
        sent=int(answer.headers["x-sluice-sent"]),
    )


def send_mail(api: Api, journal: Journal, batch_id: str, size: int, send_at: int) -> Request:
    """Send the request once. Without an answer it may have been carried out, so it is not repeated."""
    request = journal.new_request(batch_id, size, send_at)
    answer = api.ask("POST", "/v3/mail/send", mail_body(request, send_at))
    request.status = answer.status
    if answer.status == 202:
        request.message_id = answer.headers["x-message-id"]
    elif not answer.is_unknown:
        journal.breaches.append(f"mail/send answered {answer.status}: {answer.body[:200]!r}")
    return request


def mail_body(request: Request, send_at: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "personalizations": [
            {"to": [{"email": recipient}], "substitutions": {"-who-": recipient}} for recipient in request.recipients()
        ],
        "from": {"email": "chaos@sluice.example"},
        "subject": f"Request {request.number}",
        "content": [{"type": "text/plain", "value": "For -who-.\n"}],
        "send_at": send_at,
    }
    return {**body, "batch_id": request.batch_id} if request.batch_id else body
