"""Campaigns in the run: Single Sends and legacy campaigns that are sent, paused and cancelled amid the faults.

Lists, contacts and drafts are made before the first fault. Each campaign has different contacts, since the run counts
every message by its recipient.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chaos.api import Answer
from chaos.journal import DOMAIN
from chaos.site import Site

STORIES = (
    ("Single Send", ()),
    ("legacy campaign", ()),
    ("Single Send", ("pause", "resume")),
    ("Single Send", ("cancel",)),
    ("legacy campaign", ("pause", "cancel")),
)
"""The kinds of campaigns, with the moves that are made with each while it is being sent."""
LEFT_OUT = 5
"""The contacts of each campaign that have unsubscribed before."""
AHEAD_SECONDS = 2
GIVE_UP_SECONDS = 90.0
SENDER = {
    "nickname": "chaos",
    "from": {"email": "news@sluice.example", "name": "News"},
    "reply_to": {"email": "news@sluice.example"},
    "address": "1 Street",
    "city": "Town",
    "country": "Land",
}
CONTENT = {"html_content": "<p>News. [unsubscribe]</p>", "plain_content": "News. [unsubscribe]"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign that is complete: its kind, its two ids, and what will be done with it."""

    kind: str
    number: str
    uuid: str
    moves: tuple[str, ...]

    @property
    def schedule(self) -> tuple[str, str]:
        """Return the method and the path of the request that schedules it."""
        if self.kind == "Single Send":
            return "PUT", f"/v3/marketing/singlesends/{self.uuid}/schedule"
        return "POST", f"/v3/campaigns/{self.number}/schedules"


class Marketer(threading.Thread):
    """A caller that sends one campaign after the other until `end` is set."""

    def __init__(self, site: Site, rng: random.Random, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self.site, self.rng, self.end = site, rng, end
        self.drafts = [draft_campaign(site, kind, moves) for kind, moves in STORIES[: site.scale.campaigns]]

    def run(self) -> None:
        try:
            for draft in self.drafts:
                if self.end.is_set():
                    return
                self.play(draft)
                self.end.wait(self.rng.uniform(1.0, 6.0))
        except Exception as error:
            self.site.journal.breaches.append(f"the marketer failed: {error!r}")

    def play(self, draft: Draft) -> None:
        """Schedule a campaign, and make a marketer's moves with it."""
        if not self.schedule(draft):
            self.site.journal.breaches.append(f"{draft.kind} {draft.number} was never scheduled")
            return
        for move in draft.moves:
            time.sleep(self.rng.uniform(0.5, 3.0))
            self.move(draft, move)

    def schedule(self, draft: Draft) -> bool:
        """Repeat the request until the campaign is scheduled. It is refused if it arrives after the time in it."""
        method, path = draft.schedule
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            answer = self.site.api.ask(method, path, schedule_body(draft, time.time() + AHEAD_SECONDS))
            # It was refused because it is not a draft any more: an earlier attempt without an answer has scheduled it.
            if not answer.is_unknown and (answer.status < 400 or self.status_of(draft) != "draft"):
                return True
            time.sleep(1.0)
        return False

    def move(self, draft: Draft, move: str) -> None:
        """Pause, resume or cancel a campaign. It may have ended meanwhile."""
        if move == "resume":
            self.site.journal.resumes.append((str(self.look(draft)["batch_id"]), time.monotonic()))
        if self.insist("POST", f"/sluice/v1/campaigns/{draft.number}/{move}", {}) is None:
            self.site.journal.breaches.append(f"{move} of {draft.kind} {draft.number} was never answered")

    def look(self, draft: Draft) -> Mapping[str, Any]:
        """Return the campaign as the native API shows it."""
        answer = self.insist("GET", f"/sluice/v1/campaigns/{draft.number}")
        return {} if answer is None else dict(json.loads(answer.body)["data"])

    def status_of(self, draft: Draft) -> str:
        return str(self.look(draft).get("status"))

    def insist(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer | None:
        """Repeat a request until it is answered; return None if no answer comes for a long time."""
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            answer = self.site.api.ask(method, path, body)
            if not answer.is_unknown:
                return answer
            time.sleep(1.0)
        return None


def schedule_body(draft: Draft, at: float) -> dict[str, Any]:
    """Return the body of the request that schedules a campaign."""
    moment = dt.datetime.fromtimestamp(int(at), dt.UTC)
    return {"send_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}" if draft.kind == "Single Send" else int(at)}


def draft_campaign(site: Site, kind: str, moves: tuple[str, ...] = ()) -> Draft:
    """Make a complete campaign, with a list of contacts, by the API."""
    number = len(site.query("select 1 from campaigns_campaign"))
    list_id, list_uuid = fill_list(site, number)
    content: dict[str, Any] = {"subject": f"News {number}", **CONTENT}
    content |= {"sender_id": find_sender(site), "suppression_group_id": find_group(site)}
    if kind == "Single Send":
        single_send = {"name": f"Single Send {number}", "send_to": {"list_ids": [list_uuid]}, "email_config": content}
        made = site.api.call("POST", "/v3/marketing/singlesends", single_send)
    else:
        campaign = {"title": f"Campaign {number}", **content, "list_ids": [list_id]}
        made = site.api.call("POST", "/v3/campaigns", campaign)
    statement = "select id, uuid from campaigns_campaign where %s in (id::text, uuid::text)"
    ((campaign_id, uuid),) = site.query(statement, str(made["id"]))
    return Draft(kind, str(campaign_id), str(uuid), moves)


def fill_list(site: Site, number: int) -> tuple[int, str]:
    """Make a list of new contacts, some of whom have unsubscribed, and return its two ids."""
    emails = [f"c{number}-{n}@{DOMAIN}" for n in range(site.scale.contacts)]
    contacts = site.api.call("POST", "/v3/contactdb/recipients", [{"email": email} for email in emails])
    list_id = site.api.call("POST", "/v3/contactdb/lists", {"name": f"List {number}"})["id"]
    site.api.call("POST", f"/v3/contactdb/lists/{list_id}/recipients", contacts["persisted_recipients"])
    site.api.call("POST", "/v3/asm/suppressions/global", {"recipient_emails": emails[:LEFT_OUT]})
    ((uuid,),) = site.query("select uuid from campaigns_contactlist where id = %s", list_id)
    return list_id, str(uuid)


def find_sender(site: Site) -> int:
    """Return the sender of all campaigns. The link that verifies it is not followed, since the peer keeps no mail."""
    if rows := site.query("select id from campaigns_sender"):
        return int(rows[0][0])
    sender_id = int(site.api.call("POST", "/v3/senders", SENDER)["id"])
    site.query("update campaigns_sender set verified_at = sluice_now() returning id")
    return sender_id


def find_group(site: Site) -> int:
    """Return the group of recipients who can unsubscribe from all campaigns."""
    if rows := site.query("select id from mailer_unsubscribegroup"):
        return int(rows[0][0])
    return int(site.api.call("POST", "/v3/asm/groups", {"name": "news", "description": "News"})["id"])
